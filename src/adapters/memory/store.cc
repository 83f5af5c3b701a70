// SPDX-License-Identifier: Apache-2.0
// See memory/store.h: requests. What operators ask is in operable.cc, what happens under a lock in shard.h.
#include <holdfast/audit_note.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/memory/store.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "adapters/memory/shards.h"

namespace holdfast::inline v0_5::memory {
namespace {

constexpr size_t kDefaultMaxBytes = size_t{64} << 20;
constexpr uint32_t kDefaultShards = 64;
constexpr uint32_t kMaxShards = 65536;
constexpr uint32_t kDefaultPurge = 4;
constexpr uint32_t kDefaultAuditRows = 1000;
constexpr uint32_t kMaxAuditRows = 1000000;

bool Sound(const hf_str& bytes, size_t max) {
  return bytes.size > 0 && bytes.size <= max && bytes.data != nullptr;
}

Order OrderFor(const StoreRequest& request) {
  Order order{request, HashedId(request.key_id)};
  switch (request.verb) {
    case HF_STORE_CLAIM:
      if (!Sound(request.label, HF_RECORD_LABEL_MAX)) break;
      order.label = std::make_unique_for_overwrite<char[]>(request.label.size);
      std::copy_n(request.label.data, request.label.size, order.label.get());
      break;
    case HF_STORE_COMPLETE:
    case HF_STORE_RESOLVE:
    case HF_STORE_CHECKPOINT:
      if (!Sound(request.body, HF_IDEM_BODY_MAX)) break;
      order.body = std::make_shared<const std::string>(request.body.data, request.body.size);
      break;
    default:
      break;
  }
  return order;
}

void OutOfMemory(StoreReply* reply) {
  *reply = StoreReply{};
  reply->raw.status = HF_STORE_OVERLOADED;
}

}  // namespace

int64_t Store::Shards::Now() const {
  if (options.clock != nullptr) return options.clock();
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

void Store::Shards::Execute(Order& order, StoreReply* reply) {
  Shard& shard = Of(order.id);
  const std::lock_guard lock(shard.mutex());
  shard.Execute(order, Now(), common, reply);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Create(Options options) {
  if (options.max_bytes == 0) options.max_bytes = kDefaultMaxBytes;
  if (options.shards == 0) options.shards = kDefaultShards;
  if (options.purge_per_request == 0) options.purge_per_request = kDefaultPurge;
  if (options.audit_rows == 0) options.audit_rows = kDefaultAuditRows;
  if (options.shards > kMaxShards) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "shards: more than 65536");
  }
  if (options.audit_rows > kMaxAuditRows) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "audit_rows: more than 1000000");
  }
  return std::unique_ptr<Store>(new Store(std::make_unique<Shards>(std::move(options))));
}

Store::Store(std::unique_ptr<Shards> shards) : shards_(std::move(shards)) {}

Store::~Store() = default;

StoreReply Store::Execute(const StoreRequest& request, Duration /*timeout*/) {
  StoreReply reply;
  try {
    Order order = OrderFor(request);
    shards_->Execute(order, &reply);
  } catch (const std::bad_alloc&) {
    OutOfMemory(&reply);
  }
  return reply;
}

StoreReply Store::ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                                 Duration /*timeout*/) {
  StoreReply reply;
  try {
    if (request.verb != HF_STORE_RESOLVE && request.verb != HF_STORE_RELEASE) {
      return StorageReply(HF_STORE_UNAVAILABLE, "verb: only RESOLVE and RELEASE are audited");
    }
    const absl::Status sound = CheckAuditNote(note);
    if (!sound.ok()) return StorageReply(HF_STORE_UNAVAILABLE, std::string(sound.message()));
    Order order = OrderFor(request);
    AuditRow& row = order.audit.emplace_back();
    std::copy_n(request.key_id, row.key_id.size(), row.key_id.begin());
    row.verb = request.verb;
    row.effect = request.effect;
    row.note = note;
    shards_->Execute(order, &reply);
  } catch (const std::bad_alloc&) {
    OutOfMemory(&reply);
  }
  return reply;
}

bool Store::Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) {
  waiter.OnReply(Execute(request, timeout));
  return true;
}

Guarantee Store::guarantee() const {
  return {GuaranteeLevel::kProcess, "records live in this process and are lost with it"};
}

Stats Store::stats() const {
  Stats stats;
  for (Shard& shard : shards_->all) {
    const std::lock_guard lock(shard.mutex());
    stats.records += shard.entries().size();
    stats.bytes += shard.bytes();
    stats.purged += shard.purged();
    stats.refused += shard.refused();
  }
  stats.bytes += shards_->common.audit.bytes();
  return stats;
}

}  // namespace holdfast::inline v0_5::memory
