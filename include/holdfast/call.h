// SPDX-License-Identifier: Apache-2.0
// Call: runs a function under a pipeline, in this thread.
//
//   absl::StatusOr<Receipt> receipt = holdfast::Call(
//       pipeline, {.timeout = 800ms, .idempotent = true},
//       [&](Attempt& attempt) { return client.Charge(order, attempt.remaining()); });
//
// The result is the function's own: its success, or its last error with the reason for giving up
// attached (RejectionOf). Only if no attempt was made is it a refusal of ours. An exception of the function
// passes through, and every permit goes back. The driver decides nothing: it does what hf_call_* says.
#ifndef HOLDFAST_CALL_H_
#define HOLDFAST_CALL_H_

#include <absl/status/status.h>
#include <holdfast/attempt.h>
#include <holdfast/c/call.h>
#include <holdfast/clock.h>
#include <holdfast/entropy.h>
#include <holdfast/outcome.h>
#include <holdfast/pipeline.h>
#include <holdfast/status.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_2 {

// How a call went, whatever its result type can carry.
struct CallReport {
  absl::StatusCode code = absl::StatusCode::kOk;  // of the last attempt, or of the refusal
  hf_reason reason = HF_R_NONE;                   // who stopped the call; HF_R_NONE on success
  Duration retry_after{0};                        // when to come back; 0: unknown
  uint32_t attempts = 0;                          // made
  hf_events events = 0;                           // HF_EVENT_*, of all its steps
  uint64_t seed = 0;                              // with the outcomes, replays the call
};

// Sees every action of a call, in its thread, before it is done. Must not throw.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnAction(const hf_action& action) = 0;
};

struct CallOptions {
  Duration timeout{0};           // for the whole call; 0: none; negative: no time is left
  hf_time deadline = 0;          // the same as a point on the clock; 0: none. The earlier one holds
  bool idempotent = false;       // an attempt that may have happened may be made again
  std::stop_token stop = {};     // ends sleeps and waits; attempts see it in Attempt
  CallReport* report = nullptr;  // filled in the end, unless the function throws
  CallObserver* observer = nullptr;
  Clock* clock = nullptr;  // null: Clock::Steady()
  uint64_t seed = 0;       // 0: fresh from the operating system. For tests and replays only
};

namespace internal {

// The session and what it waits with. Everything that does not depend on the function.
class BlockingCall {
 public:
  BlockingCall(const Pipeline& pipeline, const CallOptions& options)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
        seed_(options.seed != 0 ? options.seed : CallSeed()) {
    const hf_time now = clock_.Now();
    hf_call_options raw = HF_INIT(hf_call_options);
    raw.seed = seed_;
    raw.deadline = Deadline(now);
    raw.waker = hf_waker{&BlockingCall::OnWake, this};
    raw.flags = options.idempotent ? HF_CALL_IDEMPOTENT : 0;
    Note(hf_call_start(&call_, pipeline.raw(), &raw, now, &action_));
  }
  ~BlockingCall() {
    // However the function ends: a finished session is left alone.
    if (action_.kind != HF_DO_FINISH) hf_call_abort(&call_, clock_.Now());
  }
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;

  // The next attempt is due (true), or the call is over. Sleeps and waits in between.
  bool AwaitAttempt() {
    while (action_.kind == HF_DO_SLEEP || action_.kind == HF_DO_WAIT) Pause();
    if (action_.kind == HF_DO_ATTEMPT && options_.stop.stop_requested()) GiveUp();
    return action_.kind == HF_DO_ATTEMPT;
  }

  void Settle(const hf_outcome& outcome) {
    made_ = action_.attempt;
    last_code_ = outcome.code;
    Note(hf_call_resume(&call_, &outcome, clock_.Now(), &action_));
  }

  Attempt MakeAttempt() const {
    return Attempt(action_.attempt, action_.until, clock_, options_.stop);
  }

  Rejection Finish() const {
    const Rejection why{.code = static_cast<absl::StatusCode>(action_.code),
                        .reason = action_.reason,
                        .retry_after = Duration{action_.retry_after}};
    if (options_.report != nullptr) {
      *options_.report = CallReport{.code = why.code,
                                    .reason = why.reason,
                                    .retry_after = why.retry_after,
                                    .attempts = action_.attempt,
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

  // An exception of the clock ends the call while there still is something to wake.
  struct Pausing {
    BlockingCall& call;
    bool broken_off = true;
    ~Pausing() {
      if (broken_off) hf_call_abort(&call.call_, call.clock_.Now());
    }
  };

  // Most calls never wait, so what they would wait with is made only here. It must outlive the step
  // that ends the wait: until then a wake-up may be under way, which that step waits for.
  void Pause() {
    Wakeup wakeup;
    Pausing pausing{*this};
    void* nobody = nullptr;
    if (sleeper_.compare_exchange_strong(nobody, &wakeup)) {
      const std::stop_callback on_stop(options_.stop, [&wakeup] { wakeup.Wake(); });
      clock_.WaitUntil(action_.until == 0 ? HF_INFINITE : action_.until, wakeup);
    }
    sleeper_.store(nullptr);
    pausing.broken_off = false;
    if (options_.stop.stop_requested()) return GiveUp();
    Note(hf_call_resume(&call_, nullptr, clock_.Now(), &action_));
  }

  // In any thread. Before the wait has begun it leaves a mark instead.
  static void OnWake(void* data) {
    auto* const self = static_cast<BlockingCall*>(data);
    void* const sleeper = self->sleeper_.exchange(self);
    if (sleeper != nullptr && sleeper != self) static_cast<Wakeup*>(sleeper)->Wake();
  }

  // The caller wants no more: every permit back, the error of the last attempt kept.
  void GiveUp() { End(made_ > 0 ? last_code_ : HF_CANCELLED, HF_R_ABORTED); }

  void End(hf_code code, hf_reason reason) {
    hf_call_abort(&call_, clock_.Now());
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

  const CallOptions& options_;
  Clock& clock_;
  const uint64_t seed_;
  hf_call call_;
  hf_action action_{};
  hf_events events_ = 0;
  uint32_t made_ = 0;
  hf_code last_code_ = HF_OK;
  std::atomic<void*> sleeper_{nullptr};  // a Wakeup, or null, or `this`: woken before the wait
};

template <typename Fn>
decltype(auto) RunAttempt(Fn& fn, Attempt& attempt) {
  if constexpr (std::is_invocable_v<Fn&, Attempt&>) {
    return std::invoke(fn, attempt);
  } else {
    return std::invoke(fn);
  }
}

template <typename Fn>
using AttemptResult =
    std::decay_t<decltype(RunAttempt(std::declval<Fn&>(), std::declval<Attempt&>()))>;

}  // namespace internal

// Runs fn() or fn(Attempt&) until the pipeline is content or gives up. Blocks. `fn` may be called several
// times, always from this thread. Returns fn's result type (see OutcomeTraits), absl::Status if that is
// void. Errors, if no attempt was made: kDeadlineExceeded HF_R_DEADLINE, the guards' refusals, kCancelled
// HF_R_ABORTED (options.stop), kInvalidArgument for options out of range or an empty pipeline.
template <typename Fn>
auto Call(const Pipeline& pipeline, const CallOptions& options, Fn&& fn) {
  using Made = internal::AttemptResult<Fn>;
  using Result = std::conditional_t<std::is_void_v<Made>, absl::Status, Made>;
  using Traits = OutcomeTraits<Result>;

  internal::BlockingCall call(pipeline, options);
  std::optional<Result> last;
  while (call.AwaitAttempt()) {
    Attempt attempt = call.MakeAttempt();
    if constexpr (std::is_void_v<Made>) {
      internal::RunAttempt(fn, attempt);
      last.emplace(attempt.outcome()
                       ? MakeStatus(attempt.outcome()->code, HF_R_NONE, "attempt failed")
                       : absl::OkStatus());
    } else {
      last.emplace(internal::RunAttempt(fn, attempt));
    }
    call.Settle(attempt.outcome() ? *attempt.outcome() : Traits::Classify(*last));
  }

  const Rejection why = call.Finish();
  if (!last.has_value()) return Traits::FromRejection(why);
  if constexpr (requires { Traits::Annotate(*std::move(last), why.reason, why.retry_after); }) {
    if (why.reason != HF_R_NONE) {
      return Result(Traits::Annotate(*std::move(last), why.reason, why.retry_after));
    }
  }
  return Result(*std::move(last));
}

}  // namespace holdfast::inline v0_2

#endif  // HOLDFAST_CALL_H_
