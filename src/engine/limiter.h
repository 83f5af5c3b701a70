// SPDX-License-Identifier: Apache-2.0
// Rate limiter: a token bucket with weighted costs, reservations, refunds, a ramp and a send rate.
//
//   taken, credit, level: see engine/level.h
//   event                  taken + cost <= credit   later, in time       later, too late
//   Take                   taken += cost            taken += cost        refused, says when
//                          GRANTED                  WAIT until then      LIMITED
//   Cancel, the newest     taken -= cost, as if it had never been
//   Cancel, another        credit += what engine/ticket.h says; the rest is lost, nothing is minted
//   Update                 a level is scaled by the ratio of the bursts; a debt stays
//
// Invariants: over any interval of length T the admitted cost is at most burst + rate * T (but when
// the rate rises, reservations keep the times of the lower one, and newcomers may join them). `taken` moves by
// takes, and back only over the newest one, so each reservation keeps its place on the line. A refusal
// takes nothing.
// Locking: while credit covers it and the window is open, a take is one addition; of callers that race for
// the last tokens those who find the credit overdrawn give their cost back under the lock. All else takes
// the lock, for some arithmetic. Of racing callers one may be refused because of another's cost that is on
// its way back.
// Memory: engine/limiter_book.h, where the state is.
#ifndef HOLDFAST_ENGINE_LIMITER_H_
#define HOLDFAST_ENGINE_LIMITER_H_

#include <holdfast/c/limiter.h>

#include <algorithm>
#include <cstdint>

#include "engine/cells.h"
#include "engine/level.h"
#include "engine/limiter_book.h"
#include "engine/pace.h"
#include "engine/supply.h"
#include "engine/ticket.h"

namespace holdfast::engine {

template <typename Storage>
class Limiter : private LimiterBook<Storage> {
  using Book = LimiterBook<Storage>;

 public:
  // pace: nullable, outlives the limiter; decides about ramp and send rate.
  explicit Limiter(const LimiterPolicy& policy, Pace* pace = nullptr) : Book(policy, pace) {}

  // deadline: a wait must end before it and within max_wait. At most `now`: no waiting.
  LimiterAnswer Take(uint32_t cost, hf_time deadline, hf_time now, Ticket* ticket) {
    Attempt attempt;
    if (!TakeByAddition(cost, now, &attempt)) {
      return TakeUnderLock(cost, deadline, now, attempt, ticket);
    }
    *ticket = {attempt.position, now, cost};
    return LimiterAnswer::kGranted;
  }

  // The first half of Take: true if granted. The second must follow if not, for some may be taken.
  bool TakeByAddition(uint32_t cost, hf_time now, Attempt* attempt) {
    if (now >= open.Load() || cost - 1 >= burst.Load()) return false;
    attempt->promises = reserved.Load();
    const Units limit = credit.Load();
    const Units units = cost * kToken;
    attempt->position = taken.Add(units);
    return Ahead(limit, attempt->position + units) >= 0;
  }

  // The second half.
  LimiterAnswer TakeUnderLock(uint32_t cost, hf_time deadline, hf_time now, Attempt attempt,
                              Ticket* ticket) {
    const ScopedLock lock(mutex);
    const Units units = cost * kToken;
    *ticket = {0, now, cost};
    if (attempt.promises != Attempt::kNone) {  // overdrawn
      const bool promised = reserved.Load() != attempt.promises;
      // Not granted, whatever of it still had room.
      credited += units - Book::GiveBack(attempt.position, units, promised);
    }
    if (cost - 1 >= burst.Load()) return LimiterAnswer::kTooDear;
    Book::MakeRoomFor(cost);
    const Tempo tempo = Book::NowTempo();
    Units position = taken.Load();
    Level level = Book::Kept();
    BringUp(tempo, position, now, &level);
    hf_time at;
    do {
      at = ReadyAt(tempo, level, position + units);
      if (at > level.time && (at >= deadline || at - now > max_wait)) {
        Book::Keep(level, false);
        ++refused;
        journal.Write(HF_EVENT_KIND_REFUSED, now, HF_R_RATE_LIMITED, 0, cost);
        ticket->at = at;
        return LimiterAnswer::kLimited;
      }
    } while (!taken.CompareExchange(position, position + units));
    if (position == level.planned) {  // nobody in between: this one has a date
      level.planned += units;
      level.ceiling += units;
    }
    ticket->position = position;
    // With little left, taking by addition would mostly be taking back.
    const Units plenty = std::max(kToken, tempo.capacity / 256);
    Book::Keep(level, Ahead(level.credit, position + units + plenty) >= 0);
    if (at <= level.time) return LimiterAnswer::kGranted;
    reserved.Add(1);  // after the take: who took before it must see it when giving back
    ticket->at = at;
    return LimiterAnswer::kWait;
  }

  // Gives a reservation back that was not used. False if it cannot be one of this limiter's.
  bool Cancel(const Ticket& ticket, hf_time now) {
    const ScopedLock lock(mutex);
    const Units units = ticket.cost * kToken;
    if (ticket.cost == 0 || Ahead(ticket.position + units, taken.Load()) > 0) return false;
    Book::Settle(now);
    refunded += Book::GiveBack(ticket.position, units, true);
    return true;
  }

  // What became of a call. Counts for a limiter with a send rate only.
  void OnOutcome(bool throttled, hf_time now) {
    if (pace == nullptr || !pace->adaptive) return;
    const ScopedLock lock(mutex);
    Book::Settle(now);
    const Tempo before = Book::NowTempo();
    const double rate = pace->send.rate();
    pace->send.OnOutcome(throttled, now);
    if (throttled) pace->dearest = 0;
    Book::Retune(before);
    if (!throttled) return;
    journal.Write(HF_EVENT_KIND_LIMIT, now, HF_R_THROTTLED, static_cast<int64_t>(rate * 1000),
                  static_cast<int64_t>(pace->send.rate() * 1000));
  }

  // warm_up and cold_factor count only for a limiter that has a pace.
  void Update(const LimiterPolicy& policy, hf_duration warm_up, uint32_t cold_factor,
              uint32_t number, hf_time now) {
    const ScopedLock lock(mutex);
    Book::Settle(now);
    const Tempo before = Book::NowTempo();
    const Units old_taken = taken.Load();
    const int64_t level = Ahead(credit.Load(), old_taken);
    if (level > 0) {
      credit.Store(old_taken + Scale(static_cast<Units>(level), policy.burst, burst.Load()));
    }
    period = policy.period;
    max_wait = policy.max_wait;
    permits = policy.permits;
    burst.Store(policy.burst);
    if (pace != nullptr) pace->Ramp(warm_up, cold_factor);
    Book::Retune(before);
    journal.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, number);
  }

  // At `now`; changes nothing.
  hf_limiter_snapshot Read(hf_time now) const {
    const ScopedLock lock(mutex);
    const Tempo tempo = Book::NowTempo();
    const Units all = taken.Load();
    Level level = Book::Kept();
    BringUp(tempo, all, now, &level);  // a copy: being looked at is not being used
    hf_limiter_snapshot snapshot{};
    snapshot.rate = TokensASecond(StepAt(tempo, level.ramp, level.time).rate);
    snapshot.tokens = static_cast<double>(Ahead(level.credit, all)) / kToken;
    snapshot.granted = (all - credited) / kToken;
    snapshot.refused = refused;
    snapshot.reserved = reserved.Load();
    snapshot.refunded = refunded / kToken;
    return snapshot;
  }

  // Whether a new limiter would do as well: full for as long as it takes to be cold, nothing reserved, and no
  // send rate learnt. Changes nothing.
  bool IsIdle(hf_time now) const {
    const ScopedLock lock(mutex);
    if (pace != nullptr && pace->ramp == kCold) return true;
    if (pace != nullptr && pace->send.limited()) return false;
    const Tempo tempo = Book::NowTempo();
    const hf_time full = ReadyAt(tempo, Book::Kept(), taken.Load() + tempo.capacity);
    return now >= AddSaturating(full, tempo.warm_up);
  }

  LimiterPolicy Policy() const {
    const ScopedLock lock(mutex);
    return {period, max_wait, permits, burst.Load()};
  }

  typename Storage::Journal& Events() { return journal; }
  Pace* Paced() const { return pace; }

 private:
  using Book::burst;
  using Book::credit;
  using Book::credited;
  using Book::journal;
  using Book::max_wait;
  using Book::mutex;
  using Book::open;
  using Book::pace;
  using Book::period;
  using Book::permits;
  using Book::refunded;
  using Book::refused;
  using Book::reserved;
  using Book::taken;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_LIMITER_H_
