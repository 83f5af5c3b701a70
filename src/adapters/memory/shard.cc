// SPDX-License-Identifier: Apache-2.0
#include "adapters/memory/shard.h"

#include <algorithm>
#include <utility>

namespace holdfast::inline v0_4::memory {
namespace {

// A slot of the map at its usual load, and two items of the expiry order.
constexpr size_t kEntryBytes = 2 * (sizeof(KeyId) + sizeof(Entry)) + 2 * sizeof(ExpiryOrder::Item);

size_t BytesOf(size_t body, size_t label) {
  const size_t body_bytes = body == 0 ? 0 : body + sizeof(std::string) + 16;
  const size_t label_bytes = label <= std::string().capacity() ? 0 : label + 1;
  return kEntryBytes + body_bytes + label_bytes;
}

size_t BytesOf(const Entry& entry) {
  return BytesOf(entry.body == nullptr ? 0 : entry.body->size(), entry.label.size());
}

bool MayExpire(const hf_record& record) {
  return record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE;
}

hf_str ViewOf(const std::string& bytes) { return {bytes.data(), bytes.size()}; }

// The record as the table is to see it.
const hf_record* LookAt(Entry& entry) {
  entry.record.body = entry.body == nullptr ? hf_str{} : ViewOf(*entry.body);
  entry.record.label = ViewOf(entry.label);
  return &entry.record;
}

bool Same(const hf_str& a, const hf_str& b) { return a.data == b.data && a.size == b.size; }

// Shared by nobody, owned by nobody: copying it counts nothing.
Body EmptyBody() {
  static const std::string* const empty = new std::string();
  return Body(Body(), empty);
}

}  // namespace

StoreReply Shard::Execute(Order& order, int64_t now, Common& common) {
  KeyId id;
  std::copy_n(order.request.key_id, id.size(), id.begin());
  auto found = entries_.find(id);
  const bool exists = found != entries_.end();
  const hf_record* const old = exists ? LookAt(found->second) : nullptr;
  StoreReply reply;
  hf_record next;  // the table fills it
  hf_record_change change = HF_RECORD_KEEP;
  if (hf_record_apply(old, &order.request, now, token_floor_, &next, &change, &reply.raw) ==
      HF_INVALID_ARGUMENT) {
    return StorageReply(HF_STORE_UNAVAILABLE, "a request that no store can execute");
  }
  if (reply.raw.status == HF_STORE_REPLAY || reply.raw.body.size > 0) {
    reply.body = found->second.body == nullptr ? EmptyBody() : found->second.body;
    reply.raw.body = ViewOf(*reply.body);
  }
  if (change != HF_RECORD_KEEP && !order.audit.empty()) {
    AuditRow& row = order.audit.front();
    row.at = now;
    row.before = old->state;  // what is absent can be neither resolved nor released
    row.token_before = old->token;
    row.token_after = next.token;
  }
  if (change == HF_RECORD_WRITE) {
    const size_t before = exists ? BytesOf(found->second) : 0;
    const size_t after = BytesOf(next.body.size, next.label.size);
    // What exists can always be settled. A new key and a checkpoint can be refused.
    const bool needs_room = !exists || order.request.verb == HF_STORE_CHECKPOINT;
    const size_t reserved = needs_room && after > before ? after - before : 0;
    if (reserved > 0 && !MakeRoom(reserved, now, common)) {
      ++refused_;
      return StorageReply(HF_STORE_OVERLOADED, "the memory store's byte budget is spent");
    }
    try {
      Write(found, id, next, order);
    } catch (...) {
      common.budget.Add(-static_cast<ptrdiff_t>(reserved));
      throw;
    }
    common.budget.Add(static_cast<ptrdiff_t>(after - before - reserved));
  }
  if (change == HF_RECORD_ERASE) Erase(found, next.token, common);
  if (change != HF_RECORD_KEEP && !order.audit.empty()) {
    common.budget.Add(common.audit.Add(order.audit));
  }
  Purge(now, common.purge_per_request, common);
  return reply;
}

bool Shard::MakeRoom(size_t bytes, int64_t now, Common& common) {
  if (common.budget.Reserve(bytes)) return true;
  Purge(now, common.purge_per_request, common);
  return common.budget.Reserve(bytes);
}

void Shard::Write(Entries::iterator found, const KeyId& id, const hf_record& next, Order& order) {
  const uint64_t ticket = MayExpire(next) ? order_.Push(next.expires_at, id) : 0;
  if (found == entries_.end()) found = entries_.try_emplace(id).first;
  Entry& entry = found->second;
  const hf_record& old = *LookAt(entry);
  if (!Same(next.body, old.body)) entry.body = next.body.size == 0 ? nullptr : order.body;
  if (!Same(next.label, old.label)) entry.label = std::move(order.label);
  entry.record = next;
  SetTicket(entry, ticket);
  if (ticket != 0) {
    order_.Compact(expiring_, [this](const ExpiryOrder::Item& item) { return IsCurrent(item); });
  }
}

void Shard::Erase(Entries::iterator found, uint64_t token, Common& common) {
  token_floor_ = std::max(token_floor_, token);
  common.budget.Add(-static_cast<ptrdiff_t>(BytesOf(found->second)));
  SetTicket(found->second, 0);
  entries_.erase(found);
}

void Shard::SetTicket(Entry& entry, uint64_t ticket) {
  expiring_ += static_cast<size_t>(ticket != 0) - static_cast<size_t>(entry.ticket != 0);
  entry.ticket = ticket;
}

bool Shard::IsCurrent(const ExpiryOrder::Item& item) const {
  const auto found = entries_.find(item.id);
  return found != entries_.end() && found->second.ticket == item.ticket;
}

uint32_t Shard::Purge(int64_t now, uint32_t at_most, Common& common) {
  uint32_t erased = 0;
  for (uint32_t i = 0; i < at_most; ++i) {
    const ExpiryOrder::Item* const due = order_.Due(now);
    if (due == nullptr) break;
    const auto found = entries_.find(due->id);
    if (found != entries_.end() && found->second.ticket == due->ticket) {
      Erase(found, found->second.record.token, common);
      ++erased;
    }
    order_.Pop(due);
  }
  purged_ += erased;
  return erased;
}

}  // namespace holdfast::inline v0_4::memory
