// SPDX-License-Identifier: Apache-2.0
// Admits a share of what asks, evenly and without chance.
//
// Every asker adds the share to an account of fractions; the one who fills it up to a whole is admitted. Of
// n askers at share p, n * p are admitted, give or take one; two threads never spend the same whole.
// Locking: Admits is one fetch-and-add. Memory: one word.
#ifndef HOLDFAST_ENGINE_RAMP_H_
#define HOLDFAST_ENGINE_RAMP_H_

#include <algorithm>
#include <cstdint>

#include "engine/duration.h"

namespace holdfast::engine {

// A share of one in 2^32ths; 1 itself is a 2^32th less.
using Share = uint32_t;

inline Share ShareOf(double part) {
  return static_cast<Share>(std::min(part * 0x1p32, 0x1p32 - 1));
}

// Grows from `from` at 0 to 1 at `length`.
inline double RampedShare(double from, hf_duration passed, hf_duration length) {
  if (passed >= length) return 1;
  return from + (1 - from) * (static_cast<double>(passed) / static_cast<double>(length));
}

template <typename Storage>
class Ramp {
 public:
  // The first asker is admitted.
  void Start() { account_.Store(UINT32_MAX); }

  bool Admits(Share share) {
    const uint32_t before = account_.Add(share);
    return before + share < before;
  }

 private:
  typename Storage::template Cell<uint32_t> account_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_RAMP_H_
