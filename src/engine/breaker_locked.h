// SPDX-License-Identifier: Apache-2.0
// The rare steps of a breaker: what refuses, takes its lock, or is called under it. See breaker.h.
#ifndef HOLDFAST_ENGINE_BREAKER_LOCKED_H_
#define HOLDFAST_ENGINE_BREAKER_LOCKED_H_

#include "engine/breaker.h"

namespace holdfast::engine {

template <typename Storage>
Admission Breaker<Storage>::AcquireUnlessRefused(BreakerWord word, hf_time now) {
  // The word again: a refusal is right only if all that it was made of is of one generation.
  if (Refuses(word.state(), now) && word_.Load() == word.raw()) {
    return Refuse(word.state(), now, 0);
  }
  {
    const ScopedLock lock(mutex_);
    newest_ = NotBefore(now, newest_);
    const BreakerWord current(word_.Load());
    if (!current.Admits()) return AcquireLocked(current);
  }
  return AcquireWatched(now);
}

template <typename Storage>
Admission Breaker<Storage>::Refuse(hf_breaker_state state, hf_time now, hf_events events) {
  refused_.Add(1);
  const hf_duration left = std::min(TimeUntil(until_.Load(), NotBefore(now, 0)), length_.Load());
  hf_rejection why{HF_UNAVAILABLE, HF_R_BREAKER_FORCED_OPEN, HF_INFINITE};
  if (state == HF_BREAKER_OPEN) {
    why = {HF_UNAVAILABLE, HF_R_BREAKER_OPEN, left};
  } else if (state == HF_BREAKER_HALF_OPEN) {
    why = {HF_UNAVAILABLE, HF_R_BREAKER_PROBING, left};
  } else if (state == HF_BREAKER_CLOSED) {
    // More are admitted soon; all of them when the ramp is over.
    why = {HF_UNAVAILABLE, HF_R_BREAKER_RAMPING, std::min(left, length_.Load() / 10)};
  }
  // 0 would read as "unknown".
  why.retry_after = std::max<hf_duration>(why.retry_after, 1);
  journal_.Write(HF_EVENT_KIND_REFUSED, now, why.reason, 0, HF_PERMIT_NORMAL);
  return {{}, why, events};
}

template <typename Storage>
Admission Breaker<Storage>::AcquireLocked(BreakerWord word) {
  if (Refuses(word.state(), newest_)) return Refuse(word.state(), newest_, 0);
  const BreakerPolicy policy = health_.policy().Load();
  if (word.state() == HF_BREAKER_OPEN) {
    StartProbing(policy, word.generation() + 1);
    return AdmitProbe(policy, HF_EVENT_BREAKER_HALF_OPENED);
  }
  if (probes_.Admitted() < policy.probes) {
    probes_.Admit();
    return AdmitProbe(policy, 0);
  }
  journal_.Write(HF_EVENT_KIND_LOST, newest_, HF_R_NONE, 0, probes_.Out());
  if (policy.lost_probe == HF_LOST_PROBE_REFUND) {
    StartProbing(policy, word.generation() + 1);
    return AdmitProbe(policy, HF_EVENT_PROBE_LOST);
  }
  probes_.CountOutAsFailed();
  const hf_events events = HF_EVENT_PROBE_LOST | Judge(policy, word.generation());
  const BreakerWord judged(word_.Load());
  if (judged.state() == HF_BREAKER_OPEN) return Refuse(HF_BREAKER_OPEN, newest_, events);
  // Closed. The first call of a ramp is always admitted; it is not counted while it is under way.
  return Admit(judged, HF_PERMIT_NORMAL, 0, events);
}

template <typename Storage>
void Breaker<Storage>::StartProbing(const BreakerPolicy& policy, uint64_t generation) {
  wanted_.Store(policy.probes);
  probes_.Start();
  Publish(policy, generation, HF_BREAKER_HALF_OPEN, /*ramps=*/false);
}

template <typename Storage>
Admission Breaker<Storage>::AdmitProbe(const BreakerPolicy& policy, hf_events events) {
  RenewLease(policy);
  const BreakerWord word(word_.Load());
  const uint32_t begin = health_.in_flight().BeginOf(newest_);
  const uint32_t stamp = word.ages() ? Stamp(word.units(), 0, begin).raw() : 0;
  return Admit(word, HF_PERMIT_PROBE, stamp, events);
}

// A probe is usually back long before its lease is over.
template <typename Storage>
void Breaker<Storage>::RenewLease(const BreakerPolicy& policy) {
  length_.Store(std::min(policy.probe_lease, policy.open_for / 10));
  until_.Store(AddSaturating(newest_, policy.probe_lease));
}

template <typename Storage>
Settlement Breaker<Storage>::RecordElsewhere(BreakerWord word, const hf_permit& permit,
                                             hf_verdict verdict, hf_time now) {
  if (word.state() == HF_BREAKER_DISABLED) return {true, 0};
  const ScopedLock lock(mutex_);
  const BreakerWord current(word_.Load());
  if (current.generation() != word.generation()) return {true, HF_EVENT_STRAGGLER};
  if (probes_.Out() == 0) return {false, 0};
  newest_ = NotBefore(now, newest_);
  const BreakerPolicy policy = health_.policy().Load();
  RenewLease(policy);
  if (verdict == HF_VERDICT_IGNORED) {
    probes_.Refund();
    return {true, 0};
  }
  const bool slow = LeaveFlight(current, permit, /*left=*/false, now) || verdict == HF_VERDICT_SLOW;
  probes_.Count(verdict == HF_VERDICT_FAILURE, slow);
  return {true, probes_.IsComplete(policy) ? Judge(policy, current.generation()) : 0};
}

template <typename Storage>
void Breaker<Storage>::Advance(BreakerWord word, hf_time now) {
  const ScopedLock lock(mutex_);
  if (word.IsOfSameEra(BreakerWord(word_.Load()))) health_.Advance(word, now);
}

template <typename Storage>
hf_events Breaker<Storage>::LookForHangs(BreakerWord word, hf_time now) {
  return health_.Trips(word, now) ? Trip(word, now, Diagnosis::kTrips) : 0;
}

template <typename Storage>
hf_events Breaker<Storage>::Trip(BreakerWord seen, hf_time now, Diagnosis found) {
  if (seen.state() != HF_BREAKER_CLOSED) return 0;  // METRICS_ONLY
  const ScopedLock lock(mutex_);
  const BreakerWord word(word_.Load());
  if (word.generation() != seen.generation()) return 0;  // another thread was first
  // An update in between may have moved the results that were looked at.
  if (found != Diagnosis::kTripsForSure && !health_.Trips(word, now)) return 0;
  newest_ = NotBefore(now, newest_);
  return Open(health_.policy().Load(), word.generation() + 1);
}

// --- transitions, under the lock --------------------------------------------------------------------
template <typename Storage>
hf_events Breaker<Storage>::Judge(const BreakerPolicy& policy, uint64_t generation) {
  if (!probes_.IsGood(policy)) return Open(policy, generation + 1);
  Close(policy, generation + 1, HF_BREAKER_CLOSED, policy.ramp_for > 0);
  return HF_EVENT_BREAKER_CLOSED;
}

template <typename Storage>
hf_events Breaker<Storage>::Open(const BreakerPolicy& policy, uint64_t generation) {
  const bool was_closed = BreakerWord(word_.Load()).state() == HF_BREAKER_CLOSED;
  if (was_closed && newest_ - closed_at_ >= policy.healthy_for) trips_.Store(0);
  trips_.Store(trips_.Load() + (trips_.Load() != UINT32_MAX));
  opened_.Add(1);
  OpenFor(policy, generation, OpenTime(policy, trips_.Load(), opened_.Load()));
  return HF_EVENT_BREAKER_OPENED;
}

template <typename Storage>
void Breaker<Storage>::OpenFor(const BreakerPolicy& policy, uint64_t generation,
                               hf_duration length) {
  length_.Store(length);
  until_.Store(AddSaturating(newest_, length));
  Publish(policy, generation, HF_BREAKER_OPEN, /*ramps=*/false);
}

// CLOSED or METRICS_ONLY, with empty windows.
template <typename Storage>
void Breaker<Storage>::Close(const BreakerPolicy& policy, uint64_t generation,
                             hf_breaker_state state, bool ramps) {
  closed_at_ = newest_;
  if (ramps) StartRamp(policy.ramp_from, policy.ramp_for);
  const BreakerWord next = BreakerWord::Make(generation, shape_, state, ramps, policy);
  health_.Reset(next, policy, newest_);
  Publish(policy, generation, state, ramps);
}

template <typename Storage>
void Breaker<Storage>::StartRamp(double from, hf_duration length) {
  ramp_.Start();
  ramp_from_.Store(from);
  length_.Store(length);
  until_.Store(AddSaturating(newest_, length));
}

template <typename Storage>
void Breaker<Storage>::EndRamp(hf_time now) {
  const ScopedLock lock(mutex_);
  const BreakerWord word(word_.Load());
  newest_ = NotBefore(now, newest_);
  if (!word.ramps() || newest_ < until_.Load()) return;
  word_.Store(word.WithoutRamp().raw());
}

template <typename Storage>
void Breaker<Storage>::Publish(const BreakerPolicy& policy, uint64_t generation,
                               hf_breaker_state state, bool ramps) {
  const BreakerWord before(word_.Load());
  word_.Store(BreakerWord::Make(generation, shape_, state, ramps, policy).raw());
  if (generation == 1) return;
  journal_.Write(HF_EVENT_KIND_STATE, newest_, HF_R_NONE, before.state(), state);
}

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BREAKER_LOCKED_H_
