// SPDX-License-Identifier: Apache-2.0
// What each primitive shows of itself.
#include <gtest/gtest.h>
#include <holdfast/metrics.h>
#include <holdfast/testing/virtual_clock.h>

#include <set>
#include <string>
#include <vector>

#include "abi/journal.h"
#include "unit/exposition_reader.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests speak in durations

// The text without its comments.
std::string Figures(const MetricsPage& page) {
  EXPECT_TRUE(page.status().ok()) << page.status();
  exposition::Reader reader(false);
  const std::string text = MetricsText(page);
  EXPECT_EQ(reader.Read(text), "");
  std::string figures;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at) + 1;
    if (text[at] != '#') figures += text.substr(at, end - at);
    at = end;
  }
  return figures;
}

TEST(Metrics, ShowABreaker) {
  const CircuitBreaker breaker =
      CircuitBreaker::Create({.window_calls = 4, .minimum_calls = 4, .open_for = 5s}).value();
  for (int i = 0; i < 4; ++i) {
    breaker.TryAcquire(HF_S).value().Record(i == 0 ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE, HF_S);
  }
  EXPECT_FALSE(breaker.TryAcquire(2 * HF_S).ok());
  MetricsPage page;
  page.Add("payments", breaker, hf_time{3 * HF_S + HF_S / 2});
  EXPECT_EQ(Figures(page), R"(holdfast_breaker_state{name="payments",state="closed"} 0
holdfast_breaker_state{name="payments",state="open"} 1
holdfast_breaker_state{name="payments",state="half_open"} 0
holdfast_breaker_state{name="payments",state="forced_open"} 0
holdfast_breaker_state{name="payments",state="disabled"} 0
holdfast_breaker_state{name="payments",state="metrics_only"} 0
holdfast_breaker_opened_total{name="payments"} 1
holdfast_breaker_transitions_total{name="payments"} 1
holdfast_breaker_refused_total{name="payments"} 1
holdfast_breaker_retry_after_seconds{name="payments"} 2.5
holdfast_breaker_window_calls{name="payments"} 4
holdfast_breaker_window_failures{name="payments"} 3
holdfast_breaker_consecutive_failures{name="payments"} 3
holdfast_breaker_probes_out{name="payments"} 0
)");
}

TEST(Metrics, ABreakerIsInExactlyOneState) {
  const CircuitBreaker breaker = CircuitBreaker::Create().value();
  for (const BreakerState state :
       {BreakerState::kClosed, BreakerState::kForcedOpen, BreakerState::kDisabled}) {
    ASSERT_TRUE(breaker.Force(state, HF_S).ok());
    MetricsPage page;
    page.Add("b", breaker, hf_time{-5});
    double sum = 0;
    for (const MetricSeries& series : page.families().front().series) {
      sum += series.value.real();
      const bool is =
          series.labels.back().value == BreakerStateName(static_cast<hf_breaker_state>(state));
      EXPECT_EQ(series.value.real(), is ? 1 : 0) << series.labels.back().value;
    }
    EXPECT_EQ(sum, 1);
    EXPECT_NE(Figures(page).find("retry_after_seconds{name=\"b\"} 0\n"), std::string::npos);
  }
}

TEST(Metrics, ShowABulkheadABudgetAndAJournal) {
  testing::VirtualClock clock;
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 1, .queue = 1, .max_wait = 1ms}).value();
  const auto permit = bulkhead.TryAcquire(clock);
  EXPECT_FALSE(bulkhead.TryAcquire(clock).ok());
  EXPECT_FALSE(bulkhead.TryAcquire(clock).ok());
  EXPECT_FALSE(bulkhead.Acquire(0, clock).ok()) << "waits in vain";
  const RetryBudget budget = RetryBudget::Create({.max_tokens = 10, .ratio = 0.1}).value();
  EXPECT_TRUE(budget.OnFailure());
  budget.OnSuccess();
  const Journal journal = Journal::Create({.capacity = 2}).value();
  abi::Pen pen;
  pen.Connect(journal.raw(), 1);
  for (int i = 0; i < 5; ++i) pen.Write(HF_EVENT_KIND_LOST, 1, HF_R_NONE, 0, 1);
  MetricsPage page;
  page.Add("orders", bulkhead);
  page.Add("orders", budget);
  page.Add("all", journal);
  EXPECT_EQ(Figures(page), R"(holdfast_bulkhead_in_flight{name="orders"} 1
holdfast_bulkhead_waiting{name="orders"} 0
holdfast_bulkhead_limit{name="orders"} 1
holdfast_bulkhead_refused_total{name="orders",reason="bulkhead_full"} 2
holdfast_bulkhead_refused_total{name="orders",reason="bulkhead_timeout"} 1
holdfast_bulkhead_refused_total{name="orders",reason="bulkhead_share"} 0
holdfast_bulkhead_refused_total{name="orders",reason="bulkhead_no_time"} 0
holdfast_bulkhead_refused_total{name="orders",reason="bulkhead_overloaded"} 0
holdfast_budget_tokens{name="orders"} 9.1
holdfast_journal_waiting{name="all"} 2
holdfast_journal_written_total{name="all"} 5
holdfast_journal_lost_total{name="all"} 3
)");
}

TEST(Metrics, AnEmptyHandleIsLeftOutNotShownAsHealthy) {
  MetricsPage page;
  page.Add("gone", CircuitBreaker(), hf_time{1});
  page.Add("gone", Bulkhead());
  page.Add("gone", RetryBudget());
  page.Add("gone", Journal());
  EXPECT_EQ(page.left_out(), 4u);
  EXPECT_EQ(page.status().message(), "object \"gone\" is an empty handle");
  EXPECT_TRUE(page.families().empty());
}

TEST(Metrics, FamiliesOfTwoObjectsStayTogether) {
  const Bulkhead first = Bulkhead::Create({.limit = 1}).value();
  const Bulkhead second = Bulkhead::Create({.limit = 2}).value();
  MetricsPage page;
  page.Add("a", first);
  page.Add("b", second);
  ASSERT_EQ(page.families().size(), 4u);
  for (const CollectedFamily& family : page.families()) {
    std::set<std::string> names;
    for (const MetricSeries& series : family.series) names.insert(series.labels[0].value);
    EXPECT_EQ(names, (std::set<std::string>{"a", "b"})) << family.name;
  }
  Figures(page);  // the reader refuses a family in two places
}

}  // namespace
}  // namespace holdfast
