// SPDX-License-Identifier: Apache-2.0
// The asio adapter from the installed package.
#include <holdfast/context.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>

int main() {
  boost::asio::io_context io;
  bool ran = false;
  boost::asio::post(io, [&] { ran = !holdfast::Context::Current(); });
  io.run();
  std::printf("ran: %d\n", ran);
  return ran ? 0 : 1;
}
