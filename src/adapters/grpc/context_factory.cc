// SPDX-License-Identifier: Apache-2.0
// Before and after each attempt of a call.
//
// Invariant: every string that reaches a ClientContext went through the guard of metadata.h, or is the library's
// own, which writes legal metadata only. Check sees the same entries as each attempt, at their longest, so an
// attempt fails on metadata only if memory does. What all attempts send alike is written once; a step of the
// story differs from the others by its span id alone.
#include <grpc/support/time.h>
#include <grpcpp/support/client_callback.h>
#include <holdfast/c/context.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/grpc/status.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace holdfast::inline v0_5::grpc {
namespace {

constexpr std::array<std::string_view, 7> kOwnKeys = {
    kTraceparentKey, kCorrelationKey, kCausationKey,     kAttemptKey,
    kRetriesKey,     kIdempotencyKey, kIdempotencyKeyBin};

constexpr std::uint32_t kRetriesMax = 10000;

// In a traceparent.
constexpr std::size_t kSpanAt = 36;
constexpr std::size_t kSpanSize = 16;

absl::Status CheckKey(std::string_view key) {
  if (key.size() <= HF_IDEM_KEY_MAX) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE,
                    "idempotency_key: longer than 1024 bytes");
}

// Of a user's entry. Lists may come in several fields; of anything else two would be none to the peer.
absl::Status CheckNotOwn(std::string_view key, const internal::HeaderBlock& shared) {
  bool own = std::find(kOwnKeys.begin(), kOwnKeys.end(), key) != kOwnKeys.end();
  shared.ForEach([&](std::string_view sent, std::string_view) {
    own = own || (sent == key && key != "baggage" && key != "tracestate");
  });
  if (!own) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                    "metadata key \"" + std::string(key) + "\": holdfast sets it, see its options");
}

// Relative, so that the call's clock may be any; monotonic, so that no step of the wall clock counts.
gpr_timespec DeadlineIn(Duration remaining) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(remaining.count(), GPR_TIMESPAN));
}

// A number as text.
class Digits {
 public:
  explicit Digits(std::uint32_t number)
      : size_(static_cast<std::size_t>(
            std::to_chars(digits_, digits_ + sizeof digits_, number).ptr - digits_)) {}
  operator std::string_view() const { return {digits_, size_}; }

 private:
  char digits_[10];
  const std::size_t size_;
};

// A traceparent with the span id of one attempt.
class WithFreshSpan {
 public:
  explicit WithFreshSpan(std::string_view traceparent) {
    constexpr char kHex[] = "0123456789abcdef";
    std::copy_n(traceparent.begin(), std::min(traceparent.size(), sizeof text_), text_);
    char* at = text_ + kSpanAt;
    for (const std::uint8_t byte : FreshSpanId()) {
      *at++ = kHex[byte >> 4];
      *at++ = kHex[byte & 15];
    }
  }
  operator std::string_view() const { return {text_, sizeof text_}; }

 private:
  char text_[HF_TRACEPARENT_SIZE] = {};
};

// gRPC copies both, so that strings of ours would be made twice.
void Put(::grpc::ClientContext& context, std::string_view key, std::string_view value) {
  static thread_local std::string key_text, value_text;
  key_text.assign(key);
  value_text.assign(value);
  context.AddMetadata(key_text, value_text);
}

// Of a peer: gRPC learns it from what a connection has to say of a call. Until then it gives the target's name,
// which may be written as an address, too.
bool IsAddress(std::string_view peer) {
  constexpr std::array<std::string_view, 6> kSchemes = {
      "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "inproc"};
  return std::any_of(kSchemes.begin(), kSchemes.end(),
                     [peer](std::string_view scheme) { return peer.starts_with(scheme); });
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
  absl::Status status = BeginStory(context);
  if (status.ok()) status = Check();
  ready_ = FromAbsl(status);
}

absl::Status ContextFactory::BeginStory(const Context& context) {
  absl::StatusOr<Context> story = StoryOf(context);
  if (!story.ok()) return story.status();
  story_ = *std::move(story);
  call_.context = story_.raw();
  // As a Child of the story would be written, without making one: what it causes is told by its own span, and
  // each attempt has a fresh one.
  absl::Status written = internal::ContextWriter().Inject(
      story_, 0, [this](std::string_view key, std::string_view value) {
        if (key != kCausationKey) shared_.Add(key, value);
      });
  char traceparent[HF_TRACEPARENT_SIZE];
  const hf_trace trace = story_.trace();
  if (hf_traceparent_format(&trace, traceparent) == HF_OK) {
    shared_.Add(kCausationKey, std::string_view(traceparent + kSpanAt, kSpanSize));
  }
  return written;
}

// Of all that an attempt can send.
absl::Status ContextFactory::Check() const {
  if (absl::Status status = CheckKey(options_.idempotency_key); !status.ok()) return status;
  MetadataBudget budget(options_.metadata_budget);
  absl::Status taken = absl::OkStatus();
  const auto take_own = [&](std::string_view key, std::string_view value) {
    if (taken.ok()) taken = budget.TakeLegal(key, value.size());
  };
  shared_.ForEach(take_own);
  take_own(kAttemptKey, Digits(kAttemptMax));
  take_own(kRetriesKey, Digits(kRetriesMax));
  if (const std::string_view key = options_.idempotency_key; taken.ok() && !key.empty()) {
    taken = budget.Take(HeaderOfKey(key), key);
  }
  for (const MetadataEntry& entry : options_.metadata) {
    if (taken.ok()) taken = CheckNotOwn(entry.key, shared_);
    if (taken.ok()) taken = budget.Take(entry.key, entry.value);
  }
  return taken;
}

absl::Status ContextFactory::Prepare(const Attempt& attempt, ::grpc::ClientContext& context) const {
  if (const Duration remaining = attempt.remaining(); remaining != Duration::max()) {
    if (remaining == Duration{0}) {
      return MakeStatus(HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, "no time is left for the attempt");
    }
    context.set_deadline(DeadlineIn(remaining));
  }
  if (options_.wait_for_ready) context.set_wait_for_ready(true);
  shared_.ForEach([&](std::string_view key, std::string_view value) {
    if (key == kTraceparentKey) return Put(context, key, WithFreshSpan(value));
    Put(context, key, value);
  });
  Put(context, kAttemptKey, Digits(attempt.number()));
  if (const std::uint32_t left = attempt.retries_left(); left != kRetriesNotTold) {
    Put(context, kRetriesKey, Digits(std::min(left, kRetriesMax)));
  }
  // The caller's own bytes are looked at each time: they are only borrowed.
  MetadataBudget budget(options_.metadata_budget);
  if (const std::string_view key = options_.idempotency_key; !key.empty()) {
    if (absl::Status s = AddMetadata(context, budget, HeaderOfKey(key), key); !s.ok()) return s;
  }
  for (const MetadataEntry& entry : options_.metadata) {
    if (absl::Status s = AddMetadata(context, budget, entry.key, entry.value); !s.ok()) return s;
  }
  return absl::OkStatus();
}

hf_outcome ContextFactory::Read(const ::grpc::Status& status,
                                ::grpc::ClientContext& context) const {
  PeerAdvice advice = ReadTrailers(context.GetServerTrailingMetadata());
  if (options_.replayed != nullptr) *options_.replayed = advice.replayed;
  const bool committed = !status.ok() && HeadersCame(status, context);
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

// Neither has trailers alone: what came with headers, and what never was on a connection, which an interceptor
// has answered, or which met a connection as it went down. To the last gRPC says UNAVAILABLE, as to a call of
// no peer; where the target is written as an address such a call is taken for a committed one, and not made
// again, which is the safe side.
bool HeadersCame(const ::grpc::Status& status, ::grpc::ClientContext& context) {
  const grpc_call* const call = context.c_call();
  if (call == nullptr || HeadersProbe().OnlyTrailers(call)) return false;
  if (context.debug_error_string().find("from peer") == std::string::npos) return false;
  return status.error_code() != ::grpc::StatusCode::UNAVAILABLE || IsAddress(context.peer());
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

}  // namespace holdfast::inline v0_5::grpc
