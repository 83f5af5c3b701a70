// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include <algorithm>
#include <cstdint>

namespace http_echo {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kUrlMax = 8192;  // what RFC 9110 4.1 asks receivers to support

absl::Status Wrong(const char* why) { return absl::InvalidArgumentError(why); }

bool ValidPort(const std::string& port) {
  uint32_t number = 0;
  return port.size() <= 5 && absl::SimpleAtoi(port, &number) && number >= 1 && number <= 65535 &&
         std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
}

bool ValidName(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

bool ValidIpv6(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.';
  });
}

}  // namespace

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  if (text.size() > kUrlMax) return Wrong("is longer than 8192 bytes");
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    return Wrong("has a byte that is not printable ASCII");
  }
  if (!absl::EqualsIgnoreCase({text.data(), std::min(text.size(), kScheme.size())},
                              {kScheme.data(), kScheme.size()})) {
    return Wrong("does not begin with http://");
  }
  text.remove_prefix(kScheme.size());

  Url url;
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  url.authority = text.substr(0, end);
  std::string_view rest = text.substr(end);
  rest = rest.substr(0, rest.find('#'));  // a fragment is the reader's own
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);

  if (url.authority.find('@') != std::string::npos) return Wrong("has user information");
  std::string_view host = url.authority;
  const bool bracketed = host.starts_with('[');
  const std::size_t colon = bracketed ? host.find("]:") : host.find(':');
  if (colon != std::string_view::npos) {
    url.port = host.substr(colon + (bracketed ? 2 : 1));
    host = host.substr(0, colon + (bracketed ? 1 : 0));
    if (!ValidPort(url.port)) return Wrong("has a port that is not a number from 1 to 65535");
  } else {
    url.port = "80";
  }
  if (bracketed && (!host.ends_with(']') || !ValidIpv6(host.substr(1, host.size() - 2)))) {
    return Wrong("has a host in brackets that is not an IPv6 address");
  }
  if (!bracketed && !ValidName(host)) return Wrong("has no host, or not a legal one");
  url.host = bracketed ? host.substr(1, host.size() - 2) : host;
  return url;
}

}  // namespace http_echo
