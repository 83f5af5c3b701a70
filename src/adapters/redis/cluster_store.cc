// SPDX-License-Identifier: Apache-2.0
// See cluster_store.h.
#include <holdfast/redis/cluster_store.h>
#include <holdfast/status.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "adapters/redis/cluster_carrier.h"
#include "adapters/redis/cluster_desk.h"
#include "adapters/redis/core.h"
#include "adapters/redis/desk.h"
#include "adapters/redis/requests.h"
#include "adapters/redis/seeds.h"
#include "adapters/redis/sweep.h"

namespace holdfast::inline v0_5::redis {
namespace {

// As strong as the weakest: a key may be on any of them.
Guarantee GuaranteeOfAll(const std::map<NodeId, ServerFacts>& facts, const Options& options) {
  Guarantee weakest;
  bool first = true;
  for (const auto& [node, of] : facts) {
    Guarantee one = GuaranteeOf(of, options);
    if (!first && one.level >= weakest.level) continue;
    weakest = std::move(one);
    first = false;
  }
  weakest.why = "a cluster of " + std::to_string(facts.size()) +
                " masters, each key on one of them; the weakest is " + weakest.why;
  return weakest;
}

}  // namespace

class ClusterStore::Impl {
 public:
  explicit Impl(Options options)
      : core_(std::move(options)), carrier_(&core_), requests_(&core_), desk_(core_, carrier_) {
    core_.carrier = &carrier_;
  }

  absl::Status Open(std::vector<NodeAddress> seeds) {
    auto tls = MakeTlsContext(core_.options.server.tls);
    if (!tls.ok()) return tls.status();
    if (absl::Status status = carrier_.Open(std::move(seeds), *std::move(tls)); !status.ok()) {
      return status;
    }
    guarantee_ = GuaranteeOfAll(carrier_.facts(), core_.options);
    return absl::OkStatus();
  }

  // For what waits for answers itself.
  absl::Status Ready() const {
    if (!carrier_.OnIoThread()) return absl::OkStatus();
    return ToStatus(HF_STORE_UNAVAILABLE, "called from an answer of this store");
  }

  const Core& core() const { return core_; }
  ClusterCarrier& carrier() { return carrier_; }
  Requests& requests() { return requests_; }
  ClusterDesk& desk() { return desk_; }
  const Guarantee& guarantee() const { return guarantee_; }
  SteadyTime Until(Duration timeout) const { return requests_.Until(timeout); }

 private:
  Core core_;
  ClusterCarrier carrier_;
  Requests requests_;
  ClusterDesk desk_;
  Guarantee guarantee_;
};

absl::StatusOr<std::unique_ptr<ClusterStore>> ClusterStore::Open(ClusterOptions options) {
  if (absl::Status status = PrepareOptions(&options.store); !status.ok()) return status;
  if (options.store.server.database != 0) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                      "store.server.database: a cluster has database 0 only");
  }
  auto seeds = ParseSeeds(options.store.server, options.seeds);
  if (!seeds.ok()) return seeds.status();
  auto impl = std::make_unique<Impl>(std::move(options.store));
  if (absl::Status status = impl->Open(*std::move(seeds)); !status.ok()) return status;
  return std::unique_ptr<ClusterStore>(new ClusterStore(std::move(impl)));
}

ClusterStore::ClusterStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ClusterStore::~ClusterStore() = default;

StoreReply ClusterStore::Execute(const StoreRequest& request, Duration timeout) {
  return impl_->requests().Execute(request, timeout);
}

bool ClusterStore::Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) {
  impl_->requests().Submit(request, timeout, waiter);
  return true;
}

std::vector<StoreReply> ClusterStore::ExecuteMany(std::span<const StoreRequest> requests,
                                                  Duration timeout) {
  return impl_->requests().ExecuteMany(requests, timeout);
}

Guarantee ClusterStore::guarantee() const { return impl_->guarantee(); }

absl::StatusOr<ScanPage> ClusterStore::Scan(const ScanQuery& query, Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return impl_->desk().Scan(query, impl_->Until(timeout));
}

absl::StatusOr<StoredRecord> ClusterStore::Find(const KeyId& key_id, Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return impl_->desk().Find(key_id, impl_->Until(timeout));
}

StoreReply ClusterStore::ExecuteAudited(const StoreRequest& request, const AuditNote& note,
                                        Duration timeout) {
  if (request.verb != HF_STORE_RESOLVE && request.verb != HF_STORE_RELEASE) {
    return StorageReply(HF_STORE_UNAVAILABLE, "only RESOLVE and RELEASE are audited");
  }
  if (absl::Status status = CheckNote(note); !status.ok()) {
    return StorageReply(HF_STORE_UNAVAILABLE, std::string(status.message()));
  }
  return impl_->requests().Execute(request, timeout, &note);
}

absl::StatusOr<std::vector<AuditRow>> ClusterStore::Audit(const std::optional<KeyId>& key_id,
                                                          uint32_t limit, Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return impl_->desk().Audit(key_id, limit, impl_->Until(timeout));
}

absl::StatusOr<uint64_t> ClusterStore::Purge(uint32_t /*limit*/, Duration /*timeout*/) {
  return uint64_t{0};
}

absl::StatusOr<StoreInfo> ClusterStore::Info(Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return impl_->desk().Info(impl_->Until(timeout));
}

absl::StatusOr<uint64_t> ClusterStore::Sweep(std::string* cursor, uint32_t limit,
                                             Duration timeout) {
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

absl::Status ClusterStore::Rearm(Duration timeout) {
  if (absl::Status status = impl_->Ready(); !status.ok()) return status;
  return impl_->carrier().Rearm(impl_->Until(timeout));
}

ClusterStats ClusterStore::stats() const {
  const ClusterCounters& counters = impl_->carrier().router().counters();
  ClusterStats stats;
  stats.store = StatsOf(impl_->core().counters, impl_->carrier().counters());
  stats.moved = counters.moved.load();
  stats.asked = counters.asked.load();
  stats.pauses = counters.pauses.load();
  stats.look_ups = counters.look_ups.load();
  stats.masters = static_cast<uint32_t>(impl_->carrier().router().map().Masters().size());
  return stats;
}

}  // namespace holdfast::inline v0_5::redis
