// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_registry: the engine, its memory, and one kind of object.
//
// Memory: shards and the directory at creation; chunks of 64 entries and tables as keys come. All of it
//   goes when the registry and the last reference to an object of it have gone.
// Locking: the engine's; `lock_` for what only new keys need.
#ifndef HOLDFAST_ABI_REGISTRY_H_
#define HOLDFAST_ABI_REGISTRY_H_

#include <holdfast/c/registry.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "abi/guard.h"
#include "abi/kept.h"
#include "abi/registry_kind.h"
#include "codec/key_hash.h"
#include "engine/registry.h"

namespace holdfast::abi {

// hf_registry_options with defaults filled in and ranges checked.
struct RegistryPolicy {
  uint32_t capacity = 10000;
  bool shares = false;
  uint64_t seed = 0;
  hf_duration idle_ttl = 0;
  hf_duration forget_after = 0;
};

// `recovery`: after how long an object that nobody uses stands as a new one.
hf_code ReadRegistryPolicy(const hf_registry_options& options, hf_duration recovery,
                           RegistryPolicy* policy, hf_error* error);

// One question: both parts of the text have at most HF_REGISTRY_KEY_MAX bytes.
struct Asked {
  engine::KeyText text;
  uint64_t hash;
  hf_time now;
};

}  // namespace holdfast::abi

struct hf_registry : holdfast::abi::RefCounted, holdfast::abi::Keeper {
  // The last reference to the registry itself is gone.
  virtual void Retire() noexcept = 0;
  virtual uint32_t Capacity() const = 0;
  virtual bool Shares() const = 0;
  virtual uint32_t Sweep(uint32_t looks, hf_time now) = 0;
  // The living entries from `*cursor` on.
  virtual size_t List(uint32_t* cursor, hf_time now, hf_registry_key* out, size_t capacity) = 0;
  virtual hf_registry_snapshot Read() = 0;
  virtual hf_code Update(const hf_registry_options& options, hf_time now, hf_error* error) = 0;

  const void* const kind;  // whose KeyedRegistry this is

 protected:
  explicit hf_registry(const void* of_kind) : kind(of_kind) {}
  ~hf_registry() = default;
};

namespace holdfast::abi {

template <typename Kind>
class KeyedRegistry final : public hf_registry {
 public:
  using Object = typename Kind::Object;
  using Engine = engine::Registry<AtomicCells, KeyedRegistry>;
  using Entry = typename Engine::Entry;
  using Pool = typename Engine::Pool;

  // `journal` (nullable): of the objects.
  KeyedRegistry(const RegistryPolicy& policy, const typename Kind::Policy& of_objects,
                hf_journal* journal, const hf_registry_options& options)
      : hf_registry(&kTag),
        hash_(policy.seed),
        recovery_(Kind::Recovery(of_objects)),
        live_(of_objects, options.group),
        journal_(journal),
        group_(options.group),
        directory_(Pool::ChunksFor(policy.capacity)),
        pool_(policy.capacity, Stride(live_), directory_),
        shards_(Engine::Keys::ShardsFor(policy.capacity)),
        engine_(*this, pool_, shards_) {
    engine_.Configure(policy.idle_ttl, policy.forget_after);
    if (policy.shares) MakeShared();
    engine_.journal().Connect(options.journal, options.object);
    Ref(journal_);
    Ref(group_);
  }

  static constexpr char kTag = 0;  // its address tells the kinds apart

  uint64_t HashOf(std::string_view tenant, std::string_view key) const {
    return hash_(tenant, key);
  }
  // The object of a known key, with a reference; null if it must be made. No lock, no allocation.
  Object* Find(const Asked& asked) {
    Entry* const known = engine_.Find(asked.hash, asked.text, asked.now);
    return known != nullptr ? &Engine::ObjectOf(*known) : nullptr;
  }
  // As Find, or makes it; null if it finds no place. Throws bad_alloc.
  Object* FindOrCreate(const Asked& asked);

  // When a full registry may have a place again: what is used no more has recovered by then.
  hf_duration RetryAfter() const { return std::max<hf_duration>(recovery_, HF_S); }

  // --- hf_registry --------------------------------------------------------------------------------------
  uint32_t Capacity() const override { return pool_.capacity(); }
  bool Shares() const override { return shared_ != nullptr; }
  uint32_t Sweep(uint32_t looks, hf_time now) override { return engine_.Sweep(now, looks); }
  size_t List(uint32_t* cursor, hf_time now, hf_registry_key* out, size_t capacity) override;
  hf_registry_snapshot Read() override;
  hf_code Update(const hf_registry_options& options, hf_time now, hf_error* error) override;
  void Retire() noexcept override;
  void Bury(KeptEntry& entry) noexcept override;

  // --- the engine's host --------------------------------------------------------------------------------
  void Make(unsigned char* place, uint64_t hash) {
    const std::lock_guard lock(lock_);
    const Entry& entry = *reinterpret_cast<Entry*>(place - sizeof(Entry));
    const size_t before = sizeof(ChunkHead) + entry.number() % Pool::kPerChunk * pool_.stride();
    Unfinished made{Kind::Make(place, live_)};
    made.object->KeepIn(reinterpret_cast<ChunkHead*>(place - sizeof(Entry) - before));
    Kind::Connect(*made.object, journal_, hash);
    made.object = nullptr;
  }
  void Destroy(Object& object) { object.~Object(); }
  engine::RegistryHold HoldOf(Object& object, hf_time now) {
    return Kind::HoldOf(object, live_, now);
  }
  void DropBlock(char* block) { delete[] block; }

 private:
  ~KeyedRegistry();

  // Destroyed, unless it is finished.
  struct Unfinished {
    Object* object;
    ~Unfinished() {
      if (object != nullptr) object->~Object();
    }
  };
  static size_t Stride(const typename Kind::Live& live) {
    constexpr size_t kAlignment = std::max(alignof(Object), alignof(Entry));
    return (sizeof(Entry) + Kind::Bytes(live) + kAlignment - 1) / kAlignment * kAlignment;
  }
  struct DeleteChunk {
    void operator()(unsigned char* chunk) const noexcept {
      ::operator delete(chunk - sizeof(ChunkHead), std::align_val_t{alignof(ChunkHead)});
    }
  };
  using OwnedChunk = std::unique_ptr<unsigned char, DeleteChunk>;
  // For entries of `bytes` in all.
  OwnedChunk NewChunk(size_t bytes) {
    auto* const memory = static_cast<unsigned char*>(
        ::operator new(sizeof(ChunkHead) + bytes, std::align_val_t{alignof(ChunkHead)}));
    ::new (memory) ChunkHead{this};
    return OwnedChunk(memory + sizeof(ChunkHead));
  }

  void GiveTable(uint64_t hash);
  void GiveChunk();
  void MakeShared();
  [[gnu::cold]] void FollowUpdate(Object& object, hf_time now);
  Object* Share();

  const codec::KeyHash hash_;
  std::atomic<hf_duration> recovery_;
  typename Kind::Live live_;   // under the lock
  hf_journal* const journal_;  // nullable, counted
  hf_group* const group_;      // nullable, counted
  std::vector<typename Pool::Chunk> directory_;
  Pool pool_;
  std::vector<typename Engine::Shard> shards_;
  Engine engine_;
  std::mutex lock_;
  std::vector<std::unique_ptr<typename Engine::Index::Slot[]>> tables_;  // under the lock
  OwnedChunk shared_;                 // one entry, if keys without a place share it
  std::mutex update_lock_;            // taken before lock_
  std::atomic<uint32_t> updates_{0};  // written under both
  std::atomic<uint64_t> shares_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> unburied_{1};  // living entries once retired, and one for Retire itself
};

extern template class KeyedRegistry<BreakerKind>;
extern template class KeyedRegistry<BudgetKind>;
extern template class KeyedRegistry<LimiterKind>;

// The registry if it is of that kind, else null.
template <typename Kind>
KeyedRegistry<Kind>* As(hf_registry* registry) {
  return registry->kind == &KeyedRegistry<Kind>::kTag ? static_cast<KeyedRegistry<Kind>*>(registry)
                                                      : nullptr;
}

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_REGISTRY_H_
