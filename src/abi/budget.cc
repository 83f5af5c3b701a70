// SPDX-License-Identifier: Apache-2.0
// c/retry.h, the budget half, over engine/budget.h.
#include <cmath>
#include <cstddef>

#include "abi/retry.h"

namespace holdfast::abi {

template <>
inline constexpr uint32_t kFirstSize<hf_budget_options> = offsetof(hf_budget_options, journal);

namespace {

constexpr double kMaxTokens = 1000;
constexpr double kStep = 0.001;

engine::MilliTokens ToMilliTokens(double tokens) {
  return static_cast<engine::MilliTokens>(std::llround(tokens * engine::kOneToken));
}

double ToTokens(engine::MilliTokens tokens) {
  return static_cast<double>(tokens) / engine::kOneToken;
}

}  // namespace

hf_code ReadBudget(const hf_budget_options* given, hf_budget_options* known,
                   engine::BudgetPolicy* policy, hf_error* error) {
  hf_code code = CopyIn(given, known, error);
  if (code != HF_OK) return code;
  const double max_tokens = known->max_tokens != 0 ? known->max_tokens : 100;
  const double ratio = known->ratio != 0 ? known->ratio : 0.1;
  code = CheckReal(error, "max_tokens", max_tokens, 1.0, kMaxTokens);
  if (code != HF_OK) return code;
  code = CheckReal(error, "ratio", ratio, kStep, max_tokens);
  if (code != HF_OK) return code;

  policy->max = ToMilliTokens(max_tokens);
  policy->ratio = ToMilliTokens(ratio);
  return HF_OK;
}

}  // namespace holdfast::abi

hf_budget::hf_budget(const holdfast::engine::BudgetPolicy& policy, const hf_budget_options& options)
    : tokens(policy) {
  tokens.journal().Connect(options.journal, options.object);
}

hf_code hf_budget_new(const hf_budget_options* options, hf_budget** out, hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_budget_options given;
  engine::BudgetPolicy policy;
  const hf_code code = abi::ReadBudget(options, &given, &policy, error);
  return code != HF_OK ? code : abi::NewHandle(out, error, policy, given);
}

hf_code hf_budget_update(hf_budget* budget, const hf_budget_options* options, hf_time now,
                         hf_error* error) noexcept {
  using namespace holdfast;
  if (budget == nullptr) return abi::FailNull(error, "budget");
  hf_budget_options given;
  engine::BudgetPolicy policy;
  const hf_code code = abi::ReadBudget(options, &given, &policy, error);
  if (code != HF_OK) return code;
  budget->tokens.Update(policy, now);
  return abi::Succeed(error);
}

void hf_budget_ref(hf_budget* budget) noexcept { holdfast::abi::Ref(budget); }
void hf_budget_unref(hf_budget* budget) noexcept { holdfast::abi::Unref(budget); }

hf_code hf_budget_on_failure(hf_budget* budget) noexcept {
  if (budget == nullptr) return HF_INVALID_ARGUMENT;
  return budget->tokens.OnFailure() ? HF_OK : HF_RESOURCE_EXHAUSTED;
}

hf_code hf_budget_on_success(hf_budget* budget) noexcept {
  if (budget == nullptr) return HF_INVALID_ARGUMENT;
  budget->tokens.OnSuccess();
  return HF_OK;
}

double hf_budget_tokens(const hf_budget* budget) noexcept {
  return budget == nullptr ? 0 : holdfast::abi::ToTokens(budget->tokens.Tokens());
}

hf_code hf_budget_read(const hf_budget* budget, hf_budget_snapshot* out) noexcept {
  if (budget == nullptr) return HF_INVALID_ARGUMENT;
  const auto& engine = budget->tokens;
  hf_budget_snapshot now{};
  now.tokens = holdfast::abi::ToTokens(engine.Tokens());
  now.max_tokens = holdfast::abi::ToTokens(engine.policy().max);
  now.ratio = holdfast::abi::ToTokens(engine.policy().ratio);
  now.allowed = engine.Allowed();
  now.refused = engine.Refused();
  return holdfast::abi::CopyOut(now, out);
}
