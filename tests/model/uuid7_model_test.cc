// SPDX-License-Identifier: Apache-2.0
// The generator of UUIDv7 against the rules of c/uuid7.h, spelled out over whole ids, under random clocks.
#include <gtest/gtest.h>
#include <holdfast/c/uuid7.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "codec/uuid7.h"
#include "model/dice.h"

namespace holdfast::model {
namespace {

using Id = std::array<std::uint8_t, HF_UUID_SIZE>;

constexpr std::uint64_t kHalf = std::uint64_t{1} << 41;
constexpr std::uint64_t kFull = std::uint64_t{1} << 42;
constexpr std::uint64_t kEndOfTime = std::uint64_t{1} << 48;

// Bits first..first+count of an id, the first byte's highest being bit 0.
std::uint64_t Bits(const Id& id, unsigned first, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned at = first; at < first + count; ++at) {
    value = value << 1 | (id[at / 8] >> (7 - at % 8) & 1u);
  }
  return value;
}

// What is known of the generator: the last id it gave.
class NaiveUuid7 {
 public:
  NaiveUuid7(std::uint64_t ms, std::uint64_t counter) : ms_(ms), counter_(counter) {}

  bool exhausted(std::uint64_t now) const {
    return now <= ms_ && ms_ == kEndOfTime - 1 && counter_ == kFull - 1;
  }

  void Expect(std::uint64_t now, const Id& id) {
    ASSERT_EQ(Bits(id, 48, 4), 7u);
    ASSERT_EQ(Bits(id, 64, 2), 2u);
    const std::uint64_t ms = Bits(id, 0, 48);
    const std::uint64_t counter = Bits(id, 52, 12) << 30 | Bits(id, 66, 30);
    const bool stays = now <= ms_ && counter_ + 1 < kFull;
    if (stays) {
      ASSERT_EQ(ms, ms_);
      ASSERT_EQ(counter, counter_ + 1);
    } else {
      ASSERT_EQ(ms, std::max(now, ms_ + 1));
      ASSERT_LT(counter, kHalf);
    }
    ms_ = ms;
    counter_ = counter;
  }

 private:
  std::uint64_t ms_, counter_;
};

std::uint64_t Move(std::uint64_t now, Dice& dice) {
  if (dice.Chance(50)) return now;
  constexpr std::int64_t kReach[] = {1, 3, 1000, 86'400'000, 1'000'000'000'000};
  const std::int64_t reach = dice.OneOf(kReach);
  const std::int64_t moved = static_cast<std::int64_t>(now) + dice.Between(-reach, reach);
  return static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(moved, 0, static_cast<std::int64_t>(kEndOfTime) - 1));
}

void Play(std::uint64_t seed) {
  Dice dice(seed);
  std::array<std::uint8_t, HF_UUID7_ENTROPY> entropy;
  for (std::uint8_t& byte : entropy) byte = static_cast<std::uint8_t>(1 + dice.Below(255));
  const std::uint64_t kStarts[] = {0, 1, 0x017F22E279B0, kEndOfTime - 3, kEndOfTime - 1};
  std::uint64_t now = dice.OneOf(kStarts);
  const std::uint64_t counter = dice.Chance(50) ? kFull - 1 - dice.Below(5) : dice.Below(kHalf);
  codec::Uuid7Generator generator(entropy.data(), now, counter);
  NaiveUuid7 naive(now, counter);
  Id last{};
  for (int step = 0; step < 60; ++step) {
    now = Move(now, dice);
    codec::Uuid7Fields fields;
    const bool given = generator.Next(now, &fields);
    ASSERT_EQ(given, !naive.exhausted(now)) << "step " << step;
    if (!given) return;
    Id id;
    codec::PackUuid7(fields, id.data());
    naive.Expect(now, id);
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_GT(id, last) << "step " << step;
    last = id;
  }
}

TEST(Uuid7Model, GivesWhatTheRulesSayUnderAnyClock) {
  for (std::uint64_t seed = 1; seed <= Schedules(20'000); ++seed) {
    Play(seed);
    ASSERT_FALSE(HasFatalFailure()) << "schedule " << seed;
  }
}

}  // namespace
}  // namespace holdfast::model
