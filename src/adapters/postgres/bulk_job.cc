// SPDX-License-Identifier: Apache-2.0
// See bulk_job.h.
#include "adapters/postgres/bulk_job.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "adapters/postgres/pool.h"
#include "adapters/postgres/record_job.h"

namespace holdfast::inline v0_5::postgres {
namespace {

std::string_view KeyOf(const StoreRequest& request) {
  return {reinterpret_cast<const char*>(request.key_id), sizeof(request.key_id)};
}

std::string_view NonceOf(const StoreRequest& request) {
  return {reinterpret_cast<const char*>(request.nonce), sizeof(request.nonce)};
}

}  // namespace

Batch::Batch(std::span<const StoreRequest> requests)
    : requests_(requests), replies_(requests.size()), waiters_(requests.size()) {
  for (size_t i = 0; i < waiters_.size(); ++i) {
    waiters_[i].batch = this;
    waiters_[i].index = i;
  }
}

std::vector<std::vector<size_t>> Batch::Waves() const {
  struct Seen {
    size_t wave;
    bool claims_only;
  };
  std::map<std::string_view, Seen> seen;
  std::vector<std::vector<size_t>> waves;
  for (size_t i = 0; i < requests_.size(); ++i) {
    const bool claim = requests_[i].verb == HF_STORE_CLAIM;
    const auto [at, fresh] = seen.try_emplace(KeyOf(requests_[i]), Seen{0, claim});
    if (!fresh && !(claim && at->second.claims_only)) {
      ++at->second.wave;
      at->second.claims_only = claim;
    }
    if (at->second.wave >= waves.size()) waves.resize(at->second.wave + 1);
    waves[at->second.wave].push_back(i);
  }
  for (std::vector<size_t>& wave : waves) {
    std::sort(wave.begin(), wave.end(), [this](size_t a, size_t b) {
      const auto order = KeyOf(requests_[a]) <=> KeyOf(requests_[b]);
      return order == 0 ? a < b : order < 0;
    });
  }
  return waves;
}

void Batch::Expect(size_t count) {
  const std::lock_guard lock(mutex_);
  left_ = count;
}

void Batch::Reply(size_t index, StoreReply reply) {
  const std::lock_guard lock(mutex_);
  replies_[index] = std::move(reply);
  if (--left_ == 0) done_.notify_one();
}

void Batch::Await() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return left_ == 0; });
}

void BulkJob::Begin() {
  for (const size_t item : items_) {
    const StoreRequest& request = batch_.request(item);
    const bool express = IsSound(request) && ExpressOf(request, 0, false).has_value();
    if (express && request.verb == HF_STORE_CLAIM) {
      claims_.push_back(item);
    } else if (express) {
      settles_.push_back(item);
    } else {
      others_.push_back(item);
    }
  }
  if (claims_.empty() && settles_.empty()) {
    Over();
    return OneByOne(others_, false);
  }
  if (!claims_.empty()) AddClaims();
  for (const size_t item : settles_) {
    queries.push_back(*ExpressOf(batch_.request(item), pool().Now(), false));
  }
  writing = true;
  Again();
}

void BulkJob::AddClaims() {
  Array keys(kByteaOid), leases(kInt8Oid), policies(kInt2Oid), prints(kByteaOid), nonces(kByteaOid),
      labels(kByteaOid);
  for (const size_t item : claims_) {
    const StoreRequest& request = batch_.request(item);
    keys.Add(request.key_id, sizeof(request.key_id));
    leases.AddInt64(request.lease);
    policies.AddInt16(request.on_expiry);
    prints.Add(request.fingerprint, sizeof(request.fingerprint));
    nonces.Add(request.nonce, sizeof(request.nonce));
    labels.Add(request.label.data, request.label.size);
  }
  Query query;
  query.sql = Sql::kClaimMany;
  query.params.Time(pool().Now());
  query.params.Kept(keys.Take()).Kept(leases.Take()).Kept(policies.Take());
  query.params.Kept(prints.Take()).Kept(nonces.Take()).Kept(labels.Take());
  queries.push_back(std::move(query));
}

void BulkJob::OnAnswer(Answer answer) {
  Over();
  if (answer.failure.unknown()) return OnEnd(answer.failure.status, answer.failure.detail);
  if (answer.failed()) return OneByOne(items_, false);
  std::vector<size_t> rest = others_;
  size_t next = 0;
  std::vector<size_t> tried;
  if (!claims_.empty()) TakeClaims(answer.result(next++), &tried);
  for (const size_t item : settles_) {
    const PGresult* const result = answer.result(next++);
    if (PQntuples(result) == 0) {
      tried.push_back(item);
      continue;
    }
    pool().counters().express.fetch_add(1, std::memory_order_relaxed);
    batch_.Reply(item, ExpressReply(batch_.request(item), result));
  }
  OneByOne(tried, true);
  OneByOne(rest, false);
}

// The winners come back in no promised order.
void BulkJob::TakeClaims(const PGresult* result, std::vector<size_t>* rest) {
  std::map<std::pair<std::string_view, std::string_view>, uint64_t> won;
  for (int row = 0; row < PQntuples(result); ++row) {
    won[{BytesAt(result, row, 0), BytesAt(result, row, 1)}] =
        static_cast<uint64_t>(Int64At(result, row, 2));
  }
  for (const size_t item : claims_) {
    const StoreRequest& request = batch_.request(item);
    const auto found = won.find({KeyOf(request), NonceOf(request)});
    if (found == won.end()) {
      rest->push_back(item);
      continue;
    }
    pool().counters().express.fetch_add(1, std::memory_order_relaxed);
    batch_.Reply(item, WonReply(request, found->second));
    won.erase(found);
  }
}

void BulkJob::OneByOne(const std::vector<size_t>& items, bool tried) {
  for (const size_t item : items) {
    auto job = std::make_shared<RecordJob>(batch_.request(item), batch_.waiter(item));
    if (tried) job->SkipExpress();
    pool().Begin(std::move(job), deadline());
  }
}

void BulkJob::OnEnd(hf_store_status status, std::string detail) {
  const auto sent = [this](size_t item) {
    return std::find(others_.begin(), others_.end(), item) == others_.end();
  };
  for (const size_t item : items_) {
    batch_.Reply(item, StorageReply(sent(item) ? status : HF_STORE_UNAVAILABLE, detail));
  }
}

}  // namespace holdfast::inline v0_5::postgres
