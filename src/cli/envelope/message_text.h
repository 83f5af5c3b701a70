// SPDX-License-Identifier: Apache-2.0
// A message of a transport as text: header lines, an empty line, and the body's bytes as they are.
#ifndef HOLDFAST_CLI_ENVELOPE_MESSAGE_TEXT_H_
#define HOLDFAST_CLI_ENVELOPE_MESSAGE_TEXT_H_

#include <absl/status/statusor.h>
#include <holdfast/envelope_headers.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli::envelope {

// Lies in the bytes it was read from.
struct MessageText {
  std::vector<hf_header> headers;
  std::optional<std::string_view> body;  // std::nullopt: there is no empty line
};

// All before the body, without the empty line.
std::string_view HeadOf(std::string_view bytes);
// Whether the first line is a request's, a response's, or a header.
bool LooksLikeHeaders(std::string_view bytes);

// Over HTTP, a Content-Length says where the body ends. Errors: kInvalidArgument, naming the line: one that is no header,
// or goes on from the line before; a body that is shorter than it should be.
absl::StatusOr<MessageText> ParseMessage(Binding binding, std::string_view bytes);

std::string WriteMessage(std::span<const hf_header> headers, std::optional<std::string_view> body);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_MESSAGE_TEXT_H_
