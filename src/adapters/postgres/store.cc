// SPDX-License-Identifier: Apache-2.0
// See postgres/store.h.
#include <holdfast/postgres/store.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/postgres/bulk_job.h"
#include "adapters/postgres/gate.h"
#include "adapters/postgres/impl.h"
#include "adapters/postgres/query_job.h"
#include "adapters/postgres/record_job.h"
#include "adapters/postgres/schema.h"
#include "adapters/postgres/sweep.h"

namespace holdfast::inline v0_5::postgres {
namespace {

constexpr Duration kMaxTimeout = std::chrono::minutes(5);
// Of one transaction of ExecuteMany.
constexpr size_t kMaxBulk = 256;
constexpr size_t kMaxBulkBytes = size_t{16} << 20;

absl::Status OutOfRange(const char* text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

absl::Status FillDefaults(Options* options) {
  const auto number = [](auto* value, auto standard) {
    if (*value == decltype(standard){}) *value = standard;
  };
  using std::chrono::milliseconds;
  number(&options->connections, uint32_t{8});
  number(&options->pipeline_depth, uint32_t{2});
  number(&options->max_queue, uint32_t{16384});
  number(&options->default_timeout, Duration{milliseconds(5000)});
  number(&options->connect_timeout, Duration{milliseconds(5000)});
  number(&options->statement_timeout, Duration{milliseconds(10000)});
  number(&options->reconnect_base, Duration{milliseconds(50)});
  number(&options->reconnect_cap, std::max<Duration>(options->reconnect_base, milliseconds(5000)));
  number(&options->purge_interval, Duration{std::chrono::minutes(1)});
  number(&options->purge_limit, uint32_t{2000});
  number(&options->snapshot_age_alarm, uint64_t{1000000});
  if (options->schema.empty()) options->schema = "holdfast";
  if (!IsSchemaName(options->schema)) {
    return OutOfRange("schema: must be 1..48 of [a-z0-9_], no digit first");
  }
  if (options->connections > 256) return OutOfRange("connections: more than 256");
  if (options->pipeline_depth > 64) return OutOfRange("pipeline_depth: more than 64");
  if (options->purge_limit > 100000) return OutOfRange("purge_limit: more than 100000");
  const auto positive = [&](Duration value) { return value > Duration{0} && value <= kMaxTimeout; };
  if (!positive(options->default_timeout))
    return OutOfRange("default_timeout: must be up to 5 min");
  if (!positive(options->connect_timeout))
    return OutOfRange("connect_timeout: must be up to 5 min");
  if (!positive(options->statement_timeout)) {
    return OutOfRange("statement_timeout: must be up to 5 min");
  }
  if (options->purge_interval < milliseconds(1)) return OutOfRange("purge_interval: below 1 ms");
  return absl::OkStatus();
}

struct Checked {
  Link link;
  Guarantee guarantee;
  uint32_t version = 0;
};

// Options complete, server judged, schema there.
absl::StatusOr<Checked> Check(Options* options, bool migrate) {
  if (absl::Status status = FillDefaults(options); !status.ok()) return status;
  absl::StatusOr<Link> link = MakeLink(*options);
  if (!link.ok()) return link.status();
  absl::StatusOr<Session> session = Session::Connect(*link, options->connect_timeout);
  if (!session.ok()) return session.status();
  absl::StatusOr<ServerFacts> facts = AskFacts(*session, options->schema);
  if (!facts.ok()) return facts.status();
  absl::StatusOr<Guarantee> guarantee = Judge(*facts, *options);
  if (!guarantee.ok()) return guarantee.status();
  const absl::StatusOr<uint32_t> version = PrepareSchema(*session, options->schema, migrate);
  if (!version.ok()) return version.status();
  // A missing right shows here, with a name, and not at the first claim.
  const absl::Status usable =
      session
          ->Run(InSchema("SELECT $S.follow_timeline(); SELECT FROM $S.record LIMIT 0; SELECT FROM "
                         "$S.body LIMIT 0; SELECT last_value FROM $S.token",
                         options->schema))
          .status();
  if (!usable.ok()) return usable;
  return Checked{*std::move(link), *std::move(guarantee), *version};
}

// Where the transaction that begins with wave[at] ends.
size_t EndOfBulk(std::span<const StoreRequest> requests, const std::vector<size_t>& wave,
                 size_t at) {
  size_t bytes = 0;
  size_t end = at;
  while (end < wave.size() && end - at < kMaxBulk && (end == at || bytes < kMaxBulkBytes)) {
    bytes += requests[wave[end]].body.size;
    ++end;
  }
  return end;
}

class ReplyWaiter final : public StoreWaiter {
 public:
  void OnReply(StoreReply reply) override { waiting_.Give(std::move(reply)); }
  StoreReply Await() { return waiting_.Await(); }

 private:
  Waiting<StoreReply> waiting_;
};

}  // namespace

int64_t SystemNow() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

StoreReply Store::Impl::Execute(const StoreRequest& request, const AuditNote* note,
                                Duration timeout) {
  if (pool.on_thread()) {
    return StorageReply(HF_STORE_UNAVAILABLE, "postgres: Execute called in OnReply");
  }
  ReplyWaiter waiter;
  pool.Post(std::make_shared<RecordJob>(request, waiter, note), timeout);
  return waiter.Await();
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(Options options) {
  absl::StatusOr<Checked> checked = Check(&options, !options.no_migrate);
  if (!checked.ok()) return checked.status();
  RetryOptions backoff;
  backoff.base = options.reconnect_base;
  backoff.cap = options.reconnect_cap;
  absl::StatusOr<RetryPolicy> policy = RetryPolicy::Create(backoff);
  if (!policy.ok()) {
    return OutOfRange("reconnect_base, reconnect_cap: base must be 1 us..1 h, cap base..24 h");
  }
  auto impl = std::make_unique<Impl>(options, std::move(checked->link), *std::move(policy),
                                     std::move(checked->guarantee));
  if (options.purge_interval != Duration::max()) {
    Pool& pool = impl->pool;
    pool.Every(options.purge_interval, [&pool] {
      pool.Begin(std::make_shared<SweepJob>(pool.options().purge_limit, nullptr),
                 SteadyClock::now() + pool.options().statement_timeout);
    });
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

absl::StatusOr<uint32_t> Migrate(const Options& options) {
  Options complete = options;
  const absl::StatusOr<Checked> checked = Check(&complete, true);
  if (!checked.ok()) return checked.status();
  return checked->version;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

StoreReply Store::Execute(const StoreRequest& request, Duration timeout) {
  return impl_->Execute(request, nullptr, timeout);
}

bool Store::Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) {
  impl_->pool.Post(std::make_shared<RecordJob>(request, waiter), timeout);
  return true;
}

std::vector<StoreReply> Store::ExecuteMany(std::span<const StoreRequest> requests,
                                           Duration timeout) {
  if (impl_->pool.on_thread()) {
    return std::vector<StoreReply>(
        requests.size(), StorageReply(HF_STORE_UNAVAILABLE, "postgres: called in OnReply"));
  }
  Batch batch(requests);
  const Duration all = timeout <= Duration{0} ? impl_->pool.options().default_timeout : timeout;
  const auto deadline = SteadyClock::now() + std::min(all, kMaxTimeout);
  for (const std::vector<size_t>& wave : batch.Waves()) {
    batch.Expect(wave.size());
    const Duration left =
        std::max<Duration>(std::chrono::milliseconds(1), deadline - SteadyClock::now());
    for (size_t at = 0; at < wave.size();) {
      const size_t end = EndOfBulk(requests, wave, at);
      std::vector<size_t> items(wave.begin() + static_cast<std::ptrdiff_t>(at),
                                wave.begin() + static_cast<std::ptrdiff_t>(end));
      impl_->pool.Post(std::make_shared<BulkJob>(batch, std::move(items)), left);
      at = end;
    }
    batch.Await();
  }
  return batch.Take();
}

Guarantee Store::guarantee() const { return impl_->guarantee; }

const std::string& Store::schema() const { return impl_->pool.options().schema; }

Stats Store::stats() const {
  const Counters& counters = impl_->pool.counters();
  const auto read = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  Stats stats;
  stats.requests = read(counters.requests);
  stats.express = read(counters.express);
  stats.rounds = read(counters.rounds);
  stats.conflicts = read(counters.conflicts);
  stats.statements = read(counters.statements);
  stats.retried = read(counters.retried);
  stats.expired = read(counters.expired);
  stats.connects = read(counters.connects);
  stats.connect_failures = read(counters.connect_failures);
  stats.lost = read(counters.lost);
  stats.ready = read(counters.ready);
  stats.waiting = read(counters.waiting);
  stats.purged = read(counters.purged);
  stats.dropped = read(counters.dropped);
  stats.snapshot_age = read(counters.snapshot_age);
  stats.old_snapshot = stats.snapshot_age > impl_->pool.options().snapshot_age_alarm;
  return stats;
}

}  // namespace holdfast::inline v0_5::postgres
