// SPDX-License-Identifier: Apache-2.0
// How an explanation reads: every stage and every warning has words, and a bad pipeline's page is this.
#include <gtest/gtest.h>
#include <holdfast/holdfast.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <regex>
#include <string>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr hf_warning_kind kLastWarning = HF_WARNING_SAME_LIMITER;

TEST(ExplainText, EveryWarningIsASentenceWithItsNumbers) {
  for (hf_warning_kind kind = 1; kind <= kLastWarning; ++kind) {
    const std::string text =
        WarningText({kind, HF_SEVERITY_NOTE, HF_STAGE_RETRY, 0, 1'500'000, 2'500'000});
    EXPECT_EQ(text.rfind("retry: ", 0), 0u) << text;
    EXPECT_EQ(text.find_first_of("{}"), std::string::npos) << text;
    EXPECT_EQ(text.find("newer"), std::string::npos) << kind;
  }
}

TEST(ExplainText, WhatANewerLibraryWarnsOfIsShownByNumber) {
  EXPECT_EQ(WarningText({999, HF_SEVERITY_NOTE, 999, 0, 7, -8}),
            "stage: warning 999 of a newer version, 7 against -8");
}

TEST(ExplainText, NumbersAndTimesAreShort) {
  using explain_text::Number;
  using explain_text::Time;
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(100), "100");
  EXPECT_EQ(Number(1.1), "1.1");
  EXPECT_EQ(Number(0.0005), "0.001");
  EXPECT_EQ(Number(1e9), "1000000000");
  EXPECT_EQ(Time(0), "0 ns");
  EXPECT_EQ(Time(999), "999 ns");
  EXPECT_EQ(Time(1500), "1.5 us");
  EXPECT_EQ(Time(250 * HF_MS), "250 ms");
  EXPECT_EQ(Time(90 * HF_S), "90 s");
  EXPECT_EQ(Time(HF_INFINITE), "no limit");
  EXPECT_EQ(Time(HF_INFINITE - 1), "9223372036.855 s");
}

TEST(ExplainText, TheArraysBoundWhatIsRead) {
  hf_explanation explanation{};
  explanation.stage_count = explanation.warning_count = std::numeric_limits<uint32_t>::max();
  const std::string text = ExplanationText(explanation);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1 + HF_STAGES + 1 + 3 + 1 + HF_WARNINGS);
  EXPECT_EQ(Explanation(explanation).stages().size(), size_t{HF_STAGES});
  EXPECT_EQ(Explanation(explanation).warnings().size(), size_t{HF_WARNINGS});
}

std::string BadPipelinesPage() {
  PipelineOptions options;
  options.retry = *RetryPolicy::Create({.max_attempts = 5, .base = 200ms, .tree_retries = 3});
  options.breaker = *CircuitBreaker::Create({.open_for = 500ms, .probe_lease = 1s});
  options.call_bulkhead = *Bulkhead::Create({.limit = 32});
  options.bulkhead = *Bulkhead::Create({.limit = 64, .queue = 100, .max_wait = 5s});
  options.timeout = 3s;
  options.attempt_timeout = 2s;
  const auto pipeline = Pipeline::Create(options);
  const auto explanation = pipeline->Explain({.idempotent = false, .attempts_below = 3});
  return explanation->ToString();
}

TEST(ExplainText, ABadPipelineReadsLikeThis) {
  EXPECT_EQ(BadPipelinesPage(), R"(pipeline, in this order
  timeout          3 s for the whole call
  call_bulkhead    32 calls at once, no queue
  retry            up to 5 attempts, backoff from 200 ms up to 10 s
  breaker          opens at 0.5 of failures for 500 ms, then 3 probes
  bulkhead         64 attempts at once, 100 waiting for up to 5 s
  attempt_timeout  2 s for each attempt
one call at worst
  attempts         5 attempts, 4 of them sent, 2 if each is slow
  or               4 waits for the breaker
  time             3 s
  load             4 per call at first, 4 in the long run
  with all layers  12 attempts, 4 if each passes on what is left
warnings
  warning, retry: in an outage every call makes 5 attempts, for as long as it lasts: add a budget
  note, retry: calls that are not idempotent are repeated only where nothing can have happened,
    never after a timeout: make them idempotent, give a rule with an effect, or expect max_attempts
    5 to be rare
  warning, retry: only 2 of max_attempts 5 can begin in time if each takes its attempt_timeout:
    raise timeout or max_elapsed, or lower attempt_timeout, backoff or max_attempts
  warning, retry: tree_retries ends a call after 4 attempts that were sent, so that max_attempts 5
    is not reached: raise tree_retries or lower max_attempts
  warning, breaker: open_for 500 ms is over before attempts that hang for 2 s are, so that probes
    join them: raise it
  warning, breaker: probe_lease 1 s ends before a slow probe of 2 s does, which is then lost: raise
    it
  warning, bulkhead: max_wait 5 s exceeds the call's 3 s, so that calls can die waiting: lower it,
    and leave time for the attempt
  note, bulkhead: call_bulkhead's limit 32 keeps bulkhead's 64 from ever being reached, unless
    others share it: raise the one or leave out the other
)");
}

std::string FileOf(const char* path) {
  std::ifstream file(std::string(std::getenv("HF_SOURCE_DIR")) + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ExplainText, TheDocumentationShowsItAndKnowsEveryWarningOfTheHeader) {
  if (std::getenv("HF_SOURCE_DIR") == nullptr) GTEST_SKIP() << "HF_SOURCE_DIR is not set";
  const std::string page = FileOf("/docs/primitives/explain.md");
  EXPECT_NE(page.find("```text\n" + BadPipelinesPage() + "```\n"), std::string::npos);
  const std::string header = FileOf("/include/holdfast/c/explain.h");
  const std::regex definition("#define HF_WARNING_([A-Z_]+) ([0-9]+)u");
  hf_warning_kind last = 0;
  for (std::sregex_iterator it(header.begin(), header.end(), definition), end; it != end; ++it) {
    EXPECT_EQ(std::stoul((*it)[2]), ++last) << "without a gap";
    EXPECT_NE(page.find("| `" + (*it)[1].str() + "` |"), std::string::npos) << (*it)[1];
  }
  EXPECT_EQ(last, kLastWarning);
}

}  // namespace
}  // namespace holdfast
