// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_journal, and the pen with which an object writes into it.
//
// Locking: the journal's own mutex, taken last of all and for a copy of 48 bytes: an object may write
// while it holds its lock, and nothing is called from in here. It also guards the sequence of each pen,
// so that sequence and place in the ring are one decision.
#ifndef HOLDFAST_ABI_JOURNAL_H_
#define HOLDFAST_ABI_JOURNAL_H_

#include <holdfast/c/journal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "abi/guard.h"

struct hf_journal final : holdfast::abi::RefCounted {
  explicit hf_journal(uint32_t capacity) : ring(capacity) {}

  void Write(hf_event event, uint64_t* sequence) {
    const std::lock_guard lock(mutex);
    event.sequence = ++*sequence;
    ring[written % ring.size()] = event;
    ++written;
    if (written - drained > ring.size()) {
      ++drained;
      ++lost;
    }
  }

  size_t Drain(hf_event* out, size_t capacity) {
    const std::lock_guard lock(mutex);
    const size_t count = std::min<uint64_t>(capacity, written - drained);
    for (size_t i = 0; i < count; ++i, ++drained) out[i] = ring[drained % ring.size()];
    return count;
  }

  hf_journal_snapshot Read() {
    const std::lock_guard lock(mutex);
    hf_journal_snapshot now{};
    now.waiting = static_cast<uint32_t>(written - drained);
    now.written = written;
    now.lost = lost;
    return now;
  }

  std::mutex mutex;
  std::vector<hf_event> ring;  // sized once; the rest under the mutex
  uint64_t written = 0;
  uint64_t drained = 0;  // taken out or lost
  uint64_t lost = 0;
};

namespace holdfast::abi {

// One object's hold on a journal, or on none. The journal member of AtomicCells.
class Pen {
 public:
  Pen() = default;
  Pen(const Pen&) = delete;
  Pen& operator=(const Pen&) = delete;
  ~Pen() { hf_journal_unref(journal_); }

  // Once, before the object is shared. `journal` is nullable; a reference is taken.
  void Connect(hf_journal* journal, uint64_t object) {
    hf_journal_ref(journal);
    journal_ = journal;
    object_ = object;
  }

  void Write(hf_event_kind kind, hf_time now, hf_reason reason, int64_t before, int64_t after) {
    if (journal_ == nullptr) return;
    journal_->Write({object_, 0, now, kind, reason, before, after}, &sequence_);
  }

 private:
  hf_journal* journal_ = nullptr;
  uint64_t object_ = 0;
  uint64_t sequence_ = 0;  // under the journal's mutex
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_JOURNAL_H_
