// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <absl/strings/str_cat.h>
#include <holdfast/bulkhead.h>
#include <holdfast/log.h>
#include <signal.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <iostream>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "plan.h"
#include "reading.h"
#include "step.h"

namespace http_echo {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using beast::error_code;
using std::chrono::seconds;
using Response = http::response<http::string_body>;

constexpr uint32_t kConnectionsMax = 512;
constexpr int kInterimMax = 8;  // 1xx before an answer
constexpr seconds kSend{10};
constexpr seconds kCall{5};    // one outgoing call; less if the request's deadline comes first
constexpr seconds kGrace{5};   // for what is under way when a signal comes
constexpr seconds kLinger{1};  // for a peer to read why it was refused

struct Server {
  const holdfast::Propagator& propagator;
  const ServerOptions& options;
  holdfast::Bulkhead connections;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io, SIGINT, SIGTERM};
  asio::steady_timer grace{io};
  std::set<beast::tcp_stream*> idle = {};  // between two requests: nobody waits for an answer there
  std::size_t open = 0;
  bool stopping = false;
};

// --- Calling ----------------------------------------------------------------------------------------

holdfast::Context ReadContext(const holdfast::Propagator& propagator, const Request& request) {
  std::vector<hf_header> headers;
  for (const auto& field : request) {
    const beast::string_view name = field.name_string();
    const beast::string_view value = field.value();
    headers.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
  }
  const absl::StatusOr<holdfast::Context> context =
      propagator.Extract(headers, {.now = holdfast::Clock::Steady().Now()});
  return context.ok() ? *context : holdfast::Context();  // there was no memory: go on without
}

// Errors: no time is left.
absl::StatusOr<Request> Compose(const Server& server, const Call& call,
                                const holdfast::Context& step) {
  Request request(http::verb::post, call.to.target, 11);
  request.set(http::field::host, call.to.authority);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::accept, "application/json");
  request.set(http::field::connection, "close");
  const auto add = [&request](std::string_view name, std::string_view value) {
    request.insert(beast::string_view(name.data(), name.size()),
                   beast::string_view(value.data(), value.size()));
  };
  const absl::Status written = server.propagator.Inject(step, holdfast::Clock::Steady().Now(), add);
  if (!written.ok()) return written;
  request.body() = call.body;
  request.prepare_payload();
  return request;
}

// The status of the answer, and no error; or why there is none.
asio::awaitable<Result> Send(Server& server, const Call& call, const holdfast::Context& step) {
  Result result;
  result.url = call.url;
  const auto failed = [&result](const char* what, error_code error) {
    result.error = absl::StrCat(what, ": ", error.message());
    return result;
  };
  tcp::resolver resolver(server.io);
  const auto [resolve_error, addresses] =
      co_await resolver.async_resolve(call.to.host, call.to.port, kToken);
  if (resolve_error) co_return failed("resolve", resolve_error);
  const absl::StatusOr<Request> request = Compose(server, call, step);
  if (!request.ok()) {
    result.error = std::string(request.status().message());
    co_return result;
  }
  beast::tcp_stream stream(server.io);
  stream.expires_after(TimeLeft(step, kCall));
  const auto [connect_error, endpoint] = co_await stream.async_connect(addresses, kToken);
  if (connect_error) co_return failed("connect", connect_error);
  const auto [write_error, written] = co_await http::async_write(stream, *request, kToken);
  if (write_error) co_return failed("send", write_error);
  beast::flat_buffer buffer(kHeaderMax);
  std::optional<http::response_parser<http::string_body>> parser;
  for (int interim = 0;; ++interim) {
    parser.emplace();
    parser->header_limit(kHeaderMax);
    parser->body_limit(kBodyMax);
    const auto [error, read] = co_await http::async_read_header(stream, buffer, *parser, kToken);
    if (error) co_return failed("receive", error);
    const unsigned status = parser->get().result_int();
    if (status >= 200 || status == 101) break;  // nothing comes after these
    if (interim == kInterimMax) co_return failed("receive", http::error::header_limit);
  }
  result.status = parser->get().result_int();
  // The body tells nothing here, but a peer may take offence at being cut off.
  if (!parser->is_done()) co_await http::async_read(stream, buffer, *parser, kToken);
  co_return result;
}

asio::awaitable<Answer> Work(Server& server, const Request& request) {
  const holdfast::Context context = ReadContext(server.propagator, request);
  Answer answer;
  const absl::StatusOr<std::vector<Call>> plan = ReadPlan(request.body());
  if (!plan.ok()) {
    const std::string why(plan.status().message());
    answer = {http::status::bad_request, WriteError(why), /*close=*/false};
  } else {
    std::vector<Result> results;
    for (const Call& call : *plan) {
      const absl::StatusOr<holdfast::Context> step = NextStep(context, server.options.additions);
      if (!step.ok()) co_return Refuse(http::status::service_unavailable, "out of memory");
      results.push_back(co_await Send(server, call, *step));
      if (results.back().status == 0) answer.status = http::status::bad_gateway;
    }
    answer.body = WriteResults(results);
  }
  if (server.options.log) {
    std::clog << holdfast::LogText(context) << " status=" << static_cast<unsigned>(answer.status)
              << "\n";
  }
  co_return answer;
}

// --- Connections ------------------------------------------------------------------------------------

asio::awaitable<error_code> Reply(beast::tcp_stream& stream, const Answer& answer, unsigned version,
                                  bool stay) {
  Response response(answer.status, version);
  response.set(http::field::content_type, "application/json");
  if (answer.status == http::status::method_not_allowed) response.set(http::field::allow, "POST");
  response.keep_alive(stay);
  response.body() = answer.body;
  response.prepare_payload();
  stream.expires_after(kSend);
  const auto [error, written] = co_await http::async_write(stream, response, kToken);
  co_return error;
}

// A socket closed with unread bytes resets the connection, and the answer may be lost with it.
asio::awaitable<void> Linger(beast::tcp_stream& stream) {
  error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream.expires_after(kLinger);
  char bytes[4096];
  for (std::size_t total = 0; total < 2 * kBodyMax;) {
    const auto [error, read] = co_await stream.async_read_some(asio::buffer(bytes), kToken);
    if (error) break;
    total += read;
  }
}

asio::awaitable<void> Talk(Server& server, beast::tcp_stream& stream) {
  beast::flat_buffer buffer(kHeaderMax);
  while (!server.stopping) {
    Reading reading = co_await Read(stream, buffer, server.idle);
    if (reading.refusal) {
      co_await Reply(stream, *reading.refusal, 11, /*stay=*/false);
      co_await Linger(stream);
      co_return;
    }
    if (!reading.request) co_return;
    const Answer answer = co_await Work(server, *reading.request);
    const bool stay = reading.request->keep_alive() && !answer.close && !server.stopping;
    const error_code error = co_await Reply(stream, answer, reading.request->version(), stay);
    if (error || !stay) break;
  }
  co_await Linger(stream);
}

asio::awaitable<void> Attend(Server& server, tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  absl::StatusOr<holdfast::BulkheadPermit> place = server.connections.TryAcquire();
  if (place.ok()) {
    co_await Talk(server, stream);
    co_return;
  }
  const Answer full = Refuse(http::status::service_unavailable, "too many connections");
  co_await Reply(stream, full, 11, /*stay=*/false);
}

void Leave(Server& server) {
  --server.open;
  if (!server.stopping || server.open > 0) return;
  server.grace.cancel();
  server.signals.cancel();
}

asio::awaitable<void> Accept(Server& server) {
  while (!server.stopping) {
    auto [error, socket] = co_await server.acceptor.async_accept(kToken);
    if (server.stopping) co_return;
    if (error) {
      // No descriptor is free, most likely: they come back as connections end.
      asio::steady_timer later(server.io, std::chrono::milliseconds(100));
      co_await later.async_wait(kToken);
      continue;
    }
    ++server.open;
    // What a connection throws (there was no memory) ends that connection only.
    asio::co_spawn(server.io, Attend(server, std::move(socket)),
                   [&server](std::exception_ptr) { Leave(server); });
  }
}

asio::awaitable<void> StopOnSignal(Server& server) {
  const auto [error, number] = co_await server.signals.async_wait(kToken);
  if (error) co_return;
  server.stopping = true;
  error_code ignored;
  server.acceptor.close(ignored);
  for (beast::tcp_stream* stream : server.idle) stream->cancel();
  if (server.open == 0) co_return;
  server.grace.expires_after(kGrace);
  server.grace.async_wait([&server](error_code cancelled) {
    if (!cancelled) server.io.stop();
  });
  const auto [no_second, again] = co_await server.signals.async_wait(kToken);
  if (!no_second) server.io.stop();
}

absl::Status Failed(std::string_view what, error_code error) {
  return absl::UnavailableError(absl::StrCat(std::string(what), ": ", error.message()));
}

absl::Status Listen(Server& server) {
  error_code error;
  const auto address = asio::ip::make_address(server.options.address, error);
  if (error) return Failed("address " + server.options.address, error);
  const tcp::endpoint endpoint(address, server.options.port);
  server.acceptor.open(endpoint.protocol(), error);
  if (!error) server.acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) server.acceptor.bind(endpoint, error);
  if (!error) server.acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Failed(absl::StrCat("port ", server.options.port), error);
  return absl::OkStatus();
}

}  // namespace

absl::Status Serve(const holdfast::Propagator& propagator, const ServerOptions& options,
                   const std::function<void(uint16_t)>& listening) {
  absl::StatusOr<holdfast::Bulkhead> connections =
      holdfast::Bulkhead::Create({.limit = kConnectionsMax});
  if (!connections.ok()) return connections.status();
  Server server{
      .propagator = propagator, .options = options, .connections = *std::move(connections)};
  const absl::Status status = Listen(server);
  if (!status.ok()) return status;
  listening(server.acceptor.local_endpoint().port());
  asio::co_spawn(server.io, StopOnSignal(server), asio::detached);
  asio::co_spawn(server.io, Accept(server), asio::detached);
  server.io.run();
  return absl::OkStatus();
}

}  // namespace http_echo
