// SPDX-License-Identifier: Apache-2.0
// Decorated stubs: a pipeline around every blocking unary method of a stub that nobody touched.
//
//   pay::PaymentDecoratedStub stub(pay::Payment::NewStub(channel), {.pipeline = pipeline});
//   stub.Charge(&context, request, &reply);   // as before
//
// It is a pay::Payment::StubInterface, so it goes wherever a stub or its mock goes. What is retried follows
// client.h: a call may be made again after it may have happened only if the .proto declares the method
// idempotency_level IDEMPOTENT or NO_SIDE_EFFECTS, or if its context carries an idempotency key.
// The first attempt is made with the caller's own ClientContext, whose trailers and TryCancel thus work as
// ever. A further attempt is made with a fresh one of the same deadline, metadata, credentials and
// compression; wait_for_ready and authority cannot be read from a context and are not taken over. A caller
// that sends context by hand (traceparent, x-correlation-id) has it sent once: read from there where there is
// no current context, in a fresh ClientContext from the first attempt on.
// Illegal metadata is refused, INVALID_ARGUMENT, before gRPC could abort the process for it.
// Kill switches and faults know a call by its full name, "/pay.Payment/Charge", and `target`.
// Streams and the asynchronous calls are passed on, with the current context among their metadata.
// Threads: as the inner stub, thread-safe.
#ifndef HOLDFAST_GRPC_DECORATE_STUB_H_
#define HOLDFAST_GRPC_DECORATE_STUB_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <holdfast/call.h>
#include <holdfast/grpc/client_options.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/status.h>
#include <holdfast/match.h>
#include <holdfast/outcome.h>
#include <holdfast/pipeline.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::grpc {

// Zero is the default, everywhere.
struct StubOptions {
  Pipeline pipeline = {};  // empty: one of defaults
  std::string target = {};
  Duration timeout{0};  // for each call, besides its context's deadline; 0: none
  std::size_t metadata_budget = kMetadataBudget;
};

// Whether a method may be made again although it may have happened.
enum class Repeat { kMayNot, kMay };

namespace internal {

// One call of a decorated stub, over all its attempts.
class StubCall {
 public:
  StubCall(const StubOptions& stub, std::string_view method, Repeat repeat,
           ::grpc::ClientContext& given);
  StubCall(const StubCall&) = delete;
  StubCall& operator=(const StubCall&) = delete;

  const ::grpc::Status& ready() const { return ready_; }
  const ContextFactory& factory() const { return *factory_; }
  // The context of the next attempt: the caller's, or `fresh`.
  ::grpc::ClientContext& Next(std::optional<::grpc::ClientContext>& fresh);

 private:
  void TakeContext();

  ::grpc::ClientContext& given_;
  std::multimap<std::string, std::string> metadata_;  // the caller's own
  const Facts facts_;
  bool given_is_fit_ = true;  // for the first attempt
  ClientOptions options_;
  std::optional<ContextFactory> factory_;
  ::grpc::Status ready_;
};

template <class Invoke>
::grpc::Status AttemptIn(::grpc::ClientContext& context, const ContextFactory& factory,
                         Attempt& attempt, Invoke& invoke) {
  if (const absl::Status status = factory.Prepare(attempt, context); !status.ok()) {
    attempt.set_outcome(NeverSent(status));
    return FromAbsl(status);
  }
  const ::grpc::Status status = invoke(context);
  attempt.set_outcome(factory.Read(status, context));
  return status;
}

}  // namespace internal

// What generated code calls. Immutable, thread-safe.
class StubGuard {
 public:
  explicit StubGuard(StubOptions options);

  // invoke(ClientContext&) -> ::grpc::Status: one attempt.
  template <class Invoke>
  ::grpc::Status Unary(std::string_view method, Repeat repeat, ::grpc::ClientContext& given,
                       Invoke&& invoke) const {
    internal::StubCall call(options_, method, repeat, given);
    if (!call.ready().ok()) return call.ready();
    return Call(options_.pipeline, call.factory().call(), [&](Attempt& attempt) {
      if (attempt.fault() != 0) {  // there is no canned result to give
        attempt.set_outcome(OutcomeOfCode(HF_UNAVAILABLE));
        return RefusalStatus(holdfast::internal::kNoCannedResult, "no canned result to give");
      }
      std::optional<::grpc::ClientContext> fresh;
      return internal::AttemptIn(call.Next(fresh), call.factory(), attempt, invoke);
    });
  }

  // Adds the current context to a call that is passed on, as far as the budget goes.
  void Tell(::grpc::ClientContext& context) const;

 private:
  StubOptions options_;
};

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_DECORATE_STUB_H_
