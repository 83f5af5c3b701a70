// SPDX-License-Identifier: Apache-2.0
//
// A scope held across co_await and yield: every way to wait, on every shape of executor; branches that wait
// side by side; and children that outlive the coroutine which spawned them.
#include <gtest/gtest.h>
#include <holdfast/asio/context.h>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/spawn.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "driver/asio_flows.h"

namespace holdfast {
namespace {

using asio::WithContext;
using net::awaitable;
using net::use_awaitable;
using namespace net::experimental::awaitable_operators;  // NOLINT: || and &&
using std::chrono::microseconds;

struct Stage {
  net::io_context io;
  net::thread_pool plain{2};  // knows of no context
  net::local::stream_protocol::socket left{io}, right{io};
  const Context story = Named("story"), child = Named("child"), grandchild = Named("grandchild");
  const Context left_branch = Named("left"), right_branch = Named("right");

  Stage() { net::local::connect_pair(left, right); }
};

// --- Ways to wait ---------------------------------------------------------------------------------------

awaitable<void> Post(Stage&) { co_await net::post(use_awaitable); }
awaitable<void> Dispatch(Stage&) { co_await net::dispatch(use_awaitable); }
awaitable<void> Defer(Stage&) { co_await net::defer(use_awaitable); }
awaitable<void> PostElsewhere(Stage& stage) { co_await net::post(stage.plain, use_awaitable); }

awaitable<void> Timer(Stage&) {
  net::steady_timer timer(co_await net::this_coro::executor, microseconds(50));
  co_await timer.async_wait(use_awaitable);
}
awaitable<void> PlainTimer(Stage& stage) {
  net::steady_timer timer(stage.io, microseconds(50));
  co_await timer.async_wait(use_awaitable);
}
awaitable<void> ForeignTimer(Stage& stage) {
  net::steady_timer timer(stage.plain, microseconds(50));
  co_await timer.async_wait(use_awaitable);
}
awaitable<void> CancelledTimer(Stage& stage) {
  const auto timer = std::make_shared<net::steady_timer>(stage.io, std::chrono::hours(1));
  const auto executor = co_await net::this_coro::executor;  // GCC 12: no captures in a co_await
  net::post(executor, [timer] { timer->cancel(); });
  boost::system::error_code ec;
  co_await timer->async_wait(net::redirect_error(use_awaitable, ec));
}

awaitable<void> WriteAndRead(Stage& stage) {
  char out[4] = {1, 2, 3, 4}, in[4];
  co_await net::async_write(stage.left, net::buffer(out), use_awaitable);
  co_await net::async_read(stage.right, net::buffer(in), use_awaitable);
}
awaitable<void> ReadInSteps(Stage& stage) {
  std::vector<char> out(1 << 19), in(out.size());
  co_await (net::async_write(stage.left, net::buffer(out), use_awaitable) &&
            net::async_read(stage.right, net::buffer(in), use_awaitable));
}

awaitable<int> Nested(int depth) {
  co_await net::post(use_awaitable);
  if (depth == 0) co_return 0;
  const int below = co_await Nested(depth - 1);
  co_return below + 1;
}
awaitable<void> NestedCalls(Stage&) {
  const int depth = co_await Nested(5);
  EXPECT_EQ(depth, 5);
}

awaitable<void> Either(Stage& stage) { co_await (Timer(stage) || PostElsewhere(stage)); }
awaitable<void> Both(Stage& stage) { co_await (PlainTimer(stage) && Post(stage)); }

awaitable<void> SpawnAndJoin(Stage& stage) {
  const auto executor = co_await net::this_coro::executor;
  co_await net::co_spawn(executor, PlainTimer(stage), use_awaitable);
}
awaitable<void> SpawnAnotherFlow(Stage& stage) {
  co_await net::co_spawn(WithContext(stage.io, stage.grandchild), Post(stage), use_awaitable);
}

awaitable<void> Throws(Stage&) {
  const ScopedContext inner(Named("thrown-through"));
  co_await net::post(use_awaitable);
  throw std::runtime_error("as planned");
}
awaitable<void> CatchAnException(Stage& stage) {
  try {
    co_await Throws(stage);
  } catch (const std::runtime_error&) {
  }
}

awaitable<void> ReadAChannel(Stage& stage) {
  using Channel = net::experimental::channel<void(boost::system::error_code, int)>;
  const auto channel = std::make_shared<Channel>(stage.io, 0);
  const auto executor = co_await net::this_coro::executor;  // GCC 12: no captures in a co_await
  net::post(executor,
            [channel] { channel->async_send({}, 7, [channel](boost::system::error_code) {}); });
  const int received = co_await channel->async_receive(use_awaitable);
  EXPECT_EQ(received, 7);
}

awaitable<void> Resume(Stage& stage) {
  auto operation = net::post(stage.io, net::deferred);
  co_await std::move(operation)(use_awaitable);
}

struct Way {
  const char* name;
  awaitable<void> (*wait)(Stage&);
};
constexpr Way kWays[] = {
    {"Post", Post},
    {"Dispatch", Dispatch},
    {"Defer", Defer},
    {"PostElsewhere", PostElsewhere},
    {"Timer", Timer},
    {"PlainTimer", PlainTimer},
    {"ForeignTimer", ForeignTimer},
    {"CancelledTimer", CancelledTimer},
    {"NestedCalls", NestedCalls},
    {"Either", Either},
    {"Both", Both},
    {"SpawnAndJoin", SpawnAndJoin},
    {"CatchAnException", CatchAnException},
    {"ReadAChannel", ReadAChannel},
    {"Deferred", Resume},
};
// Not in two branches at once: a socket has one reader, and Asio's co_spawn is not to be cancelled from
// another executor.
constexpr Way kWaysAlone[] = {
    {"WriteAndRead", WriteAndRead},
    {"ReadInSteps", ReadInSteps},
    {"SpawnAnotherFlow", SpawnAnotherFlow},
};

// --- Shapes of executor -----------------------------------------------------------------------------------

net::any_io_executor Concrete(Stage& s) { return WithContext(s.io, s.story); }
net::any_io_executor Erased(Stage& s) {
  return WithContext(net::any_io_executor(s.io.get_executor()), s.story);
}
net::any_io_executor StrandInside(Stage& s) { return WithContext(net::make_strand(s.io), s.story); }
net::any_io_executor StrandAround(Stage& s) { return net::make_strand(WithContext(s.io, s.story)); }
net::any_io_executor StrandOnAPool(Stage& s) {
  return WithContext(net::make_strand(s.plain), s.story);
}
net::any_io_executor OverAnother(Stage& s) {
  return WithContext(net::any_io_executor(WithContext(s.io, s.child)), s.story);
}

struct Shape {
  const char* name;
  net::any_io_executor (*make)(Stage&);
  int threads;  // that run the io_context; without a strand Asio's own || and && want one
};
constexpr Shape kShapes[] = {{"Concrete", Concrete, 1},           {"Erased", Erased, 1},
                             {"StrandInside", StrandInside, 2},   {"StrandAround", StrandAround, 2},
                             {"StrandOnAPool", StrandOnAPool, 2}, {"OverAnother", OverAnother, 1}};

using WayOnShape = std::tuple<Way, Shape>;

class AScopeHeld : public testing::TestWithParam<WayOnShape> {
 protected:
  ~AScopeHeld() override {
    EXPECT_TRUE(OnlyMine(stage_.story));
    EXPECT_TRUE(OnlyMine(stage_.child));
    EXPECT_TRUE(OnlyMine(stage_.grandchild));
    EXPECT_TRUE(OnlyMine(stage_.left_branch));
    EXPECT_TRUE(OnlyMine(stage_.right_branch));
  }

  Way way() const { return std::get<0>(GetParam()); }

  void Run(awaitable<void> flow) {
    const Shape shape = std::get<1>(GetParam());
    net::co_spawn(shape.make(stage_), std::move(flow),
                  [this, open = net::make_work_guard(stage_.io)](std::exception_ptr failure) {
                    EXPECT_EQ(failure, nullptr);
                    done_ = true;
                  });
    EXPECT_EQ(RunOn(stage_.io, shape.threads), 0) << "a thread was left with a context";
    stage_.plain.join();
    EXPECT_TRUE(done_);
    EXPECT_FALSE(Context::Current());
  }

  Stage stage_;
  bool done_ = false;
};

awaitable<void> Scopes(Stage& stage, Way way) {
  EXPECT_EQ(Here(), "story");
  co_await way.wait(stage);
  EXPECT_EQ(Here(), "story");
  {
    const ScopedContext scope(stage.child);
    EXPECT_EQ(Here(), "child");
    co_await way.wait(stage);
    EXPECT_EQ(Here(), "child");
    {
      const ScopedContext inner(stage.grandchild);
      co_await way.wait(stage);
      EXPECT_EQ(Here(), "grandchild");
      co_await way.wait(stage);
      EXPECT_EQ(Here(), "grandchild");
    }
    EXPECT_EQ(Here(), "child");
    co_await way.wait(stage);
    EXPECT_EQ(Here(), "child");
  }
  EXPECT_EQ(Here(), "story");
  {
    const ScopedContext detached{Context()};
    co_await way.wait(stage);
    EXPECT_EQ(Here(), "");
  }
  co_await way.wait(stage);
  EXPECT_EQ(Here(), "story");
}

TEST_P(AScopeHeld, AcrossCoAwaitTravelsWithTheCoroutine) { Run(Scopes(stage_, way())); }

awaitable<void> Branch(Stage& stage, Way way, Context mine, int rounds) {
  EXPECT_EQ(Here(), "child") << "what was current where the branches were started";
  for (int i = 0; i < rounds; ++i) {
    const ScopedContext scope(mine);
    co_await way.wait(stage);
    EXPECT_EQ(Context::Current(), mine);
  }
  EXPECT_EQ(Here(), "child");
}

awaitable<void> TwoBranches(Stage& stage, Way way) {
  {
    const ScopedContext scope(stage.child);
    co_await (Branch(stage, way, stage.left_branch, 3) &&
              Branch(stage, way, stage.right_branch, 5));
    EXPECT_EQ(Here(), "child");
    co_await (Branch(stage, way, stage.left_branch, 2) ||
              Branch(stage, way, stage.right_branch, 2));
    EXPECT_EQ(Here(), "child");
  }
  EXPECT_EQ(Here(), "story");
}

class ABranch : public AScopeHeld {};

TEST_P(ABranch, DoesNotSeeTheScopesOfTheOther) { Run(TwoBranches(stage_, way())); }

std::string NameOf(const testing::TestParamInfo<WayOnShape>& test) {
  return std::string(std::get<0>(test.param).name) + "_" + std::get<1>(test.param).name;
}

INSTANTIATE_TEST_SUITE_P(Asio, AScopeHeld,
                         testing::Combine(testing::ValuesIn(kWays), testing::ValuesIn(kShapes)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Alone, AScopeHeld,
                         testing::Combine(testing::ValuesIn(kWaysAlone),
                                          testing::ValuesIn(kShapes)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Asio, ABranch,
                         testing::Combine(testing::ValuesIn(kWays), testing::ValuesIn(kShapes)),
                         NameOf);

}  // namespace
}  // namespace holdfast
