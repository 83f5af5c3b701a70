// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace http_echo {
namespace {

using nlohmann::json;

absl::Status Wrong(std::size_t index, std::string_view where, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("[", index, "]", std::string(where), " ", std::string(why)));
}

// What a stranger sent may hold anything, so nothing is written back that is not UTF-8.
std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<Call> ReadCall(std::size_t index, const json& element) {
  if (!element.is_object()) return Wrong(index, "", "is not an object");
  const auto url = element.find("url");
  if (url == element.end() || !url->is_string()) return Wrong(index, ".url", "is not a string");
  Call call;
  call.url = url->get<std::string>();
  absl::StatusOr<Url> to = ParseUrl(call.url);
  if (!to.ok()) return Wrong(index, ".url", std::string(to.status().message()));
  call.to = *std::move(to);
  const auto arguments = element.find("arguments");
  call.body = arguments == element.end() ? "[]" : Dump(*arguments);
  return call;
}

}  // namespace

absl::StatusOr<std::vector<Call>> ReadPlan(std::string_view body) {
  bool too_deep = false;
  const auto shallow = [&too_deep](int depth, json::parse_event_t, json&) {
    if (depth > kDepthMax) too_deep = true;
    return !too_deep;
  };
  const json plan = json::parse(body, shallow, /*allow_exceptions=*/false);
  if (too_deep) {
    return absl::InvalidArgumentError(absl::StrCat("the body is nested deeper than ", kDepthMax));
  }
  // The parser takes a zero byte for the end, whatever follows it.
  const bool cut = body.find('\0') != body.npos;
  if (cut || plan.is_discarded()) return absl::InvalidArgumentError("the body is not JSON");
  if (!plan.is_array()) return absl::InvalidArgumentError("the body is not a list");
  if (plan.size() > kCallsMax) {
    return absl::InvalidArgumentError(absl::StrCat("the list is longer than ", kCallsMax));
  }
  std::vector<Call> calls;
  calls.reserve(plan.size());
  for (const json& element : plan) {
    absl::StatusOr<Call> call = ReadCall(calls.size(), element);
    if (!call.ok()) return call.status();
    calls.push_back(*std::move(call));
  }
  return calls;
}

std::string WriteResults(std::span<const Result> results) {
  json list = json::array();
  for (const Result& result : results) {
    json element = {{"url", result.url}};
    if (result.status != 0) {
      element["status"] = result.status;
    } else {
      element["error"] = result.error;
    }
    list.push_back(std::move(element));
  }
  return Dump(list);
}

std::string WriteError(std::string_view why) { return Dump(json{{"error", std::string(why)}}); }

}  // namespace http_echo
