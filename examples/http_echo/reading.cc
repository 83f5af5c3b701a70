// SPDX-License-Identifier: Apache-2.0
#include "reading.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "plan.h"

namespace http_echo {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;
using std::chrono::seconds;

constexpr seconds kIdle{30};     // until a header is whole
constexpr seconds kReceive{10};  // until a body is

Reading Refused(http::status status, std::string_view why) { return {{}, Refuse(status, why)}; }

// A line that begins with a space or a tab goes on with the one before it: an old way of folding that
// proxies read differently from each other (RFC 9112 5.2).
bool HasFoldedLine(std::string_view header) {
  return header.find("\n ") != header.npos || header.find("\n\t") != header.npos;
}

Reading OfError(error_code error, bool began) {
  if (error == http::error::header_limit) {
    return Refused(http::status::request_header_fields_too_large,
                   "the header is longer than 32 KiB");
  }
  if (error == http::error::buffer_overflow) {
    return Refused(http::status::request_header_fields_too_large,
                   "the trailer, or what a chunk says of itself, is longer than 32 KiB");
  }
  if (error == http::error::body_limit) {
    return Refused(http::status::payload_too_large, "the body is longer than 1 MiB");
  }
  if (error == beast::error::timeout && began) {
    return Refused(http::status::request_timeout, "the request took too long to arrive");
  }
  if (error == http::error::bad_version) {
    return Refused(http::status::http_version_not_supported,
                   "the version is not HTTP/1.0 or HTTP/1.1");
  }
  if (error.category() == http::make_error_code(http::error::bad_field).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return Refused(http::status::bad_request, "malformed request: " + error.message());
  }
  return {};
}

std::optional<Answer> TooMany(const http::fields& fields) {
  if (std::distance(fields.begin(), fields.end()) <= std::ptrdiff_t{kFieldsMax}) return {};
  return Refuse(http::status::request_header_fields_too_large,
                absl::StrCat("the header and the trailer have more than ", kFieldsMax, " fields"));
}

// Beast takes a request in an encoding that it does not know for one without a body: what is the body
// would be read as the next request. What it knows is "chunked"; HTTP/1.0 knows not even that
// (RFC 9112 6.1).
std::optional<Answer> BadFraming(const Request& request) {
  const std::size_t encodings = request.count(http::field::transfer_encoding);
  if (encodings == 0) return {};
  if (request.count(http::field::content_length) > 0) {
    return Refuse(http::status::bad_request, "both Transfer-Encoding and Content-Length");
  }
  if (request.version() < 11) {
    return Refuse(http::status::bad_request, "Transfer-Encoding in an HTTP/1.0 request");
  }
  if (encodings > 1 || !beast::iequals(request[http::field::transfer_encoding], "chunked")) {
    return Refuse(http::status::not_implemented, "the Transfer-Encoding is not chunked alone");
  }
  return {};
}

// What Beast does not mind.
std::optional<Answer> Objection(const Request& request) {
  if (std::optional<Answer> many = TooMany(request)) return many;
  if (request.count(http::field::host) > 1 ||
      (request.version() == 11 && request.count(http::field::host) == 0)) {
    return Refuse(http::status::bad_request, "the request must have one Host field");
  }
  if (request.method() != http::verb::post) {
    return Refuse(http::status::method_not_allowed, "only POST is served here");
  }
  return BadFraming(request);
}

// Reads on until the buffer begins with a whole header, and gives its size.
asio::awaitable<std::pair<error_code, std::size_t>> ReadHeader(beast::tcp_stream& stream,
                                                               beast::flat_buffer& buffer) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  for (std::size_t searched = 0;;) {
    const std::string_view text(static_cast<const char*>(buffer.data().data()), buffer.size());
    const std::size_t end = text.find(kEnd, searched);
    if (end != text.npos) co_return std::pair(error_code(), end + kEnd.size());
    if (text.size() >= kHeaderMax) co_return std::pair(error_code(http::error::header_limit), 0);
    searched = text.size() - std::min(text.size(), kEnd.size() - 1);
    const std::size_t more = std::min<std::size_t>(4096, kHeaderMax - text.size());
    const auto [error, read] = co_await stream.async_read_some(buffer.prepare(more), kToken);
    if (error) co_return std::pair(error, 0);
    buffer.commit(read);
  }
}

}  // namespace

Answer Refuse(http::status status, std::string_view why) {
  return {status, WriteError(why), /*close=*/true};
}

asio::awaitable<Reading> Read(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                              std::set<beast::tcp_stream*>& idle) {
  stream.expires_after(kIdle);
  idle.insert(&stream);
  const auto [header_error, header_size] = co_await ReadHeader(stream, buffer);
  idle.erase(&stream);
  if (header_error) co_return OfError(header_error, buffer.size() > 0);
  const std::string_view text(static_cast<const char*>(buffer.data().data()), header_size);
  if (HasFoldedLine(text)) co_return Refused(http::status::bad_request, "a header line is folded");

  http::request_parser<http::string_body> parser;
  parser.header_limit(kHeaderMax);
  parser.body_limit(kBodyMax);
  error_code error;
  buffer.consume(parser.put(asio::buffer(text.data(), header_size), error));
  if (error && error != http::error::need_more) co_return OfError(error, true);
  std::optional<Answer> objection = Objection(parser.get());
  if (objection) co_return Reading{{}, std::move(objection)};
  // Beast adds the fields of a trailer to these, as if they had been there all along.
  http::request_header<> header = parser.get().base();

  stream.expires_after(kReceive);
  if (header.version() == 11 && beast::iequals(header[http::field::expect], "100-continue")) {
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(kGoOn), kToken);
  }
  if (!parser.is_done()) {
    const auto [body_error, read] = co_await http::async_read(stream, buffer, parser, kToken);
    if (body_error) co_return OfError(body_error, true);
  }
  std::optional<Answer> many = TooMany(parser.get());
  if (many) co_return Reading{{}, std::move(many)};
  co_return Reading{Request(std::move(header), std::move(parser.get().body())), {}};
}

}  // namespace http_echo
