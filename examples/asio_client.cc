// SPDX-License-Identifier: Apache-2.0
// A client of a shaky server, in one thread: guarded, timed out, retried, and never blocked.
//
// The server accepts, then for its first connections does nothing at all, as an overloaded one would. Each attempt is cut off
// after 50 ms, and the third is answered.
#include <holdfast/asio/call.h>

#include <boost/asio.hpp>
#include <chrono>
#include <iostream>
#include <string>

namespace net = boost::asio;
using net::awaitable;
using net::use_awaitable;
using net::ip::tcp;
using namespace std::chrono_literals;

namespace {

// Answers from the third connection on.
awaitable<void> Serve(tcp::acceptor& acceptor) {
  const tcp::socket first = co_await acceptor.async_accept(use_awaitable);
  const tcp::socket second = co_await acceptor.async_accept(use_awaitable);
  tcp::socket third = co_await acceptor.async_accept(use_awaitable);
  co_await net::async_write(third, net::buffer("paid\n", 5), use_awaitable);
}

// One attempt. Its time limit is not its own affair: when that comes, what it awaits is cancelled. Errors are
// results here, for an exception would not be tried again.
awaitable<absl::StatusOr<std::string>> Charge(tcp::endpoint server, uint32_t attempt) {
  std::cout << "attempt " << attempt << "\n";
  tcp::socket socket(co_await net::this_coro::executor);
  const auto [unreachable] = co_await socket.async_connect(server, net::as_tuple(use_awaitable));
  if (unreachable) co_return absl::UnavailableError(unreachable.message());
  std::string answer;
  const auto [unread, size] = co_await net::async_read_until(socket, net::dynamic_buffer(answer),
                                                             '\n', net::as_tuple(use_awaitable));
  if (unread == net::error::operation_aborted) co_return absl::CancelledError();
  if (unread) co_return absl::UnavailableError(unread.message());
  co_return answer.substr(0, size);
}

awaitable<void> Client(const holdfast::Pipeline& pipeline, tcp::endpoint server) {
  holdfast::CallReport report;
  const absl::StatusOr<std::string> answer = co_await holdfast::asio::Call(
      pipeline, {.timeout = 2s, .idempotent = true, .report = &report},
      [&](holdfast::Attempt& attempt) { return Charge(server, attempt.number()); });
  std::cout << (answer.ok() ? *answer : answer.status().ToString() + "\n") << report.attempts
            << " attempts\n";
}

}  // namespace

int main() {
  const auto retry = holdfast::RetryPolicy::Create({.max_attempts = 3, .base = 10ms});
  if (!retry.ok()) return 1;
  const auto pipeline = holdfast::Pipeline::Create({.retry = *retry, .attempt_timeout = 50ms});
  if (!pipeline.ok()) return 1;

  net::io_context io;
  tcp::acceptor acceptor(io, {net::ip::address_v4::loopback(), 0});
  net::co_spawn(io, Serve(acceptor), net::detached);
  net::co_spawn(io, Client(*pipeline, acceptor.local_endpoint()), net::detached);
  io.run();
}
