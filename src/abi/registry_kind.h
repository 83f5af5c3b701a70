// SPDX-License-Identifier: Apache-2.0
// What a registry needs to know of a kind of object, and nothing else.
//
//   Object, Options, Policy   the handle's struct, what the caller configures, what the engine wants
//   Read                      options to policy, checked; the error names the field
//   Bytes                     how much memory an object takes, with that policy
//   Make                      an object in that memory
//   HoldOf                    what it holds that a new one would not
//   Recovery                  after how long an object that nobody uses stands as a new one
//   StateOf                   for hf_registry_key.state
#ifndef HOLDFAST_ABI_REGISTRY_KIND_H_
#define HOLDFAST_ABI_REGISTRY_KIND_H_

#include <holdfast/c/registry.h>

#include <cstddef>
#include <new>

#include "abi/breaker.h"
#include "abi/retry.h"
#include "engine/duration.h"
#include "engine/registry.h"

namespace holdfast::abi {

struct BreakerKind {
  using Object = hf_breaker;
  using Options = hf_breaker_options;
  using Policy = engine::BreakerPolicy;

  static hf_code Read(const Options* options, Policy* policy, hf_error* error) {
    return ReadBreakerPolicy(options, policy, error);
  }
  static size_t Bytes(const Policy&) { return sizeof(hf_breaker); }
  static Object* Make(void* place, const Policy& policy) {
    return ::new (place) hf_breaker(policy);
  }

  static engine::RegistryHold HoldOf(const Object& breaker, hf_time now) {
    const hf_breaker_snapshot seen = breaker.machine.Read(now);
    if (seen.state == HF_BREAKER_FORCED_OPEN || seen.state == HF_BREAKER_DISABLED) {
      return engine::RegistryHold::kPinned;
    }
    const bool is_new = seen.state == HF_BREAKER_CLOSED && seen.failures == 0;
    return is_new ? engine::RegistryHold::kFree : engine::RegistryHold::kKept;
  }
  static void Enrol(Object* breaker, hf_group* group) { breaker->membership.Join(group); }
  static hf_duration Recovery(const Policy& policy) {
    const bool by_time = policy.window == HF_WINDOW_TIME;
    return policy.open_for + (by_time ? policy.window_time : 0);
  }
  static int32_t StateOf(const Object& breaker, hf_time now) {
    return breaker.machine.Read(now).state;
  }
};

struct BudgetKind {
  using Object = hf_budget;
  using Options = hf_budget_options;
  using Policy = engine::BudgetPolicy;

  static hf_code Read(const Options* options, Policy* policy, hf_error* error) {
    return ReadBudgetPolicy(options, policy, error);
  }
  static size_t Bytes(const Policy&) { return sizeof(hf_budget); }
  static Object* Make(void* place, const Policy& policy) { return ::new (place) hf_budget(policy); }

  static engine::RegistryHold HoldOf(const Object& budget, hf_time) {
    return budget.tokens.IsFull() ? engine::RegistryHold::kFree : engine::RegistryHold::kKept;
  }
  static void Enrol(Object*, hf_group*) {}
  static void Update(Object& budget, const Policy& policy, hf_time) {
    budget.tokens.Update(policy);
  }
  static hf_duration Recovery(const Policy&) { return 0; }  // by successes, not by time
  static int32_t StateOf(const Object&, hf_time) { return 0; }
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_REGISTRY_KIND_H_
