// SPDX-License-Identifier: Apache-2.0
// Context on the wire: what a call carries from process to process, and how it is read back.
//
//   metadata           value                                      if missing or malformed
//   traceparent        W3C; a new span id for each attempt        a new trace begins (also if it comes twice)
//   tracestate         W3C, whole members                         none
//   baggage            W3C, ASCII; whole members, none private    malformed members are left out
//   x-request-id       as in the context                          a fresh UUID
//   holdfast-tenant, -principal, -criticality                     none
//   x-correlation-id   as in the context                          the trace id in hex
//   x-causation-id     the sender's span id in hex (context.h)    none
//   holdfast-attempt   1..1000, of the sender's retry loop        1
//   idempotency-key    printable bytes without outer spaces       none
//   idempotency-key-bin  any other key
//   grpc-timeout       gRPC's own                                 no deadline
//
// What is written fits into kContextBudget: baggage is the first to yield, then tracestate. By default a peer is
// one of ours (Boundary::kInternal); who serves strangers reads with a Propagator of their own.
// Nothing a peer sends as context is an error: context describes work, it must not stop it.
// Threads: all functions are pure, but for the fresh ids of NextStep and ExtractContext.
#ifndef HOLDFAST_GRPC_CONTEXT_H_
#define HOLDFAST_GRPC_CONTEXT_H_

#include <absl/status/statusor.h>
#include <grpcpp/support/string_ref.h>
#include <holdfast/context.h>
#include <holdfast/propagation.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::grpc {

inline constexpr std::string_view kTraceparentKey = "traceparent";
inline constexpr std::string_view kCorrelationKey = "x-correlation-id";
inline constexpr std::string_view kCausationKey = "x-causation-id";
inline constexpr std::string_view kAttemptKey = "holdfast-attempt";
// How many retries the layers below may make, together: layers add, they do not multiply (c/call.h).
inline constexpr std::string_view kRetriesKey = "holdfast-retries";
inline constexpr std::string_view kIdempotencyKey = "idempotency-key";
inline constexpr std::string_view kIdempotencyKeyBin = "idempotency-key-bin";
inline constexpr std::uint32_t kAttemptMax = 1000;
// Of kMetadataBudget (metadata.h), what the context may take; the rest is the key's and the user's.
inline constexpr std::uint32_t kContextBudget = 2048;

using ServerMetadata = std::multimap<::grpc::string_ref, ::grpc::string_ref>;

// `context`, or one that begins a story with its ids and deadline where it has no trace.
// Errors: RESOURCE_EXHAUSTED.
absl::StatusOr<Context> StoryOf(const Context& context);

// The context of one attempt made from `context`: a child of its story, with a span id of its own.
// Errors: RESOURCE_EXHAUSTED.
absl::StatusOr<Context> NextStep(const Context& context);

// What to send for a step, the most needed first. All are legal metadata.
std::vector<std::pair<std::string_view, std::string>> ContextEntries(const Context& step);

namespace internal {
// The policy behind ContextEntries, for who writes without strings in between.
const Propagator& ContextWriter();
}  // namespace internal

// What a call brought along.
struct Received {
  Context context;
  std::uint32_t attempt = 1;
  bool trace_restarted = false;   // there was no usable traceparent
  PropagationReport report = {};  // what else was left out
};

// Reads a call's metadata. `deadline`, on the steady clock of this process, goes into the context; 0: none.
Received ExtractContext(const ServerMetadata& metadata, hf_time deadline);

// Likewise, by a policy of one's own: Transport::kGrpc, and left_out has HF_FIELD_DEADLINE.
Received ExtractContext(const ServerMetadata& metadata, hf_time deadline,
                        const Propagator& propagator);

// The only value of a key; nullopt if there is none, or more than one.
std::optional<std::string_view> OnlyValue(const ServerMetadata& metadata, std::string_view key);

// The header under which a key travels: kIdempotencyKey if the key is fit for it, else kIdempotencyKeyBin.
std::string_view HeaderOfKey(std::string_view key);

// The call's idempotency key, nullopt if it has none.
// Errors: INVALID_ARGUMENT HF_R_MALFORMED: several; HF_R_KEY_MISSING: an empty one; HF_R_KEY_OVERSIZE.
absl::StatusOr<std::optional<std::string_view>> ReceivedKey(const ServerMetadata& metadata);

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CONTEXT_H_
