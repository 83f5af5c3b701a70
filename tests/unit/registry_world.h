// SPDX-License-Identifier: Apache-2.0
// A registry engine with its memory and a host whose objects hold what the test says they hold.
#ifndef HOLDFAST_TESTS_UNIT_REGISTRY_WORLD_H_
#define HOLDFAST_TESTS_UNIT_REGISTRY_WORLD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "engine/registry.h"

namespace holdfast::engine {

template <typename Storage>
class RegistryWorld {
 public:
  struct Toy {
    Toy(uint64_t of_hash, uint64_t number) : hash(of_hash), serial(number) {}
    const uint64_t hash;
    const uint64_t serial;  // of its making
    std::atomic<RegistryHold> hold{RegistryHold::kFree};
    uint64_t magic = kAlive;  // what a destroyed one has lost
  };
  struct Host {
    using Object = Toy;
    void Make(unsigned char* place, uint64_t hash) {
      ::new (place) Toy(hash, ++made);
      ++alive;
    }
    void Destroy(Toy& toy) {
      if (destroyed != nullptr) destroyed->push_back(toy.serial);
      toy.magic = 0;
      toy.~Toy();
      --alive;
    }
    RegistryHold HoldOf(const Toy& toy, hf_time) { return toy.hold.load(); }
    void DropBlock(char* block) {
      delete[] block;
      --blocks;
    }
    std::vector<uint64_t>* destroyed = nullptr;  // whose serials, in tests of one thread
    std::atomic<uint64_t> made{0};
    std::atomic<int64_t> alive{0};
    std::atomic<int64_t> blocks{0};
  };
  using Engine = Registry<Storage, Host>;
  using Entry = typename Engine::Entry;
  using Pool = typename Engine::Pool;

  static constexpr uint64_t kAlive = 0x616c697665;
  static constexpr hf_duration kTtl = 160 * HF_S;  // so that the grain is 10 s

  explicit RegistryWorld(uint32_t capacity)
      : directory_(Pool::ChunksFor(capacity)),
        pool_(capacity, (sizeof(Entry) + sizeof(Toy) + 15) / 16 * 16, directory_),
        shards_(Engine::Keys::ShardsFor(capacity)),
        registry(host, pool_, shards_) {
    registry.Configure(kTtl, 0);
  }
  ~RegistryWorld() {
    for (uint32_t number = 0; number < pool_.Made(); ++number) {
      Entry& entry = pool_.At(number);
      if (!entry.IsDead() && entry.block() != nullptr) host.DropBlock(entry.block());
    }
  }

  static uint64_t HashOf(const KeyText& text) {
    uint64_t hash = 0x9E3779B97F4A7C15;
    for (const char c : text.tenant) hash = (hash ^ static_cast<uint8_t>(c)) * 0xBF58476D1CE4E5B9;
    hash = (hash ^ 0x100) * 0xBF58476D1CE4E5B9;
    for (const char c : text.key) hash = (hash ^ static_cast<uint8_t>(c)) * 0xBF58476D1CE4E5B9;
    return (hash ^ (hash >> 31)) * 0x94D049BB133111EB;
  }

  typename Engine::Result Ask(std::string_view tenant, std::string_view key, hf_time now) {
    return AskHashed(HashOf({tenant, key}), {tenant, key}, now);
  }
  typename Engine::Result Ask(std::string_view key, hf_time now) { return Ask({}, key, now); }

  typename Engine::Result AskHashed(uint64_t hash, const KeyText& text, hf_time now) {
    if (Entry* const entry = registry.Find(hash, text, now)) {
      return {RegistryAnswer::kFound, entry};
    }
    std::unique_ptr<char[]> block;
    if (Entry::NeedsBlock(text)) block = std::make_unique<char[]>(text.size());
    for (;;) {
      const typename Engine::Result result = registry.FindOrCreate(hash, text, block.get(), now);
      if (result.answer == RegistryAnswer::kCreated && block != nullptr) {
        block.release();
        ++host.blocks;
      }
      if (result.answer == RegistryAnswer::kNeedsTable) {
        GiveTable(hash);
      } else if (result.answer == RegistryAnswer::kNeedsChunk) {
        GiveChunk();
      } else {
        return result;
      }
    }
  }

  // Asked and let go again; the answer.
  RegistryAnswer Touch(std::string_view key, hf_time now) {
    const typename Engine::Result result = Ask(key, now);
    if (result.entry != nullptr) result.entry->Drop();
    return result.answer;
  }
  bool Knows(std::string_view key) {
    const std::string wanted(key);
    for (uint32_t number = 0; number < pool_.Made(); ++number) {
      Entry* const entry = registry.Hold(number);
      if (entry == nullptr) continue;
      const bool same = entry->key() == wanted;
      entry->Drop();
      if (same) return true;
    }
    return false;
  }
  void SetHold(std::string_view key, RegistryHold hold, hf_time now) {
    Entry* const entry = Ask(key, now).entry;
    Engine::ObjectOf(*entry).hold = hold;
    entry->Drop();
  }

  Pool& pool() { return pool_; }
  size_t tables() const { return tables_.size(); }

 private:
  void GiveTable(uint64_t hash) {
    const size_t slots = registry.keys().SlotsWanted(hash);
    auto table = std::make_unique<typename Engine::Index::Slot[]>(slots);
    const std::lock_guard lock(memory_);
    if (registry.keys().GiveTable(hash, {table.get(), slots})) tables_.push_back(std::move(table));
  }
  void GiveChunk() {
    auto chunk = std::make_unique<Line[]>(pool_.ChunkBytes() / sizeof(Line) + 1);
    const std::lock_guard lock(memory_);
    const auto place = [](unsigned char* at, uint32_t number) { ::new (at) Entry(number); };
    if (pool_.Grow(chunk[0].bytes, place)) chunks_.push_back(std::move(chunk));
  }

  struct alignas(64) Line {
    unsigned char bytes[64];
  };
  std::mutex memory_;
  std::vector<std::unique_ptr<Line[]>> chunks_;
  std::vector<std::unique_ptr<typename Engine::Index::Slot[]>> tables_;
  std::vector<typename Pool::Chunk> directory_;
  Pool pool_;
  std::vector<typename Engine::Shard> shards_;

 public:
  Host host;
  Engine registry;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_REGISTRY_WORLD_H_
