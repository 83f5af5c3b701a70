// SPDX-License-Identifier: Apache-2.0
// Random schedules for model tests, the same on every machine and in every run.
//
// HF_MODEL_SCHEDULES sets how many schedules a test plays; a failure prints the seed of its schedule.
// Under a sanitizer a fiftieth of them is played, for it is ten to fifty times slower.
#ifndef HOLDFAST_TESTS_MODEL_DICE_H_
#define HOLDFAST_TESTS_MODEL_DICE_H_

#include <cstdint>
#include <cstdlib>
#include <random>

namespace holdfast::model {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr uint64_t kSlowness = 50;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr uint64_t kSlowness = 50;
#else
inline constexpr uint64_t kSlowness = 1;
#endif
#else
inline constexpr uint64_t kSlowness = 1;
#endif

inline uint64_t Schedules(uint64_t otherwise) {
  const char* const given = std::getenv("HF_MODEL_SCHEDULES");
  return given == nullptr ? otherwise / kSlowness : std::strtoull(given, nullptr, 10);
}

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  // Uniform enough below `count`, which is small. The standard's distributions differ by library.
  uint64_t Below(uint64_t count) { return engine_() % count; }
  // In [lowest, highest].
  int64_t Between(int64_t lowest, int64_t highest) {
    return lowest + static_cast<int64_t>(Below(static_cast<uint64_t>(highest - lowest) + 1));
  }
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  template <typename T, size_t n>
  T OneOf(const T (&choices)[n]) {
    return choices[Below(n)];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_DICE_H_
