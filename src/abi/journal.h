// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_journal, and the pen with which an object writes into it.
//
//   write   the pen's sequence + 1, the event into the ring; full: the oldest is dropped, lost + 1
//   drain   the oldest out, in order
//
// Invariants: written == taken out + lost + waiting. waiting <= capacity. A muted kind does not exist: no
//   sequence number, no place, no lock.
// Locking: the journal's own mutex, taken last of all and for a copy of 48 bytes: an object may write
// while it holds its lock, and nothing is called from in here. It also guards the sequence of each pen,
// so that sequence and place in the ring are one decision. A drain lets go of it every kHold events, so
// that a big one keeps no writer waiting.
#ifndef HOLDFAST_ABI_JOURNAL_H_
#define HOLDFAST_ABI_JOURNAL_H_

#include <holdfast/c/journal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "abi/guard.h"

struct hf_journal final : holdfast::abi::RefCounted {
  hf_journal(uint32_t capacity, uint32_t muted_kinds) : muted(muted_kinds), ring(capacity) {}

  bool Mutes(hf_event_kind kind) const { return (muted >> kind & 1) != 0; }

  void Write(hf_event event, uint64_t* sequence) {
    const std::lock_guard lock(mutex);
    event.sequence = ++*sequence;
    ring[next] = event;
    next = After(next);
    ++written;
    if (waiting < ring.size()) {
      ++waiting;
    } else {
      ++lost;
    }
  }

  size_t Drain(hf_event* out, size_t capacity) {
    size_t drained = 0;
    while (drained < capacity) {
      const size_t most = std::min(capacity - drained, kHold);
      const size_t count = DrainSome(out + drained, most);
      drained += count;
      if (count < most) break;
    }
    return drained;
  }

  hf_journal_snapshot Read() const {
    const std::lock_guard lock(mutex);
    hf_journal_snapshot now{};
    now.waiting = waiting;
    now.written = written;
    now.lost = lost;
    return now;
  }

 private:
  static constexpr size_t kHold = 32;

  // By comparison: a remainder would be the most expensive step under the lock.
  uint32_t After(uint32_t place) const { return place + 1 == ring.size() ? 0 : place + 1; }

  size_t DrainSome(hf_event* out, size_t most) {
    const std::lock_guard lock(mutex);
    const size_t count = std::min<size_t>(most, waiting);
    size_t oldest = next + (next < waiting ? ring.size() : 0) - waiting;
    for (size_t i = 0; i < count; ++i) {
      out[i] = ring[oldest];
      oldest = After(static_cast<uint32_t>(oldest));
    }
    waiting -= static_cast<uint32_t>(count);
    return count;
  }

  const uint32_t muted;
  std::vector<hf_event> ring;  // sized once; its events under the mutex, as is all below

  // One cache line is all that writers take from each other, besides the event's own place. What they
  // read without the lock is on another.
  alignas(64) mutable std::mutex mutex;
  uint64_t written = 0;
  uint64_t lost = 0;
  uint32_t next = 0;  // where the next event goes; the oldest is `waiting` places before
  uint32_t waiting = 0;
};

namespace holdfast::abi {

// One object's hold on a journal, or on none. The journal member of AtomicCells.
class Pen {
 public:
  Pen() = default;
  Pen(const Pen&) = delete;
  Pen& operator=(const Pen&) = delete;
  ~Pen() { hf_journal_unref(journal_); }

  // Once, before the object is shared. `journal` is nullable; a reference is taken, so that a journal
  // outlives all that writes into it.
  void Connect(hf_journal* journal, uint64_t object) {
    hf_journal_ref(journal);
    journal_ = journal;
    object_ = object;
  }

  void Write(hf_event_kind kind, hf_time now, hf_reason reason, int64_t before, int64_t after) {
    if (journal_ == nullptr || journal_->Mutes(kind)) return;
    journal_->Write({object_, 0, now, kind, reason, before, after}, &sequence_);
  }

 private:
  hf_journal* journal_ = nullptr;
  uint64_t object_ = 0;
  uint64_t sequence_ = 0;  // under the journal's mutex
};

// A Pen of 8 bytes while nobody listens, for objects of which there may be a million. Connect allocates.
class LoosePen {
 public:
  void Connect(hf_journal* journal, uint64_t object) {
    if (journal == nullptr) return;
    pen_ = std::make_unique<Pen>();
    pen_->Connect(journal, object);
  }
  void Write(hf_event_kind kind, hf_time now, hf_reason reason, int64_t before, int64_t after) {
    if (pen_ != nullptr) pen_->Write(kind, now, reason, before, after);
  }

 private:
  std::unique_ptr<Pen> pen_;
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_JOURNAL_H_
