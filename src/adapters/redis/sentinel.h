// SPDX-License-Identifier: Apache-2.0
// Sentinel: a key that nothing ever deletes, so that its absence tells that the server lost its data: FLUSHALL,
// an empty node promoted, a restart without persistence.
//
//   state    what the server holds           next
//   UNKNOWN  (Arm) any value                 ARMED    that value is ours from now on
//   ARMED    that value                      ARMED
//   ARMED    nothing, or another             ALARM    counted once; everything is refused
//   ALARM    any, as before too              ALARM    records may be gone that were there: nobody knows which
//   ALARM    (Arm) any value                 ARMED    somebody said so
//
// Invariant: once in ALARM, only Arm ends it. Thread-safe.
#ifndef HOLDFAST_ADAPTERS_REDIS_SENTINEL_H_
#define HOLDFAST_ADAPTERS_REDIS_SENTINEL_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::redis {

class Sentinel {
 public:
  explicit Sentinel(std::atomic<uint64_t>* alarms) : alarms_(alarms) {}

  // Nothing may be asked of the server now.
  bool alarmed() const { return alarmed_.load(std::memory_order_relaxed); }

  void Arm(std::string_view value) {
    const std::lock_guard lock(mutex_);
    value_ = std::string(value);
    alarmed_.store(false, std::memory_order_relaxed);
  }

  // `found`: the key's value, "" if it is not there.
  void Compare(std::string_view found) {
    const std::lock_guard lock(mutex_);
    if (value_.empty() || found == value_) return;
    if (!alarmed_.exchange(true, std::memory_order_relaxed)) {
      alarms_->fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  std::atomic<uint64_t>* const alarms_;
  std::atomic<bool> alarmed_{false};
  std::mutex mutex_;
  std::string value_;  // "": UNKNOWN
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SENTINEL_H_
