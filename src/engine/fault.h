// SPDX-License-Identifier: Apache-2.0
// Fault injection: a run with an end, limits, and rules that may be replaced under way. What is promised is
// in c/fault.h, what a rule says in engine/fault_rules.h.
//
//   until_   0: STOPPED, and all that a draw reads then; else RUNNING until that time
//
//   event              STOPPED                RUNNING
//   Start              RUNNING, a new end     a new end
//   Stop(reason)       -                      STOPPED for that reason
//   Draw               nothing                a fault within the limits, or nothing
//   Draw, Read, past   -                      STOPPED, DEADLINE: by whoever notices first
//   Update             the rules of the next configuration, from the next draw on
//   Done(ticket)       active - 1             active - 1
//
// Two tables: configuration n lives in table n % 2, so the one before stays whole while the next is written.
// `begun_` is raised before a table is written, `published_` after. A draw that used table n answers only
// if n + 2 had not begun by then, else it draws again; each further draw is paid by an update, so none
// ever waits for one.
//
// Invariants: active <= max_active and injected <= max_total, each taken by compare-and-exchange; a fault
// refused by the second gives the first back. A fault without a delay is over at once and is never active.
// Locking: Draw and Done are lock-free, but for draws that find a run past its end. Start, Stop, Update and
// Read are under the lock. Memory: fixed, 20 KB.
#ifndef HOLDFAST_ENGINE_FAULT_H_
#define HOLDFAST_ENGINE_FAULT_H_

#include <holdfast/c/fault.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/fault_rules.h"

namespace holdfast::engine {

// `places` is for tests that make many small ones.
template <typename Storage, size_t places = kMaxFaultRules>
class Fault {
 public:
  // `ticket`, not 0, marks what this injector has given out.
  Fault(const FaultPolicy& policy, uint64_t ticket)
      : ticket_(ticket), seed_(policy.seed), expiry_(policy.expiry) {
    tables_[0].Store(policy);
  }

  // True if something is to be done to the attempt: what, in *out, which is else as it was. Needs a seed, an
  // attempt from 1, valid facts.
  bool Draw(uint64_t seed, uint32_t attempt, const hf_facts& facts, hf_time now,
            hf_fault_decision* out) {
    const hf_time until = until_.Load();
    if (until == 0) return false;
    return now < until ? DrawRunning(seed, attempt, facts, now, out) : Expire(now);
  }

  // What a draw would say, if it ran and had no limits.
  bool Preview(uint64_t seed, uint32_t attempt, const hf_facts& facts, hf_time now,
               hf_fault_decision* out) const {
    FaultLimits limits;
    return Decide(seed, attempt, facts, now, out, &limits);
  }

  // False if the ticket is another injector's. Its ticket is 0 afterwards.
  bool Done(hf_fault_decision* decision) {
    if (decision->ticket == 0) return true;
    if (decision->ticket != ticket_) return false;
    decision->ticket = 0;
    GiveBack();
    return true;
  }

  void Start(hf_time now) {
    const ScopedLock lock(mutex_);
    now = Newest(now);
    const bool running = until_.Load() != 0;
    until_.Store(AddSaturating(now, expiry_));
    ++starts_;
    if (!running) WriteState(now, HF_R_NONE, HF_FAULT_STOPPED, HF_FAULT_RUNNING);
  }

  // One load if it has been stopped already.
  void Stop(hf_reason reason, hf_time now) {
    if (until_.Load() == 0) return;
    const ScopedLock lock(mutex_);
    now = Newest(now);
    if (until_.Load() != 0) End(reason, now);
  }

  void Update(const FaultPolicy& policy, hf_time now) {
    const ScopedLock lock(mutex_);
    const uint64_t next = published_.Load() + 1;
    begun_.Store(next);
    tables_[next % 2].Store(policy);
    published_.Store(next);
    seed_ = policy.seed;
    expiry_ = policy.expiry;
    journal_.Write(HF_EVENT_KIND_UPDATED, Newest(now), HF_R_NONE, 0, static_cast<int64_t>(next));
  }

  hf_fault_snapshot Read(hf_time now) {
    const ScopedLock lock(mutex_);
    now = Newest(now);
    EndIfDue(now);
    hf_fault_snapshot snapshot{};
    snapshot.state = until_.Load() == 0 ? HF_FAULT_STOPPED : HF_FAULT_RUNNING;
    snapshot.seed = seed_;
    snapshot.left = TimeUntil(until_.Load(), now);
    snapshot.errors = injected_[HF_FAULT_ERROR].Load();
    snapshot.delays = injected_[HF_FAULT_DELAY].Load();
    snapshot.results = injected_[HF_FAULT_RESULT].Load();
    snapshot.skipped_active = skipped_active_.Load();
    snapshot.skipped_total = skipped_total_.Load();
    snapshot.starts = starts_;
    snapshot.updates = published_.Load();
    snapshot.active = active_.Load();
    snapshot.stop_reason = stop_reason_;
    return snapshot;
  }

  typename Storage::Journal& journal() { return journal_; }

 private:
  using Rules = FaultRules<Storage, places>;

  bool DrawRunning(uint64_t seed, uint32_t attempt, const hf_facts& facts, hf_time now,
                   hf_fault_decision* out) {
    FaultLimits limits;
    hf_fault_decision decision;
    if (!Decide(seed, attempt, facts, now, &decision, &limits)) return false;
    const bool lasts = decision.delay_until != 0;
    if (!TakeActive(lasts, limits.max_active)) {
      skipped_active_.Add(1);
      return false;
    }
    if (!TakeTotal(limits.max_total)) {
      if (lasts) GiveBack();
      skipped_total_.Add(1);
      return false;
    }
    if (lasts) decision.ticket = ticket_;
    injected_[decision.kind].Add(1);
    journal_.Write(
        HF_EVENT_KIND_FAULT, now, HF_R_FAULT_INJECTED, decision.rule,
        decision.kind == HF_FAULT_DELAY ? decision.delay_until - now : decision.outcome.code);
    *out = decision;
    return true;
  }

  bool Decide(uint64_t seed, uint32_t attempt, const hf_facts& facts, hf_time now,
              hf_fault_decision* out, FaultLimits* limits) const {
    for (;;) {
      const uint64_t configuration = published_.Load();
      const Rules& table = tables_[configuration % 2];
      const bool any = table.Decide(seed, attempt, facts, now, out);
      if (any) *limits = table.Limits();
      if (begun_.Load() < configuration + 2) return any;
    }
  }

  // A place among the active, if the fault lasts; else only whether there is one.
  bool TakeActive(bool lasts, uint32_t max_active) {
    uint32_t active = active_.Load();
    while (active < max_active) {
      if (!lasts || active_.CompareExchange(active, active + 1)) return true;
    }
    return false;
  }

  bool TakeTotal(uint64_t max_total) {
    uint64_t total = total_.Load();
    while (max_total == 0 || total < max_total) {
      if (total_.CompareExchange(total, total + 1)) return true;
    }
    return false;
  }

  // A copied ticket is recognised only once nothing is active: it never makes room out of nothing below 0.
  void GiveBack() {
    uint32_t active = active_.Load();
    while (active != 0 && !active_.CompareExchange(active, active - 1)) {
    }
  }

  // False, for nothing is injected.
  bool Expire(hf_time now) {
    const ScopedLock lock(mutex_);
    EndIfDue(Newest(now));
    return false;
  }

  // All below: under the lock.

  hf_time Newest(hf_time now) { return newest_ = NotBefore(now, newest_); }

  void EndIfDue(hf_time now) {
    if (until_.Load() != 0 && now >= until_.Load()) End(HF_R_DEADLINE, now);
  }

  void End(hf_reason reason, hf_time now) {
    until_.Store(0);
    stop_reason_ = reason;
    WriteState(now, reason, HF_FAULT_RUNNING, HF_FAULT_STOPPED);
  }

  void WriteState(hf_time now, hf_reason reason, hf_fault_state before, hf_fault_state after) {
    journal_.Write(HF_EVENT_KIND_STATE, now, reason, before, after);
  }

  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  const uint64_t ticket_;
  Cell<hf_time> until_;
  Cell<uint64_t> published_;  // which configuration holds, from 0
  Cell<uint64_t> begun_;      // which was written last, perhaps not wholly yet
  std::array<Rules, 2> tables_;
  Cell<uint32_t> active_;
  Cell<uint64_t> total_;
  std::array<Cell<uint64_t>, HF_FAULT_RESULT + 1> injected_;  // by kind
  Cell<uint64_t> skipped_active_;
  Cell<uint64_t> skipped_total_;
  typename Storage::Mutex mutex_;
  hf_time newest_ = 0;  // this and below: under mutex_
  uint64_t seed_;
  hf_duration expiry_;
  uint64_t starts_ = 0;
  hf_reason stop_reason_ = HF_R_NONE;
  typename Storage::Journal journal_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_FAULT_H_
