// SPDX-License-Identifier: Apache-2.0
// Registry: one CircuitBreaker, RateLimiter or RetryBudget per key, bounded, and forgotten only when that
// loses nothing.
//
//   auto hosts = holdfast::Registry<holdfast::CircuitBreaker>::Create({.open_for = 5s}, {.capacity = 5000});
//   auto breaker = hosts->Get(host, now);             // an ordinary handle; hold it over the call
//   if (!breaker.ok()) return breaker.status();       // every key is in use, and none may be evicted
//
// What may go, and when: c/registry.h.
#ifndef HOLDFAST_REGISTRY_H_
#define HOLDFAST_REGISTRY_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/breaker.h>
#include <holdfast/c/registry.h>
#include <holdfast/entropy.h>
#include <holdfast/group.h>
#include <holdfast/handle.h>
#include <holdfast/limiter.h>
#include <holdfast/retry.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5 {

// Zero in any field is its default.
struct RegistryOptions {
  uint32_t capacity = 10000;        // keys: 1..16777216
  bool share_overflow = false;      // keys that find no place share one object, not refused
  Duration idle_ttl = Duration{0};  // 1 s..30 d; default: what recovering takes, at least 10 min
  Duration forget_after = Duration{0};  // idle_ttl..365 d: whatever its state but forced; 0: never
  BreakerGroup group = {};              // breakers only: every one becomes a member
  hf_journal* journal = nullptr;        // borrowed; evictions and refusals of the registry
  uint64_t object = 0;                  // the registry's number there
};

struct RegistrySnapshot {
  uint32_t capacity = 0;
  uint32_t keys = 0;
  uint32_t held = 0;     // keys of which a handle is out
  uint64_t hits = 0;     // asked for, and there
  uint64_t created = 0;  // keys, ever
  uint64_t evicted = 0;  // keys, ever
  uint64_t refused = 0;  // asks that found no place
  uint64_t shared = 0;   // asks that were given the shared object instead
  uint64_t bytes = 0;    // of memory for keys and objects, now
};

struct RegistryKey {
  std::string tenant;
  std::string key;
  uint64_t hash = 0;  // what events call it
  hf_time used = 0;   // last asked for; known to a sixteenth of idle_ttl
  uint64_t hits = 0;  // since it was made
  uint32_t held = 0;  // handles that are out
  int32_t state = 0;  // of a breaker: a BreakerState
};

namespace internal {

template <>
struct Keyed<CircuitBreaker> {
  using Raw = hf_breaker_options;
  static Raw ToRaw(const CircuitBreakerOptions& each) { return ToC(each); }
  static void Set(hf_registry_options* options, const Raw* each) { options->breaker = each; }
  static constexpr auto kGet = hf_registry_breaker;
  static CircuitBreaker Adopt(hf_breaker* owned) { return CircuitBreaker(owned); }
};

template <>
struct Keyed<RateLimiter> {
  using Raw = hf_limiter_options;
  static Raw ToRaw(const RateLimiterOptions& each) { return RateLimiter::Raw(each); }
  static void Set(hf_registry_options* options, const Raw* each) { options->limiter = each; }
  static constexpr auto kGet = hf_registry_limiter;
  static RateLimiter Adopt(hf_limiter* owned) { return RateLimiter(owned); }
};

template <>
struct Keyed<RetryBudget> {
  using Raw = hf_budget_options;
  static Raw ToRaw(const RetryBudgetOptions& each) { return RetryBudget::Raw(each); }
  static void Set(hf_registry_options* options, const Raw* each) { options->budget = each; }
  static constexpr auto kGet = hf_registry_budget;
  static RetryBudget Adopt(hf_budget* owned) { return RetryBudget(owned); }
};

}  // namespace internal

// A cheap handle over a shared, thread-safe object. Asking for a known key takes no lock and no memory.
template <class T>
class Registry {
 public:
  using Options = RegistryOptions;

  // No keys at first. `each` configures every object; its journal is that of every object, under the hash of
  // its key. The hash is keyed by fresh entropy.
  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<Registry> Create(const typename T::Options& each,
                                         const Options& options = {}) {
    const typename internal::Keyed<T>::Raw raw_each = internal::Keyed<T>::ToRaw(each);
    hf_registry_options raw = Raw(options);
    internal::Keyed<T>::Set(&raw, &raw_each);
    raw.seed = FreshSeed();
    hf_registry* created = nullptr;
    hf_error error;
    if (hf_registry_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Registry(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  Registry() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // The object of a key (1..256 bytes) of a tenant (0..256 bytes). While the handle lives, the key stays: hold
  // it until permits and reservations are settled.
  // Errors: kResourceExhausted with a Rejection, HF_R_REGISTRY_FULL; kInvalidArgument, HF_R_KEY_MISSING or
  // HF_R_KEY_OVERSIZE.
  absl::StatusOr<T> Get(std::string_view tenant, std::string_view key, hf_time now) const {
    const hf_str raw_tenant{tenant.data(), tenant.size()};
    const hf_str raw_key{key.data(), key.size()};
    auto* out = decltype(T().raw()){};
    hf_rejection why{};
    if (internal::Keyed<T>::kGet(raw(), &raw_tenant, &raw_key, now, &out, &why) != HF_OK) {
      return MakeStatus(why.code, why.reason, "refused by the registry", Duration{why.retry_after});
    }
    return internal::Keyed<T>::Adopt(out);
  }
  absl::StatusOr<T> Get(std::string_view key, hf_time now) const { return Get({}, key, now); }

  // Another policy for the objects that are there and those to come; they keep their state. Of `options`,
  // idle_ttl and forget_after count.
  // Errors: as Create; kFailedPrecondition, HF_R_CHANGED_SHAPE. Then all is as it was.
  absl::Status Update(const typename T::Options& each, const Options& options, hf_time now) const {
    const typename internal::Keyed<T>::Raw raw_each = internal::Keyed<T>::ToRaw(each);
    hf_registry_options next = HF_INIT(hf_registry_options);
    next.idle_ttl = options.idle_ttl.count();
    next.forget_after = options.forget_after.count();
    internal::Keyed<T>::Set(&next, &raw_each);
    hf_error error;
    if (hf_registry_update(raw(), &next, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // Evicts what is idle among the next `looks` places; how many. New keys do so by themselves.
  uint32_t Sweep(uint32_t looks, hf_time now) const {
    uint32_t evicted = 0;
    hf_registry_sweep(raw(), looks, now, &evicted);
    return evicted;
  }

  // Up to `most` keys from `*cursor` on, which is 0 at first; none left: empty. Stops nobody.
  std::vector<RegistryKey> List(uint32_t* cursor, size_t most, hf_time now) const {
    std::vector<RegistryKey> keys;
    hf_registry_key found;
    size_t count = 0;
    while (keys.size() < most && hf_registry_list(raw(), cursor, now, &found, 1, &count) == HF_OK &&
           count == 1) {
      keys.push_back({std::string(found.tenant, found.tenant_size),
                      std::string(found.key, found.key_size), found.hash, found.used, found.hits,
                      found.held, found.state});
    }
    return keys;
  }

  // Passes by every key: milliseconds for a million.
  RegistrySnapshot Snapshot() const {
    hf_registry_snapshot now{};
    now.struct_size = sizeof(now);
    if (hf_registry_read(raw(), &now) != HF_OK) return {};
    return {now.capacity, now.keys,    now.held,   now.hits, now.created,
            now.evicted,  now.refused, now.shared, now.bytes};
  }

  // The C object, borrowed.
  hf_registry* raw() const { return handle_.get(); }

 private:
  explicit Registry(hf_registry* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_registry_options Raw(const Options& options) {
    hf_registry_options raw = HF_INIT(hf_registry_options);
    raw.capacity = options.capacity;
    raw.overflow = options.share_overflow ? HF_OVERFLOW_SHARE : HF_OVERFLOW_REFUSE;
    raw.idle_ttl = options.idle_ttl.count();
    raw.forget_after = options.forget_after.count();
    raw.group = options.group.raw();
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  Handle<hf_registry, hf_registry_ref, hf_registry_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_REGISTRY_H_
