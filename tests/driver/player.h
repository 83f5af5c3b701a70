// SPDX-License-Identifier: Apache-2.0
// Every driver plays every generated script, and is seen to do what the reference does.
//
// A driver's test is one Player and one line:
//
//   class Blocking final : public Player { ... };
//   INSTANTIATE_TEST_SUITE_P(Blocking, GeneratedScript, EachWith<Blocking>(), NumberOf);
//
// A failure names the script's number; --gtest_filter='*/<number>' plays it again.
#ifndef HOLDFAST_TESTS_DRIVER_PLAYER_H_
#define HOLDFAST_TESTS_DRIVER_PLAYER_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "driver/generated_scripts.h"
#include "driver/recording.h"
#include "driver/reference.h"

namespace holdfast::driver_test {

class Player {
 public:
  virtual ~Player() = default;
  // Makes the call that the recording means, to its end; sets recording.returned if a caller of this driver
  // gets a result of its own.
  virtual void Play(Recording& recording) = 0;
  // Whether every result but a success carries the reason and when to come back, and not refusals alone.
  virtual bool ResultsCarryReasons() const { return false; }
};

template <class Driver>
Player& PlayerOf() {
  static Driver driver;
  return driver;
}

struct Performance {
  Player& (*player)();
  size_t number;

  friend std::ostream& operator<<(std::ostream& out, const Performance& performance) {
    return out << "script " << performance.number << ", "
               << GeneratedScripts()[performance.number].name;
  }
};

class GeneratedScript : public ::testing::TestWithParam<Performance> {};

TEST_P(GeneratedScript, IsFollowedToTheLetter) {
  const auto [player, number] = GetParam();
  const Script& script = GeneratedScripts()[number];
  Recording expected(script), played(script);
  Reference(expected).Play();
  player().Play(played);
  EXPECT_EQ(played.Text(), expected.Text());
  if (played.returned) {
    EXPECT_EQ(played.returned->code, expected.returned->code);
    if (played.returned->reason != HF_R_NONE || player().ResultsCarryReasons()) {
      EXPECT_EQ(Text(*played.returned), Text(*expected.returned));
    }
  }
  played.CheckNothingIsHeld();
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GeneratedScript);

inline bool Any(const Script&) { return true; }

// The driver's player is made when it plays first.
template <class Driver>
auto EachWith(bool (*can_play)(const Script&) = Any) {
  std::vector<Performance> all;
  for (size_t i = 0; i < GeneratedScripts().size(); ++i) {
    if (can_play(GeneratedScripts()[i])) all.push_back({PlayerOf<Driver>, i});
  }
  return ::testing::ValuesIn(all);
}

inline std::string NumberOf(const ::testing::TestParamInfo<Performance>& info) {
  return std::to_string(info.param.number);
}

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_PLAYER_H_
