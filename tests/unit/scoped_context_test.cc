// SPDX-License-Identifier: Apache-2.0
//
// Who owns what is current, and where a scope may end.
#include <gtest/gtest.h>
#include <holdfast/context.h>

#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "abi/context.h"

namespace holdfast {
namespace {

Context Named(std::string_view name) { return Context::Create({.correlation_id = name}).value(); }

bool OnlyMine(const Context& context) {
  const bool last = context.raw()->DropRef();
  context.raw()->AddRef();
  return last;
}

// What a driver does around a part of a flow.
struct FlowMark {
  explicit FlowMark(uint64_t flow) : before(hf_context_flow_swap(flow)) {}
  ~FlowMark() { hf_context_flow_swap(before); }
  const uint64_t before;
};

TEST(ContextSlot, MovesOneReferenceInAndOneOut) {
  Context context = Named("story");
  const Context mine = context;
  EXPECT_EQ(hf_context_swap(context.Release()), nullptr);
  EXPECT_FALSE(context);
  EXPECT_FALSE(OnlyMine(mine)) << "the slot has one";
  hf_context* const back = hf_context_swap(nullptr);
  EXPECT_EQ(back, mine.raw());
  EXPECT_FALSE(OnlyMine(mine)) << "now the caller has it";
  hf_context_unref(back);
  EXPECT_TRUE(OnlyMine(mine));
}

TEST(ContextSlot, KeepsAliveWhatNobodyElseHolds) {
  const ScopedContext scope(Named("only-here"));
  EXPECT_EQ(Context::Current().correlation_id(), "only-here");
}

TEST(ContextFlow, NumbersAreEvenFreshAndNeverZero) {
  std::vector<std::vector<uint64_t>> taken(4);
  std::vector<std::thread> threads;
  for (auto& mine : taken) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 500; ++i) mine.push_back(hf_context_flow_new());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& mine : taken) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 2000u);
  EXPECT_EQ(all.count(0), 0u);
  for (const uint64_t flow : all) EXPECT_EQ(flow % 2, 0u);
}

TEST(ContextFlow, EachThreadHasAMarkOfItsOwn) {
  EXPECT_EQ(hf_context_flow(), 0u);
  const FlowMark mark(8);
  EXPECT_EQ(hf_context_flow(), 8u);
  uint64_t elsewhere = 1;
  std::thread([&] { elsewhere = hf_context_flow(); }).join();
  EXPECT_EQ(elsewhere, 0u);
  EXPECT_EQ(hf_context_flow_swap(10), 8u);
  EXPECT_EQ(hf_context_flow_swap(8), 10u);
}

TEST(ScopedContext, ThatEndsOutsideItsFlowLeavesTheThreadAlone) {
  const Context threads = Named("threads"), before = Named("before"), ours = Named("ours");
  const ScopedContext outer(threads);
  std::optional<ScopedContext> frame;  // as in a coroutine frame that is destroyed elsewhere
  {
    const FlowMark mark(8);
    hf_context_ref(before.raw());
    hf_context* const kept = hf_context_swap(before.raw());
    frame.emplace(ours);
    hf_context_unref(hf_context_swap(kept));
  }
  EXPECT_EQ(Context::Current(), threads);
  frame.reset();
  EXPECT_EQ(Context::Current(), threads);
  EXPECT_TRUE(OnlyMine(before));
  EXPECT_TRUE(OnlyMine(ours));
}

TEST(ScopedContext, IsNotFooledByTheSameContextOutsideItsFlow) {
  const Context story = Named("story");
  const ScopedContext outer(story);
  std::optional<ScopedContext> frame;
  {
    const FlowMark mark(8);
    hf_context* const kept = hf_context_swap(nullptr);
    frame.emplace(story);
    hf_context_unref(hf_context_swap(kept));
  }
  frame.reset();
  EXPECT_EQ(Context::Current(), story) << "the thread's own scope put it there";
}

#ifndef NDEBUG
TEST(ScopedContextDeathTest, OutOfOrderIsADefect) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto first = std::make_unique<ScopedContext>(Named("first"));
        const ScopedContext second(Named("second"));
        first.reset();
      },
      "reverse order");
}
#endif

}  // namespace
}  // namespace holdfast
