// SPDX-License-Identifier: Apache-2.0
#include "dependency.h"

#include <absl/strings/str_cat.h>

namespace checkout {

using std::chrono::milliseconds;

absl::StatusOr<holdfast::Pipeline> MakePipeline(const Guards& guards, milliseconds attempt_timeout,
                                                milliseconds timeout) {
  holdfast::PipelineOptions options{.timeout = timeout, .attempt_timeout = attempt_timeout};
  const auto retry = holdfast::RetryPolicy::Create(
      {.max_attempts = 6, .base = milliseconds(20), .cap = milliseconds(200)});
  if (!retry.ok()) return retry.status();
  options.retry = *retry;
  const auto bulkhead = holdfast::Bulkhead::Create({.limit = 32, .queue = 64});
  if (!bulkhead.ok()) return bulkhead.status();
  options.bulkhead = *bulkhead;
  if (guards.breaker) {
    // Short, as everything in this demo: a killed service is back within a tenth of a second or two.
    const auto breaker = holdfast::CircuitBreaker::Create({.window_calls = 50,
                                                           .minimum_calls = 30,
                                                           .failure_rate = 0.7,
                                                           .probes = 5,
                                                           .open_for = milliseconds(100),
                                                           .probe_lease = milliseconds(500)});
    if (!breaker.ok()) return breaker.status();
    options.breaker = *breaker;
  }
  if (guards.budget) {
    const auto budget = holdfast::RetryBudget::Create({.max_tokens = 100, .ratio = 0.25});
    if (!budget.ok()) return budget.status();
    options.budget = *budget;
  }
  return holdfast::Pipeline::Create(options);
}

void NoteReport(const RunFiles& files, uint32_t order, const holdfast::CallReport& report) {
  Counters& counters = files.board.counters();
  if ((report.events & HF_EVENT_BREAKER_OPENED) != 0) {
    counters.breaker_openings += 1;
    files.log.Note(order, "the breaker opens");
  }
  switch (report.reason) {
    case HF_R_NONE:
      return;
    case HF_R_BREAKER_OPEN:
    case HF_R_BREAKER_PROBING:
      counters.breaker_refusals += 1;
      break;
    case HF_R_BUDGET_EXHAUSTED:
      counters.budget_refusals += 1;
      break;
    default:
      break;
  }
  files.log.Note(order, absl::StrCat("gives up for now after attempt ", report.attempts, ": ",
                                     hf_reason_name(report.reason)));
}

}  // namespace checkout
