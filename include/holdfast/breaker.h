// SPDX-License-Identifier: Apache-2.0
// CircuitBreaker: stops calling what does not answer, and finds out by itself when it does again.
//
// A cheap handle over a shared, thread-safe object: one per dependency, copied to whoever calls it.
//
//   auto permit = breaker.TryAcquire(now);
//   if (!permit.ok()) return permit.status();       // says who refused, why, and when to come back
//   permit->Record(Send() ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE, now);
//
// Algorithm and state table: c/breaker.h (windows as in resilience4j, generations as in gobreaker; probe
// lease, slow calls counted while they hang, ramp and fleet of our own).
#ifndef HOLDFAST_BREAKER_H_
#define HOLDFAST_BREAKER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/breaker_options.h>
#include <holdfast/c/breaker.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5 {

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
    const hf_breaker_options raw = internal::ToC(options);
    hf_breaker* created = nullptr;
    hf_error error;
    if (hf_breaker_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return CircuitBreaker(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  CircuitBreaker() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Errors: kUnavailable with a Rejection: HF_R_BREAKER_OPEN, HF_R_BREAKER_PROBING (half-open, all probes
  // are out), HF_R_BREAKER_RAMPING or HF_R_BREAKER_FORCED_OPEN, and when to come back.
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

  // kForcedOpen, kDisabled, or kClosed or kMetricsOnly with empty windows; holds until forced again.
  // Errors: kInvalidArgument for another state.
  absl::Status Force(BreakerState state, hf_time now) const {
    const hf_code code = hf_breaker_force(raw(), static_cast<hf_breaker_state>(state), now);
    return MakeStatus(code, HF_R_OUT_OF_RANGE, "state: cannot be forced");
  }

  // Another configuration at once, with state, permits and, as far as it fits, the window kept. shards, peers,
  // journal and object are ignored. Errors: kInvalidArgument naming the field; then all is as it was.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_breaker_options changed = internal::ToC(options);
    hf_error error;
    if (hf_breaker_update(raw(), &changed, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // Takes what another instance has in its window into account, instead of what it told before; tells what
  // that changed. Errors: kInvalidArgument for counts that cannot be or no `peers`, kResourceExhausted.
  absl::StatusOr<hf_events> Merge(uint64_t peer, const BreakerSnapshot& snapshot,
                                  hf_time now) const {
    const hf_breaker_counts counts{sizeof(counts), snapshot.calls, snapshot.failures,
                                   snapshot.slow};
    hf_events events = 0;
    const hf_code code = hf_breaker_merge(raw(), peer, &counts, now, &events);
    if (code == HF_OK) return events;
    return MakeStatus(code, code == HF_RESOURCE_EXHAUSTED ? HF_R_REGISTRY_FULL : HF_R_OUT_OF_RANGE,
                      "peer: no place, or counts that cannot be");
  }

  // What a later process needs to go on from here: no instants, no permits.
  hf_breaker_saved Save(hf_time now) const {
    hf_breaker_saved saved{};
    saved.struct_size = sizeof(saved);
    hf_breaker_save(raw(), now, &saved);
    return saved;
  }
  // Errors: kInvalidArgument naming the field; then all is as it was.
  absl::Status Restore(const hf_breaker_saved& saved, hf_time now) const {
    hf_error error;
    if (hf_breaker_restore(raw(), &saved, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
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
    snapshot.slow = raw_snapshot.slow;
    snapshot.overdue = raw_snapshot.overdue;
    snapshot.in_flight = raw_snapshot.in_flight;
    snapshot.trips = raw_snapshot.trips;
    snapshot.admitted = raw_snapshot.admitted;
    return snapshot;
  }

  // The C object, borrowed.
  hf_breaker* raw() const { return handle_.get(); }

 private:
  friend struct internal::Keyed<CircuitBreaker>;

  explicit CircuitBreaker(hf_breaker* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  BreakerPermit::BreakerHandle handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_BREAKER_H_
