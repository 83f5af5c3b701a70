// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/message_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace holdfast::cli::envelope {
namespace {

constexpr std::string_view kColonPrefix = "cloudEvents:";  // AMQP's other separator

absl::Status Malformed(std::size_t line, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", std::string(what)));
}

// Takes the first line off, without its end.
std::string_view TakeLine(std::string_view* text) {
  const std::size_t end = text->find('\n');
  std::string_view line = text->substr(0, end);
  text->remove_prefix(end == text->npos ? text->size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool IsStartLine(std::string_view line) {
  return line.starts_with("HTTP/") || line.find(" HTTP/") != line.npos;
}

// Of `name: value`, where the name ends; npos if there is none.
std::size_t NameEnd(std::string_view line) {
  const std::size_t from = line.starts_with(kColonPrefix) ? kColonPrefix.size() : 0;
  const std::size_t colon = line.find(':', from);
  const std::string_view name = line.substr(0, colon);
  const bool graphic =
      std::all_of(name.begin(), name.end(), [](char byte) { return byte > ' ' && byte < '\x7f'; });
  return colon != line.npos && colon > from && graphic ? colon : line.npos;
}

hf_header HeaderOf(std::string_view line, std::size_t name_end) {
  std::string_view value = line.substr(name_end + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  return {Borrow(line.substr(0, name_end)), Borrow(value)};
}

// What was saved with an editor may have a line's end more than was sent.
absl::Status Cut(MessageText* message) {
  for (const hf_header& header : message->headers) {
    const std::string name(View(header.name));
    std::uint64_t size = 0;
    if (!absl::EqualsIgnoreCase(name, "content-length") || !message->body.has_value()) continue;
    if (!absl::SimpleAtoi(std::string(View(header.value)), &size)) {
      return absl::InvalidArgumentError("content-length: not a number");
    }
    if (size > message->body->size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "content-length: says ", size, " bytes, and there are ", message->body->size()));
    }
    message->body = message->body->substr(0, size);
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view HeadOf(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::size_t before = bytes.size() - rest.size();
    if (TakeLine(&rest).empty()) return bytes.substr(0, before);
  }
  return bytes;
}

bool LooksLikeHeaders(std::string_view bytes) {
  const std::string_view line = TakeLine(&bytes);
  return IsStartLine(line) || NameEnd(line) != line.npos;
}

absl::StatusOr<MessageText> ParseMessage(Binding binding, std::string_view bytes) {
  MessageText message;
  std::string_view rest = bytes;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = TakeLine(&rest);
    if (line.empty()) {
      message.body = rest;
      break;
    }
    if (number == 1 && IsStartLine(line)) continue;
    if (line[0] == ' ' || line[0] == '\t') return Malformed(number, "goes on from the line before");
    const std::size_t name_end = NameEnd(line);
    if (name_end == line.npos) return Malformed(number, "no header, which is `name: value`");
    message.headers.push_back(HeaderOf(line, name_end));
  }
  if (binding != Binding::kHttp) return message;
  if (absl::Status cut = Cut(&message); !cut.ok()) return cut;
  return message;
}

std::string WriteMessage(std::span<const hf_header> headers, std::optional<std::string_view> body) {
  std::string text;
  for (const hf_header& header : headers) {
    text.append(View(header.name)).append(": ").append(View(header.value)).append("\r\n");
  }
  if (body.has_value()) text.append("\r\n").append(*body);
  return text;
}

}  // namespace holdfast::cli::envelope
