// SPDX-License-Identifier: Apache-2.0
// memory::LocalTier: results that this process has seen, in front of a store that is a round trip away.
//
//   entry     made by                                  served to                    gone with
//   COMPLETED a REPLAY from the store, to a claim      claims with its fingerprint  max_age, the record's own time,
//                                                                                   room, or news of the key
//
//  - Nothing else is kept: not that a key is absent, busy, in doubt, or was used for another request. Such answers
//    come from the store each time.
//  - An entry never outlives the record: the store says how long it still keeps a result (expires_in), and the
//    tier counts from before it asked, on a clock that also runs while the machine sleeps.
//  - A fingerprint is compared as the table does it (hf_record_apply on the entry). An entry that was learnt without a
//    fingerprint is served to claims without one.
//  - RELEASE and RESOLVE through this tier drop the entry before and after they run, and any reply that shows another
//    token or state of the key drops it. A reply that was on its way meanwhile is not kept.
//  - What another process releases by force may be replayed here for max_age longer: the price of not asking. The
//    replay carries the token of its completion; a resource that has seen a higher one knows that it is stale.
//  - A byte budget bounds it, and it evicts, as a cache may and a store may not: SIEVE (Zhang et al., "SIEVE is
//    Simpler than LRU", NSDI 2024), per shard.
//
// Completions of this process are not kept: few results are ever asked for again, and they would push out those that
// are. A hit costs no copy of the result: it is shared.
#ifndef HOLDFAST_MEMORY_LOCAL_TIER_H_
#define HOLDFAST_MEMORY_LOCAL_TIER_H_

#include <absl/status/statusor.h>
#include <holdfast/store.h>
#include <holdfast/store_layer.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace holdfast::inline v0_5::memory {

// Zero means the default, everywhere.
struct LocalTierOptions {
  size_t max_bytes = 0;  // results and what it takes to find them; default 64 MiB
  uint32_t shards =
      0;  // locks; 1..65536, default 16. A result above max_bytes / shards is not kept
  // How long a result is served without asking the store again; at most 24 h, default 1 s.
  Duration max_age{0};
  // A clock that never steps back, nanoseconds from any origin, not negative; for tests. Called from any thread;
  // must not throw. Default: CLOCK_BOOTTIME.
  std::function<int64_t()> clock = nullptr;
};

// A snapshot; each number is right for some moment of the call.
struct LocalTierStats {
  uint64_t hits = 0;     // claims answered here
  uint64_t misses = 0;   // claims passed on
  uint64_t evicted = 0;  // entries dropped for want of room
  uint64_t dropped = 0;  // entries dropped because of news of their key
  uint64_t records = 0;
  uint64_t bytes = 0;
};

// Thread-safe.
class LocalTier final : public StoreLayer {
 public:
  using Options = LocalTierOptions;
  using Stats = LocalTierStats;

  // Errors: INVALID_ARGUMENT HF_R_NULL_ARGUMENT for no store, HF_R_OUT_OF_RANGE naming the option.
  static absl::StatusOr<std::unique_ptr<LocalTier>> Create(std::shared_ptr<Store> next,
                                                           Options options = {});

  ~LocalTier() override;

  Stats stats() const;

 protected:
  bool Before(Passage& passage, StoreReply& reply) override;
  void After(const Passage& passage, StoreReply& reply) override;
  void NotPassedOn(const Passage& passage) override;

 private:
  struct Shards;
  LocalTier(std::shared_ptr<Store> next, std::unique_ptr<Shards> shards);

  const std::unique_ptr<Shards> shards_;
};

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_MEMORY_LOCAL_TIER_H_
