// SPDX-License-Identifier: Apache-2.0
// Going on, attempt by attempt and pause by pause. States and invariants: async_call.h.
#include <holdfast/call.h>
#include <holdfast/grpc/async_call.h>
#include <holdfast/grpc/status.h>
#include <holdfast/grpc/timers.h>

namespace holdfast::inline v0_5::grpc::internal {

KeptOptions::KeptOptions(const ClientOptions& options)
    : options_(options), key_(options.idempotency_key) {
  options_.idempotency_key = key_;
  // Nothing moves once all are there: short texts are kept in place.
  texts_.reserve(options.metadata.size());
  metadata_.reserve(options.metadata.size());
  for (const MetadataEntry& entry : options.metadata) {
    const auto& kept = texts_.emplace_back(entry.key, entry.value);
    metadata_.push_back({kept.first, kept.second});
  }
  options_.metadata = metadata_;
}

AsyncCall::AsyncCall(const Pipeline& pipeline, const ClientOptions& options)
    : pipeline_(pipeline),
      options_(options),
      factory_(options_.get()),
      session_(factory_.call(), false) {}

void AsyncCall::Begin() {
  if (!factory_.ready().ok()) return Later();
  const std::stop_token& stop = factory_.call().stop;
  if (stop.stop_possible()) on_stop_.emplace(stop, Canceller{this});
  session_.Start(pipeline_, hf_waker{&AsyncCall::OnWake, this});
  Advance();
}

void AsyncCall::Advance() {
  while (true) {
    switch (session_.action().kind) {
      case HF_DO_ATTEMPT:
        if (!RunAttempt()) return;
        SettleAttempt();
        break;
      case HF_DO_SLEEP:
      case HF_DO_WAIT:
        if (!Pass()) return;
        break;
      default:
        if (beginning_) return Later();
        return Finish();
    }
  }
}

bool AsyncCall::RunAttempt() {
  attempt_.emplace(session_.action(), session_.clock(), factory_.call().stop);
  if (cancelled_.load()) return true;
  if (attempt_->fault() != 0 && !GivesCannedResults()) {
    attempt_->set_outcome({HF_UNAVAILABLE, HF_VERDICT_DERIVE, HF_EFFECT_DERIVE, 0, 0});
    last_ = RefusalStatus(holdfast::internal::kNoCannedResult, "no canned result to give");
    return true;
  }
  context_.emplace();
  if (const absl::Status status = factory_.Prepare(*attempt_, *context_); !status.ok()) {
    attempt_->set_outcome(NeverSent(status));
    last_ = FromAbsl(status);
    return true;
  }
  // Whoever ends the attempt may be another thread, which is within nothing.
  const bool beginning = std::exchange(beginning_, false);
  holders_.store(2);
  if (cancelled_.load()) context_->TryCancel();
  {
    const ScopedContext attached(factory_.context());
    Publish();
    StartAttempt(*context_, *attempt_);
  }
  if (!LetGo()) return false;
  beginning_ = beginning;
  return true;
}

void AsyncCall::End(::grpc::Status status) {
  Publish();
  last_ = std::move(status);
  if (!LetGo()) return;
  SettleAttempt();
  Advance();
}

void AsyncCall::SettleAttempt() {
  const bool made = context_.has_value();
  if (!made && !attempt_->outcome()) {  // cancelled before
    attempt_.reset();
    return session_.GiveUp();
  }
  const hf_outcome outcome =
      Judge(attempt_->outcome() ? *attempt_->outcome() : factory_.Read(*last_, *context_));
  attempt_.reset();
  context_.reset();
  session_.Settle(outcome);
}

bool AsyncCall::Hold() {
  uint32_t holders = holders_.load();
  while (holders != 0 && !holders_.compare_exchange_weak(holders, holders + 1)) {
  }
  return holders != 0;
}

void AsyncCall::Cancel() {
  cancelled_.store(true);
  if (Hold()) {
    context_->TryCancel();
    // Not here: the canceller may hold locks that its own answer takes.
    if (LetGo()) Later();
    return;
  }
  Hurry();
}

bool AsyncCall::Pass() {
  bool go_on = false;
  {
    const std::lock_guard lock(mutex_);
    go_on = cancelled_.load() || std::exchange(woken_, false);
    if (!go_on) {
      beginning_ = false;
      paused_ = true;
      const hf_time until = session_.action().until;
      ArmPause(until == 0 ? HF_INFINITE : until);
    }
  }
  if (!go_on) return false;
  cancelled_.load() ? session_.GiveUp() : session_.GoOn();
  return true;
}

void AsyncCall::Later() {
  const std::lock_guard lock(mutex_);
  beginning_ = false;
  paused_ = true;
  hurried_ = true;
  ArmPause(0);
}

void AsyncCall::Hurry() {
  const std::lock_guard lock(mutex_);
  if (!paused_) {
    woken_ = true;
    return;
  }
  if (hurried_) return;
  hurried_ = true;
  HurryPause();
}

// In any thread, perhaps under a lock of a guard.
void AsyncCall::OnWake(void* data) { static_cast<AsyncCall*>(data)->Hurry(); }

void AsyncCall::ArmPause(hf_time until) {
  Timers* const timers = options().timers;
  (timers != nullptr ? *timers : ProcessTimers()).Set(*this, until);
}

void AsyncCall::HurryPause() {
  Timers& timers = options().timers != nullptr ? *options().timers : ProcessTimers();
  if (timers.Cancel(*this)) timers.Set(*this, 0);
}

void AsyncCall::Ring() {
  {
    const std::lock_guard lock(mutex_);
    paused_ = hurried_ = woken_ = false;
  }
  if (attempt_) {
    SettleAttempt();
  } else if (session_.action().kind != HF_DO_FINISH) {
    cancelled_.load() ? session_.GiveUp() : session_.GoOn();
  }
  Advance();
}

// Nobody waits any more.
void AsyncCall::OnEnd() {
  cancelled_.store(true);
  Ring();
}

void AsyncCall::Finish() {
  on_stop_.reset();
  ::grpc::Status status = factory_.ready();
  if (status.ok()) {
    const Rejection why = session_.Finish();
    status = last_ ? *std::move(last_) : OutcomeTraits<::grpc::Status>::FromRejection(why);
  }
  {
    const ScopedContext attached(factory_.context());
    Deliver(std::move(status));
  }
  Unref();
}

}  // namespace holdfast::inline v0_5::grpc::internal
