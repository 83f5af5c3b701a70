// SPDX-License-Identifier: Apache-2.0
// spdlog: the ids of the current context in any pattern, and Redacted values in any message.
//
//   flag  writes                    flag  writes
//   %Q    correlation id            %W    trace id, 32 hex digits
//   %q    causation id              %N    span id, 16 hex digits
//   %y    request id                %U    tenant
//   %K    all that there are, as name=value pairs (log.h)
//
// None of them is a flag of spdlog's own. "-" stands for what the context does not have. Widths and sides
// work as with other flags: %40Q, %-40Q, %=40Q, and %8!Q cuts. Tested with spdlog 1.10.
//
// A logger made by spdlog::create_async formats in another thread, which has another context: put a
// ContextLogger before it.
#ifndef HOLDFAST_LOGGING_SPDLOG_H_
#define HOLDFAST_LOGGING_SPDLOG_H_

#include <holdfast/log.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>
#ifndef SPDLOG_USE_STD_FORMAT
#include <spdlog/fmt/fmt.h>
// After it: which fmt there is, is spdlog's choice.
#include <holdfast/logging/fmt.h>
#endif

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::logging {

namespace internal {

// Appends with the padding that a pattern asks for; truncation takes from the end, as spdlog's does.
inline void AppendPadded(std::string_view text, const spdlog::details::padding_info& padding,
                         spdlog::memory_buf_t& out) {
  using Side = spdlog::details::padding_info::pad_side;
  if (padding.truncate_) text = text.substr(0, padding.width_);
  const std::size_t missing = padding.width_ - std::min(padding.width_, text.size());
  const std::size_t before = padding.side_ == Side::left     ? missing
                             : padding.side_ == Side::center ? missing / 2
                                                             : 0;
  const auto pad = [&out](std::size_t count) {
    for (; count > 0; --count) out.push_back(' ');
  };
  pad(before);
  out.append(text.data(), text.data() + text.size());
  pad(missing - before);
}

}  // namespace internal

// One field of the context that is current where the line is formatted.
class FieldFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit FieldFlag(LogField field) : field_(field) {}

  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& out) override {
    char buffer[kLogValueMax];
    const std::size_t size = WriteLogValue(field_, buffer);
    internal::AppendPadded(size == 0 ? "-" : std::string_view(buffer, size), padinfo_, out);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<FieldFlag>(field_);
  }

 private:
  const LogField field_;
};

// All fields of it.
class TextFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& out) override {
    const LogText text;
    internal::AppendPadded(text.view().empty() ? "-" : text.view(), padinfo_, out);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<TextFlag>();
  }
};

// Adds the flags above; call set_pattern after it.
inline spdlog::pattern_formatter& AddContextFlags(spdlog::pattern_formatter& formatter) {
  return formatter.add_flag<FieldFlag>('Q', LogField::kCorrelationId)
      .add_flag<FieldFlag>('q', LogField::kCausationId)
      .add_flag<FieldFlag>('W', LogField::kTraceId)
      .add_flag<FieldFlag>('N', LogField::kSpanId)
      .add_flag<FieldFlag>('y', LogField::kRequestId)
      .add_flag<FieldFlag>('U', LogField::kTenant)
      .add_flag<TextFlag>('K');
}

// A formatter with the flags: logger->set_formatter(MakeFormatter("%Y-%m-%dT%T.%e [%l] [%K] %v")).
inline std::unique_ptr<spdlog::pattern_formatter> MakeFormatter(std::string pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  AddContextFlags(*formatter).set_pattern(std::move(pattern));
  return formatter;
}

// A logger that puts the text of the context which is current where one logs before each message, and
// hands it to another logger, asynchronous ones included. It has a level of its own, the other's counts
// too, and its name is the other's. Thread-safe as the other one is.
class ContextLogger final : public spdlog::logger {
 public:
  // `target` is not null.
  explicit ContextLogger(std::shared_ptr<spdlog::logger> target)
      : spdlog::logger(target->name()), target_(std::move(target)) {
    set_level(target_->level());
  }

  std::shared_ptr<spdlog::logger> clone(std::string name) override {
    const auto clone = std::make_shared<ContextLogger>(target_->clone(std::move(name)));
    clone->set_level(level());
    clone->flush_on(flush_level());
    return clone;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const LogText text;
    spdlog::memory_buf_t line;
    line.append(text.view().data(), text.view().data() + text.view().size());
    if (!text.view().empty()) line.push_back(' ');
    line.append(message.payload.data(), message.payload.data() + message.payload.size());
    target_->log(message.time, message.source, message.level,
                 spdlog::string_view_t(line.data(), line.size()));
    if (should_flush_(message)) flush_();
  }
  void flush_() override { target_->flush(); }

 private:
  const std::shared_ptr<spdlog::logger> target_;
};

}  // namespace holdfast::inline v0_5::logging

#endif  // HOLDFAST_LOGGING_SPDLOG_H_
