// SPDX-License-Identifier: Apache-2.0
// Log: the ids of a context as part of a log line, so that one unit of work can be found in all of them.
//
//   correlation_id=order-41 causation_id=b9c7c989f97918e1 trace_id=0af7651916cd43dd8448eb211c80319c
//   span_id=00f067aa0ba902b7 request_id=0193... tenant=acme                                   (one line)
//
// Written into the caller's buffer: no allocation, no lock, no reference count. No id can break out of its
// place in a line, in a quoted string or in JSON: what is not printable ASCII, and also space, " and \, is
// written as %XX (of ids in a context only " and \ can be left; the rest is checked all the same).
// Formatters for spdlog and Abseil: <holdfast/logging/spdlog.h>, <holdfast/logging/absl_log.h>.
#ifndef HOLDFAST_LOG_H_
#define HOLDFAST_LOG_H_

#include <holdfast/c/context.h>
#include <holdfast/context.h>
#include <holdfast/redacted.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <span>
#include <string_view>

namespace holdfast::inline v0_5 {

// The principal and baggage are personal data, or may be: they have no place in a log.
enum class LogField : std::uint8_t {
  kCorrelationId,
  kCausationId,
  kTraceId,
  kSpanId,
  kRequestId,
  kTenant
};

// In the order of a line.
inline constexpr std::array kLogFields{LogField::kCorrelationId, LogField::kCausationId,
                                       LogField::kTraceId,       LogField::kSpanId,
                                       LogField::kRequestId,     LogField::kTenant};

// The name of a field in a line and in JSON.
constexpr std::string_view LogFieldName(LogField field) {
  switch (field) {
    case LogField::kCorrelationId:
      return "correlation_id";
    case LogField::kCausationId:
      return "causation_id";
    case LogField::kTraceId:
      return "trace_id";
    case LogField::kSpanId:
      return "span_id";
    case LogField::kRequestId:
      return "request_id";
    case LogField::kTenant:
      return "tenant";
  }
  return "";
}

// Bytes of the longest value: a tenant in which each byte is written as three.
inline constexpr std::size_t kLogValueMax = 3 * HF_CONTEXT_NAME_MAX;
// Bytes of the longest text: three such ids, a tenant, the trace, and the names.
inline constexpr std::size_t kLogTextMax = 3 * 3 * HF_CONTEXT_ID_MAX + kLogValueMax + 32 + 16 +
                                           kLogFields.size() * sizeof "correlation_id= ";

namespace internal {

// Writes whole parts only, and remembers how far.
class LogCursor {
 public:
  explicit LogCursor(std::span<char> out) : out_(out) {}

  std::size_t size() const { return size_; }
  void Rewind(std::size_t size) { size_ = size; }

  bool Put(std::string_view text) {
    if (text.size() > out_.size() - size_) return false;
    if (!text.empty()) std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }

  bool PutEscaped(std::string_view value) {
    constexpr char kHex[] = "0123456789ABCDEF";
    while (!value.empty()) {
      const auto* const bad = std::find_if_not(value.begin(), value.end(), Harmless);
      const std::size_t good = static_cast<std::size_t>(bad - value.begin());
      if (!Put(value.substr(0, good))) return false;
      value.remove_prefix(good);
      if (value.empty()) break;
      const auto byte = static_cast<unsigned char>(value.front());
      const char escaped[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
      if (!Put({escaped, sizeof escaped})) return false;
      value.remove_prefix(1);
    }
    return true;
  }

 private:
  static bool Harmless(char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; }

  const std::span<char> out_;
  std::size_t size_ = 0;
};

// What a line can say of a context, which must outlive it.
class LogValues {
 public:
  explicit LogValues(const hf_context* context) { hf_context_get(context, &read_); }

  // Empty: the context has none. A view lasts as long as this.
  std::string_view operator[](LogField field) {
    switch (field) {
      case LogField::kCorrelationId:
        return View(read_.correlation_id);
      case LogField::kCausationId:
        return View(read_.causation_id);
      case LogField::kTraceId:
        return OfTrace(3, 32);
      case LogField::kSpanId:
        return OfTrace(36, 16);
      case LogField::kRequestId:
        return View(read_.request_id);
      case LogField::kTenant:
        return View(read_.tenant);
    }
    return {};
  }

 private:
  static std::string_view View(const hf_str& text) { return {text.data, text.size}; }

  std::string_view OfTrace(std::size_t from, std::size_t size) {
    // Written only when asked for: most flags of a pattern name other fields.
    if (traceparent_[0] == '\0' && hf_traceparent_format(&read_.trace, traceparent_) != HF_OK)
      return {};
    return {traceparent_ + from, size};
  }

  hf_context_options read_ = HF_INIT(hf_context_options);
  char traceparent_[HF_TRACEPARENT_SIZE] = {};
};

inline std::size_t WriteLogValue(LogField field, std::span<char> out, const hf_context* context) {
  LogCursor cursor(out);
  return cursor.PutEscaped(LogValues(context)[field]) ? cursor.size() : 0;
}

inline std::size_t WriteLogText(std::span<char> out, const hf_context* context) {
  if (context == nullptr) return 0;
  LogValues values(context);
  LogCursor cursor(out);
  for (const LogField field : kLogFields) {
    const std::string_view value = values[field];
    if (value.empty()) continue;
    const std::size_t before = cursor.size();
    if ((before == 0 || cursor.Put(" ")) && cursor.Put(LogFieldName(field)) && cursor.Put("=") &&
        cursor.PutEscaped(value)) {
      continue;
    }
    cursor.Rewind(before);
  }
  return cursor.size();
}

}  // namespace internal

// Writes one value and says how many bytes that took: 0 if the context has none, or if `out` is too small
// (kLogValueMax always fits): half an id would be another's. Without a context, the thread's current one.
inline std::size_t WriteLogValue(LogField field, std::span<char> out) {
  return internal::WriteLogValue(field, out, hf_context_current());
}
inline std::size_t WriteLogValue(LogField field, std::span<char> out, const Context& context) {
  return internal::WriteLogValue(field, out, context.raw());
}

// Writes name=value of each field the context has, a space between them, and says how many bytes that
// took: 0 for an empty context. A field that does not fit is left out whole (kLogTextMax always fits).
inline std::size_t WriteLogText(std::span<char> out) {
  return internal::WriteLogText(out, hf_context_current());
}
inline std::size_t WriteLogText(std::span<char> out, const Context& context) {
  return internal::WriteLogText(out, context.raw());
}

// The same in a buffer of its own, for the stack: std::clog << holdfast::LogText() << " order stored\n".
class LogText {
 public:
  // Of the thread's current context.
  LogText() : size_(WriteLogText(buffer_)) {}
  explicit LogText(const Context& context) : size_(WriteLogText(buffer_, context)) {}
  LogText(const LogText&) = delete;
  LogText& operator=(const LogText&) = delete;

  std::string_view view() const { return {buffer_, size_}; }
  friend std::ostream& operator<<(std::ostream& out, const LogText& text) {
    return out << text.view();
  }

 private:
  char buffer_[kLogTextMax];
  std::size_t size_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_LOG_H_
