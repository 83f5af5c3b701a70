// SPDX-License-Identifier: Apache-2.0
// The asio adapter from the installed package.
#include <holdfast/asio/context.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>

int main() {
  const auto story = holdfast::Context::Create({.correlation_id = "order-4711"});
  if (!story.ok()) return 1;
  boost::asio::io_context io;
  bool carried = false;
  boost::asio::post(holdfast::asio::WithContext(io, *story),
                    [&] { carried = holdfast::Context::Current() == *story; });
  io.run();
  std::printf("carried: %d\n", carried);
  return carried ? 0 : 1;
}
