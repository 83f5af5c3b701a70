// SPDX-License-Identifier: Apache-2.0
// See sweep.h.
#include "adapters/redis/sweep.h"

#include <holdfast/entropy.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace holdfast::inline v0_5::redis {

absl::StatusOr<uint64_t> SweepPage(Requests* requests, const ScanPage& page, SteadyTime until) {
  uint64_t swept = 0;
  for (const StoredRecord& stored : page.records) {
    const hf_record& record = stored.record;
    if (stored.damaged || record.on_expiry != HF_ON_EXPIRY_IN_DOUBT ||
        record.lease_until > page.store_now) {
      continue;
    }
    // What any claimant would bring about, without becoming the owner if nothing is there any more.
    StoreRequest claim{};
    claim.verb = HF_STORE_CLAIM;
    claim.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
    std::copy(stored.key_id.begin(), stored.key_id.end(), claim.key_id);
    FillRandom(claim.nonce);
    claim.lease = HF_S;
    claim.ttl = HF_S;
    claim.max_attempts = UINT32_MAX;
    const Duration left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) {
      return ToStatus(HF_STORE_UNAVAILABLE, "the timeout ended during a sweep");
    }
    const StoreReply reply = requests->Execute(claim, left, nullptr, true);
    if (reply.raw.status >= HF_STORE_UNAVAILABLE) return ToStatus(reply.raw.status, reply.detail);
    if (reply.raw.status == HF_STORE_IN_DOUBT && reply.raw.changed != 0) ++swept;
  }
  return swept;
}

Stats StatsOf(const Counters& of, const ConnectionCounters& on) {
  const auto get = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  Stats stats;
  stats.requests = get(of.requests);
  stats.express_claims = get(of.express_claims);
  stats.settled = get(of.settled);
  stats.swaps = get(of.swaps);
  stats.swaps_lost = get(of.swaps_lost);
  stats.scripts_reloaded = get(of.scripts_reloaded);
  stats.unconfirmed = get(of.unconfirmed);
  stats.given_back = get(of.given_back);
  stats.sentinel_alarms = get(of.sentinel_alarms);
  stats.connects = get(on.connects);
  stats.connection_failures = get(on.failures);
  stats.commands = get(on.commands);
  stats.writes = get(on.writes);
  stats.waits = get(on.waits);
  return stats;
}

}  // namespace holdfast::inline v0_5::redis
