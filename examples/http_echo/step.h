// SPDX-License-Identifier: Apache-2.0
// The context of a call that a request causes: a step of its own in the same story.
#ifndef HOLDFAST_EXAMPLES_HTTP_ECHO_STEP_H_
#define HOLDFAST_EXAMPLES_HTTP_ECHO_STEP_H_

#include <absl/status/statusor.h>
#include <holdfast/context.h>

#include <chrono>
#include <string>

namespace http_echo {

// What this service adds to what it was given; an empty key adds nothing.
struct Additions {
  std::string baggage_key, baggage_value;        // any UTF-8 as value
  std::string tracestate_key, tracestate_value;  // goes to the left, as the newest
};

// INVALID_ARGUMENT names what cannot be added to any context.
absl::Status Check(const Additions& additions);

// A span id of its own, so that the called service sees this call as its parent. What no longer fits into
// the request's own baggage is not added. Errors: RESOURCE_EXHAUSTED.
absl::StatusOr<holdfast::Context> NextStep(const holdfast::Context& of, const Additions& additions);

// What is left of the time for one call, or of the story's: 0 or less if that is over.
std::chrono::nanoseconds TimeLeft(const holdfast::Context& step, std::chrono::nanoseconds most);

}  // namespace http_echo

#endif  // HOLDFAST_EXAMPLES_HTTP_ECHO_STEP_H_
