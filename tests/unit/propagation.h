// SPDX-License-Identifier: Apache-2.0
// Requests as lists of headers, for the tests of what is read from them and written to them.
#ifndef HOLDFAST_TESTS_UNIT_PROPAGATION_H_
#define HOLDFAST_TESTS_UNIT_PROPAGATION_H_

#include <gtest/gtest.h>
#include <holdfast/propagation.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {

using Request = std::vector<std::pair<std::string, std::string>>;

inline const std::string kTraceId = "12345678901234567890123456789012";
inline const std::string kSpanId = "1234567890123456";
inline const std::string kValid = "00-" + kTraceId + "-" + kSpanId + "-01";

struct Read {
  Context context;
  PropagationReport report{};

  std::string traceparent() const { return FormatTraceparent(context.trace()); }
  // Went on with the trace of the suite's requests, or began another one.
  bool same() const { return traceparent().substr(3, 32) == kTraceId; }
};

inline Propagator Make(const PropagationOptions& options) {
  return Propagator::Create(options).value();
}

inline Propagator Internal() { return Make({.boundary = Boundary::kInternal}); }

inline Read Extract(const Propagator& propagator, const Request& request,
                    const ExtractOptions& options = {}) {
  std::vector<hf_header> headers;
  for (const auto& [name, value] : request) headers.push_back(MakeHeader(name, value));
  Read read;
  auto context = propagator.Extract(headers, options, &read.report);
  EXPECT_TRUE(context.ok()) << context.status();
  if (context.ok()) read.context = *std::move(context);
  return read;
}

inline Request Inject(const Propagator& propagator, const Context& context, hf_time now = 0,
                      PropagationReport* report = nullptr) {
  Request request;
  const absl::Status status = propagator.Inject(
      context, now,
      [&](std::string_view name, std::string_view value) { request.emplace_back(name, value); },
      report);
  EXPECT_TRUE(status.ok()) << status;
  return request;
}

inline std::string Value(const Request& request, std::string_view name) {
  std::string values;
  for (const auto& [key, value] : request) {
    if (key == name) values += (values.empty() ? "" : " | ") + value;
  }
  return values;
}

// What HTTP/2 counts.
inline std::size_t Bytes(const Request& request) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : request) bytes += name.size() + value.size() + 32;
  return bytes;
}

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UNIT_PROPAGATION_H_
