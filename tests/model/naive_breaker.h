// SPDX-License-Identifier: Apache-2.0
// The breaker as one would write it on a whiteboard: lists of results, calls and peers, no packing, no cells,
// and every rate is taken anew at every step. The tables of c/breaker.h and of engine/in_flight.h (units and
// ticks) are all that it shares with the engine.
#ifndef HOLDFAST_TESTS_MODEL_NAIVE_BREAKER_H_
#define HOLDFAST_TESTS_MODEL_NAIVE_BREAKER_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/breaker_policy.h"
#include "engine/rng.h"
#include "engine/window.h"
#include "model/naive_results.h"

namespace holdfast::model {

class NaiveBreaker {
 public:
  explicit NaiveBreaker(const engine::BreakerPolicy& policy, size_t places = 0)
      : policy_(policy), results_(policy), places_(places) {}

  struct Answer {
    hf_reason refused = HF_R_NONE;
    hf_duration longest_wait = 0;  // retry_after is at most this
    uint64_t generation = 0;
    uint32_t kind = HF_PERMIT_NONE;
    hf_events events = 0;
    // What the naive permit remembers.
    int64_t begin = 0;
    int units = -1;  // -1: no begin
  };

  // `looks`: for calls that hang.
  Answer Acquire(hf_time now, bool looks = true) {
    hf_events events = 0;
    if (looks && state_ == HF_BREAKER_CLOSED && Ages() && Trips(now, /*as_of_newest=*/true)) {
      newest_ = std::max(newest_, now);
      events = Open();
    }
    if (Counts() || state_ == HF_BREAKER_DISABLED) return AcquireClosed(now, events);
    if (state_ == HF_BREAKER_FORCED_OPEN) {
      return Refuse(HF_R_BREAKER_FORCED_OPEN, HF_INFINITE, events);
    }
    const hf_time seen = std::max(now, newest_);
    if (state_ == HF_BREAKER_OPEN) {
      if (now < until_) return Refuse(HF_R_BREAKER_OPEN, length_, events);
      newest_ = seen;
      return NewRound(events | HF_EVENT_BREAKER_HALF_OPENED);
    }
    if (probes_.size() < policy_.probes) {
      newest_ = seen;
      lease_until_ = newest_ + policy_.probe_lease;
      probes_.push_back(kOut);
      return Probe(events);
    }
    if (seen < lease_until_) {
      return Refuse(HF_R_BREAKER_PROBING, lease_until_ - seen, events);
    }
    newest_ = seen;
    events |= HF_EVENT_PROBE_LOST;
    if (policy_.lost_probe == HF_LOST_PROBE_REFUND) return NewRound(events);
    std::replace(probes_.begin(), probes_.end(), kOut, kBad);
    events |= JudgeProbes();
    if (state_ == HF_BREAKER_OPEN) return Refuse(HF_R_BREAKER_OPEN, length_, events);
    return {HF_R_NONE, 0, generation_, HF_PERMIT_NORMAL, events, 0, -1};
  }

  hf_events Record(const Answer& permit, hf_verdict verdict, hf_time now) {
    if (permit.generation != generation_) return HF_EVENT_STRAGGLER;
    if (state_ == HF_BREAKER_DISABLED) return 0;
    const bool timed = Ages() && permit.units == units_;
    const bool slow = verdict == HF_VERDICT_SLOW || (timed && Unit(now) - permit.begin >= Limit());
    if (state_ == HF_BREAKER_HALF_OPEN) return RecordProbe(verdict, slow, now);
    if (timed) flights_.erase(std::find(flights_.begin(), flights_.end(), permit.begin));
    if (verdict == HF_VERDICT_IGNORED) return 0;
    const bool failed = verdict == HF_VERDICT_FAILURE;
    results_.Add({failed, slow && policy_.slow_rate > 0}, now);
    run_ = failed ? run_ + 1 : 0;
    if (state_ != HF_BREAKER_CLOSED || !Trips(now, /*as_of_newest=*/false)) return 0;
    newest_ = std::max(newest_, now);
    return Open();
  }

  void Force(hf_breaker_state state, hf_time now) {
    newest_ = std::max(newest_, now);
    if (state == HF_BREAKER_CLOSED || state == HF_BREAKER_METRICS_ONLY) {
      trips_ = 0;
      Close(state, false);
    } else {
      Enter(state);
    }
  }

  hf_events Update(const engine::BreakerPolicy& policy, hf_time now) {
    now = std::max(newest_, now);
    const bool other_unit =
        ShiftOf(policy) != ShiftOf(policy_) || LimitOf(policy) != LimitOf(policy_);
    results_.Follow(policy, now);
    if (other_unit || Ages() != (policy.slow_after > 0)) {
      ++units_;
      flights_.clear();
    }
    policy_ = policy;
    if (state_ == HF_BREAKER_HALF_OPEN && Back() >= policy_.probes) {
      newest_ = now;
      return JudgeProbes();
    }
    if (state_ != HF_BREAKER_CLOSED || !Trips(now, /*as_of_newest=*/true)) return 0;
    newest_ = now;
    return Open();
  }

  bool Merge(uint64_t id, const engine::WindowTotals& totals, hf_time now, hf_events* events) {
    now = std::max(newest_, now);
    told_ = std::max(told_, now);
    std::erase_if(peers_, [&](const Peer& peer) { return peer.until <= told_; });
    if (std::erase_if(peers_, [&](const Peer& peer) { return peer.id == id; }) == 0 &&
        peers_.size() == places_) {
      return false;
    }
    peers_.push_back({id, told_ + policy_.peer_ttl, totals});
    if (state_ != HF_BREAKER_CLOSED || Vetoes(now)) return true;
    engine::WindowTotals all = results_.Live(now);
    for (const Peer& peer : peers_) {
      all.calls += peer.totals.calls;
      all.failures += peer.totals.failures;
      all.slow += peer.totals.slow;
    }
    if (!RatesTrip(all, Overdue(now))) return true;
    newest_ = now;
    *events |= Open();
    return true;
  }

  // Saved, carried to another process whose clock shows the same, and restored.
  void SaveAndRestore(hf_time now) {
    const hf_time seen = std::max(now, newest_);
    hf_duration left =
        state_ == HF_BREAKER_OPEN || ramps_ ? std::max<hf_time>(until_ - seen, 0) : 0;
    const hf_duration closed_for = seen - closed_at_;
    engine::WindowTotals totals = results_.Live(seen);
    if (policy_.slow_rate <= 0) totals.slow = 0;
    const uint32_t run = run_;
    newest_ = seen;
    if (Counts()) {
      left = std::min(left, policy_.ramp_for);
      const bool closed = state_ == HF_BREAKER_CLOSED;
      Close(state_, left > 0);
      if (left > 0) until_ = newest_ + left;
      closed_at_ = closed ? newest_ - closed_for : newest_;
      results_.Pour(totals);
      run_ = run;
      if (closed && Trips(newest_, /*as_of_newest=*/true)) Open();
    } else if (state_ == HF_BREAKER_OPEN || state_ == HF_BREAKER_HALF_OPEN) {
      Enter(HF_BREAKER_OPEN);
      left = std::min(left, policy_.open_cap);  // of an earlier configuration, perhaps
      length_ = left;
      until_ = newest_ + left;
    } else {
      Enter(state_);
    }
  }

  engine::WindowTotals Totals(hf_time now) const { return results_.Live(now); }
  uint32_t ProbesOut() const {
    if (state_ != HF_BREAKER_HALF_OPEN) return 0;
    return static_cast<uint32_t>(std::count(probes_.begin(), probes_.end(), kOut));
  }
  uint32_t Overdue(hf_time now) const {
    if (!Ages() || !Counts()) return 0;
    return static_cast<uint32_t>(
        std::count_if(flights_.begin(), flights_.end(),
                      [&](int64_t begin) { return Unit(now) - (begin | 255) >= Limit(); }));
  }
  uint32_t InFlight() const {
    return Ages() && Counts() ? static_cast<uint32_t>(flights_.size()) : 0;
  }

  hf_breaker_state state() const { return state_; }
  uint64_t generation() const { return generation_; }
  uint32_t run() const { return run_; }
  hf_time open_until() const { return state_ == HF_BREAKER_OPEN ? until_ : 0; }
  uint64_t opened() const { return opened_; }
  uint64_t refused() const { return refused_; }
  uint32_t trips() const { return trips_; }
  bool Ages() const { return policy_.slow_after > 0; }

 private:
  enum Seen { kOut, kGood, kBad, kSlow, kSlowAndBad };
  struct Peer {
    uint64_t id;
    hf_time until;
    engine::WindowTotals totals;
  };

  bool Counts() const { return state_ == HF_BREAKER_CLOSED || state_ == HF_BREAKER_METRICS_ONLY; }

  // --- units and ticks ----------------------------------------------------------------------------------
  static int ShiftOf(const engine::BreakerPolicy& policy) {
    int shift = 0;
    while (policy.slow_after >> shift > 3840) ++shift;
    return shift;
  }
  static int64_t LimitOf(const engine::BreakerPolicy& policy) {
    return std::max<int64_t>(policy.slow_after >> ShiftOf(policy), 1);
  }
  int64_t Unit(hf_time now) const { return now >> ShiftOf(policy_); }
  int64_t Limit() const { return LimitOf(policy_); }

  // --- acquire --------------------------------------------------------------------------------------------
  Answer AcquireClosed(hf_time now, hf_events events) {
    if (ramps_ && now < until_) {
      const double passed = static_cast<double>(length_ - std::min(until_ - now, length_));
      const double share = ramp_from_ + (1 - ramp_from_) * (passed / static_cast<double>(length_));
      const uint64_t before = account_;
      account_ += std::min<uint64_t>(static_cast<uint64_t>(std::floor(share * 0x1p32)), UINT32_MAX);
      if (before >> 32 == account_ >> 32) return Refuse(HF_R_BREAKER_RAMPING, length_, events);
    } else if (ramps_) {
      ramps_ = false;
      newest_ = std::max(newest_, now);
    }
    if (!Ages() || !Counts()) return {HF_R_NONE, 0, generation_, HF_PERMIT_NORMAL, events, 0, -1};
    flights_.push_back(Unit(now));
    return {HF_R_NONE, 0, generation_, HF_PERMIT_NORMAL, events, Unit(now), units_};
  }

  Answer Refuse(hf_reason reason, hf_duration longest_wait, hf_events events) {
    ++refused_;
    return {reason, std::max<hf_duration>(longest_wait, 1), 0, HF_PERMIT_NONE, events, 0, -1};
  }

  Answer NewRound(hf_events events) {
    Enter(HF_BREAKER_HALF_OPEN);
    probes_ = {kOut};
    lease_until_ = newest_ + policy_.probe_lease;
    return Probe(events);
  }

  Answer Probe(hf_events events) const {
    return {HF_R_NONE,           0, generation_, HF_PERMIT_PROBE, events, Unit(newest_),
            Ages() ? units_ : -1};
  }

  // --- what trips -----------------------------------------------------------------------------------------
  bool Trips(hf_time now, bool as_of_newest) const {
    if (policy_.consecutive_failures != 0 && run_ >= policy_.consecutive_failures) return true;
    return RatesTrip(as_of_newest ? results_.LiveAsOfNewest() : results_.Live(now), Overdue(now));
  }

  bool RatesTrip(const engine::WindowTotals& totals, uint32_t overdue) const {
    const auto reaches = [&](uint32_t part, uint32_t whole, double rate) {
      return whole >= policy_.minimum_calls && static_cast<double>(part) / whole >= rate;
    };
    if (reaches(totals.failures, totals.calls, policy_.failure_rate)) return true;
    return policy_.slow_rate > 0 &&
           reaches(totals.slow + overdue, totals.calls + overdue, policy_.slow_rate);
  }

  bool Vetoes(hf_time now) const {
    if (trips_ > 0 && now - closed_at_ < policy_.peer_ttl) return true;
    const engine::WindowTotals own = results_.Live(now);
    if (own.calls < policy_.veto_calls) return false;
    if (static_cast<double>(own.failures) / own.calls >= policy_.veto_rate) return false;
    if (policy_.slow_rate <= 0) return true;
    const uint32_t overdue = Overdue(now);
    return static_cast<double>(own.slow + overdue) / (own.calls + overdue) <
           policy_.slow_rate * policy_.veto_rate / policy_.failure_rate;
  }

  // --- probes ---------------------------------------------------------------------------------------------
  hf_events RecordProbe(hf_verdict verdict, bool slow, hf_time now) {
    newest_ = std::max(newest_, now);
    lease_until_ = newest_ + policy_.probe_lease;
    const auto probe = std::find(probes_.begin(), probes_.end(), kOut);
    if (verdict == HF_VERDICT_IGNORED) {
      probes_.erase(probe);
      return 0;
    }
    const bool failed = verdict == HF_VERDICT_FAILURE;
    *probe = failed ? (slow ? kSlowAndBad : kBad) : (slow ? kSlow : kGood);
    return Back() < policy_.probes ? 0 : JudgeProbes();
  }

  uint32_t Back() const { return static_cast<uint32_t>(probes_.size()) - ProbesOut(); }

  hf_events JudgeProbes() {
    double bad = 0, failed = 0, slow = 0, back = 0;
    for (const Seen seen : probes_) {
      back += seen != kOut;
      failed += seen == kBad || seen == kSlowAndBad;
      slow += seen == kSlow || seen == kSlowAndBad;
      bad += seen == kBad || seen == kSlowAndBad || (seen == kSlow && policy_.slow_rate > 0);
    }
    const bool good = policy_.probe_success_rate > 0
                          ? (back - bad) / back >= policy_.probe_success_rate
                          : failed / back < policy_.failure_rate &&
                                (policy_.slow_rate <= 0 || slow / back < policy_.slow_rate);
    if (!good) return Open();
    Close(HF_BREAKER_CLOSED, policy_.ramp_for > 0);
    return HF_EVENT_BREAKER_CLOSED;
  }

  // --- transitions ----------------------------------------------------------------------------------------
  void Enter(hf_breaker_state state) {
    state_ = state;
    ramps_ = false;
    ++generation_;
  }

  hf_events Open() {
    if (state_ == HF_BREAKER_CLOSED && newest_ - closed_at_ >= policy_.healthy_for) trips_ = 0;
    ++trips_;
    ++opened_;
    Enter(HF_BREAKER_OPEN);
    const double wanted =
        static_cast<double>(policy_.open_for) * std::pow(policy_.open_multiplier, trips_ - 1);
    const double capped = std::min(wanted, static_cast<double>(policy_.open_cap));
    engine::Rng rng(policy_.seed, opened_);
    length_ =
        static_cast<hf_duration>(capped) -
        static_cast<hf_duration>(rng.UpTo(static_cast<uint64_t>(capped * policy_.open_jitter)));
    until_ = newest_ + length_;
    return HF_EVENT_BREAKER_OPENED;
  }

  void Close(hf_breaker_state state, bool ramps) {
    Enter(state);
    results_.Clear(newest_);
    flights_.clear();
    run_ = 0;
    closed_at_ = newest_;
    ramps_ = ramps;
    if (!ramps) return;
    ramp_from_ = policy_.ramp_from;
    length_ = policy_.ramp_for;
    until_ = newest_ + length_;
    account_ = UINT32_MAX;
  }

  engine::BreakerPolicy policy_;
  NaiveResults results_;
  size_t places_;
  hf_breaker_state state_ = HF_BREAKER_CLOSED;
  uint64_t generation_ = 1;
  int units_ = 0;
  uint32_t run_ = 0;
  std::vector<int64_t> flights_;  // in which unit they began
  std::vector<Seen> probes_;
  std::vector<Peer> peers_;
  hf_time told_ = 0;  // when a peer last did
  hf_time lease_until_ = 0;
  hf_time newest_ = 0;
  hf_time closed_at_ = 0;
  hf_time until_ = 0;  // of an opening or a ramp
  hf_duration length_ = 0;
  bool ramps_ = false;
  double ramp_from_ = 0;
  uint64_t account_ = 0;
  uint32_t trips_ = 0;
  uint64_t opened_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_NAIVE_BREAKER_H_
