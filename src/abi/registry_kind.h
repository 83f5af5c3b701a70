// SPDX-License-Identifier: Apache-2.0
// What a registry needs to know of a kind of object, and nothing else.
//
//   kName             of its field in a registry's options
//   Object, Options   the handle's struct, and what the caller configures
//   Policy            the options, checked and complete
//   Live              a policy as the objects of one registry see it
//   In                where a registry's options have those of its objects
//   Read              options to policy, and the journal of the objects; the error names the field
//   Bytes             how much memory an object takes, from its place on
//   Make              an object in that memory; may throw bad_alloc
//   Connect           an object to its journal; may throw bad_alloc
//   HoldOf            what it holds that a new one would not
//   CanBecome         whether an update may turn one policy into the other
//   Follow            an object to what its Live has become; `number`: of the update
//   Recovery          after how long an object that nobody uses stands as a new one
//   StateOf           for hf_registry_key.state
#ifndef HOLDFAST_ABI_REGISTRY_KIND_H_
#define HOLDFAST_ABI_REGISTRY_KIND_H_

#include <holdfast/c/registry.h>

#include <cstddef>
#include <cstdint>
#include <new>

#include "abi/breaker.h"
#include "abi/limiter.h"
#include "abi/retry.h"
#include "engine/duration.h"
#include "engine/registry.h"

namespace holdfast::abi {

// A policy that objects copy.
template <typename Policy>
struct CopiedPolicy {
  CopiedPolicy(const Policy& first, hf_group*) : policy(first) {}
  void Store(const Policy& next) { policy = next; }
  Policy policy;
};

struct BudgetKind {
  static constexpr char kName[] = "budget";
  using Object = hf_budget;
  using Options = hf_budget_options;
  using Policy = engine::BudgetPolicy;
  using Live = CopiedPolicy<Policy>;

  static const Options* In(const hf_registry_options& options) { return options.budget; }
  static hf_code Read(const Options* options, Policy* policy, hf_journal** journal,
                      hf_error* error) {
    Options known;
    const hf_code code = ReadBudget(options, &known, policy, error);
    *journal = known.journal;
    return code;
  }
  static size_t Bytes(const Live&) { return sizeof(Object); }
  static Object* Make(void* place, const Live& live) {
    return ::new (place) Object(live.policy, Options{});
  }
  static void Connect(Object& budget, hf_journal* journal, uint64_t hash) {
    budget.tokens.journal().Connect(journal, hash);
  }
  static engine::RegistryHold HoldOf(const Object& budget, const Live&, hf_time) {
    return budget.tokens.IsFull() ? engine::RegistryHold::kFree : engine::RegistryHold::kKept;
  }
  static bool CanBecome(const Live&, const Policy&) { return true; }
  static void Follow(Object& budget, const Live& live, uint32_t, hf_time now) {
    budget.tokens.Update(live.policy, now);
  }
  static hf_duration Recovery(const Policy&) { return 0; }  // by successes, not by time
  static int32_t StateOf(const Object&, hf_time) { return 0; }
};

struct LimiterKind {
  static constexpr char kName[] = "limiter";
  using Object = hf_limiter;
  using Options = hf_limiter_options;
  using Policy = LimiterSettings;
  using Live = CopiedPolicy<Policy>;

  static const Options* In(const hf_registry_options& options) { return options.limiter; }
  static hf_code Read(const Options* options, Policy* policy, hf_journal** journal,
                      hf_error* error) {
    Options known;
    const hf_code code = CheckLimiter(options, policy, &known, error);
    *journal = known.journal;
    return code;
  }
  static size_t Bytes(const Live&) { return sizeof(Object); }
  static Object* Make(void* place, const Live& live) { return ::new (place) Object(live.policy); }
  static void Connect(Object& limiter, hf_journal* journal, uint64_t hash) {
    limiter.engine.Events().Connect(journal, hash);
  }
  static engine::RegistryHold HoldOf(const Object& limiter, const Live&, hf_time now) {
    return limiter.engine.IsIdle(now) ? engine::RegistryHold::kFree : engine::RegistryHold::kKept;
  }
  // What takes memory of its own is there from the start, or never.
  static bool CanBecome(const Live& live, const Policy& next) {
    const bool has_pace = live.policy.adaptive || live.policy.warm_up != 0;
    return next.adaptive == live.policy.adaptive && (next.warm_up == 0 || has_pace);
  }
  static void Follow(Object& limiter, const Live& live, uint32_t number, hf_time now) {
    const Policy& policy = live.policy;
    limiter.engine.Update(policy.policy, policy.warm_up, policy.cold_factor, number, now);
  }
  // From the deepest debt to full, and cold again.
  static hf_duration Recovery(const Policy& policy) {
    const engine::LimiterPolicy& bucket = policy.policy;
    const auto fill = static_cast<double>(bucket.period) * bucket.burst / bucket.permits;
    if (fill >= static_cast<double>(HF_INFINITE / 2)) return HF_INFINITE;
    return engine::AddSaturating(static_cast<hf_duration>(fill) + bucket.max_wait, policy.warm_up);
  }
  static int32_t StateOf(const Object&, hf_time) { return 0; }
};

struct BreakerKind {
  static constexpr char kName[] = "breaker";
  using Object = hf_breaker;
  using Options = hf_breaker_options;
  using Policy = engine::BreakerPolicy;
  // Shared, and with one lane each: a million breakers have no use for eight million.
  struct Live {
    Live(const Policy& first, hf_group* group)
        : room(engine::Capacity::Of(first, 1)), policy(first), share{group} {}
    void Store(const Policy& next) { policy.Store(next); }
    const engine::Capacity room;
    hf_breaker::Policy policy;
    BreakerShare share;
  };

  static const Options* In(const hf_registry_options& options) { return options.breaker; }
  static hf_code Read(const Options* options, Policy* policy, hf_journal** journal,
                      hf_error* error) {
    Options known;
    const hf_code code = CopyIn(options, &known, error);
    *journal = known.journal;
    return code != HF_OK ? code : BreakerPolicyOf(known, policy, error);
  }
  // The cells lie behind the object.
  static size_t Bytes(const Live& live) {
    return sizeof(Object) + live.room.Cells() * sizeof(BreakerCell);
  }
  static Object* Make(void* place, Live& live) {
    auto* const cells =
        reinterpret_cast<BreakerCell*>(static_cast<unsigned char*>(place) + sizeof(Object));
    for (uint32_t i = 0; i < live.room.Cells(); ++i) ::new (cells + i) BreakerCell();
    return ::new (place) Object(live.share, live.policy, live.room, cells);
  }
  static void Connect(Object& breaker, hf_journal* journal, uint64_t hash) {
    breaker.machine.journal().Connect(journal, hash);
  }

  static engine::RegistryHold HoldOf(Object& breaker, const Live& live, hf_time now) {
    using engine::RegistryHold;
    const hf_breaker_snapshot seen = breaker.machine.Read(now);
    const bool by_itself = seen.state == HF_BREAKER_CLOSED || seen.state == HF_BREAKER_OPEN ||
                           seen.state == HF_BREAKER_HALF_OPEN;
    if (!by_itself) return RegistryHold::kPinned;  // somebody's decision
    const bool well = seen.state == HF_BREAKER_CLOSED && seen.admitted == 1 && seen.failures == 0 &&
                      seen.slow == 0 && seen.in_flight == 0;
    if (!well) return RegistryHold::kKept;
    return seen.trips == 0 || HasRecovered(breaker, live, now) ? RegistryHold::kFree
                                                               : RegistryHold::kKept;
  }
  // What it shares a policy with it also shares room with.
  static bool CanBecome(const Live& live, const Policy& next) { return live.room.Holds(next); }
  static void Follow(Object& breaker, const Live&, uint32_t, hf_time now) {
    breaker.Note(breaker.machine.Follow(now));
  }
  static hf_duration Recovery(const Policy& policy) {
    const hf_duration open = policy.open_multiplier > 1 ? policy.open_cap : policy.open_for;
    const hf_duration window = policy.window == HF_WINDOW_TIME ? policy.window_time : 0;
    return open + window + policy.ramp_for;
  }
  static int32_t StateOf(const Object& breaker, hf_time now) { return breaker.State(now); }

 private:
  // Whether the next trip would be a first one again.
  static bool HasRecovered(Object& breaker, const Live& live, hf_time now) {
    const Policy policy = live.policy.Load();
    return policy.open_multiplier == 1 ||
           breaker.machine.Save(now).closed_for >= policy.healthy_for;
  }
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_REGISTRY_KIND_H_
