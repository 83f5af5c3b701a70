// SPDX-License-Identifier: Apache-2.0
//
// Context under Boost.Asio.
#include <gtest/gtest.h>
#include <holdfast/context.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/spawn.hpp>

namespace holdfast {
namespace {

namespace net = boost::asio;

TEST(AsioContext, AStackfulCoroutineRunsWithoutAContext) {
  net::io_context io;
  bool ran = false;
  net::spawn(
      io,
      [&](net::yield_context yield) {
        net::post(io, yield);
        ran = !Context::Current();
      },
      net::detached);
  io.run();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace holdfast
