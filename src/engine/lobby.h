// SPDX-License-Identifier: Apache-2.0
// The part of a bulkhead (bulkhead.h) that its lock guards: who waits, whose turn it is, and what is
// to be asked besides the limit.
//
//   a newcomer, in this order              answer
//   its partition does not exist           NO_PARTITION
//   the estimate exceeds its time          NO_TIME; never while nobody is inside, or nothing is known
//   its user is at their share             OVER_SHARE
//   its partition is below its guarantee   enters, past the limit and past who waits
//   its criticality's room is used up      OVER_SHARE
//   in_flight < limit and nobody waits     enters
//   it may wait and there is a place       queued
//   else                                   FULL; in a partition OVER_SHARE: it has had its share
//
//   whose turn it is: first the waiters of partitions below their guarantee, then, while there is room,
//   the most critical, oldest first; newest first while the queue stands, if the order says so. Whoever
//   is too late is passed over; the oldest is dropped where CoDel says so. Both only if one can enter.
//
// Invariants: users are counted from the moment they queue, partitions from the moment they enter.
// Locking: all but Refuse needs the bulkhead's lock. Memory: about 2 KiB.
#ifndef HOLDFAST_ENGINE_LOBBY_H_
#define HOLDFAST_ENGINE_LOBBY_H_

#include <holdfast/c/bulkhead.h>

#include <algorithm>
#include <cstdint>

#include "engine/bulkhead_policy.h"
#include "engine/codel.h"
#include "engine/duration.h"
#include "engine/refusals.h"
#include "engine/shares.h"
#include "engine/wait_estimate.h"
#include "engine/wait_queue.h"
#include "engine/waiter.h"

namespace holdfast::engine {

template <typename Storage>
class Lobby {
 public:
  using WordCell = typename Storage::template Cell<Occupancy::Word>;

  Lobby(const BulkheadPolicy& given, WordCell& word) : policy(given), word_(word) {}

  BulkheadAnswer Admit(const BulkheadRequest& request, Waiter* place, hf_time now,
                       BulkheadTerms* terms) {
    if (request.partition >= std::max(policy.shares.partitions, 1u)) {
      return BulkheadAnswer::kNoPartition;
    }
    const uint8_t user = policy.shares.LimitsUsers() ? UserTable::SlotOf(request.user) : 0;
    const BulkheadAnswer answer = Judge(request, user, place != nullptr, now, terms);
    if (answer == BulkheadAnswer::kGranted) {
      shares_.Enter(ClaimOf(request.partition, user));
      return answer;
    }
    if (answer != BulkheadAnswer::kQueued) return Refuse(answer, now);
    terms->until = std::min(request.deadline, AddSaturating(now, policy.max_wait));
    place->deadline = terms->until;
    place->since = now;
    place->state = WaiterState::kQueued;
    place->criticality = static_cast<uint8_t>(request.criticality);
    place->partition = static_cast<uint8_t>(request.partition);
    place->user = user;
    shares_.Queue(user);
    queue_.Append(*place);
    return answer;
  }

  // The waiter is QUEUED.
  void Unqueue(Waiter& waiter, WaiterState next) {
    shares_.Unqueue(waiter.user);
    Remove(waiter, next);
    word_.Add(0 - Occupancy::kOneWaiting);
  }

  // False if that place is not taken; then nothing changes.
  bool GiveBack(Claim claim) {
    if (Occupancy::InFlight(word_.Load()) == 0 || !shares_.Leave(claim)) return false;
    word_.Add(0 - Occupancy::kOneIn);
    return true;
  }

  void Serve(hf_time now, WakeList* wake) {
    while (Waiter* const next = Next(now, wake)) {
      if (now >= next->deadline) {
        Dismiss(*next, BulkheadAnswer::kTimedOut, now, wake);
      } else {
        LetIn(*next, wake);
      }
    }
  }

  // Counts it. Needs no lock.
  BulkheadAnswer Refuse(BulkheadAnswer answer, hf_time now) {
    refusals_.Count(answer);
    journal.Write(HF_EVENT_KIND_REFUSED, now, ReasonOf(answer), Occupancy::InFlight(word_.Load()),
                  HF_PERMIT_NORMAL);
    return answer;
  }

  void Learn(hf_duration latency) { estimate_.Record(latency); }

  void Read(hf_bulkhead_snapshot* out) const {
    out->limit = policy.limit;
    refusals_.Read(out);
    out->latency = estimate_.Latency();
    out->overloaded = codel_.overloaded() ? 1 : 0;
    out->partitions = policy.shares.partitions;
    for (uint32_t i = 0; i < policy.shares.partitions; ++i) {
      out->partition_guarantee[i] = PartOf(policy.shares.guarantee[i], policy.limit);
      out->partition_in_flight[i] = shares_.InFlight(i);
      out->partition_waiting[i] = queue_.Waiting(i);
    }
  }

  BulkheadPolicy policy;
  typename Storage::Journal journal;

 private:
  using Word = Occupancy::Word;

  Claim ClaimOf(uint32_t partition, uint8_t user) const {
    return {static_cast<uint8_t>(policy.shares.partitions > 0 ? partition + 1 : 0), user};
  }

  // --- a newcomer -----------------------------------------------------------------------------------
  BulkheadAnswer Judge(const BulkheadRequest& request, uint8_t user, bool may_wait, hf_time now,
                       BulkheadTerms* terms) {
    const SharePolicy& shares = policy.shares;
    const bool guaranteed = shares_.Guaranteed(shares, request.partition, policy.limit);
    const Word word = word_.Load();
    const hf_duration latency = policy.refuse_no_time ? estimate_.Latency() : 0;
    const bool enters = guaranteed || Occupancy::HasRoom(word, policy.limit);
    const uint32_t place = Occupancy::Waiting(word) + 1;
    const hf_duration wait = enters ? 0 : WaitEstimate<Storage>::Wait(latency, place, policy.limit);
    terms->retry_after = wait;
    const hf_duration own = enters ? latency : estimate_.Tail();
    if (latency > 0 && Occupancy::InFlight(word) > 0 &&
        AddSaturating(wait, own) > TimeUntil(request.deadline, now)) {
      terms->retry_after = std::max<hf_duration>(wait, 1);
      return BulkheadAnswer::kNoTime;
    }
    if (!shares_.UserHasRoom(shares, user, policy.limit)) return BulkheadAnswer::kOverShare;
    if (guaranteed) {
      terms->stamp = Stamp(request.partition, user, word_.Add(Occupancy::kOneIn));
      return BulkheadAnswer::kGranted;
    }
    const uint64_t places = uint64_t{policy.limit} + policy.queue;
    if (shares.room[request.criticality] < kWhole &&
        uint64_t{Occupancy::InFlight(word)} + Occupancy::Waiting(word) >=
            PartOf(shares.room[request.criticality], places)) {
      return BulkheadAnswer::kOverShare;
    }
    return TakeFreeOrPlace(request.partition, user, may_wait, terms);
  }

  // A permit, a place, or neither: one decision on one word, for others come and go without the lock.
  BulkheadAnswer TakeFreeOrPlace(uint32_t partition, uint8_t user, bool may_wait,
                                 BulkheadTerms* terms) {
    Word word = word_.Load();
    for (;;) {
      const bool free = Occupancy::HasRoom(word, policy.limit);
      if (!free && (!may_wait || Occupancy::Waiting(word) >= policy.queue)) {
        return policy.shares.partitions > 0 ? BulkheadAnswer::kOverShare : BulkheadAnswer::kFull;
      }
      const Word step = free ? Occupancy::kOneIn : Occupancy::kOneWaiting;
      if (!word_.CompareExchange(word, word + step)) continue;
      if (!free) return BulkheadAnswer::kQueued;
      terms->stamp = Stamp(partition, user, word);
      return BulkheadAnswer::kGranted;
    }
  }

  uint32_t Stamp(uint32_t partition, uint8_t user, Word before) const {
    return ClaimOf(partition, user).Stamp(Occupancy::InFlight(before) + 1);
  }

  // --- those who wait -------------------------------------------------------------------------------
  // Whose turn it is, if there is room for anyone; drops whom CoDel says on the way.
  Waiter* Next(hf_time now, WakeList* wake) {
    const bool newest = policy.Turns() && codel_.overloaded();
    for (uint32_t i = 0; i < policy.shares.partitions; ++i) {
      if (queue_.Has(i) && shares_.Guaranteed(policy.shares, i, policy.limit)) {
        return queue_.NextOf(i, newest);
      }
    }
    for (;;) {
      // With somebody waiting, nobody else enters: what is read as room is room.
      if (queue_.empty() || Occupancy::InFlight(word_.Load()) >= policy.limit) return nullptr;
      if (!policy.Watches()) return queue_.Next(/*newest=*/false);
      Waiter* const oldest = queue_.Oldest();
      if (!Observe(TimeUntil(now, oldest->since), now)) {
        return queue_.Next(policy.Turns() && codel_.overloaded());
      }
      Dismiss(*oldest, BulkheadAnswer::kOverloaded, now, wake);
    }
  }

  // True if the oldest is to be dropped.
  bool Observe(hf_duration age, hf_time now) {
    const bool before = codel_.overloaded();
    const bool drops = codel_.Observe(policy.codel, age, now);
    if (codel_.overloaded() != before) {
      journal.Write(HF_EVENT_KIND_STATE, now, HF_R_NONE, before, !before);
    }
    return drops && policy.Drops();
  }

  void LetIn(Waiter& waiter, WakeList* wake) {
    const Claim claim = ClaimOf(waiter.partition, waiter.user);
    shares_.EnterQueued(claim);
    Remove(waiter, WaiterState::kWakingGranted);
    const Word before = word_.Add(Occupancy::kOneIn - Occupancy::kOneWaiting);
    waiter.stamp = claim.Stamp(Occupancy::InFlight(before) + 1);
    Tell(waiter, wake);
  }

  void Dismiss(Waiter& waiter, BulkheadAnswer why, hf_time now, WakeList* wake) {
    Refuse(why, now);
    Unqueue(waiter, why == BulkheadAnswer::kTimedOut ? WaiterState::kWakingExpired
                                                     : WaiterState::kWakingDropped);
    Tell(waiter, wake);
  }

  void Remove(Waiter& waiter, WaiterState next) {
    queue_.Remove(waiter);
    waiter.state = next;
  }

  static void Tell(Waiter& waiter, WakeList* wake) {
    if (waiter.waker.fn != nullptr) {
      wake->Append(waiter);
    } else {
      waiter.state = AfterWaking(waiter.state);
    }
  }

  WordCell& word_;
  WaitQueue queue_;
  Shares shares_;
  Codel codel_;
  WaitEstimate<Storage> estimate_;
  Refusals<Storage> refusals_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_LOBBY_H_
