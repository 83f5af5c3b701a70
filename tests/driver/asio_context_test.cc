// SPDX-License-Identifier: Apache-2.0
//
// An executor that carries a context: what a handler finds current after each kind of hop, on executors of
// all shapes. Coroutines: asio_context_coroutine_test.cc; how flows end: asio_context_end_test.cc.
#include <gtest/gtest.h>
#include <holdfast/asio/context.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "driver/asio_flows.h"

namespace holdfast {
namespace {

using asio::WithContext;
using asio::WithCurrentContext;
using std::chrono::milliseconds;

class AsioContext : public testing::Test {
 protected:
  ~AsioContext() override {
    EXPECT_FALSE(Context::Current()) << "the thread got back what it had";
    EXPECT_EQ(hf_context_flow(), 0u);
    EXPECT_TRUE(OnlyMine(story_));
    EXPECT_TRUE(OnlyMine(child_));
  }

  auto Executor() { return WithContext(io_, story_); }
  auto Note() {
    return [this] { seen_.push_back(Here()); };
  }

  const Context story_ = Named("story"), child_ = Named("child");
  std::vector<std::string> seen_;
  net::io_context io_;
};

using Ids = std::vector<std::string>;

TEST_F(AsioContext, FollowsPostDispatchAndDefer) {
  net::post(Executor(), Note());
  net::dispatch(Executor(), Note());
  net::defer(Executor(), Note());
  net::post(io_, Note());
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story", "story", "story", ""}));
}

TEST_F(AsioContext, GoesOnFromHopToHopUnderTheScopeTheyWereStartedIn) {
  const auto executor = Executor();
  net::post(executor, [&] {
    net::post(executor, Note());
    const ScopedContext scope(child_);
    net::post(executor, [&] { net::defer(executor, Note()); });
    net::dispatch(executor, Note());  // at once, and the scope is as it was
    seen_.push_back(Here() + " again");
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "child again", "story", "child"}));
}

TEST_F(AsioContext, AHandlerCannotLeaveItsContextToTheThread) {
  hf_context* left = nullptr;
  net::post(Executor(), [&] {
    Context mine = child_;
    left = hf_context_swap(mine.Release());
  });
  net::post(io_, Note());
  io_.run();
  hf_context_unref(left);
  EXPECT_EQ(seen_, (Ids{""}));
}

TEST_F(AsioContext, AnExceptionLeavesTheThreadAsItWas) {
  net::post(Executor(), [&] {
    const ScopedContext scope(child_);
    throw std::runtime_error("handler");
  });
  EXPECT_THROW(io_.run(), std::runtime_error);
  EXPECT_EQ(Here(), "");
}

TEST_F(AsioContext, TheThreadsOwnScopeIsNeitherSeenNorLost) {
  const ScopedContext scope(child_);
  net::post(Executor(), Note());
  net::post(io_, Note());
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story", "child"}));
  EXPECT_EQ(Here(), "child");
}

TEST_F(AsioContext, AnEmptyContextDetaches) {
  const auto detached = WithContext(io_, Context());
  net::post(Executor(), [&] {
    net::post(detached, [&] {
      seen_.push_back(Here());
      const ScopedContext scope(child_);
      net::post(detached, Note());
    });
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"", "child"})) << "and a scope in it travels all the same";
}

TEST_F(AsioContext, WithCurrentContextTakesAlongWhatIsCurrent) {
  {
    const ScopedContext scope(child_);
    net::post(WithCurrentContext(io_), Note());
    net::post(WithCurrentContext(io_.get_executor()), Note());
  }
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "child"}));
}

TEST_F(AsioContext, AnExplicitContextWinsOverTheScopeOfAnotherFlow) {
  net::post(Executor(), [&] {
    const ScopedContext scope(child_);
    net::post(Executor(), Note());  // a flow of its own, under the same story
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story"}));
}

TEST_F(AsioContext, TheOutermostContextWins) {
  net::post(WithContext(WithContext(io_, child_), story_), Note());
  net::post(WithContext(net::any_io_executor(WithContext(io_, child_)), story_), Note());
  net::post(WithContext(net::make_strand(WithContext(io_, child_)), story_), Note());
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story", "story", "story"}));
}

TEST_F(AsioContext, FollowsThroughErasedExecutors) {
  const net::any_io_executor erased = Executor();
  net::post(erased, [&, erased] {
    seen_.push_back(Here());
    const ScopedContext scope(child_);
    net::post(erased, Note());
    net::dispatch(net::prefer(erased, net::execution::outstanding_work.tracked), Note());
  });
  net::any_completion_executor completion = Executor();
  net::dispatch(completion, Note());
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story", "child", "story", "child"}));
}

TEST_F(AsioContext, FollowsTimersWhoeverMadeThem) {
  net::steady_timer own(Executor(), milliseconds(1)), plain(io_, milliseconds(2));
  net::steady_timer erased(net::any_io_executor(Executor()), milliseconds(3));
  own.async_wait([&](auto) { seen_.push_back(Here() + " own"); });
  plain.async_wait(
      net::bind_executor(Executor(), [&](auto) { seen_.push_back(Here() + " plain"); }));
  erased.async_wait([&](auto) { seen_.push_back(Here() + " erased"); });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story own", "story plain", "story erased"}));
}

TEST_F(AsioContext, ATimerKeepsTheScopeItWasStartedIn) {
  const auto executor = Executor();
  net::steady_timer timer(io_, milliseconds(1)), own(executor, milliseconds(2));
  net::post(executor, [&] {
    const ScopedContext scope(child_);
    timer.async_wait(net::bind_executor(executor, [&](auto) { seen_.push_back(Here()); }));
    own.async_wait([&](auto) { seen_.push_back(Here()); });
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "child"}));
}

TEST_F(AsioContext, FollowsEveryStepOfComposedReadsAndWrites) {
  net::local::stream_protocol::socket left(io_), right(io_);
  net::local::connect_pair(left, right);
  std::vector<char> out(1 << 20, 'x'), in(out.size());  // more than a socket buffer: many steps
  int steps = 0, strange = 0;
  const auto step = [&](const boost::system::error_code&, std::size_t done) {
    ++steps;
    strange += Here() != "child";
    return done == in.size() ? std::size_t{0} : std::size_t{65536};
  };
  const auto executor = Executor();
  net::post(executor, [&] {
    const ScopedContext scope(child_);
    const auto done = [&](auto, std::size_t) { seen_.push_back(Here()); };
    net::async_read(left, net::buffer(in), step, net::bind_executor(executor, done));
    net::async_write(right, net::buffer(out), step, net::bind_executor(executor, done));
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "child"}));
  EXPECT_GT(steps, 20);
  EXPECT_EQ(strange, 0);
  EXPECT_EQ(in, out);
}

// Waits `left` times for a timer.
struct Ticks {
  net::steady_timer& timer;
  int left;
  Ids& seen;

  template <class Self>
  void operator()(Self& self, boost::system::error_code = {}) {
    seen.push_back(Here());
    if (left-- == 0) return self.complete();
    timer.expires_after(milliseconds(1));
    timer.async_wait(std::move(self));
  }
};

TEST_F(AsioContext, FollowsAComposedOperationWithoutAnExecutorOfItsOwn) {
  const auto executor = Executor();
  net::steady_timer timer(executor);
  net::post(executor, [&] {
    const ScopedContext scope(child_);
    std::function<void()> done = Note();
    net::async_compose<std::function<void()>, void()>(Ticks{timer, 2, seen_}, done, timer);
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "child", "child", "child"}));
}

TEST_F(AsioContext, AStrandInsideKeepsTwoContextsApart) {
  const auto strand = net::make_strand(io_);
  const auto a = WithContext(strand, story_), b = WithContext(strand, child_);
  net::post(a, [&, a, b] {
    net::post(b, Note());
    net::post(a, Note());
    net::dispatch(b, Note());  // the strand is ours: at once
    seen_.push_back(Here() + " again");
    EXPECT_TRUE(strand.running_in_this_thread());
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "story again", "child", "story"}));
}

TEST_F(AsioContext, AStrandAroundKeepsTheContextOfEachHandlerInItsQueue) {
  const auto strand = net::make_strand(Executor());
  net::post(strand, [&] {
    net::post(strand, Note());
    const ScopedContext scope(child_);
    net::post(strand, Note());
    net::dispatch(strand, Note());
    EXPECT_TRUE(strand.running_in_this_thread());
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"child", "story", "child"}));
  EXPECT_TRUE(strand.get_inner_executor().get_inner_executor() == io_.get_executor());
}

TEST_F(AsioContext, AStrandAroundConvertsAsAnyOtherAndIsTheSameStrand) {
  const auto strand = net::make_strand(Executor());
  const net::strand<net::any_io_executor> erased = strand;
  net::post(erased, [&] {
    seen_.push_back(Here());
    EXPECT_TRUE(strand.running_in_this_thread());
    EXPECT_TRUE(erased.running_in_this_thread());
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story"}));
}

TEST_F(AsioContext, AStrandAroundAnErasedExecutorKeepsTheStoryAndTakesItsContextFromWhoeverWokeIt) {
  const auto strand = net::make_strand(net::any_io_executor(Executor()));
  net::post(strand, [&] {
    const ScopedContext scope(child_);
    net::post(strand, Note());                            // queued behind this one, and run with it
    net::post(asio::WithCurrentContext(strand), Note());  // the way out: the context outside
  });
  io_.run();
  EXPECT_EQ(seen_, (Ids{"story", "child"}));
}

TEST_F(AsioContext, AChannelWakesItsReaderUnderTheReadersOwnContext) {
  const auto executor = Executor();
  net::experimental::channel<void(boost::system::error_code, int)> channel(io_, 0);
  net::post(executor, [&] {
    const ScopedContext scope(child_);
    channel.async_receive(
        net::bind_executor(executor, [&](auto, int) { seen_.push_back(Here() + " reads"); }));
  });
  net::post(executor, [&] {  // the same flow, in another scope
    channel.async_send(
        {}, 1, net::bind_executor(executor, [&](auto) { seen_.push_back(Here() + " sent"); }));
  });
  io_.run();
  std::sort(seen_.begin(), seen_.end());
  EXPECT_EQ(seen_, (Ids{"child reads", "story sent"}));
}

TEST_F(AsioContext, FollowsThePropertiesOfTheInnerExecutor) {
  namespace execution = net::execution;
  const auto executor = Executor();
  EXPECT_EQ(&net::query(executor, execution::context), &io_);
  EXPECT_EQ(net::query(executor, execution::blocking), execution::blocking.possibly);
  const auto never = net::require(executor, execution::blocking.never);
  EXPECT_EQ(net::query(never, execution::blocking), execution::blocking.never);
  EXPECT_EQ(net::query(net::prefer(executor, execution::relationship.continuation),
                       execution::relationship),
            execution::relationship.continuation);
  using Type = std::remove_const_t<decltype(executor)>;
  static_assert(execution::is_executor<Type>::value);
  static_assert(std::is_nothrow_copy_constructible_v<Type> &&
                std::is_nothrow_move_constructible_v<Type>);
  static_assert(!net::can_require<Type, execution::blocking_t::always_t>::value, "nor has io");
  static_assert(sizeof(Type) <= 3 * sizeof(void*),
                "any_io_executor keeps it without an allocation");
}

TEST_F(AsioContext, IsEqualToItsCopiesOnly) {
  const auto one = Executor(), copy = one, other = Executor();
  EXPECT_TRUE(one == copy);
  EXPECT_TRUE(one != other) << "a flow of its own";
  EXPECT_TRUE(net::any_io_executor(one) == net::any_io_executor(copy));
  EXPECT_TRUE(net::any_io_executor(one) != net::any_io_executor(io_.get_executor()));
  EXPECT_EQ(one.own_context(), story_);
  EXPECT_TRUE(one.get_inner_executor() == io_.get_executor());
  const asio::ContextExecutor<net::any_io_executor> converted = one;
  EXPECT_TRUE(converted.own_context() == story_);
}

TEST_F(AsioContext, AWorkGuardHoldsTheInnerContextOpen) {
  auto guard = net::make_work_guard(Executor());
  EXPECT_EQ(io_.poll(), 0u);
  EXPECT_FALSE(io_.stopped());
  guard.reset();
  EXPECT_EQ(io_.run(), 0u);
}

TEST_F(AsioContext, ABlockingExecutorRunsUnderTheContextAndGivesItBack) {
  net::thread_pool pool(1);
  const auto executor = net::require(WithContext(pool, story_), net::execution::blocking.always);
  executor.execute(Note());
  EXPECT_EQ(seen_, (Ids{"story"}));
  WithContext(net::system_executor(), child_).execute(Note());  // in this very call
  EXPECT_EQ(seen_, (Ids{"story", "child"}));
  pool.join();
}

}  // namespace
}  // namespace holdfast
