// SPDX-License-Identifier: Apache-2.0
// ReadJson and ReadJsonBatch: the events of a text.
#include <holdfast/json/envelope.h>

#include <optional>
#include <utility>

#include "adapters/json/event_builder.h"
#include "adapters/json/limits.h"
#include "adapters/json/scan.h"

namespace holdfast::inline v0_5::json {
namespace {

absl::Status Malformed(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, text);
}

// Hears the parser, and puts events together. Levels: 0 is the text, 1 a batch, event_level_ within an event, and
// what is deeper is within its data.
class EventReader {
 public:
  EventReader(std::string_view text, const JsonLimits& limits, bool batch)
      : text_(text), limits_(limits), event_level_(batch ? 2 : 1), seen_(text.data()) {}

  absl::StatusOr<std::vector<Envelope>> Read() {
    const std::size_t zero = text_.find('\0');  // to the parser it would be the end
    if (zero != std::string_view::npos) {
      return Malformed("byte " + std::to_string(zero) + ": is no JSON in UTF-8");
    }
    const char* const end = text_.data() + text_.size();
    const bool ok = Json::sax_parse(Cursor(text_.data(), &seen_), Cursor(end, &seen_), this);
    if (!ok) return status_;
    return std::move(events_);
  }

  bool null() {
    return Value([] { return absl::OkStatus(); });
  }
  bool boolean(bool value) {
    return Value([&] { return builder_.Boolean(value); });
  }
  bool number_integer(std::int64_t value) {
    return Value([&] { return builder_.Integer(value); });
  }
  bool number_unsigned(std::uint64_t value) {
    return value > INT64_MAX ? Value([&] { return builder_.Fraction(); })
                             : number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(long double, const std::string&) {
    return Value([&] { return builder_.Fraction(); });
  }
  bool string(std::string& text) {
    if (level_ == event_level_ && builder_.at_data()) {
      builder_.Data(ValueAt(value_begin_, seen_), std::move(text));
      return true;
    }
    return Value([&] { return builder_.Text(text); });
  }
  bool binary(Json::binary_t&) { return false; }  // not of JSON

  bool start_object(std::size_t) {
    if (level_ + 1 != event_level_) return Open();
    if (events_.size() == MaxEvents(limits_)) {
      return Fail(
          MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "more events than max_events"));
    }
    ++level_;
    builder_ = {};
    event_begin_ = seen_ - 1;
    return true;
  }
  bool start_array(std::size_t) {
    if (level_ + 1 == event_level_) return FailKind();
    return Open();
  }
  bool key(std::string& name) {
    if (level_ != event_level_) return true;
    if (absl::Status status = builder_.Name(name); !status.ok()) return Fail(status);
    value_begin_ = ValueAfterName(seen_, text_.data() + text_.size());
    return true;
  }
  bool end_object() {
    if (level_-- != event_level_) return Close();
    if (static_cast<std::uint64_t>(seen_ - event_begin_) > MaxSize(limits_)) {
      return Fail(MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "larger than max_size"));
    }
    auto event = builder_.Finish(limits_.event);
    if (!event.ok()) return FailEvent(event.status());
    events_.push_back(*std::move(event));
    return true;
  }
  bool end_array() {
    --level_;
    return Close();
  }

  bool parse_error(std::size_t read, const std::string&, const nlohmann::detail::exception& error) {
    constexpr int kNumberOverflow = 406;  // what the error says beyond that shows the text
    return Fail(Malformed(error.id == kNumberOverflow ? "a number beyond what can be read"
                                                      : "is no JSON in UTF-8"),
                text_.data() + read - 1);
  }

 private:
  // A value that is no object and no array.
  template <class Member>
  bool Value(Member member) {
    if (level_ > event_level_) return true;
    if (level_ < event_level_) return FailKind();
    if (builder_.at_data()) {
      builder_.Data(ValueAt(value_begin_, seen_), std::nullopt);
      return true;
    }
    const absl::Status status = member();
    return status.ok() || Fail(status, value_begin_);
  }

  bool Open() {
    if (level_ == event_level_ && !builder_.at_data()) return Fail(builder_.Nested());
    if (level_ + 1 < event_level_ && *(seen_ - 1) != '[') return FailKind();
    ++level_;
    if (level_ <= std::uint64_t{event_level_} + MaxDepth(limits_)) return true;
    return Fail(
        MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "data: deeper than max_depth"));
  }
  bool Close() {
    if (level_ == event_level_) builder_.Data(ValueAt(value_begin_, seen_), std::nullopt);
    return true;
  }

  bool FailKind() {
    return Fail(Malformed(level_ + 1 == event_level_ ? "an event is an object"
                                                     : "a batch is an array of events"));
  }
  // "event 3: byte 61: ..."
  bool Fail(const absl::Status& status) { return Fail(status, seen_ - 1); }
  bool Fail(const absl::Status& status, const char* at) {
    return FailEvent(status, "byte " + std::to_string(at - text_.data()) + ": ");
  }
  bool FailEvent(const absl::Status& status, std::string place = "") {
    if (event_level_ == 2) place.insert(0, "event " + std::to_string(events_.size()) + ": ");
    const auto rejection = RejectionOf(status);
    status_ = MakeStatus(static_cast<hf_code>(status.code()),
                         rejection ? rejection->reason : HF_R_MALFORMED,
                         place + std::string(status.message()));
    return false;
  }

  const std::string_view text_;
  const JsonLimits& limits_;
  const std::uint32_t event_level_;
  const char* seen_;
  std::uint32_t level_ = 0;
  EventBuilder builder_;
  const char* event_begin_ = nullptr;
  const char* value_begin_ = nullptr;
  std::vector<Envelope> events_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Envelope> ReadJson(std::string_view text, const JsonLimits& limits) {
  text = TrimJson(text);
  if (text.size() > MaxSize(limits)) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "larger than max_size");
  }
  auto events = EventReader(text, limits, false).Read();
  if (!events.ok()) return events.status();
  return std::move(events->front());
}

absl::StatusOr<std::vector<Envelope>> ReadJsonBatch(std::string_view text,
                                                    const JsonLimits& limits) {
  return EventReader(text, limits, true).Read();
}

}  // namespace holdfast::inline v0_5::json
