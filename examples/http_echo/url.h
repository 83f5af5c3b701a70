// SPDX-License-Identifier: Apache-2.0
// Where a call goes: http://host[:port][/path][?query].
#ifndef HOLDFAST_EXAMPLES_HTTP_ECHO_URL_H_
#define HOLDFAST_EXAMPLES_HTTP_ECHO_URL_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace http_echo {

struct Url {
  std::string authority;  // what the Host field says
  std::string host;       // to resolve: without port and brackets
  std::string port;       // in digits
  std::string target;     // of the request line, from the first slash on
};

// INVALID_ARGUMENT says what is wrong, for people. Only http, no user information; no byte gets through
// that could end a request line or a field.
absl::StatusOr<Url> ParseUrl(std::string_view text);

}  // namespace http_echo

#endif  // HOLDFAST_EXAMPLES_HTTP_ECHO_URL_H_
