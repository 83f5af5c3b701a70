// SPDX-License-Identifier: Apache-2.0
// The guard's steps around the work.
//
// Invariants: a refusal before the work carries the not-started trailer only where its code may be
// retried at all. A stored answer leaves byte for byte as it was stored, or not at all. Everything an
// Admission holds is given back by its destructor, so an exception of the work settles it too.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpc/support/time.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/server.h>
#include <holdfast/grpc/status.h>
#include <holdfast/v1/refusal.pb.h>

#include <algorithm>
#include <chrono>

namespace holdfast::inline v0_2::grpc {
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

absl::Status CheckPart(std::string_view field, std::string_view part) {
  if (part.size() <= HF_IDEM_PART_MAX) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                    std::string(field) + ": longer than 256 bytes");
}

absl::Status CheckNotNegative(std::string_view field, Duration duration) {
  if (duration >= Duration{0}) return absl::OkStatus();
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, std::string(field) + ": negative");
}

}  // namespace

absl::StatusOr<Guard> Guard::Create(Options options) {
  if (absl::Status s = CheckPart("space", options.space); !s.ok()) return s;
  const std::pair<std::string_view, Duration> durations[] = {
      {"lease", options.lease},
      {"ttl", options.ttl},
      {"max_wait", options.max_wait},
      {"deadline_margin", options.deadline_margin},
      {"retry_after", options.retry_after}};
  for (const auto& [field, duration] : durations) {
    if (absl::Status s = CheckNotNegative(field, duration); !s.ok()) return s;
  }
  if (options.max_body > HF_IDEM_BODY_MAX) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "max_body: above 8 MiB");
  }
  if (options.clock == nullptr) options.clock = &Clock::Steady();
  return Guard(std::make_shared<const Options>(std::move(options)));
}

absl::StatusOr<std::string> BodyOf(Answer answer) {
  if (answer.outcome.code == HF_OK) return std::move(answer.body);
  v1::StoredRefusal refusal;
  refusal.ParseFromString(answer.body);
  return MakeStatus(answer.outcome.code, HF_R_NONE, refusal.message());
}

namespace internal {

std::string DeterministicBytes(const ::google::protobuf::MessageLite& message) {
  std::string bytes;
  ::google::protobuf::io::StringOutputStream stream(&bytes);
  ::google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::string MessageWire::RequestBytes() const { return DeterministicBytes(request_); }

// Not deterministic on purpose: gRPC serialises the same object the same way again.
std::string MessageWire::ResponseBytes() { return response_->SerializePartialAsString(); }

bool MessageWire::Replay(const std::string& stored) {
  if (!response_->ParsePartialFromString(stored)) return false;
  if (response_->SerializePartialAsString() == stored) return true;
  // A map came out in another order. As unknown fields the bytes keep theirs; nobody reads the message
  // any more, it is only sent.
  response_->Clear();
  auto* const fields = response_->GetReflection()->MutableUnknownFields(response_);
  return fields->ParseFromString(stored) && response_->SerializePartialAsString() == stored;
}

Answer AnswerOf(const ::grpc::Status& status, hf_effect effect, Wire& wire) {
  Answer answer;
  answer.outcome = OutcomeOf(status);
  if (status.ok()) {
    answer.body = wire.ResponseBytes();
    return answer;
  }
  if (effect != HF_EFFECT_DERIVE) answer.outcome.effect = effect;
  v1::StoredRefusal refusal;
  refusal.set_message(status.error_message());
  refusal.set_details(status.error_details());
  answer.body = refusal.SerializeAsString();
  return answer;
}

Admission::Admission(const GuardOptions& options, ::grpc::ServerContextBase& context,
                     std::string_view operation, bool key_needed)
    : options_(options),
      context_(context),
      clock_(*options.clock),
      space_(options.space),
      operation_(operation),
      call_(ExtractContext(context.client_metadata(), ReceivedDeadline()), &clock_) {
  Admit(key_needed);
}

void Admission::Admit(bool key_needed) {
  if (context_.IsCancelled()) {
    refusal_ = ::grpc::Status(::grpc::StatusCode::CANCELLED, "cancelled before the work began");
    return;
  }
  if (call_.remaining() == Duration{0}) {
    refusal_ = Refuse({absl::StatusCode::kDeadlineExceeded, HF_R_DEADLINE},
                      "the deadline passed before the work began", true);
    return;
  }
  if (key_needed || options_.store != nullptr) {
    const auto key = ReceivedKey(context_.client_metadata());
    if (!key.ok()) {
      refusal_ = Refuse(RejectionIn(key.status()), TextOf(key.status()), false);
      return;
    }
    key_ = *key;
    if (!key_ && (key_needed || options_.require_key)) {
      refusal_ = Refuse({absl::StatusCode::kInvalidArgument, HF_R_KEY_MISSING},
                        "the metadata \"idempotency-key\" is missing", false);
      return;
    }
    if (key_ && options_.tenant) tenant_ = options_.tenant(context_);
  }
  if (!options_.bulkhead) return;
  auto permit = options_.bulkhead.Acquire(call_.context().deadline(), clock_);
  if (permit.ok()) {
    permit_.emplace(*std::move(permit));
    return;
  }
  Rejection rejection = RejectionIn(permit.status());
  if (rejection.retry_after == Duration{0}) rejection.retry_after = options_.retry_after;
  refusal_ = Refuse(rejection, "the server is at its limit", true);
}

// gRPC keeps it on a clock of its own; what counts is how much of it is left.
hf_time Admission::ReceivedDeadline() const {
  const gpr_timespec raw = gpr_convert_clock_type(context_.raw_deadline(), GPR_CLOCK_MONOTONIC);
  if (gpr_time_cmp(raw, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0) return 0;
  const gpr_timespec left = gpr_time_sub(raw, gpr_now(GPR_CLOCK_MONOTONIC));
  constexpr std::int64_t kYear = 365LL * 24 * 3600;
  const std::int64_t seconds = std::clamp<std::int64_t>(left.tv_sec, -kYear, kYear);
  const Duration remaining = std::chrono::seconds(seconds) + Duration{left.tv_nsec};
  return std::max<hf_time>(1, AddTime(clock_.Now(), remaining - options_.deadline_margin));
}

RunOnceOptions Admission::RunOptions(std::string_view request, RunOnceReport* report) const {
  RunOnceOptions options;
  options.request = request;
  options.on_expiry = options_.on_expiry;
  options.lease = options_.lease;
  options.ttl = options_.ttl;
  options.max_wait = options_.max_wait;
  options.deadline = call_.context().deadline();
  options.max_attempts = options_.max_attempts;
  options.max_body = options_.max_body;
  options.clock = &clock_;
  options.report = report;
  return options;
}

::grpc::Status Admission::Settle(::grpc::Status own) {
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

}  // namespace internal
}  // namespace holdfast::inline v0_2::grpc
