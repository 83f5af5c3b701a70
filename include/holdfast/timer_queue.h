// SPDX-License-Identifier: Apache-2.0
// TimerQueue: alarms in order of time, for those who implement Timers (timers.h).
//
// A heap with four children a node: the newest alarm is mostly one of the latest, so that it is put in and
// taken out at the bottom in a step or two, however many are waiting. Each alarm knows its place.
//
//   alarm       Set                Cancel             PopDue(now)
//   not set     set                false              -
//   set         moved              not set, true      not set and returned, if it is the first and due
//
// Invariants: entry i (from 1) has alarm->place_ == i, and is not due before its parent (i + 2) / 4.
// Alarms of the same time come in any order. Memory is one array that grows and never shrinks. Not thread-safe.
#ifndef HOLDFAST_TIMER_QUEUE_H_
#define HOLDFAST_TIMER_QUEUE_H_

#include <holdfast/c/base.h>
#include <holdfast/timers.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace holdfast::inline v0_5 {

class TimerQueue {
 public:
  // What is still set stays so for ever: its owner must have cancelled or popped it before.
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Puts it in, or moves it. Throws std::bad_alloc, and has then changed nothing.
  void Set(Alarm& alarm, hf_time at) {
    if (alarm.place_ == 0) {
      entries_.push_back({at, &alarm});
      return Rise(entries_.size(), {at, &alarm});
    }
    Settle(alarm.place_, {at, &alarm});
  }

  // False if it was not set.
  bool Cancel(Alarm& alarm) {
    if (alarm.place_ == 0) return false;
    Take(alarm.place_);
    return true;
  }

  // Takes the first one if it is due; null if none is.
  Alarm* PopDue(hf_time now) {
    if (entries_.empty() || entries_.front().at > now) return nullptr;
    Alarm* const first = entries_.front().alarm;
    Take(1);
    return first;
  }

  // When the first one is due; HF_INFINITE if none is set, too.
  hf_time Next() const { return entries_.empty() ? HF_INFINITE : entries_.front().at; }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    hf_time at;
    Alarm* alarm;
  };
  static constexpr size_t kChildren = 4;

  static size_t ParentOf(size_t place) { return (place + kChildren - 2) / kChildren; }
  static size_t FirstChildOf(size_t place) { return place * kChildren - (kChildren - 2); }

  Entry& At(size_t place) { return entries_[place - 1]; }

  void Put(size_t place, const Entry& entry) {
    At(place) = entry;
    entry.alarm->place_ = static_cast<uint32_t>(place);
  }

  // The last entry fills the gap.
  void Take(size_t place) {
    At(place).alarm->place_ = 0;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (place <= entries_.size()) Settle(place, last);
  }

  void Settle(size_t place, const Entry& entry) {
    if (place > 1 && entry.at < At(ParentOf(place)).at) return Rise(place, entry);
    Sink(place, entry);
  }

  void Rise(size_t place, const Entry& entry) {
    while (place > 1) {
      const size_t parent = ParentOf(place);
      if (At(parent).at <= entry.at) break;
      Put(place, At(parent));
      place = parent;
    }
    Put(place, entry);
  }

  void Sink(size_t place, const Entry& entry) {
    while (FirstChildOf(place) <= entries_.size()) {
      const size_t child = EarliestChildOf(place);
      if (entry.at <= At(child).at) break;
      Put(place, At(child));
      place = child;
    }
    Put(place, entry);
  }

  size_t EarliestChildOf(size_t place) {
    size_t earliest = FirstChildOf(place);
    const size_t end = std::min(earliest + kChildren, entries_.size() + 1);
    for (size_t child = earliest + 1; child < end; ++child) {
      if (At(child).at < At(earliest).at) earliest = child;
    }
    return earliest;
  }

  std::vector<Entry> entries_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_TIMER_QUEUE_H_
