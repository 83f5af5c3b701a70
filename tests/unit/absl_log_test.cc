// SPDX-License-Identifier: Apache-2.0
// The sink for Abseil's log, over types of the same shape: this platform's Abseil has no log of its own.
#include <holdfast/logging/absl_log.h>

namespace holdfast::logging {
namespace {

// As absl::LogEntry and absl::LogSink of LTS 20230125 and later.
class Entry {
 public:
  Entry(std::string prefix, std::string message) : line_(prefix + message), skip_(prefix.size()) {}
  std::string_view text_message_with_prefix() const { return line_; }
  std::string_view text_message() const { return std::string_view(line_).substr(skip_); }

 private:
  const std::string line_;
  const std::size_t skip_;
};
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void Send(const Entry& entry) = 0;
  virtual void Flush() {}
};

using Lines = std::vector<std::string>;

auto JoinInto(Lines& lines) {
  return [&lines](const LogPieces& line) {
    lines.push_back(std::string(line.prefix) + "<" + std::string(line.context) + ">" +
                    std::string(line.message));
  };
}

TEST(AbslLog, PutsTheContextBetweenPrefixAndMessage) {
  Lines lines;
  auto write = JoinInto(lines);
  BasicContextSink<Sink, Entry, decltype(write)> ours(write);
  Sink& sink = ours;
  const Entry entry("I1126 19:36:53.123456    4242 order.cc:17] ", "stored");
  sink.Send(entry);
  {
    const ScopedContext scope(Context::Create({.correlation_id = "order-41"}).value());
    sink.Send(entry);
    sink.Send(Entry("", "no prefix"));
    sink.Send(Entry("I1126 19:36:53.123456    4242 order.cc:18] ", ""));
  }
  sink.Flush();
  EXPECT_EQ(lines,
            (Lines{"I1126 19:36:53.123456    4242 order.cc:17] <>stored",
                   "I1126 19:36:53.123456    4242 order.cc:17] <correlation_id=order-41>stored",
                   "<correlation_id=order-41>no prefix",
                   "I1126 19:36:53.123456    4242 order.cc:18] <correlation_id=order-41>"}));
}

TEST(AbslLog, TakesTheContextOfTheThreadThatLogs) {
  Lines lines;
  auto write = JoinInto(lines);
  BasicContextSink<Sink, Entry, decltype(write)> sink(write);
  const ScopedContext scope(Context::Create({.correlation_id = "mine"}).value());
  std::thread([&sink] { sink.Send(Entry("", "theirs")); }).join();
  EXPECT_EQ(lines, Lines{"<>theirs"});
}

}  // namespace
}  // namespace holdfast::logging
