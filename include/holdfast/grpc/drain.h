// SPDX-License-Identifier: Apache-2.0
// DrainGate: counts who is inside, and lets nobody in once it is closed.
//
//   state     Enter            Leave            Close
//   open      in, count + 1    count - 1        draining
//   draining  refused          count - 1, and   stays
//                              at 0 wakes those
//                              who wait
//
// Invariants: an Enter that returned true is counted until its Leave. After Close no Enter returns true.
// WaitIdle returns true only when count is 0 and the gate closed, and then no Leave touches the gate any
// more: it may be destroyed. One word holds both, so a call costs two atomic steps and no lock until the
// gate is closed.
#ifndef HOLDFAST_GRPC_DRAIN_H_
#define HOLDFAST_GRPC_DRAIN_H_

#include <holdfast/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace holdfast::inline v0_5::grpc::internal {

// Thread-safe.
class DrainGate {
 public:
  bool Enter() {
    std::uint64_t seen = state_.load(std::memory_order_relaxed);
    do {
      if (seen & kClosed) return false;
    } while (!state_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel));
    return true;
  }

  void Leave() {
    std::uint64_t seen = state_.load(std::memory_order_relaxed);
    while (!(seen & kClosed)) {
      if (state_.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel)) return;
    }
    // Under the lock: whoever waits may destroy the gate as soon as it sees the count.
    const std::lock_guard lock(mutex_);
    if (state_.fetch_sub(1, std::memory_order_acq_rel) == (kClosed | 1)) idle_.notify_all();
  }

  void Close() { state_.fetch_or(kClosed, std::memory_order_acq_rel); }

  bool closed() const { return state_.load(std::memory_order_acquire) & kClosed; }
  std::uint64_t inside() const { return state_.load(std::memory_order_acquire) & ~kClosed; }

  // Waits in real time, not at all for a negative timeout.
  bool WaitIdle(Duration timeout) {
    // A year keeps the arithmetic of the standard library far from its limits.
    constexpr Duration kLongest = std::chrono::hours(24 * 365);
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, timeout < kLongest ? timeout : kLongest,
                          [this] { return state_.load(std::memory_order_acquire) == kClosed; });
  }

 private:
  static constexpr std::uint64_t kClosed = std::uint64_t{1} << 63;

  std::atomic<std::uint64_t> state_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_DRAIN_H_
