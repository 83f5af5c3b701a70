// SPDX-License-Identifier: Apache-2.0
// Unary: one guarded call over gRPC.
//
//   ::grpc::Status status = holdfast::grpc::Unary(
//       pipeline, {.call = {.timeout = 800ms}, .idempotency_key = order.id()},
//       [&](::grpc::ClientContext& context) { return stub->Charge(&context, request, &reply); });
//
// Each attempt gets a ClientContext of its own (gRPC forbids to use one twice) with
//   deadline    the earliest of the attempt's timeout, the call's and the context's deadline
//   metadata    the context (context.h), the idempotency key, the attempt's number, how many retries the
//               layers below may make, and yours
// What the attempt did is read from status and trailers (status.h): UNAVAILABLE may have happened, so it is
// made again only if the call is idempotent, or if the server proved that it had not begun. A connection
// that was refused proves nothing: gRPC does not say whether bytes left before.
// The result is the last attempt's own status, as it came; where none was made, RefusalStatus.
//
// Open the channel with MakeChannel (channel.h), or gRPC's own retries multiply with these.
#ifndef HOLDFAST_GRPC_CLIENT_H_
#define HOLDFAST_GRPC_CLIENT_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <holdfast/call.h>
#include <holdfast/context.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/status.h>
#include <holdfast/pipeline.h>

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <type_traits>

namespace holdfast::inline v0_2::grpc {

struct UnaryOptions {
  // Timeout, deadline, stop (which cancels the attempt under way), report, observer, clock: see call.h.
  CallOptions call = {};
  // 1..1024 bytes, the same for every attempt and every time the caller asks again. Sent to the server,
  // which must honour it (server.h does): it makes the call idempotent. Empty: none.
  std::string_view idempotency_key = {};
  // Sent with each attempt; none of holdfast's own keys. Checked before the first.
  std::span<const MetadataEntry> metadata = {};
  std::size_t metadata_budget =
      kMetadataBudget;                  // for all that is added here; bytes as HTTP/2 counts
  std::optional<Context> context = {};  // default Context::Current()
  bool wait_for_ready = false;  // a broken connection makes the attempt wait, up to its deadline
  bool* replayed = nullptr;     // set: whether the answer is a stored one
};

namespace internal {

// What a call's attempts have in common.
class UnaryCall {
 public:
  explicit UnaryCall(const UnaryOptions& options);

  // Whether any attempt can be made: metadata, key and deadline.
  const ::grpc::Status& ready() const { return ready_; }
  const CallOptions& call() const { return call_; }

  // Readies a fresh context; an error means that nothing must be sent.
  absl::Status Prepare(const Attempt& attempt, ::grpc::ClientContext& context) const;
  // Reads what came back.
  hf_outcome Read(const ::grpc::Status& status, const ::grpc::ClientContext& context) const;

 private:
  template <class Add>
  absl::Status ForEachEntry(const Context& step, std::uint32_t attempt, std::uint32_t retries,
                            Add&& add) const;
  absl::Status Check() const;

  const UnaryOptions& options_;
  CallOptions call_;
  Context story_;
  ::grpc::Status ready_;
};

template <class Fn>
::grpc::Status MakeAttempt(const UnaryCall& call, Attempt& attempt, Fn& fn) {
  if (!std::is_invocable_v<Fn&, ::grpc::ClientContext&, Attempt&> && attempt.fault() != 0) {
    attempt.set_outcome({HF_UNAVAILABLE, HF_VERDICT_DERIVE, HF_EFFECT_DERIVE, 0, 0});
    return RefusalStatus(holdfast::internal::kNoCannedResult, "no canned result to give");
  }
  ::grpc::ClientContext context;
  if (const absl::Status status = call.Prepare(attempt, context); !status.ok()) {
    hf_outcome outcome{};
    outcome.code = static_cast<hf_code>(status.code());
    outcome.verdict = HF_VERDICT_IGNORED;
    outcome.effect = HF_EFFECT_NOT_STARTED;
    attempt.set_outcome(outcome);
    return FromAbsl(status);
  }
  ::grpc::Status status;
  {
    const std::stop_callback cancel(call.call().stop, [&context] { context.TryCancel(); });
    if constexpr (std::is_invocable_v<Fn&, ::grpc::ClientContext&, Attempt&>) {
      status = fn(context, attempt);
    } else {
      status = fn(context);
    }
  }
  if (!attempt.outcome()) attempt.set_outcome(call.Read(status, context));
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
  const internal::UnaryCall call(options);
  if (!call.ready().ok()) return call.ready();
  return Call(pipeline, call.call(),
              [&](Attempt& attempt) { return internal::MakeAttempt(call, attempt, fn); });
}

}  // namespace holdfast::inline v0_2::grpc

#endif  // HOLDFAST_GRPC_CLIENT_H_
