// SPDX-License-Identifier: Apache-2.0
#include "step.h"

#include <absl/strings/str_cat.h>
#include <holdfast/baggage.h>
#include <holdfast/clock.h>
#include <holdfast/tracestate.h>

#include <algorithm>

namespace http_echo {

absl::Status Check(const Additions& additions) {
  if (!additions.baggage_key.empty()) {
    holdfast::Baggage baggage;
    absl::Status status = baggage.Set(additions.baggage_key, additions.baggage_value);
    if (!status.ok()) return status;
  }
  if (!additions.tracestate_key.empty()) {
    holdfast::Tracestate tracestate;
    return tracestate.Set(additions.tracestate_key, additions.tracestate_value);
  }
  return absl::OkStatus();
}

absl::StatusOr<holdfast::Context> NextStep(const holdfast::Context& of,
                                           const Additions& additions) {
  holdfast::ChildOptions options;
  holdfast::Baggage baggage;
  if (!additions.baggage_key.empty()) {
    baggage = holdfast::Baggage::Parse(of.baggage());
    if (baggage.Set(additions.baggage_key, additions.baggage_value).ok())
      options.baggage = baggage.text();
  }
  absl::StatusOr<holdfast::Tracestate> tracestate;
  if (!additions.tracestate_key.empty()) {
    tracestate = holdfast::Tracestate::Parse(of.tracestate());
    if (tracestate.ok() &&
        tracestate->Set(additions.tracestate_key, additions.tracestate_value).ok()) {
      options.tracestate = tracestate->text();
    }
  }
  return of.Child(options);
}

std::chrono::nanoseconds TimeLeft(const holdfast::Context& step, std::chrono::nanoseconds most) {
  if (step.deadline() == 0) return most;
  return std::min(most,
                  std::chrono::nanoseconds(step.deadline() - holdfast::Clock::Steady().Now()));
}

}  // namespace http_echo
