// SPDX-License-Identifier: Apache-2.0
// Abseil's log: each entry with the ids of the context that was current where it was logged.
//
//   holdfast::logging::AbslContextSink sink([](const holdfast::logging::LogPieces& line) {
//     std::cerr << line.prefix << line.context << ' ' << line.message << '\n';
//   });
//   absl::AddLogSink(&sink);
//
//   I1126 19:36:53.123456    4242 order.cc:17] correlation_id=order-41 trace_id=0af7... order stored
//   |------------------ prefix -------------------||-------------- context ------------| |- message -|
//
// Abseil calls its sinks on the thread that logs, so the current context is the right one; a queue behind
// the sink must copy the pieces. Nothing is allocated here.
//
// The sink is a template over Abseil's two types, because <absl/log> came with LTS 20230125 and the name
// AbslContextSink exists only where the compiler finds it. Where it does not, nothing here is lost but it.
// Compiled and run with LTS 20240722.
#ifndef HOLDFAST_LOGGING_ABSL_LOG_H_
#define HOLDFAST_LOGGING_ABSL_LOG_H_

#include <holdfast/log.h>

#include <string_view>
#include <utility>
#if __has_include(<absl/log/log_sink.h>)
#include <absl/log/log_entry.h>
#include <absl/log/log_sink.h>

#include <functional>
#endif

namespace holdfast::inline v0_5::logging {

// The parts of one line, without its end. Views last for the call.
struct LogPieces {
  std::string_view
      prefix;  // severity, time, thread, file and line, as Abseil writes them; with its space
  std::string_view context;  // log.h; empty without a context
  std::string_view message;
};

// `Sink` has the virtual functions Send(const Entry&) and Flush(), as absl::LogSink; `Entry` the functions
// text_message() and text_message_with_prefix(), as absl::LogEntry. `Write` takes a LogPieces and must
// be callable from several threads at once. An entry without a prefix (NoPrefix) has none here either.
template <class Sink, class Entry, class Write>
class BasicContextSink final : public Sink {
 public:
  explicit BasicContextSink(Write write) : write_(std::move(write)) {}

  void Send(const Entry& entry) override {
    const LogText context;
    const std::string_view message = View(entry.text_message());
    std::string_view prefix = View(entry.text_message_with_prefix());
    prefix.remove_suffix(prefix.ends_with(message) ? message.size() : prefix.size());
    write_(LogPieces{prefix, context.view(), message});
  }

 private:
  // Abseil's view is a type of its own where it was built for C++14.
  template <class Text>
  static std::string_view View(const Text& text) {
    return {text.data(), text.size()};
  }

  Write write_;
};

#if __has_include(<absl/log/log_sink.h>)
using AbslContextSink =
    BasicContextSink<absl::LogSink, absl::LogEntry, std::function<void(const LogPieces&)>>;
#endif

}  // namespace holdfast::inline v0_5::logging

#endif  // HOLDFAST_LOGGING_ABSL_LOG_H_
