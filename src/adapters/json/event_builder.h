// SPDX-License-Identifier: Apache-2.0
// An event out of its members, one after the other, in any order.
#ifndef HOLDFAST_ADAPTERS_JSON_EVENT_BUILDER_H_
#define HOLDFAST_ADAPTERS_JSON_EVENT_BUILDER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/envelope.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::json {

inline constexpr std::string_view kData = "data";

class EventBuilder {
 public:
  // The member whose value comes next. Errors: it came before, there are too many, or it is no attribute's name.
  absl::Status Name(std::string_view name);
  bool at_data() const { return name_ == kData; }

  // Its value, if it is not `data`. Errors: a type or a value that it may not have.
  absl::Status Boolean(bool value);
  absl::Status Integer(std::int64_t value);
  absl::Status Fraction();
  absl::Status Text(const std::string& text);
  absl::Status Nested();

  // The value of `data`: its bytes in the text, and what they say if they are a string.
  void Data(std::string_view json, std::optional<std::string> text);

  // The event. Errors: a required attribute is missing, data that does not go with the rest, over a limit.
  absl::StatusOr<Envelope> Finish(const EnvelopeLimits& limits);

 private:
  absl::Status Fail(std::string_view why) const;
  absl::Status Put(const Attribute& attribute);
  absl::Status SpecVersion(std::string_view text);
  absl::Status Base64(std::string_view text);
  absl::Status SettleData();
  void SettleBase64();

  Envelope event_;
  std::string name_;
  std::vector<std::string> names_;
  bool versioned_ = false;
  std::optional<std::string_view> json_;    // of data
  std::optional<std::string> json_text_;    // of data that is a string
  std::optional<std::string> data_base64_;  // decoded
};

}  // namespace holdfast::inline v0_5::json

#endif  // HOLDFAST_ADAPTERS_JSON_EVENT_BUILDER_H_
