// SPDX-License-Identifier: Apache-2.0
// See store.h.
#include <holdfast/redis/store.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "adapters/redis/core.h"
#include "adapters/redis/desk.h"
#include "adapters/redis/pool.h"
#include "adapters/redis/requests.h"
#include "adapters/redis/sweep.h"

namespace holdfast::inline v0_5::redis {

class Store::Impl {
 public:
  explicit Impl(Options options) : core_(std::move(options)), pool_(&core_), requests_(&core_) {
    core_.carrier = &pool_;
  }

  absl::Status Open() {
    auto tls = MakeTlsContext(core_.options.server.tls);
    if (!tls.ok()) return tls.status();
    if (absl::Status status = pool_.Open(*tls); !status.ok()) return status;
    guarantee_ = GuaranteeOf(pool_.facts(), core_.options);
    return absl::OkStatus();
  }

  // For what waits on the connection itself.
  absl::Status Ready() const {
    if (!pool_.OnIoThread()) return absl::OkStatus();
    return ToStatus(HF_STORE_UNAVAILABLE, "called from an answer of this store");
  }

  const Core& core() const { return core_; }
  Pool& pool() { return pool_; }
  Requests& requests() { return requests_; }
  const Guarantee& guarantee() const { return guarantee_; }
  SteadyTime Until(Duration timeout) const { return requests_.Until(timeout); }

 private:
  Core core_;
  Pool pool_;
  Requests requests_;
  Guarantee guarantee_;
};

absl::StatusOr<std::unique_ptr<Store>> Store::Open(Options options) {
  if (absl::Status status = PrepareOptions(&options); !status.ok()) return status;
  auto impl = std::make_unique<Impl>(std::move(options));
  if (absl::Status status = impl->Open(); !status.ok()) return status;
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

StoreReply Store::Execute(const StoreRequest& request, Duration timeout) {
  return impl_->requests().Execute(request, timeout);
}

bool Store::Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) {
  impl_->requests().Submit(request, timeout, waiter);
  return true;
}

std::vector<StoreReply> Store::ExecuteMany(std::span<const StoreRequest> requests,
                                           Duration timeout) {
  return impl_->requests().ExecuteMany(requests, timeout);
}

Guarantee Store::guarantee() const { return impl_->guarantee(); }

absl::StatusOr<ScanPage> Store::Scan(const ScanQuery& query, Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return ScanServer(impl_->core(), impl_->pool().Any(), query, impl_->Until(timeout));
}

absl::StatusOr<StoredRecord> Store::Find(const KeyId& key_id, Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return FindRecord(impl_->core(), impl_->pool().Any(), key_id, impl_->Until(timeout));
}

StoreReply Store::ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                                 Duration timeout) {
  if (request.verb != HF_STORE_RESOLVE && request.verb != HF_STORE_RELEASE) {
    return StorageReply(HF_STORE_UNAVAILABLE, "only RESOLVE and RELEASE are audited");
  }
  if (absl::Status status = CheckNote(note); !status.ok()) {
    return StorageReply(HF_STORE_UNAVAILABLE, std::string(status.message()));
  }
  return impl_->requests().Execute(request, timeout, &note);
}

absl::StatusOr<std::vector<AuditRow>> Store::Audit(const std::optional<KeyId>& key_id,
                                                   uint32_t limit, Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  const SteadyTime until = impl_->Until(timeout);
  Connection& connection = impl_->pool().Any();
  if (!key_id.has_value()) return AuditOfServer(impl_->core(), connection, limit, until);
  return AuditOfKey(impl_->core(), connection, *key_id, limit, until);
}

absl::StatusOr<uint64_t> Store::Purge(uint32_t /*limit*/, Duration /*timeout*/) {
  return uint64_t{0};
}

absl::StatusOr<StoreInfo> Store::Info(Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return InfoOfServer(impl_->pool().Any(), impl_->Until(timeout));
}

absl::StatusOr<uint64_t> Store::Sweep(std::string* cursor, uint32_t limit, Duration timeout) {
  ScanQuery query;
  query.cursor = *cursor;
  query.limit = limit;
  query.state = HF_RECORD_IN_PROGRESS;
  const SteadyTime until = impl_->Until(timeout);
  auto page = Scan(query, timeout);
  if (!page.ok()) return page.status();
  auto swept = SweepPage(&impl_->requests(), *page, until);
  if (swept.ok()) *cursor = page->cursor;
  return swept;
}

absl::Status Store::Rearm(Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return impl_->pool().Rearm(impl_->Until(timeout));
}

Stats Store::stats() const { return StatsOf(impl_->core().counters, impl_->pool().counters()); }

}  // namespace holdfast::inline v0_5::redis
