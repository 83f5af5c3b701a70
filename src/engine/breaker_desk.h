// SPDX-License-Identifier: Apache-2.0
// What operators, peers and a new process do to a breaker, and what they read. See breaker.h.
#ifndef HOLDFAST_ENGINE_BREAKER_DESK_H_
#define HOLDFAST_ENGINE_BREAKER_DESK_H_

#include "engine/breaker.h"

namespace holdfast::engine {

template <typename Storage>
void Breaker<Storage>::Force(hf_breaker_state state, hf_time now) {
  const ScopedLock lock(mutex_);
  newest_ = NotBefore(now, newest_);
  const BreakerPolicy policy = health_.policy().Load();
  const uint64_t next = BreakerWord(word_.Load()).generation() + 1;
  if (state == HF_BREAKER_CLOSED || state == HF_BREAKER_METRICS_ONLY) {
    trips_.Store(0);
    Close(policy, next, state, /*ramps=*/false);
  } else {
    Publish(policy, next, state, /*ramps=*/false);
  }
}

template <typename Storage>
hf_events Breaker<Storage>::Update(const BreakerPolicy& policy, hf_time now) {
  const ScopedLock lock(mutex_);  // over both: a transition in between would be in neither shape
  health_.policy().Store(policy);
  return FollowLocked(now);
}

template <typename Storage>
hf_events Breaker<Storage>::Follow(hf_time now) {
  const ScopedLock lock(mutex_);
  return FollowLocked(now);
}

template <typename Storage>
hf_events Breaker<Storage>::FollowLocked(hf_time now) {
  const hf_time present = NotBefore(now, newest_);
  const BreakerPolicy policy = health_.policy().Load();
  const BreakerWord before(word_.Load());
  if (!health_.HasShapeOf(before, policy)) {
    shape_ = BreakerWord::NextShape(shape_, health_.HasUnitsOf(policy));
    const BreakerWord next =
        BreakerWord::Make(before.generation(), shape_, before.state(), before.ramps(), policy);
    health_.Reshape(before, next, policy, present);
    word_.Store(next.raw());
  }
  wanted_.Store(policy.probes);
  journal_.Write(HF_EVENT_KIND_UPDATED, present, HF_R_NONE, 0, ++updates_);
  const BreakerWord word(word_.Load());
  if (word.state() == HF_BREAKER_HALF_OPEN && probes_.IsComplete(policy)) {
    newest_ = present;
    return Judge(policy, word.generation());
  }
  if (word.state() != HF_BREAKER_CLOSED || !health_.Trips(word, present)) return 0;
  newest_ = present;
  return Open(policy, word.generation() + 1);
}

// The own results are what this instance sees of its dependency; the fleet's are what others see of theirs,
// which may be another replica or another way to it. So they are no reason to stop calls that succeed here.
template <typename Storage>
bool Breaker<Storage>::Vetoes(const BreakerPolicy& policy, BreakerWord word, hf_time now) const {
  // Its probes have just shown that it is well, and its window has had no time to.
  if (trips_.Load() != 0 && now - closed_at_ < policy.peer_ttl) return true;
  const WindowTotals own = health_.Totals(word, now);
  if (own.calls < policy.veto_calls || Reaches(own.failures, own.calls, policy.veto_rate)) {
    return false;
  }
  const uint32_t overdue = health_.Overdue(word, now);
  const double slow_veto = policy.slow_rate * policy.veto_rate / policy.failure_rate;
  return !word.judges_slow() || !Reaches(own.slow + overdue, own.calls + overdue, slow_veto);
}

template <typename Storage>
bool Breaker<Storage>::Merge(uint64_t peer, const WindowTotals& totals, hf_time now,
                             hf_events* events) {
  const ScopedLock lock(mutex_);
  now = NotBefore(now, newest_);
  const BreakerPolicy policy = health_.policy().Load();
  if (!fleet_->Tell(peer, totals, now, policy.peer_ttl)) return false;
  const BreakerWord word(word_.Load());
  if (word.state() != HF_BREAKER_CLOSED || Vetoes(policy, word, now)) return true;
  const WindowTotals own = health_.Totals(word, now);
  WindowTotals all = fleet_->Totals();
  all.calls += own.calls;
  all.failures += own.failures;
  all.slow += own.slow;
  if (Health<Storage>::Judges(word, policy, all, health_.Overdue(word, now))) {
    newest_ = now;
    *events |= Open(policy, word.generation() + 1);
  }
  return true;
}

template <typename Storage>
hf_breaker_saved Breaker<Storage>::Save(hf_time now) {
  const ScopedLock lock(mutex_);
  const BreakerWord word(word_.Load());
  const hf_time present = NotBefore(now, newest_);
  hf_breaker_saved saved{};
  saved.state = word.state();
  saved.trips = trips_.Load();
  saved.opened = opened_.Load();
  if (word.state() == HF_BREAKER_HALF_OPEN) saved.state = HF_BREAKER_OPEN;  // its probes are lost
  if (word.state() == HF_BREAKER_OPEN) saved.open_left = TimeUntil(until_.Load(), present);
  if (!word.Counts()) return saved;
  if (word.ramps()) saved.ramp_left = TimeUntil(until_.Load(), present);
  if (word.state() == HF_BREAKER_CLOSED) saved.closed_for = present - closed_at_;
  const WindowTotals totals = health_.Totals(word, present);
  saved.calls = totals.calls;
  saved.failures = totals.failures;
  saved.slow = totals.slow;
  saved.consecutive = health_.Run();
  return saved;
}

template <typename Storage>
void Breaker<Storage>::Restore(const hf_breaker_saved& saved, hf_time now) {
  const ScopedLock lock(mutex_);
  newest_ = NotBefore(now, newest_);
  const BreakerPolicy policy = health_.policy().Load();
  const uint64_t next = BreakerWord(word_.Load()).generation() + 1;
  trips_.Store(saved.trips);
  opened_.Store(saved.opened);
  if (saved.state == HF_BREAKER_OPEN) {
    const hf_duration longest = std::max(policy.open_cap, policy.open_for);
    return OpenFor(policy, next, std::min(saved.open_left, longest));
  }
  if (saved.state != HF_BREAKER_CLOSED && saved.state != HF_BREAKER_METRICS_ONLY) {
    return Publish(policy, next, saved.state, /*ramps=*/false);
  }
  const bool ramps = saved.state == HF_BREAKER_CLOSED;  // METRICS_ONLY admits all
  const hf_duration ramp_left = ramps ? std::min(saved.ramp_left, policy.ramp_for) : 0;
  Close(policy, next, saved.state, ramp_left > 0);
  if (ramp_left > 0) until_.Store(AddSaturating(newest_, ramp_left));
  closed_at_ = newest_ - std::min(saved.closed_for, newest_);
  const BreakerWord word(word_.Load());
  health_.Pour(word, policy, {saved.calls, saved.failures, saved.slow}, saved.consecutive);
  if (saved.state == HF_BREAKER_CLOSED && health_.Trips(word, newest_)) Open(policy, next + 1);
}

template <typename Storage>
hf_breaker_snapshot Breaker<Storage>::Read(hf_time now) const {
  now = NotBefore(now, 0);
  const BreakerWord word(word_.Load());
  const WindowTotals totals = health_.Totals(word, now);
  hf_breaker_snapshot snapshot{};
  snapshot.state = word.state();
  snapshot.generation = word.generation();
  snapshot.calls = totals.calls;
  snapshot.failures = totals.failures;
  snapshot.slow = totals.slow;
  snapshot.consecutive = health_.Run();
  if (word.state() == HF_BREAKER_HALF_OPEN) snapshot.probes_out = probes_.Out();
  if (word.state() == HF_BREAKER_OPEN) snapshot.open_until = until_.Load();
  if (word.ages() && word.Counts()) {
    snapshot.overdue = health_.Overdue(word, now);
    snapshot.in_flight = health_.in_flight().Count();
  }
  if (word.Admits()) snapshot.admitted = word.ramps() ? RampedNow(now) : 1;
  snapshot.trips = trips_.Load();
  snapshot.opened = opened_.Load();
  snapshot.refused = refused_.Load();
  return snapshot;
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BREAKER_DESK_H_
