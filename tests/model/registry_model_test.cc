// SPDX-License-Identifier: Apache-2.0
// The registry against a std::map, on both storages. Which of several that may go goes is not promised, so
// the map is told, and judges: whatever goes must have been one that might, and only when it might.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/cells.h"
#include "engine/registry.h"
#include "model/dice.h"
#include "unit/registry_world.h"

namespace holdfast::engine {
namespace {

template <typename Storage>
class Duel {
 public:
  using World = RegistryWorld<Storage>;
  using Entry = typename World::Entry;

  explicit Duel(uint64_t seed)
      : dice_(seed),
        capacity_(static_cast<uint32_t>(dice_.Chance(95) ? dice_.Between(1, 6) : 70)),
        names_(capacity_ + capacity_ / 2 + 2),
        hashes_(dice_.Chance(50) ? 3 : 1000),
        forget_after_(dice_.Chance(30) ? 2 * World::kTtl : 0),
        world_(capacity_) {
    world_.registry.Configure(World::kTtl, forget_after_);
    world_.host.destroyed = &gone_;
  }
  ~Duel() {
    for (auto& [name, known] : naive_) Release(known);
  }

  void Play(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      if (dice_.Chance(30)) now_ += dice_.Between(0, World::kTtl / 4);
      if (dice_.Chance(3)) now_ += 3 * World::kTtl;
      const uint64_t choice = dice_.Below(100);
      if (choice < 55) {
        Ask();
      } else if (choice < 75) {
        DropOne();
      } else if (choice < 90) {
        ChangeOne();
      } else {
        SweepAll();
      }
      if (!testing::Test::HasFatalFailure()) Compare();
    }
  }

 private:
  struct Known {
    Entry* entry;
    uint64_t serial;
    RegistryHold hold = RegistryHold::kFree;
    uint32_t holders = 1;
    hf_time used;
  };
  using Naive = std::map<std::string, Known>;

  // A name longer than an entry holds, now and then; few hashes, so that they collide.
  std::string Name(uint64_t n) const {
    return n % 5 == 4 ? std::string(40, 'x') + std::to_string(n) : std::to_string(n);
  }
  uint64_t HashOf(uint64_t n) const { return (n % hashes_) * 0x9E3779B97F4A7C15; }

  bool MayGo(const Known& known) const {
    if (known.holders != 0 || known.hold == RegistryHold::kPinned) return false;
    return known.hold == RegistryHold::kFree || forget_after_ == 0
               ? known.hold == RegistryHold::kFree
               : now_ - known.used >= forget_after_;
  }
  // Its use may be known as late as it was, or a grain earlier.
  bool MustGo(const Known& known) const {
    const hf_duration idle = now_ - known.used;
    if (idle < World::kTtl + kGrain || !MayGo(known)) return false;
    return known.hold == RegistryHold::kFree || idle >= forget_after_ + kGrain;
  }

  void Ask() {
    const uint64_t n = dice_.Below(names_);
    const std::string name = Name(n);
    const auto known = naive_.find(name);
    const size_t before = naive_.size();
    const bool some_may_go = std::any_of(naive_.begin(), naive_.end(),
                                         [&](const auto& one) { return MayGo(one.second); });
    const bool some_must_go = std::any_of(naive_.begin(), naive_.end(), [&](const auto& one) {
      return MayGo(one.second) && (one.second.hold == RegistryHold::kFree || MustGo(one.second));
    });
    const auto result = world_.AskHashed(HashOf(n), {"", name}, now_);
    if (known != naive_.end()) {
      ASSERT_EQ(result.answer, RegistryAnswer::kFound);
      ASSERT_EQ(result.entry, known->second.entry);
      ASSERT_EQ(World::Engine::ObjectOf(*result.entry).serial, known->second.serial);
      ++known->second.holders;
      known->second.used = std::max(known->second.used, now_);
      ++hits_;
      ASSERT_TRUE(gone_.empty());
      return;
    }
    if (result.answer == RegistryAnswer::kFull) {
      ASSERT_EQ(before, capacity_);
      ASSERT_FALSE(some_must_go) << "full, with a place that might be had";
      ++refused_;
      ASSERT_TRUE(gone_.empty());
      return;
    }
    ASSERT_EQ(result.answer, RegistryAnswer::kCreated);
    ASSERT_TRUE(before < capacity_ || some_may_go);
    // One for the place, if it was full; the others were idle.
    TakeGone(before == capacity_ ? 1 : 0);
    ASSERT_LT(naive_.size(), capacity_);
    ASSERT_EQ(result.entry->key(), name);
    naive_[name] = {result.entry, World::Engine::ObjectOf(*result.entry).serial,
                    RegistryHold::kFree, 1, now_};
    ++created_;
  }

  void SweepAll() {
    const uint32_t evicted = world_.registry.Sweep(now_, capacity_ + 64);
    ASSERT_EQ(evicted, gone_.size());
    TakeGone(0);
    for (const auto& [name, known] : naive_) ASSERT_FALSE(MustGo(known)) << name;
  }

  // Judges whatever went: `young` of them need not have been idle.
  void TakeGone(size_t young) {
    for (const uint64_t serial : gone_) {
      const auto at = std::find_if(naive_.begin(), naive_.end(),
                                   [&](const auto& one) { return one.second.serial == serial; });
      ASSERT_NE(at, naive_.end()) << "gone twice";
      ASSERT_TRUE(MayGo(at->second)) << at->first << " was held or held something";
      if (now_ - at->second.used < World::kTtl) {
        ASSERT_GT(young, 0u) << at->first << " was in use";
        --young;
      }
      naive_.erase(at);
    }
    evicted_ += gone_.size();
    gone_.clear();
  }

  Known* OneOf() {
    if (naive_.empty()) return nullptr;
    auto at = naive_.begin();
    std::advance(at, static_cast<ptrdiff_t>(dice_.Below(naive_.size())));
    return &at->second;
  }
  void DropOne() {
    Known* const known = OneOf();
    if (known == nullptr || known->holders == 0) return;
    ASSERT_FALSE(known->entry->Drop());
    --known->holders;
  }
  void ChangeOne() {
    Known* const known = OneOf();
    if (known == nullptr) return;
    const RegistryHold holds[] = {RegistryHold::kFree, RegistryHold::kFree, RegistryHold::kKept,
                                  RegistryHold::kPinned};
    known->hold = dice_.OneOf(holds);
    World::Engine::ObjectOf(*known->entry).hold = known->hold;
  }
  void Release(Known& known) {
    for (; known.holders != 0; --known.holders) known.entry->Drop();
  }

  void Compare() {
    const RegistryCounts counts = world_.registry.Count();
    ASSERT_EQ(counts.keys, naive_.size());
    ASSERT_EQ(counts.hits, hits_);
    ASSERT_EQ(counts.created, created_);
    ASSERT_EQ(counts.evicted, evicted_);
    ASSERT_EQ(counts.refused, refused_);
    uint64_t held = 0;
    for (const auto& [name, known] : naive_) {
      held += known.holders != 0;
      ASSERT_EQ(known.entry->Holders(), known.holders);
    }
    ASSERT_EQ(counts.held, held);
    ASSERT_EQ(world_.host.alive, static_cast<int64_t>(naive_.size()));
  }

  static constexpr hf_duration kGrain = World::kTtl / 16;

  model::Dice dice_;
  const uint32_t capacity_;
  const uint64_t names_;
  const uint64_t hashes_;
  const hf_duration forget_after_;
  std::vector<uint64_t> gone_;
  World world_;
  Naive naive_;
  hf_time now_ = 1000 * HF_S;
  uint64_t hits_ = 0, created_ = 0, evicted_ = 0, refused_ = 0;
};

TEST(RegistryModel, AgreesWithAMap) {
  const uint64_t schedules = model::Schedules(1000000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    const int steps = seed % 100 == 0 ? 400 : 16;
    Duel<PlainCells>(seed).Play(steps);
    if (HasFatalFailure()) return;
  }
}

TEST(RegistryModel, AgreesWithAMapOnSharedCells) {
  const uint64_t schedules = model::Schedules(100000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Duel<abi::AtomicCells>(seed).Play(16);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace holdfast::engine
