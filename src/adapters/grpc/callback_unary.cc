// SPDX-License-Identifier: Apache-2.0
// The steps of one decorated unary call; states and invariants: callback_unary.h.
#include <holdfast/grpc/callback_unary.h>
#include <holdfast/grpc/status.h>
#include <holdfast/idempotency.h>

#include <optional>
#include <string>

namespace holdfast::inline v0_5::grpc::internal {
namespace {

constexpr unsigned kBound = 1;      // the inner reactor may be told things
constexpr unsigned kCancelled = 2;  // gRPC said so
constexpr unsigned kSeen = 4;       // a step was published

}  // namespace

// The claim of a key, in two parts with the inner method in between.
class CallbackUnary::Record {
 public:
  Record(Store& store, Clock& clock) : clock_(clock), session_(store, clock) {}

  // Whether the work is to run.
  bool Claim(Admission& admission, const Wire& wire) {
    const std::string request = wire.RequestBytes();
    const RunOnceOptions options = admission.RunOptions(request, &report_);
    plan_.emplace(admission.key(), options, clock_);
    if (!plan_->refused.ok()) return false;
    session_.Start(plan_->SessionOptions());
    return session_.Advance();
  }

  void Finish(const ::grpc::Status& own, hf_effect effect, Wire& wire) {
    answer_ = AnswerOf(own, effect, wire);
    holdfast::internal::ApplyMark(effect, &answer_.outcome);
    session_.Finish(answer_.outcome, answer_.body);
    session_.Advance();
  }

  absl::StatusOr<RunOnceResult> Result() {
    if (!plan_->refused.ok()) return plan_->refused;
    return holdfast::internal::Conclude(session_, answer_, true, &report_);
  }
  const RunOnceReport& report() const { return report_; }

 private:
  Clock& clock_;
  std::optional<RunOncePlan>
      plan_;  // it and the answer outlive the session, which borrows from them
  Answer answer_;
  RunOnceReport report_;
  RunOnceSession session_;
};

CallbackUnary::CallbackUnary(const GuardedMethod& method, ::grpc::CallbackServerContext& context,
                             const ::google::protobuf::MessageLite& request,
                             ::google::protobuf::Message* response)
    : method_(method), context_(context), wire_(request, response) {}

CallbackUnary::~CallbackUnary() = default;

void CallbackUnary::Begin(const Executor& executor) {
  if (!executor) return Ask(Waiting::kMustNot);
  executor_ = &executor;
  try {
    executor([this] { Ask(Waiting::kMay); });
  } catch (...) {
    Close(NotTaken(context_));
  }
}

void CallbackUnary::Ask(Waiting waiting) {
  GuardState& guard = method_.guard().state();
  admission_.emplace(guard, method_.method(), context_, waiting);
  if (!admission_->admitted()) return Close(admission_->refusal());
  story_ = admission_->call().context();
  if (!admission_->keyed()) return Start();
  record_ = std::make_unique<Record>(*guard.options.store, *guard.options.clock);
  if (record_->Claim(*admission_, wire_)) return Start();
  const auto result = record_->Result();
  Close(admission_->Conclude(std::nullopt, result, record_->report(), wire_));
}

void CallbackUnary::Start() {
  try {
    const ScopedContext attached(story_);
    inner_ = StartInner();
  } catch (...) {
    // As gRPC answers for its blocking services. How far it got nobody knows, so the record is left as the
    // session leaves it: in doubt.
    record_.reset();
    return Close(admission_->Settle(
        ::grpc::Status(::grpc::StatusCode::UNKNOWN, "Unexpected error in RPC handling")));
  }
  if (inner_ == nullptr) {
    admission_->call().SetEffect(HF_EFFECT_NOT_STARTED);
    own_.emplace(::grpc::StatusCode::UNIMPLEMENTED, "");
    return Settle();
  }
  inner_call_.Bind(inner_);
  if (flags_.fetch_or(kBound, std::memory_order_acq_rel) & kCancelled) {
    const ScopedContext attached(story_);
    inner_->OnCancel();
  }
  Arrive();
}

void CallbackUnary::InnerFinished(::grpc::Status status) {
  own_ = std::move(status);
  Arrive();
}

void CallbackUnary::Arrive() {
  if (missing_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (executor_ == nullptr || record_ == nullptr) return Settle();
  try {
    (*executor_)([this] { Settle(); });
  } catch (...) {
    Settle();  // the work is done: its record must not be lost for want of a thread
  }
}

void CallbackUnary::Settle() {
  if (record_ == nullptr) return Close(admission_->Settle(*own_));
  record_->Finish(*own_, admission_->call().effect(), wire_);
  const auto result = record_->Result();
  Close(admission_->Conclude(own_, result, record_->report(), wire_));
}

void CallbackUnary::Close(const ::grpc::Status& status) {
  const ::grpc::Status answer = status;  // it may be the admission's own
  record_.reset();
  admission_.reset();
  flags_.fetch_or(kSeen, std::memory_order_acq_rel);
  Finish(answer);
}

void CallbackUnary::OnSendInitialMetadataDone(bool ok) {
  const ScopedContext attached(story_);
  inner_->OnSendInitialMetadataDone(ok);
}

void CallbackUnary::OnCancel() {
  if (!(flags_.fetch_or(kCancelled, std::memory_order_acq_rel) & kBound)) return;
  const ScopedContext attached(story_);
  inner_->OnCancel();
}

void CallbackUnary::OnDone() {
  if (flags_.fetch_or(kSeen, std::memory_order_acq_rel) & kBound) {
    const ScopedContext attached(story_);
    inner_->OnDone();
  }
  delete this;
}

}  // namespace holdfast::inline v0_5::grpc::internal
