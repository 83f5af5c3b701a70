// SPDX-License-Identifier: Apache-2.0
// Decorated services: a guard around every method of a service that nobody touched.
//
//   holdfast_decorate(my_protos)                         # CMake: writes payment.holdfast.pb.h
//
//   PaymentService payments;                             // yours, as it is: a pay::Payment::Service
//   pay::PaymentDecorated guarded(payments, guard);      // the one line
//   builder.RegisterService(&guarded);
//
// For a callback service it is pay::PaymentCallbackDecorated (decorate_callback.h). The generated classes
// are one line a method; what happens is in the templates here.
//
//   kind               refused before the inner method   duplicates replayed   place and permit held until
//   unary              by all steps of server.h          yes, with a store     its status is known
//   streams, 3 kinds   by all but key and record         no                    the method returns; OnDone
//
// A method that the .proto declares idempotency_level = NO_SIDE_EFFECTS needs no key. The operation, for
// records, policies and kill switches, is the full name: "/pay.Payment/Charge".
// Context::Current() of the inner method is the caller's; its deadline is the call's, margin taken off.
// Threads: a decorated service may be called from any thread, as the inner one may.
#ifndef HOLDFAST_GRPC_DECORATE_H_
#define HOLDFAST_GRPC_DECORATE_H_

#include <google/protobuf/message.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <holdfast/context.h>
#include <holdfast/grpc/admission.h>
#include <holdfast/grpc/server.h>

#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

// What the .proto says of a method's effects.
enum class SideEffects { kUnknown, kNone };

// One method of a decorated service. A cheap value over the guard's state. Thread-safe.
class GuardedMethod {
 public:
  // `full_name` must outlive it. `fit`: the inner service serves this API; if not, all calls are refused,
  // UNIMPLEMENTED, rather than that gRPC's generated code aborts the process.
  GuardedMethod(const Guard& guard, std::string_view full_name, SideEffects side_effects, bool fit);

  // The blocking kinds; `work` calls the inner method.
  template <class Request, class Response, class Work>
  ::grpc::Status Unary(::grpc::ServerContext* context, const Request* request, Response* response,
                       Work&& work) const {
    static_assert(std::is_base_of_v<::google::protobuf::Message, Response>,
                  "a replay needs the full protobuf runtime, not optimize_for = LITE_RUNTIME");
    internal::MessageWire wire(*request, response);
    return internal::Serve(guard_.state(), method_, guard_.runner(), *context, wire, work);
  }
  template <class Work>
  ::grpc::Status Stream(::grpc::ServerContext* context, Work&& work) const {
    internal::Admission admission(guard_.state(), stream_method(), *context);
    if (!admission.admitted()) return admission.refusal();
    const ScopedContext attached(admission.call().context());
    return admission.Settle(work());
  }

  const Guard& guard() const { return guard_; }
  const internal::MethodRef& method() const { return method_; }
  internal::MethodRef stream_method() const {
    internal::MethodRef method = method_;
    method.key = KeyRule::kIgnored;
    return method;
  }

 private:
  Guard guard_;
  internal::MethodRef method_;
};

// What the generated constructors say; false for a service that mixes APIs, too.
inline bool ServesBlocking(const ::grpc::Service& inner) {
  return !inner.has_callback_methods() && !inner.has_async_methods();
}
inline bool ServesCallbacks(const ::grpc::Service& inner) {
  return !inner.has_synchronous_methods() && !inner.has_async_methods();
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_DECORATE_H_
