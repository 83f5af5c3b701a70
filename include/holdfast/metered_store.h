// SPDX-License-Identifier: Apache-2.0
// MeteredStore: counts what a store is asked and what it says, and tells an observer of keys that need a person.
//
//   auto metered = holdfast::MeteredStore::Create(store, {.name = "payments", .observer = pager}).value();
//   RunOnce(*metered, ...);
//   page.Add("payments", metered->metrics());   // metrics_page.h
//
// The share of a lease is counted from the request that gave it (claim or last renewal) to the one that settled it, by
// leases whose claim and end both came this way. At most kMostLeases are remembered; one that was never settled makes
// room once it is long over.
#ifndef HOLDFAST_METERED_STORE_H_
#define HOLDFAST_METERED_STORE_H_

#include <absl/status/statusor.h>
#include <holdfast/clock.h>
#include <holdfast/status.h>
#include <holdfast/store_layer.h>
#include <holdfast/store_metrics.h>
#include <holdfast/store_observer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace holdfast::inline v0_5 {

struct MeteredStoreOptions {
  std::string name = {};                              // told with each event
  std::shared_ptr<StoreObserver> observer = nullptr;  // may be null
  Clock* clock = nullptr;                             // default Clock::Steady()
};

// Thread-safe.
class MeteredStore final : public StoreLayer {
 public:
  using Options = MeteredStoreOptions;

  static constexpr size_t kMostLeases = 65536;
  static constexpr double kLeaseLow = 0.7;

  // Errors: INVALID_ARGUMENT HF_R_NULL_ARGUMENT for no store.
  static absl::StatusOr<std::unique_ptr<MeteredStore>> Create(std::shared_ptr<Store> next,
                                                              Options options = {}) {
    if (next == nullptr) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT, "MeteredStore: no store below it");
    }
    if (options.clock == nullptr) options.clock = &Clock::Steady();
    return std::unique_ptr<MeteredStore>(new MeteredStore(std::move(next), std::move(options)));
  }

  const StoreMetrics& metrics() const { return metrics_; }

 protected:
  bool Before(Passage& passage, StoreReply& /*reply*/) override {
    passage.begun = options_.clock->Now();
    metrics_.in_flight.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  void After(const Passage& passage, StoreReply& reply) override {
    const hf_time now = options_.clock->Now();
    metrics_.in_flight.fetch_sub(1, std::memory_order_relaxed);
    Count(passage, reply, now);
    CountDoubt(passage.request, reply.raw);
    FollowLease(passage, reply.raw, now);
  }

  void NotPassedOn(const Passage& /*passage*/) override {
    metrics_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  struct Lease {
    uint64_t token = 0;
    hf_time begun = 0;
    hf_duration length = 0;
  };
  struct IdHash {
    size_t operator()(const KeyId& id) const {
      size_t word;
      std::memcpy(&word, id.data(), sizeof(word));  // of a SHA-256: as good as any part of it
      return word;
    }
  };
  struct Leases {
    std::mutex mutex;
    std::unordered_map<KeyId, Lease, IdHash> by_id;
    hf_time sweep_after = 0;
  };
  static constexpr size_t kParts = 16;

  MeteredStore(std::shared_ptr<Store> next, Options options)
      : StoreLayer(std::move(next)), options_(std::move(options)) {}

  static void Add(StoreMetrics::Count& count, uint64_t by = 1) {
    count.fetch_add(by, std::memory_order_relaxed);
  }

  void Count(const Passage& passage, const StoreReply& reply, hf_time now) {
    const hf_store_verb verb = passage.request.verb;
    const hf_store_status status = reply.raw.status;
    Add(metrics_.replies[internal::VerbIndex(verb)][internal::StatusIndex(status)]);
    const double seconds = static_cast<double>(std::max<hf_time>(0, now - passage.begun)) / HF_S;
    if (verb == HF_STORE_CLAIM) {
      (status == HF_STORE_REPLAY ? metrics_.replay_seconds : metrics_.claim_seconds).Add(seconds);
    } else {
      (verb == HF_STORE_COMPLETE ? metrics_.complete_seconds : metrics_.other_seconds).Add(seconds);
    }
    if (status == HF_STORE_REPLAY && reply.body != nullptr) {
      Add(metrics_.bytes_replayed, reply.body->size());
    }
    if (reply.raw.changed == 0) return;
    if (reply.raw.state == HF_RECORD_COMPLETED)
      Add(metrics_.bytes_stored, passage.request.body.size);
    if (status == HF_STORE_WON && reply.raw.attempt > 1) Add(metrics_.claimed_again);
    if (status == HF_STORE_RECONCILE) Add(metrics_.reconciles);
  }

  void CountDoubt(const StoreRequest& request, const hf_store_reply& raw) {
    if (request.verb == HF_STORE_COMPLETE && raw.status == HF_STORE_FENCED) {
      return Tell(StoreEventKind::kFenced, request, raw);
    }
    if (raw.changed == 0 || raw.state != HF_RECORD_IN_DOUBT) return;
    if (raw.status == HF_STORE_POISON) {
      Add(metrics_.doubts_by_attempts);
      return Tell(StoreEventKind::kPoison, request, raw);
    }
    Add(raw.status == HF_STORE_IN_DOUBT ? metrics_.doubts_by_lease : metrics_.doubts_by_failure);
    Tell(StoreEventKind::kInDoubt, request, raw);
  }

  void FollowLease(const Passage& passage, const hf_store_reply& raw, hf_time now) {
    const StoreRequest& request = passage.request;
    switch (request.verb) {
      case HF_STORE_CLAIM:
        if (raw.changed != 0 && (raw.status == HF_STORE_WON || raw.status == HF_STORE_RECONCILE)) {
          Remember(IdOf(request), {raw.token, passage.begun, request.lease}, now);
        }
        return;
      case HF_STORE_RENEW:
        if (raw.status == HF_STORE_OK) Restart(request, passage.begun);
        return;
      case HF_STORE_COMPLETE:
      case HF_STORE_FAIL:
      case HF_STORE_ABANDON:
        if (raw.status == HF_STORE_OK || raw.status == HF_STORE_FENCED) Settle(request, raw, now);
        return;
      default:
        return;
    }
  }

  static KeyId IdOf(const StoreRequest& request) {
    KeyId id;
    std::copy_n(request.key_id, id.size(), id.begin());
    return id;
  }

  Leases& PartOf(const KeyId& id) { return leases_[id.back() % kParts]; }

  void Remember(const KeyId& id, const Lease& lease, hf_time now) {
    Leases& part = PartOf(id);
    const std::lock_guard lock(part.mutex);
    if (part.by_id.size() >= kMostLeases / kParts && now >= part.sweep_after) {
      part.sweep_after = now + HF_S;  // not at every claim while all of them are alive
      std::erase_if(part.by_id, [&](const auto& each) {
        return now - each.second.begun > 2 * each.second.length;  // a lease is at most 24 h
      });
    }
    if (part.by_id.size() >= kMostLeases / kParts) return Add(metrics_.leases_untracked);
    try {
      part.by_id[id] = lease;
    } catch (const std::bad_alloc&) {
      Add(metrics_.leases_untracked);
    }
  }

  void Restart(const StoreRequest& request, hf_time begun) {
    const KeyId id = IdOf(request);
    Leases& part = PartOf(id);
    const std::lock_guard lock(part.mutex);
    const auto found = part.by_id.find(id);
    if (found == part.by_id.end() || found->second.token != request.token) return;
    found->second.begun = begun;
    found->second.length = request.lease;
  }

  void Settle(const StoreRequest& request, const hf_store_reply& raw, hf_time now) {
    const KeyId id = IdOf(request);
    Leases& part = PartOf(id);
    Lease lease;
    {
      const std::lock_guard lock(part.mutex);
      const auto found = part.by_id.find(id);
      if (found == part.by_id.end() || found->second.token != request.token) return;
      lease = found->second;
      part.by_id.erase(found);
    }
    if (lease.length <= 0) return;
    const double use = static_cast<double>(std::max<hf_time>(0, now - lease.begun)) /
                       static_cast<double>(lease.length);
    metrics_.lease_use.Add(use);
    if (use > kLeaseLow) Tell(StoreEventKind::kLeaseLow, request, raw, use);
  }

  void Tell(StoreEventKind kind, const StoreRequest& request, const hf_store_reply& raw,
            double lease_use = 0) {
    if (options_.observer == nullptr) return;
    const std::array<char, 8> digits = KeyDigits(request.key_id);
    options_.observer->OnStoreEvent({.kind = kind,
                                     .store = options_.name,
                                     .key = {digits.data(), digits.size()},
                                     .token = raw.token,
                                     .attempt = raw.attempt,
                                     .lease_use = lease_use});
  }

  const Options options_;
  StoreMetrics metrics_;
  std::array<Leases, kParts> leases_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METERED_STORE_H_
