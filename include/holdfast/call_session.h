// SPDX-License-Identifier: Apache-2.0
// CallSession: what every driver's calls have in common: one hf_call, its clock and what is told of it.
//
// For drivers only. It decides nothing: it hands on what hf_call_* says, to the observer and the report too.
//
//   CallSession session(options, idempotent);
//   session.Start(pipeline, waker);
//   until session.action().kind is HF_DO_FINISH, do it, then
//     after ATTEMPT        session.Settle(outcome)
//     after SLEEP, WAIT    session.GoOn()
//     the caller gave up   session.GiveUp()
//   session.Finish()
//
// `Options` is the driver's own: CallOptions, or a struct with the same members (asio::CallOptions), which
// must outlive the session. Pinned, one thread at a time. However it ends, every permit goes back.
#ifndef HOLDFAST_CALL_SESSION_H_
#define HOLDFAST_CALL_SESSION_H_

#include <holdfast/attempt.h>
#include <holdfast/c/call.h>
#include <holdfast/call_options.h>
#include <holdfast/clock.h>
#include <holdfast/entropy.h>
#include <holdfast/pipeline.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstdint>
#include <stop_token>

namespace holdfast::inline v0_5::internal {

template <class Options>
class CallSession {
 public:
  CallSession(const Options& options, bool idempotent)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
        seed_(options.seed != 0 ? options.seed : CallSeed()),
        idempotent_(options.idempotent || idempotent) {
    action_.kind = HF_DO_FINISH;  // nothing to end until it has begun
  }
  ~CallSession() {
    if (action_.kind != HF_DO_FINISH) Abort();
  }
  CallSession(const CallSession&) = delete;
  CallSession& operator=(const CallSession&) = delete;

  // Once, before everything else. `waker` may be called in any thread from here on.
  void Start(const Pipeline& pipeline, hf_waker waker) {
    const hf_time now = clock_.Now();
    hf_call_options raw = HF_INIT(hf_call_options);
    raw.seed = seed_;
    raw.deadline = Deadline(now);
    raw.waker = waker;
    raw.flags = HF_CALL_BORROWED | HF_CALL_CURRENT_CONTEXT | (idempotent_ ? HF_CALL_IDEMPOTENT : 0);
    raw.context = options_.context;
    raw.request = options_.request;
    raw.cost = options_.cost;
    if (options_.facts != nullptr) {
      facts_ = ToFacts(*options_.facts);
      raw.facts = &facts_;
    }
    Note(hf_call_start(&call_, pipeline.raw(), &raw, now, &action_));
  }

  // What is to be done.
  const hf_action& action() const { return action_; }
  Clock& clock() const { return clock_; }

  // The attempt that action() asks for. `stop` must outlive it.
  Attempt MakeAttempt(const std::stop_token& stop) const { return Attempt(action_, clock_, stop); }

  // The attempt is over.
  void Settle(const hf_outcome& outcome) {
    made_ = action_.attempt;
    last_code_ = outcome.code;
    Note(hf_call_resume(&call_, &outcome, clock_.Now(), &action_));
  }

  // The time has come, or the waker was called. Waits for a wake-up that is under way.
  void GoOn() { Note(hf_call_resume(&call_, nullptr, clock_.Now(), &action_)); }

  // The caller wants no more: every permit back, the error of the last attempt kept.
  void GiveUp() { End(made_ > 0 ? last_code_ : HF_CANCELLED, HF_R_ABORTED); }

  // Gives everything back and tells nobody. For a driver that is itself cut off.
  void Abort() { hf_call_abort(&call_, clock_.Now()); }

  // Why it ended; fills the report.
  Rejection Finish() const {
    const Rejection why{.code = static_cast<absl::StatusCode>(action_.code),
                        .reason = action_.reason,
                        .retry_after = Duration{action_.retry_after}};
    if (options_.report != nullptr) {
      *options_.report = CallReport{.code = why.code,
                                    .reason = why.reason,
                                    .retry_after = why.retry_after,
                                    .attempts = action_.attempt,
                                    .retries = action_.retries,
                                    .events = events_,
                                    .seed = seed_};
    }
    return why;
  }

 private:
  hf_time Deadline(hf_time now) const {
    if (options_.timeout.count() == 0) return options_.deadline;
    const hf_time end = std::max<hf_time>(1, AddTime(now, options_.timeout));
    return options_.deadline == 0 ? end : std::min(end, options_.deadline);
  }

  void End(hf_code code, hf_reason reason) {
    Abort();
    action_ = hf_action{};
    action_.kind = HF_DO_FINISH;
    action_.code = code;
    action_.reason = reason;
    action_.attempt = made_;
    Note(HF_OK);
  }

  void Note(hf_code code) {
    events_ |= action_.events;
    // A session that refuses a step still has it pending; an outcome outside its set is a defect of
    // whoever classified it, and must not become an endless loop.
    if (code != HF_OK && action_.kind != HF_DO_FINISH) return End(code, action_.reason);
    if (options_.observer != nullptr) options_.observer->OnAction(action_);
  }

  const Options& options_;
  Clock& clock_;
  const uint64_t seed_;
  const bool idempotent_;
  hf_call call_;      // Start writes it
  hf_facts facts_;    // set only if there are any
  hf_action action_;  // written by every step
  hf_events events_ = 0;
  uint32_t made_ = 0;
  hf_code last_code_ = HF_OK;
};

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_CALL_SESSION_H_
