// SPDX-License-Identifier: Apache-2.0
// See registry.h: what is rare (a new key, an operator's look, the end), for each kind of object.
#include <algorithm>

#include "abi/registry.h"

namespace holdfast::abi {

using engine::RegistryAnswer;

template <typename Kind>
KeyedRegistry<Kind>::~KeyedRegistry() {
  for (typename Pool::Chunk& chunk : directory_) {
    const OwnedChunk owned(chunk.Load());
  }
  Unref(group_);
  Unref(journal_);
}

// --- A new key --------------------------------------------------------------------------------------
template <typename Kind>
typename Kind::Object* KeyedRegistry<Kind>::FindOrCreate(const Asked& asked) {
  const auto& [text, hash, now] = asked;
  std::unique_ptr<char[]> block;
  if (Entry::NeedsBlock(text)) block = std::make_unique<char[]>(text.size());
  const uint32_t update = updates_.load();
  for (;;) {
    const auto [answer, entry] = engine_.FindOrCreate(hash, text, block.get(), now);
    switch (answer) {
      case RegistryAnswer::kNeedsTable:
        GiveTable(hash);
        break;
      case RegistryAnswer::kNeedsChunk:
        GiveChunk();
        break;
      case RegistryAnswer::kCreated:
        block.release();
        if (updates_.load() != update) FollowUpdate(Engine::ObjectOf(*entry), now);
        return &Engine::ObjectOf(*entry);
      case RegistryAnswer::kFound:
        return &Engine::ObjectOf(*entry);
      case RegistryAnswer::kFull:
        return Share();
    }
  }
}

template <typename Kind>
void KeyedRegistry<Kind>::GiveTable(uint64_t hash) {
  using Slot = typename Engine::Index::Slot;
  const size_t slots = engine_.keys().SlotsWanted(hash);
  auto table = std::make_unique<Slot[]>(slots);
  {
    const std::lock_guard lock(lock_);
    tables_.reserve(tables_.size() + 1);  // so that nothing can fail once it is in use
    if (!engine_.keys().GiveTable(hash, {table.get(), slots})) return;
    tables_.push_back(std::move(table));
  }
  bytes_ += slots * sizeof(Slot);
}

template <typename Kind>
void KeyedRegistry<Kind>::GiveChunk() {
  OwnedChunk chunk = NewChunk(pool_.ChunkBytes());
  const auto place = [](unsigned char* at, uint32_t number) { ::new (at) Entry(number); };
  if (!pool_.Grow(chunk.get(), place)) return;
  chunk.release();  // the directory's
  bytes_ += sizeof(ChunkHead) + pool_.ChunkBytes();
}

template <typename Kind>
void KeyedRegistry<Kind>::MakeShared() {
  shared_ = NewChunk(pool_.stride());
  Entry* const entry = ::new (shared_.get()) Entry(0);
  entry->Name(0, {}, nullptr, 0);
  Make(Pool::ObjectOf(*entry), 0);
  entry->Live();  // its one holder is the registry
  bytes_ += sizeof(ChunkHead) + pool_.stride();
}

template <typename Kind>
typename Kind::Object* KeyedRegistry<Kind>::Share() {
  if (shared_ == nullptr) return nullptr;
  Object& object = Engine::ObjectOf(*reinterpret_cast<Entry*>(shared_.get()));
  object.AddRef();
  ++shares_;
  return &object;
}

// --- Looks -------------------------------------------------------------------------------------------
template <typename Kind>
size_t KeyedRegistry<Kind>::List(uint32_t* cursor, hf_time now, hf_registry_key* out,
                                 size_t capacity) {
  size_t count = 0;
  for (; count < capacity && *cursor < pool_.Made(); ++*cursor) {
    Entry* const entry = engine_.Hold(*cursor);
    if (entry == nullptr) continue;
    hf_registry_key& key = out[count++];
    key = hf_registry_key{};
    key.hash = entry->hash();
    key.used = entry->LastUse();
    key.hits = entry->Hits();
    key.held = entry->Holders() - 1;  // but for this look
    key.state = Kind::StateOf(Engine::ObjectOf(*entry), now);
    key.tenant_size = static_cast<uint32_t>(entry->tenant().size());
    key.key_size = static_cast<uint32_t>(entry->key().size());
    std::copy(entry->tenant().begin(), entry->tenant().end(), key.tenant);
    std::copy(entry->key().begin(), entry->key().end(), key.key);
    entry->Drop();
  }
  return count;
}

template <typename Kind>
hf_registry_snapshot KeyedRegistry<Kind>::Read() {
  const engine::RegistryCounts counts = engine_.Count();
  hf_registry_snapshot now{};
  now.capacity = pool_.capacity();
  now.keys = static_cast<uint32_t>(counts.keys);
  now.held = static_cast<uint32_t>(counts.held);
  now.hits = counts.hits;
  now.created = counts.created;
  now.evicted = counts.evicted;
  now.shared = shares_.load();
  // Whoever found no place was either refused or given the shared object.
  now.refused = shared_ == nullptr ? counts.refused : 0;
  now.bytes = bytes_.load() + sizeof(*this) + directory_.size() * sizeof(typename Pool::Chunk) +
              shards_.size() * sizeof(typename Engine::Shard);
  return now;
}

// --- Update -------------------------------------------------------------------------------------------
template <typename Kind>
hf_code KeyedRegistry<Kind>::Update(const hf_registry_options& options, hf_time now,
                                    hf_error* error) {
  typename Kind::Policy of_objects;
  hf_journal* ignored = nullptr;
  hf_code code = Kind::Read(Kind::In(options), &of_objects, &ignored, error);
  if (code != HF_OK) return code;
  RegistryPolicy policy;
  const hf_duration recovery = Kind::Recovery(of_objects);
  code = ReadRegistryPolicy(options, recovery, &policy, error);
  if (code != HF_OK) return code;
  const std::lock_guard updating(update_lock_);
  if (!Kind::CanBecome(live_, of_objects)) {
    return FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE, Kind::kName,
                     "has another shape: make a new registry");
  }
  uint32_t number;
  {
    const std::lock_guard lock(lock_);
    live_.Store(of_objects);
    number = ++updates_;
  }
  recovery_ = recovery;
  engine_.Configure(policy.idle_ttl, policy.forget_after);
  // Whoever is made from here on is made by the new policy, or sees the number change and follows.
  for (uint32_t i = 0; i < pool_.Made(); ++i) {
    Entry* const entry = engine_.Hold(i);
    if (entry == nullptr) continue;
    Kind::Follow(Engine::ObjectOf(*entry), live_, number, now);
    entry->Drop();
  }
  if (shared_ != nullptr) {
    Kind::Follow(Engine::ObjectOf(*reinterpret_cast<Entry*>(shared_.get())), live_, number, now);
  }
  engine_.journal().Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, number);
  return Succeed(error);
}

template <typename Kind>
void KeyedRegistry<Kind>::FollowUpdate(Object& object, hf_time now) {
  const std::lock_guard updating(update_lock_);
  Kind::Follow(object, live_, updates_.load(), now);
}

// --- The end ----------------------------------------------------------------------------------------
template <typename Kind>
void KeyedRegistry<Kind>::Retire() noexcept {
  for (uint32_t number = 0; number < pool_.Made(); ++number) {
    Entry& entry = pool_.At(number);
    if (entry.IsDead()) continue;
    ++unburied_;
    if (!entry.Orphan()) Bury(entry);
  }
  if (shared_ != nullptr) {
    Entry& entry = *reinterpret_cast<Entry*>(shared_.get());
    ++unburied_;
    entry.Orphan();
    if (entry.Drop()) Bury(entry);
  }
  if (--unburied_ == 0) delete this;
}

template <typename Kind>
void KeyedRegistry<Kind>::Bury(KeptEntry& entry) noexcept {
  Destroy(Engine::ObjectOf(entry));
  DropBlock(entry.block());
  if (--unburied_ == 0) delete this;
}

template class KeyedRegistry<BreakerKind>;
template class KeyedRegistry<BudgetKind>;
template class KeyedRegistry<LimiterKind>;

}  // namespace holdfast::abi
