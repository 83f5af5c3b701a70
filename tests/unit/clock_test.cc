// SPDX-License-Identifier: Apache-2.0
// The steady clock at the end of the process.
#if defined(__GNUC__) && !defined(__clang__)
// Optimised, GCC leaves out what a destructor writes, and a destroyed clock may still seem to work.
#pragma GCC optimize("O0")
#endif
#include <gtest/gtest.h>
#include <holdfast/clock.h>

#include <cstdlib>

namespace holdfast {
namespace {

// Made before main, so destroyed after whatever is made in it.
struct AfterMain {
  ~AfterMain() {
    if (armed) std::_Exit(Clock::Steady().Now() > 0 ? 0 : 1);
  }
  bool armed = false;
} after_main;

TEST(SteadyClock, TellsTheTimeToTheLastDestructor) {
  EXPECT_EXIT(
      {
        after_main.armed = true;
        Clock::Steady().Now();
        std::exit(2);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace holdfast
