// SPDX-License-Identifier: Apache-2.0
// c/retry.h, the budget half, over engine/budget.h.
#include <cmath>

#include "abi/retry.h"

namespace holdfast::abi {
namespace {

constexpr double kMaxTokens = 1000;
constexpr double kStep = 0.001;

engine::MilliTokens ToMilliTokens(double tokens) {
  return static_cast<engine::MilliTokens>(std::llround(tokens * engine::kOneToken));
}

}  // namespace

hf_code ReadBudgetPolicy(const hf_budget_options* given, engine::BudgetPolicy* policy,
                         hf_error* error) {
  hf_budget_options options;
  hf_code code = CopyIn(given, &options, error);
  if (code != HF_OK) return code;

  const double max_tokens = options.max_tokens != 0 ? options.max_tokens : 100;
  const double ratio = options.ratio != 0 ? options.ratio : 0.1;
  code = CheckReal(error, "max_tokens", max_tokens, 1.0, kMaxTokens);
  if (code != HF_OK) return code;
  code = CheckReal(error, "ratio", ratio, kStep, max_tokens);
  if (code != HF_OK) return code;

  policy->max = ToMilliTokens(max_tokens);
  policy->ratio = ToMilliTokens(ratio);
  return HF_OK;
}

}  // namespace holdfast::abi

hf_code hf_budget_new(const hf_budget_options* options, hf_budget** out, hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  engine::BudgetPolicy policy;
  const hf_code code = abi::ReadBudgetPolicy(options, &policy, error);
  return code != HF_OK ? code : abi::NewHandle(out, error, policy);
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
  if (budget == nullptr) return 0;
  return static_cast<double>(budget->tokens.Tokens()) / holdfast::engine::kOneToken;
}
