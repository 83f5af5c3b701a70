// SPDX-License-Identifier: Apache-2.0
// RateLimiter: so many tokens a period, with a burst saved up, reservations, and refunds.
//
// A cheap handle over a shared, thread-safe object: one per dependency, copied to whoever calls it.
//
//   if (absl::Status taken = limiter.TryAcquire(); !taken.ok()) return taken;  // says when to come back
//
//   auto turn = limiter.Reserve({.cost = 5, .deadline = deadline});  // refused at once if that is too late
//   if (!turn.ok()) return turn.status();
//   ... wait until turn->at(), call, turn->Use(); without Use the tokens go back
//
// Algorithm and guarantees: c/limiter.h.
#ifndef HOLDFAST_LIMITER_H_
#define HOLDFAST_LIMITER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/limiter.h>
#include <holdfast/clock.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace holdfast::inline v0_5 {

// Zero in any field is its default.
struct RateLimiterOptions {
  uint32_t permits = 100;                       // tokens a period: 1..1e9, at most one a nanosecond
  Duration period = std::chrono::seconds(1);    // 1 ns..24 h
  uint32_t burst = 0;                           // 1..1e9; default: permits
  Duration max_wait = std::chrono::seconds(1);  // of a reservation: 1 ns..24 h
  Duration warm_up = Duration{0};               // 1 ms..1 h; 0: none
  uint32_t cold_factor = 3;                     // the rate is divided by it when cold: 2..100
  bool adaptive = false;                        // follow what OnOutcome tells about throttling
  hf_journal* journal = nullptr;                // borrowed; the limiter takes a reference
  uint64_t object = 0;                          // how its events are marked there
};

struct RateLimiterSnapshot {
  double rate = 0;        // tokens a second, now
  double tokens = 0;      // now; negative: a debt that reservations have made
  uint64_t granted = 0;   // tokens taken and not given back
  uint64_t refused = 0;   // asks
  uint64_t refunded = 0;  // tokens given back
  uint32_t reserved = 0;  // reservations that had to wait
};

// Tokens taken for a call at at(). Given back by Cancel or the destructor unless used. Move-only; one thread
// at a time.
class RateReservation {
 public:
  RateReservation(RateReservation&& other) noexcept
      : handle_(std::move(other.handle_)),
        reservation_(std::exchange(other.reservation_, hf_reservation{})),
        clock_(other.clock_) {}
  RateReservation& operator=(RateReservation other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(reservation_, other.reservation_);
    std::swap(clock_, other.clock_);
    return *this;
  }
  ~RateReservation() { Cancel(); }

  // When to proceed, on the clock it was reserved with.
  hf_time at() const { return reservation_.at; }
  // False once used or cancelled.
  bool held() const { return reservation_.cost != 0; }

  // The call is made: the tokens are spent.
  void Use() { reservation_ = hf_reservation{}; }

  // The call will not be made: the tokens go back. Nothing if already used or cancelled.
  void Cancel() {
    if (held()) hf_limiter_cancel(handle_.get(), &reservation_, clock_->Now());
  }

 private:
  friend class RateLimiter;
  using LimiterHandle = Handle<hf_limiter, hf_limiter_ref, hf_limiter_unref>;

  RateReservation(const LimiterHandle& handle, const hf_reservation& reservation, Clock& clock)
      : handle_(handle), reservation_(reservation), clock_(&clock) {}

  LimiterHandle handle_;
  hf_reservation reservation_{};
  Clock* clock_;
};

// What is asked of a rate limiter.
struct RateLimiterAsk {
  uint32_t cost = 1;     // tokens, 1..burst
  hf_time deadline = 0;  // the wait must end before it; 0: none, max_wait still holds
};

// Thread-safe; nothing allocates unless refused.
class RateLimiter {
 public:
  using Options = RateLimiterOptions;

  using Ask = RateLimiterAsk;

  // Full at first (with a warm-up: cold). Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<RateLimiter> Create(const Options& options = {}) {
    const hf_limiter_options raw = Raw(options);
    hf_limiter* created = nullptr;
    hf_error error;
    if (hf_limiter_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return RateLimiter(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  RateLimiter() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Takes `cost` tokens at once, or none.
  // Errors: kResourceExhausted with a Rejection, HF_R_RATE_LIMITED, that tells when they will be there;
  // kInvalidArgument for a cost of 0 or above burst.
  absl::Status TryAcquire(uint32_t cost = 1, Clock& clock = Clock::Steady()) const {
    hf_rejection why{};
    if (hf_limiter_try_acquire(raw(), cost, clock.Now(), &why) == HF_OK) return absl::OkStatus();
    return Refused(why);
  }

  // Takes tokens, perhaps for later. The clock must outlive the reservation.
  // Errors: as TryAcquire, at once, if the wait would be longer than max_wait or not end before the
  // deadline; kDeadlineExceeded if that has passed.
  absl::StatusOr<RateReservation> Reserve(const Ask& ask = {},
                                          Clock& clock = Clock::Steady()) const {
    hf_reservation reservation;
    hf_rejection why{};
    if (hf_limiter_reserve(raw(), ask.cost, ask.deadline, clock.Now(), &reservation, nullptr,
                           &why) != HF_OK) {
      return Refused(why);
    }
    return RateReservation(handle_, reservation, clock);
  }

  // Reserve, then blocks the thread until it may proceed. Errors: as Reserve.
  absl::Status Acquire(const Ask& ask = {}, Clock& clock = Clock::Steady()) const {
    absl::StatusOr<RateReservation> turn = Reserve(ask, clock);
    if (!turn.ok()) return turn.status();
    Wakeup nobody_wakes;
    while (clock.Now() < turn->at()) clock.WaitUntil(turn->at(), nobody_wakes);
    turn->Use();
    return absl::OkStatus();
  }

  // How a call ended, for an adaptive limiter: throttled if the server refused because of too many.
  void OnOutcome(bool throttled, Clock& clock = Clock::Steady()) const {
    hf_limiter_on_outcome(raw(), throttled ? 1 : 0, clock.Now());
  }

  // Swaps the configuration in: tokens are scaled by the ratio of the bursts, debts and reservations stay;
  // journal and object are ignored. Errors: as Create; kFailedPrecondition with HF_R_CHANGED_SHAPE if
  // adaptive differs, or a warm-up is added to a limiter made without.
  absl::Status Update(const Options& options, hf_time now = Clock::Steady().Now()) const {
    const hf_limiter_options raw_options = Raw(options);
    hf_error error;
    if (hf_limiter_update(raw(), &raw_options, now, &error) == HF_OK) return absl::OkStatus();
    return MakeStatus(error);
  }

  RateLimiterSnapshot Snapshot(Clock& clock = Clock::Steady()) const {
    hf_limiter_snapshot now{};
    now.struct_size = sizeof(now);
    if (hf_limiter_read(raw(), clock.Now(), &now) != HF_OK) return {};
    return {now.rate, now.tokens, now.granted, now.refused, now.refunded, now.reserved};
  }

  // The C object, borrowed.
  hf_limiter* raw() const { return handle_.get(); }

 private:
  friend struct internal::Keyed<RateLimiter>;

  explicit RateLimiter(hf_limiter* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_limiter_options Raw(const Options& options) {
    hf_limiter_options raw = HF_INIT(hf_limiter_options);
    raw.permits = options.permits;
    raw.burst = options.burst;
    raw.period = options.period.count();
    raw.max_wait = options.max_wait.count();
    raw.warm_up = options.warm_up.count();
    raw.cold_factor = options.cold_factor;
    raw.flags = options.adaptive ? HF_LIMITER_ADAPTIVE : 0;
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  static absl::Status Refused(const hf_rejection& why) {
    return MakeStatus(why.code, why.reason, "refused by the rate limiter",
                      Duration{why.retry_after});
  }

  RateReservation::LimiterHandle handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_LIMITER_H_
