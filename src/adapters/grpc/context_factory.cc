// SPDX-License-Identifier: Apache-2.0
// Before and after each attempt of a call.
//
// Invariant: every string that reaches a ClientContext went through the guard of metadata.h. The dry run
// in Check sees the same entries as each attempt, so an attempt fails on metadata only if memory does.
#include <grpc/support/time.h>
#include <grpcpp/support/client_callback.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/grpc/status.h>

#include <algorithm>
#include <array>
#include <string>

namespace holdfast::inline v0_2::grpc {
namespace {

constexpr std::array<std::string_view, 7> kOwnKeys = {
    kTraceparentKey, kCorrelationKey, kCausationKey,     kAttemptKey,
    kRetriesKey,     kIdempotencyKey, kIdempotencyKeyBin};

constexpr std::uint32_t kRetriesMax = 10000;

absl::Status CheckKey(std::string_view key) {
  if (key.size() <= HF_IDEM_KEY_MAX) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE,
                    "idempotency_key: longer than 1024 bytes");
}

absl::Status CheckNotOwn(std::string_view key) {
  if (std::find(kOwnKeys.begin(), kOwnKeys.end(), key) == kOwnKeys.end()) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                    "metadata key \"" + std::string(key) + "\": holdfast sets it, see its options");
}

// Relative, so that the call's clock may be any; monotonic, so that no step of the wall clock counts.
gpr_timespec DeadlineIn(Duration remaining) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(remaining.count(), GPR_TIMESPAN));
}

// gRPC tells only its reactors whether an answer was trailers alone.
class HeadersProbe final : private ::grpc::ClientUnaryReactor {
 public:
  bool OnlyTrailers(const grpc_call* call) const { return InternalTrailersOnly(call); }
};

}  // namespace

ContextFactory::ContextFactory(const ClientOptions& options)
    : options_(options), call_(options.call) {
  const Context context = options.context ? *options.context : Context::Current();
  call_.idempotent = call_.idempotent || !options.idempotency_key.empty();
  if (const hf_time inherited = context.deadline(); inherited != 0) {
    call_.deadline = call_.deadline == 0 ? inherited : std::min(call_.deadline, inherited);
  }
  if (options.replayed != nullptr) *options.replayed = false;
  if (options.committed != nullptr) *options.committed = false;
  absl::StatusOr<Context> story = StoryOf(context);
  if (!story.ok()) {
    ready_ = FromAbsl(story.status());
    return;
  }
  story_ = *std::move(story);
  call_.context = story_.raw();
  ready_ = FromAbsl(Check());
}

template <class Add>
absl::Status ContextFactory::ForEachEntry(const Context& step, std::uint32_t attempt,
                                          std::uint32_t retries, Add&& add) const {
  for (const auto& [key, value] : ContextEntries(step)) {
    if (absl::Status status = add(key, value); !status.ok()) return status;
  }
  if (absl::Status s = add(kAttemptKey, std::to_string(attempt)); !s.ok()) return s;
  if (retries != kRetriesNotTold) {
    if (absl::Status s = add(kRetriesKey, std::to_string(std::min(retries, kRetriesMax)));
        !s.ok()) {
      return s;
    }
  }
  if (const std::string_view key = options_.idempotency_key; !key.empty()) {
    if (absl::Status status = add(HeaderOfKey(key), key); !status.ok()) return status;
  }
  for (const MetadataEntry& entry : options_.metadata) {
    if (absl::Status status = add(entry.key, entry.value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ContextFactory::Check() const {
  if (absl::Status status = CheckKey(options_.idempotency_key); !status.ok()) return status;
  for (const MetadataEntry& entry : options_.metadata) {
    if (absl::Status status = CheckNotOwn(entry.key); !status.ok()) return status;
  }
  const absl::StatusOr<Context> step = NextStep(story_);
  if (!step.ok()) return step.status();
  MetadataBudget budget(options_.metadata_budget);
  return ForEachEntry(
      *step, kAttemptMax, kRetriesMax,
      [&budget](std::string_view key, std::string_view value) { return budget.Take(key, value); });
}

absl::Status ContextFactory::Prepare(const Attempt& attempt, ::grpc::ClientContext& context) const {
  const absl::StatusOr<Context> step = NextStep(story_);
  if (!step.ok()) return step.status();
  if (const Duration remaining = attempt.remaining(); remaining != Duration::max()) {
    if (remaining == Duration{0}) {
      return MakeStatus(HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, "no time is left for the attempt");
    }
    context.set_deadline(DeadlineIn(remaining));
  }
  if (options_.wait_for_ready) context.set_wait_for_ready(true);
  MetadataBudget budget(options_.metadata_budget);
  return ForEachEntry(*step, attempt.number(), attempt.retries_left(),
                      [&](std::string_view key, std::string_view value) {
                        return AddMetadata(context, budget, key, value);
                      });
}

hf_outcome ContextFactory::Read(const ::grpc::Status& status,
                                ::grpc::ClientContext& context) const {
  PeerAdvice advice = ReadTrailers(context.GetServerTrailingMetadata());
  if (options_.replayed != nullptr) *options_.replayed = advice.replayed;
  const bool committed = !status.ok() && HeadersCame(context);
  if (options_.committed != nullptr) *options_.committed = status.ok() || committed;
  if (!status.ok()) {
    advice.retry_after = std::max(advice.retry_after, DetailOf(status).retry_after);
  }
  hf_outcome outcome = OutcomeOf(status, advice);
  // gRPC also says this one by itself, where the server did all of it and the answer is larger than the
  // client takes. It is the server's word only with the server's advice.
  const bool own_word = outcome.effect == HF_EFFECT_DERIVE && outcome.retry_after == 0;
  if (outcome.code == HF_RESOURCE_EXHAUSTED && own_word) outcome.effect = HF_EFFECT_AMBIGUOUS;
  return committed ? Committed(outcome) : outcome;
}

bool HeadersCame(::grpc::ClientContext& context) {
  const grpc_call* const call = context.c_call();
  if (call == nullptr || HeadersProbe().OnlyTrailers(call)) return false;
  // A call that never reached a connection, or that an interceptor answered, has no trailers either: what
  // comes from a peer, or from the connection to it, says so.
  return context.debug_error_string().find("from peer") != std::string::npos;
}

hf_outcome Committed(hf_outcome outcome) {
  outcome.effect = HF_EFFECT_FINAL;
  return outcome;
}

hf_outcome NeverSent(const absl::Status& why) {
  hf_outcome outcome{};
  outcome.code = static_cast<hf_code>(why.code());
  outcome.verdict = HF_VERDICT_IGNORED;
  outcome.effect = HF_EFFECT_NOT_STARTED;
  return outcome;
}

}  // namespace holdfast::inline v0_2::grpc
