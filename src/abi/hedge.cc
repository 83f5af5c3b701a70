// SPDX-License-Identifier: Apache-2.0
// The policy of c/hedge.h over engine/hedge.h: checks, updates, snapshots. Its session is hedge_call.cc.
#include "abi/hedge.h"

#include <algorithm>
#include <cmath>

namespace holdfast::abi {
namespace {

constexpr hf_duration kMinDelay = HF_US;
constexpr hf_duration kMaxDelay = 3600 * HF_S;
constexpr hf_duration kMinWindow = 100 * HF_MS;
constexpr hf_duration kMaxWindow = 600 * HF_S;
constexpr uint32_t kMaxMinSamples = 1'000'000;
constexpr uint32_t kMaxBurst = 1000;
constexpr double kMinQuantile = 0.5;
constexpr double kMaxQuantile = 0.999;
constexpr double kStep = 0.001;  // of max_rate
constexpr double kMaxRate = engine::kMaxHedgeAttempts - 1;

hf_code CheckCounts(const hf_hedge_options& options, engine::HedgeRules* rules, hf_error* error) {
  if (options.mode != 0) rules->mode = options.mode;
  if (options.max_attempts != 0) rules->max_attempts = options.max_attempts;
  if (options.min_samples != 0) rules->min_samples = options.min_samples;
  const uint32_t burst = options.burst != 0 ? options.burst : rules->burst / engine::kOneHedge;
  hf_code code = CheckRange(error, "mode", rules->mode, HF_HEDGE_QUANTILE, HF_HEDGE_FIXED);
  if (code != HF_OK) return code;
  code = CheckRange(error, "max_attempts", rules->max_attempts, 2, engine::kMaxHedgeAttempts);
  if (code != HF_OK) return code;
  code = CheckRange(error, "min_samples", rules->min_samples, 1, kMaxMinSamples);
  if (code != HF_OK) return code;
  code = CheckRange(error, "burst", burst, 1, kMaxBurst);
  if (code != HF_OK) return code;
  rules->burst = burst * engine::kOneHedge;
  return HF_OK;
}

hf_code CheckRates(const hf_hedge_options& options, engine::HedgeRules* rules, hf_error* error) {
  const double quantile = options.quantile != 0 ? options.quantile : 0.95;
  const double max_rate = options.max_rate != 0 ? options.max_rate : 0.05;
  hf_code code = CheckReal(error, "quantile", quantile, kMinQuantile, kMaxQuantile);
  if (code != HF_OK) return code;
  code = CheckReal(error, "max_rate", max_rate, kStep, kMaxRate);
  if (code != HF_OK) return code;
  rules->quantile = static_cast<engine::Quantile>(
      std::llround(quantile * static_cast<double>(engine::kWholeQuantile)));
  rules->max_rate = static_cast<uint32_t>(std::llround(max_rate * engine::kOneHedge));
  return HF_OK;
}

hf_code CheckDelays(const hf_hedge_options& options, engine::HedgeRules* rules, hf_error* error) {
  if (options.min_delay != 0) rules->min_delay = options.min_delay;
  if (options.max_delay != 0) rules->max_delay = options.max_delay;
  if (options.window != 0) rules->window = options.window;
  rules->delay = options.delay;
  if (rules->delay == 0 && rules->mode == HF_HEDGE_FIXED) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "delay",
                     "must be given if it is fixed");
  }
  hf_code code = HF_OK;
  if (rules->delay != 0) code = CheckRange(error, "delay", rules->delay, kMinDelay, kMaxDelay);
  if (code != HF_OK) return code;
  code = CheckRange(error, "min_delay", rules->min_delay, kMinDelay, kMaxDelay);
  if (code != HF_OK) return code;
  code = CheckRange(error, "max_delay", rules->max_delay, rules->min_delay, kMaxDelay);
  if (code != HF_OK) return code;
  return CheckRange(error, "window", rules->window, kMinWindow, kMaxWindow);
}

hf_code ReadRules(const hf_hedge_options& options, engine::HedgeRules* rules, hf_error* error) {
  hf_code code = CheckCounts(options, rules, error);
  if (code != HF_OK) return code;
  code = CheckRates(options, rules, error);
  if (code != HF_OK) return code;
  return CheckDelays(options, rules, error);
}

}  // namespace
}  // namespace holdfast::abi

hf_code hf_hedge_new(const hf_hedge_options* options, hf_hedge** out, hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_hedge_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  engine::HedgeRules rules;
  code = abi::ReadRules(given, &rules, error);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, rules, given.journal, given.object);
}

void hf_hedge_ref(hf_hedge* hedge) noexcept { holdfast::abi::Ref(hedge); }
void hf_hedge_unref(hf_hedge* hedge) noexcept { holdfast::abi::Unref(hedge); }

hf_code hf_hedge_update(hf_hedge* hedge, const hf_hedge_options* options, hf_time now,
                        hf_error* error) noexcept {
  using namespace holdfast;
  if (hedge == nullptr) return abi::FailNull(error, "hedge");
  hf_hedge_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  engine::HedgeRules rules;
  code = abi::ReadRules(given, &rules, error);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "now", now, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  hedge->engine.Update(rules, now);
  return abi::Succeed(error);
}

hf_code hf_hedge_read(const hf_hedge* hedge, hf_time now, hf_hedge_snapshot* out) noexcept {
  if (hedge == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return holdfast::abi::CopyOut(hedge->engine.Read(now), out);
}
