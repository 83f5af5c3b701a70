// SPDX-License-Identifier: Apache-2.0
//
// How flows end: stackful coroutines, children that outlive their parent, cancellation with a scope open, an
// executor destroyed with operations pending, and many flows on many threads. After each of them nobody
// holds a context any more.
#include <gtest/gtest.h>
#include <holdfast/asio/context.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/spawn.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/asio_flows.h"

namespace holdfast {
namespace {

using asio::WithContext;
using net::awaitable;
using net::use_awaitable;
using std::chrono::hours;
using std::chrono::microseconds;
using Ids = std::vector<std::string>;

class AsioContextEnd : public testing::Test {
 protected:
  AsioContextEnd() { io_.emplace(); }
  ~AsioContextEnd() override {
    io_.reset();
    EXPECT_FALSE(Context::Current()) << "the thread got back what it had";
    EXPECT_EQ(hf_context_flow(), 0u);
    EXPECT_TRUE(OnlyMine(story_));
    EXPECT_TRUE(OnlyMine(child_));
  }

  auto Executor() { return WithContext(*io_, story_); }

  const Context story_ = Named("story"), child_ = Named("child");
  Ids seen_;
  std::optional<net::io_context> io_;
};

// --- Stackful coroutines ----------------------------------------------------------------------------------

TEST_F(AsioContextEnd, AScopeHeldAcrossAYieldTravels) {
  net::thread_pool pool(2);
  net::spawn(
      WithContext(net::make_strand(*io_), story_),
      [&](net::yield_context yield) {
        const auto wait = [&] {
          net::steady_timer timer(*io_, microseconds(50));
          timer.async_wait(yield);
          net::post(yield);
          net::post(pool, yield);
          net::steady_timer own(yield.get_executor(), microseconds(50));
          own.async_wait(yield);
        };
        wait();
        seen_.push_back(Here());
        {
          const ScopedContext scope(child_);
          wait();
          seen_.push_back(Here());
          net::spawn(
              yield,
              [&](net::yield_context inner) {
                net::post(inner);
                seen_.push_back(Here() + " below");
              },
              net::detached);
          wait();
          seen_.push_back(Here());
        }
        wait();
        seen_.push_back(Here());
      },
      [open = net::make_work_guard(*io_)](std::exception_ptr failure) {
        EXPECT_EQ(failure, nullptr);
      });
  EXPECT_EQ(RunOn(*io_, 2), 0);
  pool.join();
  EXPECT_EQ(seen_, (Ids{"story", "child", "child below", "child", "story"}));
}

TEST_F(AsioContextEnd, AStackfulCoroutineThatIsUnwoundElsewhereLeavesTheThreadAlone) {
  net::spawn(
      Executor(),
      [&](net::yield_context yield) {
        const ScopedContext scope(child_);
        net::steady_timer never(*io_, hours(1));
        never.async_wait(yield);
      },
      net::detached);
  io_->poll();
  const ScopedContext mine(child_);  // the very same context, by another scope
  io_.reset();
  EXPECT_EQ(Here(), "child");
}

TEST_F(AsioContextEnd, AnExceptionOutOfAStackfulCoroutineEndsItsScopes) {
  std::exception_ptr thrown;
  net::spawn(
      Executor(),
      [&](net::yield_context yield) {
        const ScopedContext scope(child_);
        net::post(yield);
        throw std::runtime_error("as planned");
      },
      net::bind_executor(Executor(), [&](std::exception_ptr failure) {
        thrown = failure;
        seen_.push_back(Here());
      }));
  io_->run();
  EXPECT_NE(thrown, nullptr);
  EXPECT_EQ(seen_, (Ids{"story"}));
}

// --- Children ---------------------------------------------------------------------------------------------

awaitable<void> Background(net::io_context& io, Ids& seen) {
  for (int i = 0; i < 2; ++i) {
    net::steady_timer timer(io, microseconds(50));
    co_await timer.async_wait(use_awaitable);
    seen.push_back(Here() + " child");
  }
}

awaitable<void> SpawnsAndLeaves(net::io_context& io, Context child, Ids& seen) {
  const auto executor = co_await net::this_coro::executor;
  const ScopedContext scope(child);
  net::co_spawn(executor, Background(io, seen), net::detached);
  seen.push_back(Here() + " parent");
}

TEST_F(AsioContextEnd, AChildThatOutlivesItsParentKeepsTheScopeItWasSpawnedIn) {
  net::co_spawn(Executor(), SpawnsAndLeaves(*io_, child_, seen_),
                [&](std::exception_ptr) { seen_.push_back("parent gone"); });
  io_->run();
  EXPECT_EQ(seen_, (Ids{"child parent", "parent gone", "child child", "child child"}));
}

awaitable<void> AwaitsOutside(net::io_context& io, Context child, Ids& seen) {
  {
    const ScopedContext scope(child);
    co_await net::post(net::bind_executor(io.get_executor(), use_awaitable));
    seen.push_back(Here());  // on a plain executor: nobody carries
  }
  seen.push_back(Here());
  co_await net::post(use_awaitable);
  seen.push_back(Here());  // back on the flow's own
}

TEST_F(AsioContextEnd, AwaitingOnAPlainExecutorLeavesTheFlowUntilTheNextHop) {
  net::co_spawn(Executor(), AwaitsOutside(*io_, child_, seen_), net::detached);
  io_->run();
  EXPECT_EQ(seen_, (Ids{"", "", "story"}));
}

// --- Cancellation -----------------------------------------------------------------------------------------

awaitable<void> WaitsForEver(net::io_context& io, Context child, Ids& seen) {
  const ScopedContext scope(child);
  try {
    net::steady_timer never(io, hours(1));
    co_await never.async_wait(use_awaitable);
  } catch (const boost::system::system_error& error) {
    seen.push_back(Here() + (error.code() == net::error::operation_aborted ? " aborted" : "?"));
    throw;
  }
}

TEST_F(AsioContextEnd, CancelledInAScopeItUnwindsInThatScope) {
  net::cancellation_signal cancel;
  std::exception_ptr failure;
  net::co_spawn(Executor(), WaitsForEver(*io_, child_, seen_),
                net::bind_cancellation_slot(
                    cancel.slot(), net::bind_executor(Executor(), [&](std::exception_ptr e) {
                      failure = e;
                      seen_.push_back(Here() + " done");
                    })));
  io_->poll();
  const ScopedContext mine(child_);  // whoever cancels has a context of his own
  cancel.emit(net::cancellation_type::terminal);
  io_->restart();
  io_->run();
  EXPECT_NE(failure, nullptr);
  EXPECT_EQ(seen_, (Ids{"child aborted", "story done"}));
}

awaitable<void> Loses(net::io_context& io, Context child, Ids& seen) {
  using namespace net::experimental::awaitable_operators;  // NOLINT
  net::steady_timer soon(io, microseconds(50));
  co_await (WaitsForEver(io, child, seen) || soon.async_wait(use_awaitable));
  seen.push_back(Here() + " won");
}

TEST_F(AsioContextEnd, TheLoserOfABranchUnwindsInItsOwnScope) {
  net::co_spawn(Executor(), Loses(*io_, child_, seen_), net::detached);
  io_->run();
  EXPECT_EQ(seen_, (Ids{"child aborted", "story won"}));
}

// --- Destroyed executors ----------------------------------------------------------------------------------

TEST_F(AsioContextEnd, AnIoContextDestroyedUnderPendingOperationsFreesWhatTheyCarry) {
  const auto executor = Executor();
  net::steady_timer timer(*io_, hours(1));
  net::post(executor, [&] {
    const ScopedContext scope(child_);
    timer.async_wait(net::bind_executor(executor, [](auto) { FAIL(); }));
    net::post(executor, [] { FAIL(); });
    net::co_spawn(executor, WaitsForEver(*io_, child_, seen_), net::detached);
  });
  EXPECT_EQ(io_->run_one(), 1u);
  EXPECT_FALSE(OnlyMine(child_)) << "three operations carry it";
}  // the fixture destroys io_context, then looks

TEST_F(AsioContextEnd, AFrameDestroyedUnderTheSameContextLeavesTheThreadAlone) {
  net::co_spawn(Executor(), WaitsForEver(*io_, child_, seen_), net::detached);
  io_->poll();
  const ScopedContext mine(child_);
  io_.reset();
  EXPECT_EQ(Here(), "child");
  EXPECT_EQ(seen_, Ids{});
}

TEST_F(AsioContextEnd, AHandlerThatIsDroppedFreesWhatItCarries) {
  using Function = asio::internal::Carried<void (*)()>;
  {
    const Function dropped([] {}, Context(child_), 2);
  }
  EXPECT_TRUE(OnlyMine(child_));
}

// --- Many threads -----------------------------------------------------------------------------------------

struct Crowd {
  net::thread_pool pool{4};
  std::atomic<int> strange{0}, done{0};
};

awaitable<void> Walk(Crowd& crowd, Context mine, int steps) {
  const auto wrong = [&](const Context& expected) {
    crowd.strange += !(Context::Current() == expected);
  };
  for (int i = 0; i < steps; ++i) {
    wrong(mine);
    const ScopedContext scope(Named("inner"));
    const Context inner = Context::Current();
    co_await net::post(use_awaitable);
    wrong(inner);
    if (i % 4 == 0) {
      net::steady_timer timer(crowd.pool, microseconds(10));
      co_await timer.async_wait(use_awaitable);
      wrong(inner);
    }
    {
      const ScopedContext below(Named("below"));
      const Context deepest = Context::Current();
      co_await net::post(crowd.pool, use_awaitable);
      wrong(deepest);
    }
    wrong(inner);
  }
  ++crowd.done;
}

TEST_F(AsioContextEnd, ManyFlowsOnAThreadPoolNeverSeeEachOther) {
  constexpr int kFlows = 64;
  std::vector<Context> stories;
  {
    Crowd crowd;
    for (int i = 0; i < kFlows; ++i) {
      stories.push_back(Named("story-" + std::to_string(i)));
      net::any_io_executor executor = WithContext(crowd.pool, stories.back());
      if (i % 2 == 1) executor = WithContext(net::make_strand(crowd.pool), stories.back());
      net::co_spawn(executor, Walk(crowd, stories.back(), 50), net::detached);
    }
    crowd.pool.join();
    EXPECT_EQ(crowd.strange, 0);
    EXPECT_EQ(crowd.done, kFlows);
  }
  for (const Context& story : stories) EXPECT_TRUE(OnlyMine(story));
}

TEST_F(AsioContextEnd, OneExecutorIsSharedByManyThreads) {
  net::thread_pool pool(4);
  const auto executor = WithContext(pool, story_);
  std::atomic<int> strange{0}, ran{0};
  for (int i = 0; i < 500; ++i) {
    net::post(executor, [&, executor] {
      const ScopedContext scope(child_);
      net::post(executor, [&] {
        strange += Here() != "child";
        ++ran;
      });
      net::defer(pool, [&] {
        strange += Here() != "";
        ++ran;
      });
    });
  }
  pool.join();
  EXPECT_EQ(strange, 0);
  EXPECT_EQ(ran, 1000);
}

}  // namespace
}  // namespace holdfast
