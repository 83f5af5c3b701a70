// SPDX-License-Identifier: Apache-2.0
// Randomness as a value: (seed, stream, n) -> the n-th number, the same on every machine.
//
// The n-th output is a bijective mix of seed-and-stream plus n times an odd constant (the generator of
// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). Jitter needs
// spread, not secrecy: nothing secret may ever come from here.
// Memory: two words, no heap. Locking: none, a generator belongs to one step.
#ifndef HOLDFAST_ENGINE_RNG_H_
#define HOLDFAST_ENGINE_RNG_H_

#include <bit>
#include <cstdint>
#include <limits>

namespace holdfast::engine {

class Rng {
 public:
  // Streams of one seed are independent: attempt 2 does not depend on what attempt 1 drew.
  Rng(uint64_t seed, uint64_t stream) : state_(Mix(seed) + Mix(stream ^ kStreamSalt)) {}

  uint64_t Next() {
    state_ += kStep;
    return Mix(state_);
  }

  // Uniform in [0, 1), all 53 bits of it.
  double NextDouble() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // Uniform in [0, highest]. Draws again instead of folding, so no value is more likely than another.
  uint64_t UpTo(uint64_t highest) {
    if (highest == 0) return 0;
    const uint64_t mask = std::numeric_limits<uint64_t>::max() >> std::countl_zero(highest);
    uint64_t drawn = Next() & mask;
    while (drawn > highest) drawn = Next() & mask;
    return drawn;
  }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15;
  static constexpr uint64_t kStreamSalt = 0xD1B54A32D192ED03;

  static constexpr uint64_t Mix(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
  }

  uint64_t state_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_RNG_H_
