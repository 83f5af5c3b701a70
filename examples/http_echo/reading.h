// SPDX-License-Identifier: Apache-2.0
//
// One request off a connection: whole, within its limits, and framed in a way that nobody on the path can
// have read otherwise.
#ifndef HOLDFAST_EXAMPLES_HTTP_ECHO_READING_H_
#define HOLDFAST_EXAMPLES_HTTP_ECHO_READING_H_

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace http_echo {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

// Of a request, or an answer. A buffer to read into holds no more than a header may be long: then neither a
// trailer nor the extensions of a chunk can be longer.
inline constexpr std::size_t kHeaderMax = 32 * 1024;
inline constexpr std::size_t kFieldsMax = 200;
inline constexpr std::size_t kBodyMax = 1024 * 1024;

// Errors as values: no exception crosses a coroutine here.
inline constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable);

struct Answer {
  boost::beast::http::status status = boost::beast::http::status::ok;
  std::string body;
  bool close = false;
};

Answer Refuse(boost::beast::http::status status, std::string_view why);

// One of the three: a request, a refusal, or neither: the peer is gone. After a refusal the connection is of
// no more use: where the next request would begin is not known.
struct Reading {
  std::optional<Request> request;
  std::optional<Answer> refusal;
};

// The fields are those of the header: what a trailer says is counted, and not believed (RFC 9110 6.5.1).
// The stream is among the idle ones until a header is whole.
boost::asio::awaitable<Reading> Read(boost::beast::tcp_stream& stream,
                                     boost::beast::flat_buffer& buffer,
                                     std::set<boost::beast::tcp_stream*>& idle);

}  // namespace http_echo

#endif  // HOLDFAST_EXAMPLES_HTTP_ECHO_READING_H_
