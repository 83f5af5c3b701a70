// SPDX-License-Identifier: Apache-2.0
// The limiter's script on a real server, in virtual time, against a naive bucket that counts in fractions.
//
// The script is the library's own body under a head that reads the time from its arguments, which only exists here.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/redis/gcra.h"
#include "model/dice.h"
#include "store/redis_server.h"

namespace holdfast::redis {
namespace {

constexpr int64_t kStart = 1'700'000'000'000'000;  // microseconds since the epoch

// In virtual time keys must not expire in real time: TTLs are a million times as long.
const char kVirtualTime[] = R"lua(
local now = tonumber(ARGV[7])
local server = redis
local redis = {error_reply = server.error_reply}
function redis.call(command, key, value, px, ttl)
  if command ~= 'SET' then return server.call(command, key) end
  return server.call(command, key, value, px, ttl .. '000000')
end
)lua";

struct Said {
  bool allowed = false;
  int64_t wait = 0;
  int64_t remaining = 0;
};

// Tokens in units of 1 / period_us: each microsecond brings `permits` of them, a token is period_us.
class NaiveBucket {
 public:
  NaiveBucket(const Limit& limit, int64_t now) : limit_(limit), level_(Full()), seen_(now) {}

  Said Ask(int64_t cost, int64_t now, bool take) {
    if (now > seen_) level_ = std::min(Full(), level_ + Units(now - seen_) * limit_.permits);
    seen_ = now;
    const Units need = Units(cost) * limit_.period_us;
    Said said;
    said.allowed = level_ >= need;
    if (said.allowed && take) level_ -= need;
    if (!said.allowed) {
      const Units missing = need - level_;
      said.wait = static_cast<int64_t>((missing + limit_.permits - 1) / limit_.permits);
    }
    said.remaining = static_cast<int64_t>(level_ / limit_.period_us);
    return said;
  }

 private:
  using Units = Wide;
  Units Full() const { return Units(limit_.burst) * limit_.period_us; }

  const Limit limit_;
  Units level_;
  int64_t seen_;
};

class RedisGcraModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server = new testing::RedisServer; }
  static void TearDownTestSuite() { delete server; }
  void SetUp() override {
    ASSERT_NE(server, nullptr);
    sha_ = server->Command({"SCRIPT", "LOAD", kVirtualTime + std::string(kGcraBody)});
    ASSERT_EQ(sha_.size(), 40u) << sha_;
  }

  Said Ask(const std::string& key, const Limit& limit, int64_t cost, int64_t now, bool take) {
    const Debt asked = DebtOf(limit, cost);
    const Debt full = DebtOf(limit, limit.burst);
    const std::string text = server->Command(
        {"EVALSHA", sha_, "1", key, std::to_string(asked.us), std::to_string(asked.part),
         std::to_string(full.us), std::to_string(full.part), std::to_string(limit.permits),
         take ? "1" : "0", std::to_string(now)});
    std::array<long long, 4> parts{};
    EXPECT_EQ(std::sscanf(text.c_str(), "%lld\n%lld\n%lld\n%lld", &parts[0], &parts[1], &parts[2],
                          &parts[3]),
              4)
        << text;
    return {parts[0] == 1, parts[1], RemainingAt(limit, {parts[2], parts[3]})};
  }

  static testing::RedisServer* server;
  std::string sha_;
};

testing::RedisServer* RedisGcraModel::server = nullptr;

Limit RandomLimit(model::Dice& dice) {
  for (;;) {
    Limit limit;
    limit.permits = dice.Chance(50) ? dice.Between(1, 20) : dice.Between(1, kMaxPermits);
    limit.period_us = dice.Chance(50) ? 1'000'000 : dice.Between(1000, kMaxPeriodUs);
    limit.burst = dice.Chance(50) ? dice.Between(1, 20) : dice.Between(1, kMaxBurst);
    const Wide fill = static_cast<Wide>(limit.burst) * limit.period_us / limit.permits;
    if (fill > 0 && fill <= kMaxFillUs) return limit;
  }
}

TEST_F(RedisGcraModel, ScriptAnswersAsANaiveBucketDoes) {
  constexpr int kSteps = 60;
  int refused = 0;
  int allowed = 0;
  const uint64_t schedules = model::Schedules(250);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    model::Dice dice(seed);
    const Limit limit = RandomLimit(dice);
    const std::string key = "limit" + std::to_string(seed);
    int64_t now = kStart + dice.Between(0, 1'000'000'000);
    NaiveBucket naive(limit, now);
    const int64_t token = std::max<int64_t>(1, limit.period_us / limit.permits);
    int64_t wait = 0;
    for (int step = 0; step < kSteps; ++step) {
      // Often just when it was told to come back, and a microsecond before.
      if (wait > 0 && dice.Chance(60)) {
        now += dice.Chance(50) ? wait : wait - 1;
      } else {
        now += dice.Below(3) == 0 ? 0 : dice.Between(0, 2 * token);
      }
      const int64_t cost = dice.Chance(70) ? 1 : dice.Between(1, limit.burst);
      const bool take = dice.Chance(90);
      const Said real = Ask(key, limit, cost, now, take);
      const Said model = naive.Ask(cost, now, take);
      ASSERT_EQ(real.allowed, model.allowed) << "seed " << seed << " step " << step;
      ASSERT_EQ(real.wait, model.wait) << "seed " << seed << " step " << step;
      ASSERT_EQ(real.remaining, model.remaining) << "seed " << seed << " step " << step;
      wait = real.wait;
      (real.allowed ? allowed : refused) += 1;
    }
  }
  EXPECT_GT(refused, static_cast<int>(schedules) * kSteps / 10);
  EXPECT_GT(allowed, static_cast<int>(schedules) * kSteps / 10);
}

TEST_F(RedisGcraModel, ThreeASecondStayThreeASecondForHours) {
  const Limit limit{3, 1'000'000,
                    2};  // with a burst of one, what is less than a microsecond is lost to waiting
  int64_t now = kStart;
  int64_t admitted = 0;
  constexpr int64_t kCalls = 5'000;
  while (admitted < kCalls) {
    const Said said = Ask("drift", limit, 1, now, true);
    if (said.allowed) {
      ++admitted;
    } else {
      now += said.wait;
    }
  }
  // Two at once, and then the last of n (n - 2) / 3 s after the first, to the microsecond.
  EXPECT_EQ(now - kStart, ((kCalls - 2) * 1'000'000 + 2) / 3);
}

TEST_F(RedisGcraModel, KeyIsKeptAsLongAsItSaysAnythingAndNoLonger) {
  const Limit limit{10, 1'000'000, 10};
  Ask("kept", limit, 4, kStart, true);
  const int64_t left = std::stoll(server->Command({"PTTL", "kept"}));
  EXPECT_GT(left, int64_t{400} * 1'000'000);
  EXPECT_LE(left, int64_t{401} * 1'000'000);
  EXPECT_EQ(server->Command({"GET", "kept"}), std::to_string(kStart + 400'000) + ":0:10");
  Ask("peeked", limit, 4, kStart, false);
  EXPECT_EQ(server->Command({"EXISTS", "peeked"}), "0");
}

TEST_F(RedisGcraModel, ClockSetBackEmptiesTheBucketAndNoMore) {
  const Limit limit{10, 1'000'000, 10};
  ASSERT_TRUE(Ask("back", limit, 1, kStart, true).allowed);
  const int64_t earlier = kStart - int64_t{3600} * 1'000'000;
  const Said said = Ask("back", limit, 1, earlier, true);
  EXPECT_FALSE(said.allowed);
  EXPECT_EQ(said.wait, 100'000);  // and not an hour
}

TEST_F(RedisGcraModel, AnotherRateUnderTheSameKeyNeverGains) {
  const Limit three{3, 1'000'000, 3};
  const Limit seven{7, 1'000'000, 7};
  ASSERT_TRUE(Ask("rates", three, 1, kStart, true).allowed);  // a debt of 333333 and a third
  const Said said = Ask("rates", seven, 1, kStart, false);
  // Read as 333334: that is 2.33 of the other's tokens.
  EXPECT_EQ(said.remaining, 4);
  EXPECT_FALSE(Ask("rates", {1, 1'000'000, 1}, 1, kStart, true).allowed);
}

TEST_F(RedisGcraModel, ForeignValueIsAnErrorAndIsLeftAlone) {
  ASSERT_EQ(server->Command({"SET", "foreign", "12:x:3"}), "OK");
  const std::string said = server->Command(
      {"EVALSHA", sha_, "1", "foreign", "1", "0", "10", "0", "1", "1", std::to_string(kStart)});
  EXPECT_TRUE(said.starts_with("CORRUPT")) << said;
  EXPECT_EQ(server->Command({"GET", "foreign"}), "12:x:3");
}

TEST_F(RedisGcraModel, TheLibrarysHeadReadsTheServersClock) {
  const std::string sha = server->Command({"SCRIPT", "LOAD", GcraScript()});
  ASSERT_EQ(server->Command({"EVALSHA", sha, "1", "own", "1000000", "0", "1000000", "0", "1", "1"}),
            "1\n0\n1000000\n0\n");
  // A time in the arguments is nobody's: the last two are not read.
  const std::string again = server->Command(
      {"EVALSHA", sha, "1", "own", "1000000", "0", "1000000", "0", "1", "1", "9000000000000000"});
  EXPECT_TRUE(again.starts_with("0\n")) << again;
}

}  // namespace
}  // namespace holdfast::redis
