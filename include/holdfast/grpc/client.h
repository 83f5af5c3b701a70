// SPDX-License-Identifier: Apache-2.0
// Unary: one guarded call over gRPC.
//
//   ::grpc::Status status = holdfast::grpc::Unary(
//       pipeline, {.call = {.timeout = 800ms}, .idempotency_key = order.id()},
//       [&](::grpc::ClientContext& context) { return stub->Charge(&context, request, &reply); });
//
// Each attempt gets a ClientContext of its own, readied by a ContextFactory (context_factory.h). What the attempt did is read from status and trailers (status.h): UNAVAILABLE may have happened, so it is
// made again only if the call is idempotent, or if the server proved that it had not begun. A connection
// that was refused proves nothing: gRPC does not say whether bytes left before. What broke after the server's
// headers were here is never made again (the committed rule).
// The result is the last attempt's own status, as it came; where none was made, RefusalStatus.
//
// Open the channel with MakeChannel (channel.h), or gRPC's own retries multiply with these.
#ifndef HOLDFAST_GRPC_CLIENT_H_
#define HOLDFAST_GRPC_CLIENT_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <holdfast/call.h>
#include <holdfast/grpc/client_options.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/grpc/status.h>
#include <holdfast/pipeline.h>

#include <stop_token>
#include <type_traits>

namespace holdfast::inline v0_5::grpc {

namespace internal {

template <class Fn>
::grpc::Status MakeAttempt(const ContextFactory& factory, Attempt& attempt, Fn& fn) {
  if (!std::is_invocable_v<Fn&, ::grpc::ClientContext&, Attempt&> && attempt.fault() != 0) {
    attempt.set_outcome({HF_UNAVAILABLE, HF_VERDICT_DERIVE, HF_EFFECT_DERIVE, 0, 0});
    return RefusalStatus(holdfast::internal::kNoCannedResult, "no canned result to give");
  }
  ::grpc::ClientContext context;
  if (const absl::Status status = factory.Prepare(attempt, context); !status.ok()) {
    attempt.set_outcome(NeverSent(status));
    return FromAbsl(status);
  }
  ::grpc::Status status;
  {
    const std::stop_callback cancel(factory.call().stop, [&context] { context.TryCancel(); });
    if constexpr (std::is_invocable_v<Fn&, ::grpc::ClientContext&, Attempt&>) {
      status = fn(context, attempt);
    } else {
      status = fn(context);
    }
  }
  if (!attempt.outcome()) attempt.set_outcome(factory.Read(status, context));
  return status;
}

}  // namespace internal

// Runs fn(ClientContext&) or fn(ClientContext&, Attempt&) under the pipeline; see the top. Blocks. Use the
// context for one call, blocking, to its end. Errors besides the attempts' own and the refusals of Call():
// INVALID_ARGUMENT for illegal or reserved metadata or an oversize key, RESOURCE_EXHAUSTED above the
// metadata budget; nothing is sent then. Add metadata of your own to the context through AddMetadata of
// metadata.h only: gRPC's aborts the process on an illegal byte, unless MakeChannel's interceptor is there.
template <class Fn>
::grpc::Status Unary(const Pipeline& pipeline, const UnaryOptions& options, Fn&& fn) {
  const ContextFactory factory(options);
  if (!factory.ready().ok()) return factory.ready();
  return Call(pipeline, factory.call(),
              [&](Attempt& attempt) { return internal::MakeAttempt(factory, attempt, fn); });
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_H_
