// SPDX-License-Identifier: Apache-2.0
// Deprecation: until when something may be used, as the headers of an HTTP answer or a gRPC trailer.
//
//   header        source     said of
//   deprecation   RFC 9745   from: deprecated from then on, which may lie ahead
//   sunset        RFC 8594   sunset: may be gone from then on
//   link          RFC 8288   migration: rel="deprecation", rel="sunset"
//
// Threads: all functions are pure. Header names are in lower case, as HTTP/2 and gRPC want them.
#ifndef HOLDFAST_DEPRECATION_H_
#define HOLDFAST_DEPRECATION_H_

#include <absl/status/status.h>
#include <holdfast/attribute.h>
#include <holdfast/c/deprecation.h>
#include <holdfast/c/propagation.h>
#include <holdfast/status.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

// Seconds since 1970 in UTC, within the years 1..9999.
using DeprecationTime = std::chrono::sys_seconds;

// Borrowed: the text is the caller's.
struct Deprecation {
  // Deprecated, but nobody said since when: drafts of RFC 9745 had `true`. Written as 1970.
  static constexpr DeprecationTime kEver = DeprecationTime::min();

  std::optional<DeprecationTime> from = {};
  std::optional<DeprecationTime> sunset = {};  // not earlier than `from`
  std::string_view migration = {};  // an absolute URI without a fragment: what to use instead

  friend bool operator==(const Deprecation&, const Deprecation&) = default;
};

// Calls put(name, value) for each header. Nothing is put if there is an error.
// Errors: kInvalidArgument, naming the field: a sunset before its deprecation, a time out of range, no URI.
template <class Put>
absl::Status WriteDeprecation(const Deprecation& deprecation, Put put) {
  const auto refuse = [](hf_reason reason, std::string_view text) {
    return MakeStatus(HF_INVALID_ARGUMENT, reason, text);
  };
  const auto& [from, sunset, migration] = deprecation;
  if (from && sunset && *sunset < *from) {
    return refuse(HF_R_BAD_OPTIONS, "sunset: is earlier than from");
  }
  char at[HF_DEPRECATION_SIZE];
  std::size_t at_size = 0;
  const auto since =
      from == Deprecation::kEver ? DeprecationTime{} : from.value_or(DeprecationTime{});
  if (hf_deprecation_format(since.time_since_epoch().count(), at, &at_size) != HF_OK) {
    return refuse(HF_R_OUT_OF_RANGE, "from: is outside the years 1..9999");
  }
  char date[HF_SUNSET_SIZE];
  const auto gone = sunset.value_or(DeprecationTime{});
  if (hf_sunset_format(gone.time_since_epoch().count(), date) != HF_OK) {
    return refuse(HF_R_OUT_OF_RANGE, "sunset: is outside the years 1..9999");
  }
  // What may stand between < and > is what the extension attribute of the same meaning may be.
  const Attribute uri = TextAttribute("deprecationmigration", migration, HF_ATTRIBUTE_URI);
  if (!migration.empty() && hf_attribute_check(&uri, nullptr) != HF_OK) {
    return refuse(HF_R_MALFORMED, "migration: is no absolute URI (RFC 3986, 4.3)");
  }
  if (from) put(std::string_view("deprecation"), std::string_view(at, at_size));
  if (sunset) put(std::string_view("sunset"), std::string_view(date, sizeof date));
  if (migration.empty()) return absl::OkStatus();
  const std::string link = "<" + std::string(migration) + ">; rel=";
  if (from || !sunset) put(std::string_view("link"), std::string_view(link + "\"deprecation\""));
  if (sunset) put(std::string_view("link"), std::string_view(link + "\"sunset\""));
  return absl::OkStatus();
}

struct DeprecationReading {
  Deprecation deprecation;  // borrows the headers' bytes
  // Headers that were malformed, came twice, or contradicted a sunset: as if they were not there.
  std::uint32_t passed_over = 0;
};

namespace deprecation_internal {

inline std::string_view Take(std::string_view& text, std::size_t size) {
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(taken.size());
  return taken;
}

inline std::string_view Trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

inline bool EqualsAnyCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// The part of `text` before the first of `ends` that is not in a quoted string; it is taken off.
inline std::string_view TakeUntil(std::string_view& text, std::string_view ends) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (quoted && text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      quoted = !quoted;
    else if (!quoted && ends.find(text[at]) != std::string_view::npos)
      break;
  }
  return Take(text, at);
}

// Whether the value of a `rel` parameter, quoted or not, names the relation.
inline bool HasRelation(std::string_view value, std::string_view relation) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  while (!value.empty()) {
    if (EqualsAnyCase(Trim(Take(value, value.find(' '))), relation)) return true;
    value.remove_prefix(value.empty() ? 0 : 1);
  }
  return false;
}

// The target of the first link of this relation in a Link header; empty if there is none.
inline std::string_view LinkTarget(std::string_view links, std::string_view relation) {
  while (!links.empty()) {
    links.remove_prefix(std::min(links.find('<'), links.size()));
    const std::size_t close = links.find('>');
    if (close == std::string_view::npos) return {};
    const std::string_view target = Take(links, close + 1).substr(1, close - 1);
    TakeUntil(links, ";,");
    while (links.starts_with(';')) {
      links.remove_prefix(1);
      std::string_view parameter = Trim(TakeUntil(links, ";,"));
      const std::string_view name = Trim(Take(parameter, parameter.find('=')));
      if (!EqualsAnyCase(name, "rel") || parameter.empty()) continue;
      if (HasRelation(Trim(parameter.substr(1)), relation)) return Trim(target);
    }
  }
  return {};
}

// The only header of this name through `parse`; of two, neither.
inline std::optional<DeprecationTime> ReadTime(std::span<const hf_header> headers,
                                               std::string_view name,
                                               decltype(&hf_sunset_parse) parse,
                                               std::uint32_t* passed_over) {
  std::optional<DeprecationTime> time;
  std::uint32_t count = 0;
  for (const hf_header& header : headers) {
    if (!EqualsAnyCase(View(header.name), name)) continue;
    std::int64_t seconds = 0;
    const std::string_view value = View(header.value);
    const bool read = ++count == 1 && parse(value.data(), value.size(), &seconds) == HF_OK;
    time = read ? std::optional(DeprecationTime(std::chrono::seconds(seconds))) : std::nullopt;
  }
  if (!time) *passed_over += count;
  return time;
}

}  // namespace deprecation_internal

// Reads the headers of an answer, names in any case; `true` and HTTP-dates, which drafts had, for `deprecation` too.
// Never an error: what cannot be read is counted. `migration` is the link of `deprecation`, else that of `sunset`.
inline DeprecationReading ReadDeprecation(std::span<const hf_header> headers) {
  namespace internal = deprecation_internal;
  DeprecationReading read;
  auto& [from, sunset, migration] = read.deprecation;
  from = internal::ReadTime(headers, "deprecation", hf_deprecation_parse, &read.passed_over);
  sunset = internal::ReadTime(headers, "sunset", hf_sunset_parse, &read.passed_over);
  if (from && sunset && *sunset < *from) {  // the sunset is what breaks callers: believe that
    from.reset();
    ++read.passed_over;
  }
  for (const std::string_view relation :
       {std::string_view("deprecation"), std::string_view("sunset")}) {
    for (const hf_header& header : headers) {
      if (!migration.empty() || !internal::EqualsAnyCase(View(header.name), "link")) continue;
      migration = internal::LinkTarget(View(header.value), relation);
    }
  }
  return read;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_DEPRECATION_H_
