// SPDX-License-Identifier: Apache-2.0
// What one request asks for, and what came of it, as JSON:
//
//   in    [{"url": "http://host/path", "arguments": [...]}, ...]    POST the arguments to each, in order
//   out   [{"url": ..., "status": 200}, {"url": ..., "error": "..."}]
#ifndef HOLDFAST_EXAMPLES_HTTP_ECHO_PLAN_H_
#define HOLDFAST_EXAMPLES_HTTP_ECHO_PLAN_H_

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "url.h"

namespace http_echo {

struct Call {
  std::string url;
  Url to;
  std::string body;
};

struct Result {
  std::string url;
  unsigned status = 0;  // of the answer; 0: there was none
  std::string error;    // then: why
};

inline constexpr std::size_t kCallsMax = 64;
inline constexpr int kDepthMax = 64;  // of nested arrays and objects, whose writer calls itself

// INVALID_ARGUMENT says where and what is wrong, for people.
absl::StatusOr<std::vector<Call>> ReadPlan(std::string_view body);

std::string WriteResults(std::span<const Result> results);
// {"error": why}
std::string WriteError(std::string_view why);

}  // namespace http_echo

#endif  // HOLDFAST_EXAMPLES_HTTP_ECHO_PLAN_H_
