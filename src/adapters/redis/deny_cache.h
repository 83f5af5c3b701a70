// SPDX-License-Identifier: Apache-2.0
// DenyCache: keys that a limit has just refused, so that asking again and again costs nothing.
//
// A refusal says when the tokens will be there if nobody else takes any; sooner they cannot be, unless somebody
// raises the limit or erases the key. So for that long, and never for longer than `trust`, the answer is known.
//
// Memory is bounded: `entries` slots in sets of four; a new refusal takes the slot that ends first.
#ifndef HOLDFAST_ADAPTERS_REDIS_DENY_CACHE_H_
#define HOLDFAST_ADAPTERS_REDIS_DENY_CACHE_H_

#include <holdfast/c/base.h>
#include <holdfast/status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace holdfast::inline v0_5::redis {

using LimitId = std::array<uint8_t, 32>;

// Thread-safe.
class DenyCache {
 public:
  // entries: rounded up to whole sets; 0: remembers nothing.
  DenyCache(uint32_t entries, Duration trust);

  // How long `cost` is still refused, as far as is known; 0: ask.
  Duration Find(const LimitId& id, uint32_t cost, hf_time now) const;

  // `cost` was refused for `wait` from `now` on. `now`: when it was asked, not when the answer came.
  void Put(const LimitId& id, uint32_t cost, Duration wait, hf_time now);

 private:
  static constexpr size_t kWays = 4;

  struct Slot {
    LimitId id{};
    hf_time until = 0;    // refused until then
    hf_time trusted = 0;  // and known until then
    uint32_t cost = 0;    // this, and whatever costs more
  };
  struct Set {
    std::mutex mutex;
    std::array<Slot, kWays> slots;
  };

  Set& SetOf(const LimitId& id) const;

  const Duration trust_;
  const size_t count_;
  const std::unique_ptr<Set[]> sets_;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_DENY_CACHE_H_
