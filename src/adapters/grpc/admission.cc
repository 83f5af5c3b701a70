// SPDX-License-Identifier: Apache-2.0
// The guard's steps around the work, in their order.
#include <grpc/support/time.h>
#include <holdfast/grpc/admission.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/status.h>
#include <holdfast/v1/refusal.pb.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace holdfast::inline v0_5::grpc::internal {
namespace {

std::string MillisecondsOf(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

Rejection RejectionIn(const absl::Status& status) {
  return holdfast::RejectionOf(status).value_or(Rejection{status.code(), HF_R_NONE, Duration{0}});
}

std::string_view TextOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// The store did nothing and the work did not run: trying again costs nothing.
bool ProvesNotStarted(hf_reason reason) {
  switch (reason) {
    case HF_R_STORE_UNAVAILABLE:
    case HF_R_STORE_OVERLOADED:
    case HF_R_STORE_FULL:
    case HF_R_STORE_LOCKED:
      return true;
    default:
      return false;
  }
}

// Whether what the work said is the answer, although the record did not end as completed: it failed, and
// was recorded as failed.
bool FailureStands(const ::grpc::Status& own, const absl::Status& result, hf_reason reason) {
  const bool lost = reason == HF_R_IDEM_FENCED || reason == HF_R_STORE_INDETERMINATE;
  return !own.ok() && !lost &&
         static_cast<int>(own.error_code()) == static_cast<int>(result.code());
}

// A server that serves strangers has a reader of its own.
Received ReadContext(const GuardOptions& options, const ServerMetadata& metadata,
                     hf_time deadline) {
  return options.propagator ? ExtractContext(metadata, deadline, *options.propagator)
                            : ExtractContext(metadata, deadline);
}

// For the bulkhead's user_share, where 0 is nobody.
std::uint64_t UserOf(const std::string& tenant) {
  return tenant.empty() ? 0 : std::max<std::uint64_t>(1, std::hash<std::string>{}(tenant));
}

bool MayBeRetried(absl::StatusCode code) {
  hf_outcome outcome{};
  outcome.code = static_cast<hf_code>(code);
  hf_outcome_derive(&outcome);
  return outcome.effect != HF_EFFECT_FINAL;
}

KeyRule RuleOf(const GuardOptions& options, const MethodPolicy* policy, bool no_side_effects) {
  if (options.store == nullptr) return KeyRule::kIgnored;
  if (policy != nullptr && policy->key != KeyRule::kAsGuard) return policy->key;
  if (no_side_effects) return KeyRule::kIgnored;
  return options.require_key ? KeyRule::kRequired : KeyRule::kOptional;
}

}  // namespace

MethodRef FindMethod(const GuardState& guard, std::string_view name, bool no_side_effects) {
  MethodRef method;
  method.name = name;
  const auto& policies = guard.options.methods;
  if (!policies.empty()) {
    const auto found = policies.find(name);
    if (found != policies.end()) method.policy = &found->second;
  }
  method.key = RuleOf(guard.options, method.policy, no_side_effects);
  return method;
}

Admission::Admission(GuardState& guard, const MethodRef& method, ::grpc::ServerContextBase& context,
                     Waiting waiting)
    : guard_(guard),
      method_(method),
      context_(context),
      clock_(*guard.options.clock),
      now_(clock_.Now()),
      call_(ReadContext(guard.options, context.client_metadata(), ReceivedDeadline()), &clock_) {
  try {
    refusal_ = Ask(waiting);
  } catch (...) {  // the options' own functions: as gRPC answers for what a method throws
    refusal_ = ::grpc::Status(::grpc::StatusCode::UNKNOWN, "Unexpected error in RPC handling");
  }
  if (!admitted()) Leave();  // gRPC may keep a refused call for a while
}

Admission::~Admission() { Leave(); }

void Admission::Leave() {
  if (permit_) permit_->Settle(verdict_);
  permit_.reset();
  if (std::exchange(entered_, false)) guard_.gate.Leave();
}

::grpc::Status Admission::Ask(Waiting waiting) {
  entered_ = guard_.gate.Enter();
  if (!entered_) {
    const Duration wait{guard_.drain_retry_after.load(std::memory_order_relaxed)};
    return Refuse({absl::StatusCode::kUnavailable, HF_R_DRAINING, wait}, "the server is going away",
                  true);
  }
  if (method_.unfit) {
    return Refuse({absl::StatusCode::kUnimplemented, HF_R_BAD_OPTIONS},
                  "the decorator is for the other API of this service", false);
  }
  if (context_.IsCancelled()) {
    return ::grpc::Status(::grpc::StatusCode::CANCELLED, "cancelled before the work began");
  }
  if (guard_.options.tenant) tenant_ = guard_.options.tenant(context_);
  const Context& story = call_.context();
  if (guard_.options.kill_switch) {
    const Facts facts{.operation = method_.name,
                      .tenant = tenant_.empty() ? story.tenant() : tenant_,
                      .correlation_id = story.correlation_id(),
                      .target = guard_.options.space};
    if (absl::Status s = guard_.options.kill_switch.Check(facts, now_); !s.ok()) {
      return RefuseAs(s, TextOf(s));
    }
  }
  if (story.deadline() != 0 && story.deadline() <= now_) {
    return Refuse({absl::StatusCode::kDeadlineExceeded, HF_R_DEADLINE},
                  "the deadline passed before the work began", true);
  }
  if (::grpc::Status refusal = AskForKey(); !refusal.ok()) return refusal;
  return AskForPlace(waiting);
}

::grpc::Status Admission::AskForKey() {
  if (method_.key == KeyRule::kIgnored) return ::grpc::Status::OK;
  const auto key = ReceivedKey(context_.client_metadata());
  if (!key.ok()) return Refuse(RejectionIn(key.status()), TextOf(key.status()), false);
  key_ = *key;
  if (key_ || method_.key == KeyRule::kOptional) return ::grpc::Status::OK;
  return Refuse({absl::StatusCode::kInvalidArgument, HF_R_KEY_MISSING},
                "the metadata \"idempotency-key\" is missing", false);
}

::grpc::Status Admission::AskForPlace(Waiting waiting) {
  const MethodPolicy* const own = method_.policy;
  const RateLimiter& limiter =
      own != nullptr && own->limiter ? own->limiter : guard_.options.limiter;
  const Bulkhead& bulkhead =
      own != nullptr && own->bulkhead ? own->bulkhead : guard_.options.bulkhead;
  if (limiter) {
    if (absl::Status s = limiter.TryAcquire(1, clock_); !s.ok()) {
      return RefuseAs(s, "the server is at its rate limit");
    }
  }
  if (!bulkhead) return ::grpc::Status::OK;
  const BulkheadRequest request{.criticality = CallsCriticality(),
                                .user = UserOf(tenant_),
                                .deadline = call_.context().deadline()};
  auto permit = waiting == Waiting::kMay ? bulkhead.Acquire(request, clock_)
                                         : bulkhead.TryAcquire(request, clock_);
  if (!permit.ok()) return RefuseAs(permit.status(), "the server is at its limit");
  permit_.emplace(*std::move(permit));
  return ::grpc::Status::OK;
}

Criticality Admission::CallsCriticality() const {
  if (method_.policy != nullptr && method_.policy->criticality) return *method_.policy->criticality;
  if (guard_.options.criticality) return guard_.options.criticality(context_);
  return call_.context().criticality().value_or(Criticality::kCritical);
}

Duration Admission::OwnRetryAfter() const {
  const bool own = method_.policy != nullptr && method_.policy->retry_after > Duration{0};
  return own ? method_.policy->retry_after : guard_.options.retry_after;
}

// gRPC keeps it on a clock of its own; what counts is how much of it is left.
hf_time Admission::ReceivedDeadline() const {
  const gpr_timespec raw = gpr_convert_clock_type(context_.raw_deadline(), GPR_CLOCK_MONOTONIC);
  if (gpr_time_cmp(raw, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0) return 0;
  const gpr_timespec left = gpr_time_sub(raw, gpr_now(GPR_CLOCK_MONOTONIC));
  constexpr std::int64_t kYear = 365LL * 24 * 3600;
  const std::int64_t seconds = std::clamp<std::int64_t>(left.tv_sec, -kYear, kYear);
  const Duration remaining = std::chrono::seconds(seconds) + Duration{left.tv_nsec};
  return std::max<hf_time>(1, AddTime(now_, remaining - guard_.options.deadline_margin));
}

RunOnceOptions Admission::RunOptions(std::string_view request, RunOnceReport* report) const {
  RunOnceOptions options;
  options.request = request;
  options.on_expiry = guard_.options.on_expiry;
  options.lease = guard_.options.lease;
  options.ttl = guard_.options.ttl;
  options.max_wait = guard_.options.max_wait;
  options.waiters = guard_.options.waiters;
  options.deadline = call_.context().deadline();
  options.max_attempts = guard_.options.max_attempts;
  options.max_body = guard_.options.max_body;
  options.clock = &clock_;
  options.report = report;
  return options;
}

::grpc::Status Admission::Settle(::grpc::Status own) {
  hf_outcome outcome = OutcomeOf(own);
  hf_outcome_derive(&outcome);
  verdict_ = outcome.verdict;
  SayRetried();
  if (!own.ok() && call_.effect() == HF_EFFECT_NOT_STARTED) SayNotStarted("work");
  return own;
}

::grpc::Status Admission::Conclude(const std::optional<::grpc::Status>& own,
                                   const absl::StatusOr<RunOnceResult>& result,
                                   const RunOnceReport& report, Wire& wire) {
  if (report.replayed) return Replayed(result, wire);
  if (result.ok() && own) return Settle(*own);
  const Rejection rejection = RejectionIn(result.status());
  if (own && FailureStands(*own, result.status(), rejection.reason)) {
    if (rejection.reason == HF_R_IDEM_BACKOFF) Advise(rejection.retry_after);
    return Settle(*own);
  }
  return Refuse(rejection, TextOf(result.status()), !own && ProvesNotStarted(rejection.reason));
}

::grpc::Status Admission::Replayed(const absl::StatusOr<RunOnceResult>& result, Wire& wire) {
  (void)AddTrailer(context_, kReplayedTrailer, "1");
  if (!result.ok()) {  // a runner that keeps refusals as plain statuses
    return ::grpc::Status(static_cast<::grpc::StatusCode>(result.status().code()),
                          std::string(TextOf(result.status())));
  }
  if (result->truncated) {
    return Refuse({absl::StatusCode::kFailedPrecondition, HF_R_IDEM_OVERSIZE},
                  "it was done, and the answer was too large to be kept", false);
  }
  if (result->code == absl::StatusCode::kOk) {
    if (wire.Replay(result->body)) return ::grpc::Status::OK;
    return Refuse({absl::StatusCode::kDataLoss, HF_R_STORE_CORRUPT},
                  "it was done, and the stored answer is not one of this method", false);
  }
  v1::StoredRefusal refusal;
  if (!refusal.ParseFromString(result->body)) refusal.set_message(result->body);
  return ::grpc::Status(static_cast<::grpc::StatusCode>(result->code), refusal.message(),
                        refusal.details());
}

// A refusal of ours that came as a status; when to come back is ours to say where it says nothing.
::grpc::Status Admission::RefuseAs(const absl::Status& refusal, std::string_view text) {
  Rejection rejection = RejectionIn(refusal);
  if (rejection.retry_after == Duration{0}) rejection.retry_after = OwnRetryAfter();
  return Refuse(rejection, text, MayBeRetried(rejection.code));
}

::grpc::Status Admission::Refuse(const Rejection& rejection, std::string_view text,
                                 bool not_started) {
  if (not_started) SayNotStarted(rejection.reason_name());
  SayRetried();
  Advise(rejection.retry_after);
  return RefusalStatus(rejection, text);
}

void Admission::Advise(Duration retry_after) {
  if (retry_after <= Duration{0}) return;
  const bool never = retry_after == Duration::max();
  const std::string milliseconds = never ? "-1" : MillisecondsOf(retry_after);
  if (!never) (void)AddTrailer(context_, kRetryAfterTrailer, milliseconds);
  // Ours to set: gRFC A6 has servers say it in trailers. Digits are always legal.
  context_.AddTrailingMetadata(std::string(kPushbackTrailer), milliseconds);
}

void Admission::SayRetried() {
  const std::uint32_t retried = call_.context().retried();
  if (retried != 0) (void)AddTrailer(context_, kRetriedTrailer, std::to_string(retried));
}

void Admission::SayNotStarted(std::string_view reason) {
  (void)AddTrailer(context_, kNotStartedTrailer, reason);
}

}  // namespace holdfast::inline v0_5::grpc::internal
