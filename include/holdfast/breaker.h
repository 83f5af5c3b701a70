// SPDX-License-Identifier: Apache-2.0
// CircuitBreaker: stops calling what does not answer, and finds out by itself when it does again.
//
// A cheap handle over a shared, thread-safe object: one per dependency, copied to whoever calls it.
//
//   auto permit = breaker.TryAcquire(now);
//   if (!permit.ok()) return permit.status();       // says who refused, why, and when to come back
//   permit->Record(Send() ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE, now);
//
// Algorithm and state table: c/breaker.h (windows as in resilience4j, generations as in gobreaker, probe
// lease of our own).
#ifndef HOLDFAST_BREAKER_H_
#define HOLDFAST_BREAKER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/breaker.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace holdfast::inline v0_2 {

// Which results a failure rate is taken of.
enum class BreakerWindow : hf_window {
  kCount = HF_WINDOW_COUNT,  // the last window_calls
  kTime = HF_WINDOW_TIME,    // those of the last window_time
};

enum class BreakerState : hf_breaker_state {
  kClosed = HF_BREAKER_CLOSED,
  kOpen = HF_BREAKER_OPEN,
  kHalfOpen = HF_BREAKER_HALF_OPEN,
  kForcedOpen = HF_BREAKER_FORCED_OPEN,  // refuses all until forced otherwise
  kDisabled = HF_BREAKER_DISABLED,       // admits all, counts nothing
};

// Zero in any field is its default.
struct CircuitBreakerOptions {
  BreakerWindow window = BreakerWindow::kCount;
  uint32_t window_calls = 100;                      // count window: 1..4096
  Duration window_time = std::chrono::seconds(10);  // time window: 10 ms..1 h
  uint32_t window_buckets = 10;                     // time window: 1..64, the steps it moves in
  uint32_t minimum_calls = 20;  // results before a rate counts: 1..1e6, at most the count window
  double failure_rate = 0.5;    // opens at this rate or above: above 0, at most 1
  uint32_t consecutive_failures = 0;  // opens at this many in a row, whatever the rate; 0: off
  uint32_t probes = 3;                // results half-open asks for: 1..1000
  Duration open_for = std::chrono::seconds(5);      // 1 ms..24 h
  Duration probe_lease = std::chrono::seconds(30);  // 1 ms..24 h: a probe not back by then is lost
};

struct BreakerSnapshot {
  BreakerState state = BreakerState::kClosed;
  uint64_t generation = 0;            // one more at each change of state
  uint32_t calls = 0;                 // in the window
  uint32_t failures = 0;              // in the window
  uint32_t consecutive_failures = 0;  // in a row, until now
  uint32_t probes_out = 0;
  std::optional<hf_time> open_until;  // while open
  uint64_t opened = 0;                // how often it has opened
  uint64_t refused = 0;               // how many calls it has refused
};

// The right to make one attempt. Record says what the attempt showed; a permit destroyed without it is
// refunded, as if it had never been taken. Move-only; one thread at a time.
class BreakerPermit {
 public:
  BreakerPermit(BreakerPermit&& other) noexcept
      : handle_(std::move(other.handle_)),
        permit_(std::exchange(other.permit_, hf_permit{})),
        acquired_(other.acquired_),
        events_(other.events_) {}
  BreakerPermit& operator=(BreakerPermit other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(permit_, other.permit_);
    std::swap(acquired_, other.acquired_);
    std::swap(events_, other.events_);
    return *this;
  }
  ~BreakerPermit() {
    if (held()) Record(HF_VERDICT_IGNORED, acquired_);
  }

  // Settles the permit with HF_VERDICT_SUCCESS, _FAILURE, _SLOW or _IGNORED, and tells what that changed
  // (HF_EVENT_*). A verdict outside the set counts as ignored. Nothing if already settled.
  hf_events Record(hf_verdict verdict, hf_time now) {
    hf_events events = 0;
    if (!held()) return events;
    if (hf_breaker_record(handle_.get(), &permit_, verdict, now, &events) != HF_OK) {
      hf_breaker_record(handle_.get(), &permit_, HF_VERDICT_IGNORED, now, &events);
    }
    permit_ = hf_permit{};
    return events;
  }

  bool held() const { return permit_.kind != HF_PERMIT_NONE; }
  bool is_probe() const { return permit_.kind == HF_PERMIT_PROBE; }
  // What taking it changed: HF_EVENT_BREAKER_HALF_OPENED, HF_EVENT_PROBE_LOST.
  hf_events events() const { return events_; }

 private:
  friend class CircuitBreaker;
  using BreakerHandle = Handle<hf_breaker, hf_breaker_ref, hf_breaker_unref>;

  BreakerPermit(const BreakerHandle& handle, const hf_permit& permit, hf_time acquired,
                hf_events events)
      : handle_(handle), permit_(permit), acquired_(acquired), events_(events) {}

  BreakerHandle handle_;
  hf_permit permit_{};
  hf_time acquired_ = 0;
  hf_events events_ = 0;
};

// Thread-safe; acquiring and recording never allocate unless the call is refused.
class CircuitBreaker {
 public:
  using Options = CircuitBreakerOptions;

  // Closed at first. Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<CircuitBreaker> Create(const Options& options = {}) {
    hf_breaker_options raw = HF_INIT(hf_breaker_options);
    raw.window = static_cast<hf_window>(options.window);
    raw.window_calls = options.window_calls;
    raw.window_time = options.window_time.count();
    raw.window_buckets = options.window_buckets;
    raw.minimum_calls = options.minimum_calls;
    raw.failure_rate = options.failure_rate;
    raw.consecutive_failures = options.consecutive_failures;
    raw.probes = options.probes;
    raw.open_for = options.open_for.count();
    raw.probe_lease = options.probe_lease.count();
    hf_breaker* created = nullptr;
    hf_error error;
    if (hf_breaker_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return CircuitBreaker(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  CircuitBreaker() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Errors: kUnavailable with a Rejection: HF_R_BREAKER_OPEN, HF_R_BREAKER_PROBING (half-open, all probes
  // are out) or HF_R_BREAKER_FORCED_OPEN, and when to come back.
  absl::StatusOr<BreakerPermit> TryAcquire(hf_time now) const {
    hf_permit permit{};
    hf_rejection why{};
    hf_events events = 0;
    if (hf_breaker_acquire(raw(), now, &permit, &why, &events) != HF_OK) {
      return MakeStatus(why.code, why.reason, "refused by the circuit breaker",
                        Duration{why.retry_after});
    }
    return BreakerPermit(handle_, permit, now, events);
  }

  // kForcedOpen, kDisabled, or kClosed with empty windows; holds until forced again.
  // Errors: kInvalidArgument for another state.
  absl::Status Force(BreakerState state, hf_time now) const {
    const hf_code code = hf_breaker_force(raw(), static_cast<hf_breaker_state>(state), now);
    return MakeStatus(code, HF_R_OUT_OF_RANGE, "state: cannot be forced");
  }

  // Changes nothing. Fields are each exact; together only when nobody else is using the breaker.
  BreakerSnapshot Snapshot(hf_time now) const {
    hf_breaker_snapshot raw_snapshot{};
    raw_snapshot.struct_size = sizeof(raw_snapshot);
    BreakerSnapshot snapshot;
    if (hf_breaker_read(raw(), now, &raw_snapshot) != HF_OK) return snapshot;
    snapshot.state = static_cast<BreakerState>(raw_snapshot.state);
    snapshot.generation = raw_snapshot.generation;
    snapshot.calls = raw_snapshot.calls;
    snapshot.failures = raw_snapshot.failures;
    snapshot.consecutive_failures = raw_snapshot.consecutive;
    snapshot.probes_out = raw_snapshot.probes_out;
    if (raw_snapshot.state == HF_BREAKER_OPEN) snapshot.open_until = raw_snapshot.open_until;
    snapshot.opened = raw_snapshot.opened;
    snapshot.refused = raw_snapshot.refused;
    return snapshot;
  }

  // The C object, borrowed.
  hf_breaker* raw() const { return handle_.get(); }

 private:
  explicit CircuitBreaker(hf_breaker* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  BreakerPermit::BreakerHandle handle_;
};

}  // namespace holdfast::inline v0_2

#endif  // HOLDFAST_BREAKER_H_
