// SPDX-License-Identifier: Apache-2.0
//
// The context value, the current slot of each thread, and children.
#include <gtest/gtest.h>
#include <holdfast/context.h>

#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

constexpr std::string_view kHeader = "00-12345678901234567890123456789012-1234567890123456-01";

Context Make(const ContextOptions& options) {
  auto context = Context::Create(options);
  EXPECT_TRUE(context.ok()) << context.status();
  return context.ok() ? *context : Context();
}

Context Traced() {
  return Make({.correlation_id = "order-1",
               .causation_id = "click-7",
               .trace = ParseTraceparent(kHeader).value(),
               .deadline = 50});
}

TEST(Context, KeepsWhatItWasMadeOf) {
  std::string id = "order-1";
  const Context context = Make({.correlation_id = id, .causation_id = "click-7", .deadline = 50});
  id = "changed";  // copied, not borrowed
  EXPECT_EQ(context.correlation_id(), "order-1");
  EXPECT_EQ(context.causation_id(), "click-7");
  EXPECT_EQ(context.deadline(), 50);
  EXPECT_FALSE(HasTrace(context.trace()));
}

TEST(Context, IsEmptyByDefaultAndReadsAsNothing) {
  const Context context;
  EXPECT_FALSE(context);
  EXPECT_EQ(context.correlation_id(), "");
  EXPECT_EQ(context.causation_id(), "");
  EXPECT_EQ(context.deadline(), 0);
  EXPECT_FALSE(HasTrace(context.trace()));
  EXPECT_TRUE(Make({}));  // a context with nothing in it is a context
}

TEST(Context, TakesIdsUpToTheLimitAndNoFurther) {
  const std::string longest(HF_CONTEXT_ID_MAX, '~');
  EXPECT_EQ(Make({.correlation_id = longest}).correlation_id(), longest);
  const std::string longer = longest + "!";
  const auto refused = Context::Create({.correlation_id = longer});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("correlation_id"), absl::string_view::npos);
}

TEST(Context, RefusesIdsThatCouldBreakAHeaderOrALog) {
  for (const std::string_view id : {"a b", "a\tb", "a\r\nX-Evil: 1", "\xc3\xbc", "a\x7f", " "}) {
    EXPECT_FALSE(Context::Create({.causation_id = id}).ok()) << id;
  }
  EXPECT_FALSE(Context::Create({.correlation_id = std::string_view("a\0b", 3)}).ok());
}

TEST(Context, RefusesHalfATrace) {
  hf_trace half{};
  half.trace_id[0] = 1;
  EXPECT_FALSE(Context::Create({.trace = half}).ok());
  half = {};
  half.span_id[0] = 1;
  EXPECT_FALSE(Context::Create({.trace = half}).ok());
  half = {};
  half.flags = 1;
  EXPECT_FALSE(Context::Create({.trace = half}).ok());
}

TEST(Context, DropsTraceFlagsItDoesNotKnow) {
  hf_trace trace = ParseTraceparent(kHeader).value();
  trace.flags = 0xff;
  EXPECT_EQ(Make({.trace = trace}).trace().flags, 3);
}

TEST(Context, HelpersReadAndWriteTheHeader) {
  EXPECT_EQ(FormatTraceparent(Traced().trace()), kHeader);
  EXPECT_EQ(ParseTraceparent(""), std::nullopt);
  EXPECT_EQ(ParseTraceparent("garbage"), std::nullopt);
  EXPECT_EQ(FormatTraceparent(hf_trace{}), "");
}

TEST(Context, StartBeginsAStory) {
  const auto first = Context::Start(), second = Context::Start({.correlation_id = "order-2"});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(HasTrace(first->trace()));
  EXPECT_EQ(first->correlation_id(), FormatTraceparent(first->trace()).substr(3, 32));
  EXPECT_EQ(first->trace().flags, 2) << "random, not sampled";
  EXPECT_EQ(second->correlation_id(), "order-2");
  EXPECT_NE(FormatTraceparent(first->trace()), FormatTraceparent(second->trace()));
  const auto joined = Context::Start({.trace = ParseTraceparent(kHeader).value()});
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(FormatTraceparent(joined->trace()), kHeader);
}

TEST(Context, AChildKeepsTheStoryAndGetsASpanOfItsOwn) {
  const Context parent = Traced();
  const auto child = parent.Child();
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->correlation_id(), "order-1");
  EXPECT_EQ(child->causation_id(), "1234567890123456") << "the parent's span";
  EXPECT_EQ(child->deadline(), 50);
  const std::string before = FormatTraceparent(parent.trace()),
                    after = FormatTraceparent(child->trace());
  EXPECT_EQ(after.substr(0, 36), before.substr(0, 36)) << "the same trace";
  EXPECT_EQ(after.substr(52), before.substr(52)) << "the same flags";
  EXPECT_NE(after.substr(36, 16), before.substr(36, 16));
  EXPECT_EQ(parent.causation_id(), "click-7") << "the parent is as it was";
}

TEST(Context, AChildTakesTheSpanAndTheCauseItIsGiven) {
  const SpanId span = {0, 0, 0, 0, 0, 0, 0, 9};
  const auto child = Traced().Child({.causation_id = "message-3", .span_id = span});
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->causation_id(), "message-3");
  EXPECT_EQ(FormatTraceparent(child->trace()).substr(36, 16), "0000000000000009");
  EXPECT_FALSE(Traced().Child({.causation_id = "not legal"}).ok());
}

TEST(Context, AChildNeverOutlivesItsParent) {
  EXPECT_EQ(Traced().Child({.deadline = 40})->deadline(), 40);
  EXPECT_EQ(Traced().Child({.deadline = 60})->deadline(), 50);
  EXPECT_EQ(Make({}).Child({.deadline = 60})->deadline(), 60);
  EXPECT_EQ(Make({}).Child()->deadline(), 0);
}

TEST(Context, AChildWithoutATraceKeepsTheCause) {
  const auto child = Make({.correlation_id = "c", .causation_id = "x"}).Child();
  ASSERT_TRUE(child.ok());
  EXPECT_FALSE(HasTrace(child->trace()));
  EXPECT_EQ(child->causation_id(), "x");
  EXPECT_TRUE(Context().Child().ok());
}

Context Full() {
  return Make({.correlation_id = "order-1",
               .trace = ParseTraceparent(kHeader).value(),
               .deadline = 50,
               .retries = 3,
               .attempt = 2,
               .tracestate = "a=1, b=2",
               .baggage = "k=v ; p, x=%c3%a9",
               .request_id = "req-1",
               .tenant = "acme",
               .principal = "ann",
               .criticality = Criticality::kSheddable});
}

void ExpectWhatFullHas(const Context& context) {
  EXPECT_EQ(context.correlation_id(), "order-1");
  EXPECT_EQ(context.tracestate(), "a=1,b=2");
  EXPECT_EQ(context.baggage(), "k=v;p,x=%C3%A9");
  EXPECT_EQ(context.request_id(), "req-1");
  EXPECT_EQ(context.tenant(), "acme");
  EXPECT_EQ(context.principal(), "ann");
  EXPECT_EQ(context.criticality(), Criticality::kSheddable);
}

TEST(Context, KeepsTheListsInOrderAndWithoutSpaces) {
  ExpectWhatFullHas(Full());
  EXPECT_EQ(Make({}).criticality(), std::nullopt);
}

TEST(Context, AChildTakesOverAllButItsOwn) {
  const Context parent = Full();
  const Context child = *parent.Child();
  ExpectWhatFullHas(child);
  EXPECT_EQ(child.retries(), 3);
  EXPECT_EQ(child.deadline(), 50);
  const Context changed = *parent.Child({.tracestate = "mine=1,a=1", .baggage = ""});
  EXPECT_EQ(changed.tracestate(), "mine=1,a=1");
  EXPECT_EQ(changed.baggage(), "");
  EXPECT_FALSE(parent.Child({.baggage = "not legal"}).ok());
}

TEST(Context, DetachedWorkKeepsTheStoryWithoutItsDeadlineAndRetries) {
  const Context parent = Full();
  const Context detached = *parent.Detached();
  ExpectWhatFullHas(detached);
  EXPECT_EQ(FormatTraceparent(detached.trace()), kHeader);
  EXPECT_EQ(detached.deadline(), 0);
  EXPECT_EQ(detached.retries(), 0);
  EXPECT_EQ(detached.attempt(), 0u);
  EXPECT_TRUE(Context().Detached().ok());
}

TEST(Context, RefusesListsThatItCouldNotSend) {
  const hf_trace trace = ParseTraceparent(kHeader).value();
  const auto why = [](const ContextOptions& options) {
    return std::string(Context::Create(options).status().message());
  };
  EXPECT_NE(why({.trace = trace, .tracestate = "A=1"}).find("tracestate"), std::string::npos);
  EXPECT_NE(why({.tracestate = "a=1"}).find("tracestate"), std::string::npos) << "without a trace";
  EXPECT_NE(why({.baggage = "a=1,b"}).find("baggage"), std::string::npos);
  EXPECT_NE(why({.baggage = "a=" + std::string(9000, 'x')}).find("baggage"), std::string::npos);
}

TEST(Context, HoldsTheLargestOfEverything) {
  const std::string id(HF_CONTEXT_ID_MAX, 'i'), name(HF_CONTEXT_NAME_MAX, 'n');
  const std::string baggage = "k=" + std::string(HF_BAGGAGE_MAX - 2, 'v');
  std::string state;
  for (int i = 0; i < 32; ++i) {
    std::string key = std::to_string(i);
    key.resize(256, 'k');
    state += (i == 0 ? "" : ",") + key + "=" + std::string(256, 'v');
  }
  const Context context = *Make({.correlation_id = id,
                                 .causation_id = id,
                                 .trace = ParseTraceparent(kHeader).value(),
                                 .tracestate = state,
                                 .baggage = baggage,
                                 .request_id = id,
                                 .tenant = name,
                                 .principal = name})
                               .Child({.causation_id = id});
  EXPECT_EQ(context.baggage(), baggage);
  EXPECT_EQ(context.tracestate(), state);
  EXPECT_EQ(context.principal(), name);
}

TEST(Context, FreshSpanIdsAreNotZeroAndDiffer) {
  std::set<SpanId> seen;
  for (int i = 0; i < 1000; ++i) {
    const SpanId span = FreshSpanId();
    EXPECT_NE(span, SpanId{});
    seen.insert(span);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(ScopedContext, SetsAndRestoresInNestedScopes) {
  EXPECT_FALSE(Context::Current());
  const Context outer = Make({.correlation_id = "outer"});
  const Context inner = Make({.correlation_id = "inner"});
  {
    const ScopedContext outer_scope(outer);
    EXPECT_EQ(Context::Current(), outer);
    {
      const ScopedContext inner_scope(inner);
      EXPECT_EQ(Context::Current().correlation_id(), "inner");
    }
    EXPECT_EQ(Context::Current().correlation_id(), "outer");
    {
      const ScopedContext detached{Context()};
      EXPECT_FALSE(Context::Current());
    }
    EXPECT_EQ(Context::Current(), outer);
  }
  EXPECT_FALSE(Context::Current());
}

TEST(ScopedContext, KeepsItsContextAliveAndSoDoesACopyOfCurrent) {
  Context kept;
  {
    const ScopedContext scope(Make({.correlation_id = "only-here"}));
    EXPECT_EQ(Context::Current().correlation_id(), "only-here");
    kept = Context::Current();
  }
  EXPECT_EQ(kept.correlation_id(), "only-here");
}

TEST(ScopedContext, RestoresWhenAnExceptionLeavesTheScope) {
  try {
    const ScopedContext scope(Traced());
    throw 1;
  } catch (int) {
  }
  EXPECT_FALSE(Context::Current());
}

TEST(ScopedContext, CannotBeCopiedOrMoved) {
  static_assert(!std::is_copy_constructible_v<ScopedContext>);
  static_assert(!std::is_move_constructible_v<ScopedContext>);
  static_assert(!std::is_copy_assignable_v<ScopedContext>);
  static_assert(std::is_trivially_destructible_v<ContextOptions>, "safe in a co_await with GCC 12");
  static_assert(std::is_trivially_destructible_v<ChildOptions>);
}

TEST(ScopedContext, BelongsToItsThreadAndTravelsOnlyByHand) {
  const ScopedContext scope(Traced());
  std::string seen_bare, seen_attached;
  std::thread([&, taken = Context::Current()] {
    seen_bare = std::string(Context::Current().correlation_id());
    const ScopedContext attached(taken);
    seen_attached = std::string(Context::Current().correlation_id());
  }).join();
  EXPECT_EQ(seen_bare, "");
  EXPECT_EQ(seen_attached, "order-1");
}

TEST(ScopedContext, ManyThreadsShareOneContextAndKeepTheirOwnSlots) {
  const Context shared = Traced();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        const ScopedContext outer(shared);
        const auto child = Context::Current().Child({.causation_id = id});
        if (!child.ok()) {
          ++wrong[t];
          continue;
        }
        const ScopedContext inner(*child);
        wrong[t] += Context::Current().causation_id() != id;
        wrong[t] += Context::Current().correlation_id() != "order-1";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
  EXPECT_FALSE(Context::Current());
}

}  // namespace
}  // namespace holdfast
