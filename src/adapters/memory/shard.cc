// SPDX-License-Identifier: Apache-2.0
#include "adapters/memory/shard.h"

#include <algorithm>
#include <string>
#include <utility>

namespace holdfast::inline v0_5::memory {
namespace {

// A slot, its places in the table, at its usual load, and in the heap of the expiry order.
constexpr size_t kEntryBytes = sizeof(Entry) + 2 * (sizeof(Entry*) + 1) + sizeof(Entry*);

size_t BytesOf(const hf_record& record) {
  const size_t body = record.body.size == 0 ? 0 : record.body.size + sizeof(std::string) + 16;
  return kEntryBytes + body + record.label.size;
}

bool MayExpire(const hf_record& record) {
  return record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE;
}

hf_str ViewOf(const std::string& bytes) { return {bytes.data(), bytes.size()}; }

bool Same(const hf_str& a, const hf_str& b) { return a.data == b.data && a.size == b.size; }

// Shared by nobody, owned by nobody: copying it counts nothing.
Body EmptyBody() {
  static const std::string* const empty = new std::string();
  return Body(Body(), empty);
}

// What is left to know of a record when the table has written over it.
struct Past {
  explicit Past(const hf_record& record)
      : state(record.state),
        token(record.token),
        body(record.body),
        label(record.label),
        bytes(BytesOf(record)) {}

  hf_record_state state;
  uint64_t token;
  hf_str body;
  hf_str label;
  size_t bytes;
};

// Moves what the request brought into the entry where the record refers to it.
void Keep(Entry* entry, const hf_str& old_body, const hf_str& old_label, Order& order) {
  hf_record& record = entry->record;
  if (!Same(record.body, old_body)) {
    entry->body = record.body.size == 0 ? nullptr : std::move(order.body);
    record.body = entry->body == nullptr ? hf_str{} : ViewOf(*entry->body);
  }
  if (!Same(record.label, old_label)) {
    entry->label = record.label.size == 0 ? nullptr : std::move(order.label);
    record.label.data = entry->label.get();
  }
}

// To be called before the record changes: whose body it is.
void ShareBody(const Entry* held, StoreReply* reply) {
  if (reply->raw.status != HF_STORE_REPLAY && reply->raw.body.size == 0) return;
  reply->body = held->body == nullptr ? EmptyBody() : held->body;
  reply->raw.body = ViewOf(*reply->body);
}

// Asks the table. A request that no store can execute is answered here.
hf_record_change Decide(const hf_record* old, const Order& order, int64_t now, uint64_t token_floor,
                        hf_record* next, StoreReply* reply) {
  hf_record_change change = HF_RECORD_KEEP;
  if (hf_record_apply(old, &order.request, now, token_floor, next, &change, &reply->raw) ==
      HF_INVALID_ARGUMENT) {
    *reply = StorageReply(HF_STORE_UNAVAILABLE, "a request that no store can execute");
    return HF_RECORD_KEEP;
  }
  return change;
}

void Tell(AuditRow& row, int64_t now, const Past& past, uint64_t token) {
  row.at = now;
  row.before = past.state;
  row.token_before = past.token;
  row.token_after = token;
}

}  // namespace

Entry* Shard::Find(const HashedId& id) const {
  const auto found = entries_.find(id, id.hash);
  return found == entries_.end() ? nullptr : *found;
}

void Shard::Execute(Order& order, int64_t now, Common& common, StoreReply* reply) {
  Entry* const held = Find(order.id);
  if (held == nullptr) {
    ExecuteAbsent(order, now, common, reply);
  } else {
    ExecuteHeld(held, order, now, common, reply);
  }
  Purge(now, common.purge_per_request, common);
}

void Shard::ExecuteAbsent(Order& order, int64_t now, Common& common, StoreReply* reply) {
  Entry* const fresh = slots_.Next();
  if (Decide(nullptr, order, now, token_floor_, &fresh->record, reply) != HF_RECORD_WRITE) return;
  const size_t bytes = BytesOf(fresh->record);
  slots_.Take();  // before room is made: that frees slots
  if (!MakeRoom(bytes, now, common)) {
    slots_.Give(fresh);
    return Refuse(reply);
  }
  std::copy_n(order.id.bytes, fresh->id.size(), fresh->id.begin());
  fresh->hash = order.id.hash;
  try {
    expiry_.Reserve(slots_.size());
    entries_.insert(fresh);
  } catch (...) {
    slots_.Give(fresh);
    allowance_.GiveBack(bytes, common.budget);
    throw;
  }
  Keep(fresh, {}, {}, order);
}

void Shard::ExecuteHeld(Entry* held, Order& order, int64_t now, Common& common, StoreReply* reply) {
  const Past past(held->record);
  hf_record checkpoint;
  hf_record* const next = order.request.verb == HF_STORE_CHECKPOINT ? &checkpoint : &held->record;
  const hf_record_change change = Decide(&held->record, order, now, token_floor_, next, reply);
  ShareBody(held, reply);
  if (change == HF_RECORD_KEEP) return;
  const uint64_t token = next->token;
  if (change == HF_RECORD_ERASE) {
    Erase(held, token, past.bytes, common);
  } else {
    const size_t bytes = BytesOf(*next);
    if (next != &held->record) {
      if (bytes > past.bytes && !MakeRoom(bytes - past.bytes, now, common)) return Refuse(reply);
      held->record = *next;
    } else if (bytes > past.bytes) {
      allowance_.UseAnyway(bytes - past.bytes, common.budget);
    }
    if (bytes < past.bytes) allowance_.GiveBack(past.bytes - bytes, common.budget);
    Keep(held, past.body, past.label, order);
    expiry_.Remove(held);
    if (MayExpire(held->record)) expiry_.Add(held);
  }
  if (!order.audit.empty()) {
    Tell(order.audit.front(), now, past, token);
    common.budget.Add(common.audit.Add(order.audit));
  }
}

void Shard::Refuse(StoreReply* reply) {
  ++refused_;
  *reply = StorageReply(HF_STORE_OVERLOADED, "the memory store's byte budget is spent");
}

bool Shard::MakeRoom(size_t bytes, int64_t now, Common& common) {
  if (allowance_.Use(bytes, common.budget)) return true;
  Purge(now, common.purge_per_request, common);
  return allowance_.Use(bytes, common.budget);
}

void Shard::Erase(Entry* entry, uint64_t token, size_t bytes, Common& common) {
  token_floor_ = std::max(token_floor_, token);
  allowance_.GiveBack(bytes, common.budget);
  expiry_.Remove(entry);
  entries_.erase(entry);
  slots_.Give(entry);
}

uint32_t Shard::Purge(int64_t now, uint32_t at_most, Common& common) {
  uint32_t erased = 0;
  while (erased < at_most) {
    Entry* const due = expiry_.Due(now);
    if (due == nullptr) break;
    Erase(due, due->record.token, BytesOf(due->record), common);
    ++erased;
  }
  purged_ += erased;
  return erased;
}

}  // namespace holdfast::inline v0_5::memory
