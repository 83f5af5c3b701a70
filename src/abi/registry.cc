// SPDX-License-Identifier: Apache-2.0
// c/registry.h over abi/registry.h.
#include "abi/registry.h"

#include <string_view>

using holdfast::engine::KeyText;
namespace abi = holdfast::abi;

namespace {

constexpr uint32_t kMaxCapacity = 1u << 24;
constexpr hf_duration kDay = 24 * 3600 * HF_S;
constexpr hf_duration kUsualTtl = 600 * HF_S;

hf_code CheckOptions(const hf_registry_options& options, hf_error* error) {
  const int kinds =
      (options.breaker != nullptr) + (options.limiter != nullptr) + (options.budget != nullptr);
  if (kinds != 1) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "breaker, limiter, budget",
                          "exactly one says what a key stands for");
  }
  if (options.group != nullptr && options.breaker == nullptr) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "group",
                          "has breakers as members, and nothing else");
  }
  hf_code code = HF_OK;
  if (options.capacity != 0) {
    code = abi::CheckRange(error, "capacity", options.capacity, 1, kMaxCapacity);
  }
  if (code == HF_OK && options.overflow != 0) {
    code =
        abi::CheckRange(error, "overflow", options.overflow, HF_OVERFLOW_REFUSE, HF_OVERFLOW_SHARE);
  }
  if (code == HF_OK && options.idle_ttl != 0) {
    code = abi::CheckRange(error, "idle_ttl", options.idle_ttl, HF_S, 30 * kDay);
  }
  if (code == HF_OK) {
    code = abi::CheckRange(error, "forget_after", options.forget_after, 0, 365 * kDay);
  }
  return code;
}

template <typename Kind>
hf_code New(const hf_registry_options& options, hf_registry** out, hf_error* error) {
  typename Kind::Policy kind;
  hf_journal* journal = nullptr;
  hf_code code = Kind::Read(Kind::In(options), &kind, &journal, error);
  if (code != HF_OK) return code;
  abi::RegistryPolicy policy;
  code = abi::ReadRegistryPolicy(options, Kind::Recovery(kind), &policy, error);
  if (code != HF_OK) return code;
  return abi::Guarded(error, [&] {
    *out = new abi::KeyedRegistry<Kind>(policy, kind, journal, options);
    return abi::Succeed(error);
  });
}

// An update changes neither what a key stands for nor how many there may be.
hf_code CheckShape(hf_registry* registry, const hf_registry_options& next, hf_error* error) {
  const bool same_kind = next.breaker != nullptr   ? abi::As<abi::BreakerKind>(registry) != nullptr
                         : next.limiter != nullptr ? abi::As<abi::LimiterKind>(registry) != nullptr
                                                   : abi::As<abi::BudgetKind>(registry) != nullptr;
  if (!same_kind) {
    return abi::FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE,
                          "breaker, limiter, budget", "another kind");
  }
  if (next.capacity != 0 && next.capacity != registry->Capacity()) {
    return abi::FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE, "capacity",
                          "another one");
  }
  const bool shares = next.overflow == HF_OVERFLOW_SHARE;
  if (next.overflow != 0 && shares != registry->Shares()) {
    return abi::FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE, "overflow",
                          "another one");
  }
  return HF_OK;
}

std::string_view ViewOf(const hf_str* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->data, text->size);
}

// NONE if both are fine.
hf_reason CheckText(const hf_str* tenant, const hf_str* key) {
  if (key == nullptr || (key->data == nullptr && key->size != 0)) return HF_R_NULL_ARGUMENT;
  if (tenant != nullptr && tenant->data == nullptr && tenant->size != 0) return HF_R_NULL_ARGUMENT;
  if (key->size == 0) return HF_R_KEY_MISSING;
  if (key->size > HF_REGISTRY_KEY_MAX) return HF_R_KEY_OVERSIZE;
  if (tenant != nullptr && tenant->size > HF_REGISTRY_KEY_MAX) return HF_R_KEY_OVERSIZE;
  return HF_R_NONE;
}

template <typename Kind>
[[gnu::cold]] hf_code AskForNew(abi::KeyedRegistry<Kind>* keyed, const abi::Asked& asked,
                                typename Kind::Object** out, hf_rejection* why) {
  hf_error error;
  const hf_code code = abi::Guarded(&error, [&] {
    *out = keyed->FindOrCreate(asked);
    return HF_OK;
  });
  if (code != HF_OK) return abi::Reject(why, code, error.reason);
  if (*out != nullptr) return HF_OK;
  return abi::Reject(why, HF_RESOURCE_EXHAUSTED, HF_R_REGISTRY_FULL, keyed->RetryAfter());
}

template <typename Kind>
hf_code Ask(hf_registry* registry, const hf_str* tenant, const hf_str* key, hf_time now,
            typename Kind::Object** out, hf_rejection* why) {
  if (out != nullptr) *out = nullptr;
  if (registry == nullptr || out == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  const hf_reason fault = CheckText(tenant, key);
  if (fault != HF_R_NONE) return abi::Reject(why, HF_INVALID_ARGUMENT, fault);
  auto* const keyed = abi::As<Kind>(registry);
  if (keyed == nullptr) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_BAD_STATE);
  const abi::Asked asked{
      {ViewOf(tenant), ViewOf(key)}, keyed->HashOf(ViewOf(tenant), ViewOf(key)), now};
  *out = keyed->Find(asked);
  return *out != nullptr ? HF_OK : AskForNew<Kind>(keyed, asked, out, why);
}

}  // namespace

hf_code holdfast::abi::ReadRegistryPolicy(const hf_registry_options& options, hf_duration recovery,
                                          RegistryPolicy* policy, hf_error* error) {
  if (options.capacity != 0) policy->capacity = options.capacity;
  policy->shares = options.overflow == HF_OVERFLOW_SHARE;
  policy->seed = options.seed;
  policy->idle_ttl = options.idle_ttl != 0 ? options.idle_ttl : std::max(kUsualTtl, recovery);
  policy->forget_after = options.forget_after;
  if (policy->idle_ttl < recovery) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "idle_ttl",
                     "is shorter than an object needs to recover");
  }
  if (policy->forget_after != 0 && policy->forget_after < policy->idle_ttl) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "forget_after",
                     "is shorter than idle_ttl");
  }
  return HF_OK;
}

hf_code hf_registry_new(const hf_registry_options* options, hf_registry** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_registry_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code == HF_OK) code = CheckOptions(given, error);
  if (code != HF_OK) return code;
  if (given.seed == 0) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_ZERO_SEED, "seed", "is 0");
  }
  if (given.breaker != nullptr) return New<abi::BreakerKind>(given, out, error);
  if (given.limiter != nullptr) return New<abi::LimiterKind>(given, out, error);
  return New<abi::BudgetKind>(given, out, error);
}

void hf_registry_ref(hf_registry* registry) noexcept { abi::Ref(registry); }

void hf_registry_unref(hf_registry* registry) noexcept {
  if (registry != nullptr && registry->DropRef()) registry->Retire();
}

hf_code hf_registry_breaker(hf_registry* registry, const hf_str* tenant, const hf_str* key,
                            hf_time now, hf_breaker** out, hf_rejection* why) noexcept {
  return Ask<abi::BreakerKind>(registry, tenant, key, now, out, why);
}

hf_code hf_registry_budget(hf_registry* registry, const hf_str* tenant, const hf_str* key,
                           hf_time now, hf_budget** out, hf_rejection* why) noexcept {
  return Ask<abi::BudgetKind>(registry, tenant, key, now, out, why);
}

hf_code hf_registry_limiter(hf_registry* registry, const hf_str* tenant, const hf_str* key,
                            hf_time now, hf_limiter** out, hf_rejection* why) noexcept {
  return Ask<abi::LimiterKind>(registry, tenant, key, now, out, why);
}

hf_code hf_registry_update(hf_registry* registry, const hf_registry_options* options, hf_time now,
                           hf_error* error) noexcept {
  if (registry == nullptr) return abi::FailNull(error, "registry");
  hf_registry_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code == HF_OK) code = CheckOptions(given, error);
  if (code == HF_OK) code = CheckShape(registry, given, error);
  return code != HF_OK ? code : registry->Update(given, now < 0 ? 0 : now, error);
}

hf_code hf_registry_sweep(hf_registry* registry, uint32_t looks, hf_time now,
                          uint32_t* evicted) noexcept {
  if (evicted != nullptr) *evicted = 0;
  if (registry == nullptr) return HF_INVALID_ARGUMENT;
  const uint32_t gone = registry->Sweep(looks, now);
  if (evicted != nullptr) *evicted = gone;
  return HF_OK;
}

hf_code hf_registry_list(hf_registry* registry, uint32_t* cursor, hf_time now, hf_registry_key* out,
                         size_t capacity, size_t* count) noexcept {
  if (count != nullptr) *count = 0;
  if (registry == nullptr || cursor == nullptr || out == nullptr || count == nullptr) {
    return HF_INVALID_ARGUMENT;
  }
  *count = registry->List(cursor, now, out, capacity);
  return HF_OK;
}

hf_code hf_registry_read(hf_registry* registry, hf_registry_snapshot* out) noexcept {
  if (registry == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(registry->Read(), out);
}
