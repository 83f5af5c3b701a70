// SPDX-License-Identifier: Apache-2.0
// Guard: what stands between a gRPC method and its work.
//
//   pay::PaymentDecorated guarded(payments, guard);  // a whole service, untouched: decorate.h
//   builder.RegisterService(&guarded);
//
//   ::grpc::Status Charge(::grpc::ServerContext* context, const Request* request, Reply* reply) override {
//     return guard_.Handle(context, *request, reply, "payment.Charge",  // one method
//                          [&](holdfast::grpc::ServerCall& call) { return DoCharge(*request, reply); });
//   }
//
// In order: the drain, the kill switch, the deadline, the key, the rate limit, the bulkhead, the record, the
// work. Whoever refuses does so before the work, on any credentials, and says so by trailer (status.h) and
// by details (ErrorInfo, RetryInfo):
//   draining                                UNAVAILABLE, not started, retry-after
//   a kill switch is on                     its rule's code, not started, retry-after
//   deadline passed, or within the margin   DEADLINE_EXCEEDED, not started
//   key missing, malformed, doubled         INVALID_ARGUMENT
//   rate limit                              RESOURCE_EXHAUSTED, not started, retry-after
//   bulkhead full, or kept for who matters more
//                                           RESOURCE_EXHAUSTED, not started, retry-after
//   waited in its queue in vain             DEADLINE_EXCEEDED, not started, retry-after
//   store down, full, locked                its code, not started
//   the key is at work elsewhere            ABORTED, retry-after
//   the key came with another request       INVALID_ARGUMENT
//   the key failed before, too soon         UNAVAILABLE, retry-after
//   may have happened                       FAILED_PRECONDITION
// A duplicate gets the stored answer, the same bytes and code, with the trailer holdfast-replayed; a
// refusal of the work's own (card declined) is such an answer, with message and details. What the work
// throws passes through; permit and record are settled first.
//
// Interceptors of gRPC 1.51 cannot do this: they can neither refuse nor replay.
#ifndef HOLDFAST_GRPC_SERVER_H_
#define HOLDFAST_GRPC_SERVER_H_

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <holdfast/context.h>
#include <holdfast/grpc/admission.h>
#include <holdfast/grpc/guard_options.h>
#include <holdfast/grpc/server_call.h>
#include <holdfast/idempotency.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

// The part that all blocking flavours share.
template <class Runner, class Work>
::grpc::Status Serve(GuardState& guard, const MethodRef& method, Runner&& runner,
                     ::grpc::ServerContextBase& context, Wire& wire, Work& work) {
  constexpr bool kOwnRunner = !std::is_same_v<std::decay_t<Runner>, StoreRunner>;
  Admission admission(guard, method, context);
  if (!admission.admitted()) return admission.refusal();
  ServerCall& call = admission.call();
  const ScopedContext attached(call.context());
  if constexpr (!kOwnRunner) {
    if (!admission.keyed()) return admission.Settle(Invoke(work, call));
  }
  std::optional<::grpc::Status> own;
  RunOnceReport report;
  const std::string request_bytes = wire.RequestBytes();
  const absl::StatusOr<RunOnceResult> result =
      runner(admission.key(), admission.RunOptions(request_bytes, &report),
             [&](Ticket& ticket, auto&&... more) {
               call.Attach(&ticket);
               own = Invoke(work, call, std::forward<decltype(more)>(more)...);
               call.Attach(nullptr);
               return AnswerOf(*own, call.effect(), wire);
             });
  return admission.Conclude(own, result, report, wire);
}

}  // namespace internal

// A cheap handle over shared state. Thread-safe.
class Guard {
 public:
  using Options = GuardOptions;

  // Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE or HF_R_BAD_OPTIONS naming the field.
  static absl::StatusOr<Guard> Create(Options options);

  // Guards one unary call. `operation` (up to 256 bytes) is part of the key's identity: never reuse it
  // for another method. `work` fills *response; it is callable with (ServerCall&) or with nothing, and
  // returns ::grpc::Status. The request's deterministic bytes are the fingerprint.
  template <class Work>
  ::grpc::Status Handle(::grpc::ServerContextBase* context,
                        const ::google::protobuf::MessageLite& request,
                        ::google::protobuf::Message* response, std::string_view operation,
                        Work&& work) const {
    internal::MessageWire wire(request, response);
    return Serve(runner(), *context, wire, operation, work);
  }

  // As Handle, with a RunOnce of your own, such as one that joins the work's transaction:
  //   runner(const Key&, const RunOnceOptions&, work) -> absl::StatusOr<RunOnceResult>
  // where work(Ticket&, more...) returns an Answer (see BodyOf), to be called at most once; your `work` is
  // then called with (ServerCall&, more...) or (more...). Every call needs a key. Options::store is not
  // used. The runner may call work on another thread, if it waits for it.
  template <class Runner, class Work>
  ::grpc::Status HandleWith(Runner&& runner, ::grpc::ServerContextBase* context,
                            const ::google::protobuf::MessageLite& request,
                            ::google::protobuf::Message* response, std::string_view operation,
                            Work&& work) const {
    internal::MessageWire wire(request, response);
    return Serve(std::forward<Runner>(runner), *context, wire, operation, work);
  }

  // The part that Handle, HandleWith and RawUnary share. For those who write a flavour.
  template <class Runner, class Work>
  ::grpc::Status Serve(Runner&& runner, ::grpc::ServerContextBase& context, internal::Wire& wire,
                       std::string_view operation, Work& work) const {
    internal::MethodRef method = internal::FindMethod(*state_, operation, false);
    if constexpr (!std::is_same_v<std::decay_t<Runner>, internal::StoreRunner>) {
      method.key = KeyRule::kRequired;
    }
    return internal::Serve(*state_, method, std::forward<Runner>(runner), context, wire, work);
  }

  // INVALID_ARGUMENT HF_R_OUT_OF_RANGE naming a policy of Options::methods whose method no service decorated
  // by now has: ask it once all are.
  absl::Status CheckMethods() const;

  // The server is going away: from now on every new call is refused, UNAVAILABLE HF_R_DRAINING, and those
  // that run go on. retry_after: when callers may find another server; 0: GuardOptions::retry_after. For
  // good; a second time only changes retry_after.
  void Drain(Duration retry_after = Duration{0}) const;
  bool draining() const { return state_->gate.closed(); }
  // Calls that were let in and have not ended: unary calls until their status is known, streams of the
  // callback API until OnDone.
  std::uint64_t in_flight() const { return state_->gate.inside(); }
  // Blocks until it drains and nobody is inside, or for `timeout` of real time; whether it came to that.
  bool WaitIdle(Duration timeout) const { return state_->gate.WaitIdle(timeout); }

  internal::StoreRunner runner() const { return {state_->options.store}; }
  internal::GuardState& state() const { return *state_; }  // for drivers

 private:
  explicit Guard(std::shared_ptr<internal::GuardState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::GuardState> state_;
};

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_SERVER_H_
