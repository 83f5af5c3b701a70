// SPDX-License-Identifier: Apache-2.0
// spdlog, the real one: the flags in its patterns, and where an asynchronous logger finds its context.
#include <holdfast/logging/spdlog.h>
#include <spdlog/async.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace holdfast::logging {
namespace {

constexpr std::string_view kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01";

Context Order() {
  return Context::Create({.correlation_id = "order-41",
                          .causation_id = "step-1",
                          .trace = *ParseTraceparent(kTraceparent),
                          .request_id = "request-7",
                          .tenant = "acme"})
      .value();
}

// A logger into a string.
class Spdlog : public testing::Test {
 protected:
  std::string Line(std::string pattern, std::string_view message = "stored") {
    text_.str("");
    logger_.set_formatter(MakeFormatter(std::move(pattern)));
    logger_.info("{}", message);
    return text_.str();
  }

  std::ostringstream text_;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_ =
      std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
  spdlog::logger logger_{"test", sink_};
};

TEST_F(Spdlog, WritesTheIdsOfTheCurrentContext) {
  const ScopedContext scope(Order());
  EXPECT_EQ(
      Line("[%l] %Q %q %W %N %y %U: %v"),
      "[info] order-41 step-1 0af7651916cd43dd8448eb211c80319c b9c7c989f97918e1 request-7 acme: "
      "stored\n");
  EXPECT_EQ(
      Line("[%K] %v"),
      "[correlation_id=order-41 causation_id=step-1 trace_id=0af7651916cd43dd8448eb211c80319c "
      "span_id=b9c7c989f97918e1 request_id=request-7 tenant=acme] stored\n");
}

TEST_F(Spdlog, WritesADashForWhatThereIsNot) {
  EXPECT_EQ(Line("%Q|%q|%W|%N|%y|%U|%K|%v"), "-|-|-|-|-|-|-|stored\n");
  const ScopedContext scope(Context::Create({.correlation_id = "a"}).value());
  EXPECT_EQ(Line("%Q|%q|%W|%N|%y|%U|%K|%v"), "a|-|-|-|-|-|correlation_id=a|stored\n");
}

TEST_F(Spdlog, PadsAndCutsAsWithOtherFlags) {
  const ScopedContext scope(Order());
  // %n, the logger's name, is spdlog's own flag: the same width must do the same to it.
  EXPECT_EQ(Line("%10Q|%10n|%v"), "  order-41|      test|stored\n");
  EXPECT_EQ(Line("%-10Q|%-10n|%v"), "order-41  |test      |stored\n");
  EXPECT_EQ(Line("%=11Q|%=11n|%v"), " order-41  |   test    |stored\n");
  EXPECT_EQ(Line("%3!Q|%3!n|%v"), "ord|tes|stored\n");
  EXPECT_EQ(Line("%3Q|%3n|%v"), "order-41|test|stored\n");
}

// spdlog writes a flag it does not know as it stands.
TEST_F(Spdlog, KeepsItsOwnFlags) {
  logger_.set_pattern("%Q %q %W %N %y %U %K");
  logger_.info("");
  EXPECT_EQ(text_.str(), "%Q %q %W %N %y %U %K\n");
  EXPECT_EQ(Line("%n %l %L %% %v"), "test info I % stored\n");
}

TEST_F(Spdlog, ShowsNoSecret) {
  const std::string token = "hunter2";
  logger_.set_pattern("%v");
  logger_.info("token={} pin={:>12}|{:<12}|", Redacted(token), Redacted(4711),
               Redacted<std::string>(token));
  logger_.info("{}", fmt::to_string(Redacted(token)));
  EXPECT_EQ(text_.str(), "token=[redacted] pin=  [redacted]|[redacted]  |\n[redacted]\n");
}

TEST_F(Spdlog, KeepsAHostileIdOnItsLineAndInItsQuotes) {
  const ScopedContext scope(Context::Create({.correlation_id = R"(","admin":"yes\)"}).value());
  EXPECT_EQ(Line(R"({"id":"%Q"})"), "{\"id\":\"%22,%22admin%22:%22yes%5C\"}\n");
  EXPECT_FALSE(Context::Create({.correlation_id = "a\nE0000 forged line"}).ok());
}

TEST_F(Spdlog, FollowsTheThreadThatLogsToAnAsynchronousSink) {
  auto pool = std::make_shared<spdlog::details::thread_pool>(64, 1);
  const auto slow = std::make_shared<spdlog::async_logger>("slow", sink_, pool,
                                                           spdlog::async_overflow_policy::block);
  slow->set_formatter(MakeFormatter("%n %l %Q %v"));
  ContextLogger logger(slow);
  {
    const ScopedContext scope(Context::Create({.correlation_id = "order-41"}).value());
    logger.info("stored {}", 1);
    logger.debug("not at this level");
  }
  logger.warn("no context");
  logger.flush();
  // The pool's thread joins when it goes, with all that was queued written.
  pool.reset();
  EXPECT_EQ(text_.str(),
            "slow info - correlation_id=order-41 stored 1\nslow warning - no context\n")
      << "%Q is empty there: the worker has no context of its own";
}

TEST_F(Spdlog, ClonesAContextLogger) {
  const auto target = std::make_shared<spdlog::logger>("target", sink_);
  target->set_pattern("%n %v");
  ContextLogger logger(target);
  logger.set_level(spdlog::level::warn);
  const std::shared_ptr<spdlog::logger> clone = logger.clone("clone");
  const ScopedContext scope(Context::Create({.correlation_id = "a"}).value());
  clone->info("below its level");
  clone->warn("two");
  EXPECT_EQ(text_.str(), "clone correlation_id=a two\n");
}

}  // namespace
}  // namespace holdfast::logging
