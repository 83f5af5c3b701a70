// SPDX-License-Identifier: Apache-2.0
// What the rest of the guards show of themselves, on a page that a strict reader accepts.
#include <gtest/gtest.h>
#include <holdfast/metrics.h>
#include <holdfast/testing/virtual_clock.h>

#include <string>

#include "unit/exposition_reader.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests speak in durations

void ExpectLine(const std::string& text, const std::string& line) {
  EXPECT_NE(text.find("\nholdfast_" + line + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(MetricsGuards, AreAllOnOnePage) {
  testing::VirtualClock clock;
  const hf_time now = clock.Now();
  const RateLimiter limiter = RateLimiter::Create({.permits = 10, .burst = 2}).value();
  EXPECT_TRUE(limiter.TryAcquire(2, clock).ok());
  EXPECT_FALSE(limiter.TryAcquire(1, clock).ok());
  const Throttle throttle = Throttle::Create().value();
  throttle.Record(HF_VERDICT_SUCCESS, now);
  const AdaptiveLimit adaptive = AdaptiveLimit::Create({.initial_limit = 7}).value();
  const HedgePolicy hedge = HedgePolicy::Create({}).value();
  const KillSwitch kill_switch = KillSwitch::Create().value();
  const auto token = kill_switch.Arm(
      {.match = {.operation = "charge"}, .owner = "ann", .reason = "drill", .expiry = 60s}, now);
  ASSERT_TRUE(token.ok()) << token.status();
  ASSERT_TRUE(kill_switch.Fire(*token, now).ok());
  EXPECT_FALSE(kill_switch.Check({.operation = "charge"}, now).ok());
  const FaultRule rule{.rate = 1, .code = absl::StatusCode::kUnavailable};
  const FaultInjector fault =
      FaultInjector::Create({.rules = {&rule, 1}, .expiry = 60s, .seed = 7}).value();
  const auto breakers =
      Registry<CircuitBreaker>::Create({}, {.capacity = 16, .idle_ttl = 60s}).value();
  EXPECT_TRUE(breakers.Get("host-1", now).ok());
  const BreakerGroup group = BreakerGroup::Create().value();

  MetricsPage page;
  page.Add("bank", limiter, now);
  page.Add("bank", throttle, now);
  page.Add("bank", adaptive);
  page.Add("bank", hedge, now);
  page.Add("bank", kill_switch, now);
  page.Add("bank", fault, now);
  page.Add("bank", breakers);
  page.Add("bank", group);
  EXPECT_TRUE(page.status().ok()) << page.status();
  const std::string text = MetricsText(page);
  exposition::Reader reader(false);
  EXPECT_EQ(reader.Read(text), "");
  ExpectLine(text, "limiter_taken_total{name=\"bank\"} 2");
  ExpectLine(text, "limiter_refused_total{name=\"bank\"} 1");
  ExpectLine(text, "throttle_window_accepts{name=\"bank\"} 1");
  ExpectLine(text, "adaptive_limit{name=\"bank\"} 7");
  ExpectLine(text, "hedge_sent_total{name=\"bank\"} 0");
  ExpectLine(text, "hedge_not_sent_total{name=\"bank\",reason=\"too_late\"} 0");
  ExpectLine(text, "kill_switch_on{name=\"bank\"} 1");
  ExpectLine(text, "kill_switch_refused_total{name=\"bank\"} 1");
  ExpectLine(text, "fault_running{name=\"bank\"} 0");
  ExpectLine(text, "fault_injected_total{name=\"bank\",kind=\"error\"} 0");
  ExpectLine(text, "registry_keys{name=\"bank\"} 1");
  ExpectLine(text, "group_members{name=\"bank\"} 0");
}

}  // namespace
}  // namespace holdfast
