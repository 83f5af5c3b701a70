// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_limiter, for the shells that compose it.
#ifndef HOLDFAST_ABI_LIMITER_H_
#define HOLDFAST_ABI_LIMITER_H_

#include <holdfast/c/limiter.h>

#include <atomic>
#include <cstdint>

#include "abi/guard.h"
#include "abi/kept.h"
#include "abi/small_mutex.h"
#include "engine/limiter.h"

namespace holdfast::abi {

// hf_limiter_options with defaults filled in and ranges checked.
struct LimiterSettings {
  engine::LimiterPolicy policy;
  hf_duration warm_up = 0;
  uint32_t cold_factor = 3;
  bool adaptive = false;
};

hf_code CheckLimiter(const hf_limiter_options* options, LimiterSettings* settings,
                     hf_limiter_options* known, hf_error* error) noexcept;

}  // namespace holdfast::abi

struct hf_limiter final : holdfast::abi::Kept {
  explicit hf_limiter(const holdfast::abi::LimiterSettings& settings)
      : engine(settings.policy, NewPace(settings)) {}
  ~hf_limiter() { delete engine.Paced(); }

  std::atomic<uint32_t> updates{0};
  holdfast::engine::Limiter<holdfast::abi::SmallCells> engine;

 private:
  static holdfast::engine::Pace* NewPace(const holdfast::abi::LimiterSettings& settings) {
    if (settings.warm_up == 0 && !settings.adaptive) return nullptr;
    auto* const pace = new holdfast::engine::Pace;
    pace->warm_up = settings.warm_up;
    pace->cold_factor = settings.cold_factor;
    pace->adaptive = settings.adaptive;
    return pace;
  }
};

// A registry holds a million of them.
static_assert(sizeof(hf_limiter) <= 128 + sizeof(holdfast::abi::Pen));

#endif  // HOLDFAST_ABI_LIMITER_H_
