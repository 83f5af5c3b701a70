// SPDX-License-Identifier: Apache-2.0
// Arithmetic on hf_time and hf_duration that ends at HF_INFINITE instead of wrapping.
//
// Invariant: for arguments that are not negative, no result is negative, and HF_INFINITE absorbs.
#ifndef HOLDFAST_ENGINE_DURATION_H_
#define HOLDFAST_ENGINE_DURATION_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cstdint>

namespace holdfast::engine {

// a + b for a, b >= 0.
constexpr int64_t AddSaturating(int64_t a, int64_t b) {
  return a > HF_INFINITE - b ? HF_INFINITE : a + b;
}

// a * times for a, times >= 0.
constexpr int64_t MultiplySaturating(int64_t a, int64_t times) {
  if (a == 0 || times == 0) return 0;
  return a > HF_INFINITE / times ? HF_INFINITE : a * times;
}

// How long from `now` until `then`, both >= 0; 0 once it has come.
constexpr hf_duration TimeUntil(hf_time then, hf_time now) { return then > now ? then - now : 0; }

// A clock that steps back is read as a clock that stood still.
constexpr hf_time NotBefore(hf_time now, hf_time newest) { return std::max(now, newest); }

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_DURATION_H_
