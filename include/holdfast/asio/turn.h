// SPDX-License-Identifier: Apache-2.0
// A turn: what an operation may have to wait for, of a bulkhead or a rate limiter, step by step. For
// drivers only.
//
//   BulkheadTurn turn(bulkhead, options);
//   if (!turn.Begin(waker)) do wait for turn.until(), or the waker; while (!turn.Poll());
//   turn.Take()        or at any time turn.GiveUp(), whose answer is CANCELLED
//
// Whatever it still holds goes back in its destructor. Pinned, one thread at a time.
#ifndef HOLDFAST_ASIO_TURN_H_
#define HOLDFAST_ASIO_TURN_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/asio/acquire_options.h>
#include <holdfast/bulkhead.h>
#include <holdfast/c/bulkhead.h>
#include <holdfast/clock.h>
#include <holdfast/limiter.h>
#include <holdfast/status.h>

#include <utility>

namespace holdfast::inline v0_5::asio::internal {

inline absl::Status CancelledWhileWaiting() {
  return MakeStatus(HF_CANCELLED, HF_R_ABORTED, "cancelled while waiting its turn");
}

inline Clock& ClockOf(const AcquireOptions& options) {
  return options.clock != nullptr ? *options.clock : Clock::Steady();
}

class BulkheadTurn {
 public:
  using Guard = Bulkhead;
  using Result = absl::StatusOr<BulkheadPermit>;

  BulkheadTurn(const Bulkhead& bulkhead, const AcquireOptions& options)
      : bulkhead_(bulkhead), options_(options), clock_(ClockOf(options)) {}
  ~BulkheadTurn() { GiveUp(); }
  BulkheadTurn(const BulkheadTurn&) = delete;
  BulkheadTurn& operator=(const BulkheadTurn&) = delete;

  // True: Take has the answer.
  bool Begin(hf_waker waker) {
    const hf_time now = clock_.Now();
    hf_bulkhead_request asks = options_.request.Raw();
    asks.deadline = DeadlineOf(options_, now);
    hf_permit permit{};
    hf_rejection why{};
    return Note(
        hf_bulkhead_acquire(bulkhead_.raw(), &asks, &wait_, &waker, now, &permit, &until_, &why),
        permit, why, now);
  }
  bool Poll() {
    const hf_time now = clock_.Now();
    hf_permit permit{};
    hf_rejection why{};
    return Note(hf_bulkhead_wait_poll(bulkhead_.raw(), &wait_, now, &permit, &why), permit, why,
                now);
  }
  void GiveUp() {
    if (!std::exchange(queued_, false)) return;
    hf_bulkhead_wait_cancel(bulkhead_.raw(), &wait_, clock_.Now());
    result_ = CancelledWhileWaiting();
  }
  hf_time until() const { return until_; }
  Result Take() { return std::move(result_); }

 private:
  bool Note(hf_code code, const hf_permit& permit, const hf_rejection& why, hf_time now) {
    queued_ = code == HF_UNAVAILABLE && why.reason == HF_R_NONE;
    if (code == HF_OK) {
      result_ = bulkhead_.Adopt(permit, clock_, now);
    } else if (!queued_) {
      result_ = Bulkhead::Refused(why);
    }
    return !queued_;
  }

  const Bulkhead bulkhead_;
  const AcquireOptions options_;
  Clock& clock_;
  hf_bulkhead_wait wait_;  // in use while queued_
  bool queued_ = false;
  hf_time until_ = 0;
  Result result_ = CancelledWhileWaiting();
};

class LimiterTurn {
 public:
  using Guard = RateLimiter;
  using Result = absl::Status;

  LimiterTurn(const RateLimiter& limiter, const AcquireOptions& options)
      : limiter_(limiter), options_(options), clock_(ClockOf(options)) {}
  LimiterTurn(const LimiterTurn&) = delete;
  LimiterTurn& operator=(const LimiterTurn&) = delete;

  bool Begin(hf_waker) {
    turn_ = limiter_.Reserve(
        {.cost = options_.cost, .deadline = DeadlineOf(options_, clock_.Now())}, clock_);
    return !turn_.ok() || Poll();
  }
  bool Poll() {
    if (clock_.Now() < turn_->at()) return false;
    turn_->Use();
    return true;
  }
  void GiveUp() { turn_ = CancelledWhileWaiting(); }
  hf_time until() const { return turn_->at(); }
  Result Take() { return turn_.status(); }

 private:
  const RateLimiter limiter_;
  const AcquireOptions options_;
  Clock& clock_;
  absl::StatusOr<RateReservation> turn_ = CancelledWhileWaiting();  // gives back what is not used
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_TURN_H_
