// SPDX-License-Identifier: Apache-2.0
// Baggage: what an application wants to travel with a request. Key, value, properties; in order.
//
// A value type over one canonical header value. Keys are RFC 9110 tokens, to the letter, and may come twice.
// Values are any UTF-8, percent-encoded on the wire; what is not UTF-8 reads as U+FFFD; `+` is itself.
// Limits: 180 members, 8192 bytes. A member with the property kPrivate is personal data: seen in
// process, and written into no header (propagation.h). Source: W3C Baggage. Thread-safe as a std::string is.
#ifndef HOLDFAST_BAGGAGE_H_
#define HOLDFAST_BAGGAGE_H_

#include <absl/status/status.h>
#include <holdfast/c/formats.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

class Baggage {
 public:
  static constexpr std::string_view kPrivate = HF_BAGGAGE_PRIVATE;

  struct Property {
    std::string key;
    std::optional<std::string> value = {};  // decoded; nullopt: a bare key
    friend bool operator==(const Property&, const Property&) = default;
  };
  struct Member {
    std::string key;
    std::string value;  // decoded
    std::vector<Property> properties = {};

    bool is_private() const {
      return std::any_of(properties.begin(), properties.end(),
                         [](const Property& property) { return property.key == kPrivate; });
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  Baggage() = default;

  // Reads header values as one list, in their order. Malformed members, and what is beyond the limits, are left
  // out, and counted in *dropped (nullable).
  static Baggage Parse(std::span<const std::string_view> values, std::uint32_t* dropped = nullptr) {
    std::vector<hf_str> raw;
    for (const std::string_view value : values) raw.push_back({value.data(), value.size()});
    Baggage read;
    read.text_.resize(HF_BAGGAGE_MAX);
    std::size_t size = 0;
    hf_baggage_parse(raw.data(), raw.size(), read.text_.data(), read.text_.size(), &size, dropped);
    read.text_.resize(size);
    read.text_.shrink_to_fit();
    return read;
  }
  static Baggage Parse(std::string_view value, std::uint32_t* dropped = nullptr) {
    return Parse(std::span(&value, 1), dropped);
  }

  // The header value, private members included: for a context, not for the wire.
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

  std::vector<Member> members() const {
    std::vector<Member> members;
    for (std::string_view left = text_; !left.empty();) members.push_back(Read(Take(left, ',')));
    return members;
  }

  // The value of the first member of that key.
  std::optional<std::string> Get(std::string_view key) const {
    for (std::string_view left = text_; !left.empty();) {
      const std::string_view member = Take(left, ',');
      if (KeyOf(member) == key) return Read(member).value;
    }
    return std::nullopt;
  }

  // Adds a member at the right end, whether or not there are others of its key. A key that was private stays
  // so, here and in Set, until Erase.
  // Errors: kInvalidArgument: a key that is no token; kResourceExhausted: beyond the limits. Nothing is
  // changed then.
  absl::Status Add(std::string_view key, std::string_view value,
                   std::span<const Property> properties = {}) {
    return Put(text_, key, value, properties);
  }

  // Adds it in place of all members of its key. Errors: as Add.
  absl::Status Set(std::string_view key, std::string_view value,
                   std::span<const Property> properties = {}) {
    return Put(Without(key), key, value, properties);
  }
  // Likewise, as personal data.
  absl::Status SetPrivate(std::string_view key, std::string_view value) {
    const Property mark{std::string(kPrivate)};
    return Set(key, value, std::span(&mark, 1));
  }

  // Whether there was one.
  bool Erase(std::string_view key) {
    std::string kept = Without(key);
    const bool found = kept.size() != text_.size();
    text_ = std::move(kept);
    return found;
  }

  friend bool operator==(const Baggage&, const Baggage&) = default;

 private:
  static std::string_view Take(std::string_view& left, char end) {
    const std::size_t at = left.find(end);
    const std::string_view part = left.substr(0, at);
    left.remove_prefix(at == std::string_view::npos ? left.size() : at + 1);
    return part;
  }

  static std::string_view KeyOf(std::string_view member) { return Take(member, '='); }

  static Member Read(std::string_view member) {
    std::string_view first = Take(member, ';');
    Member read{.key = std::string(Take(first, '=')), .value = Decode(first)};
    while (!member.empty()) {
      std::string_view property = Take(member, ';');
      const bool has_value = property.find('=') != std::string_view::npos;
      read.properties.push_back({std::string(Take(property, '='))});
      if (has_value) read.properties.back().value = Decode(property);
    }
    return read;
  }

  // What was parsed or encoded here has no broken escape, and decoding never makes it longer.
  static std::string Decode(std::string_view value) {
    std::string text(value.size(), '\0');
    std::size_t size = 0;
    hf_baggage_decode(value.data(), value.size(), text.data(), text.size(), &size);
    text.resize(size);
    return text;
  }

  static std::string Encode(std::string_view text) {
    std::size_t size = 0;
    hf_baggage_encode(text.data(), text.size(), nullptr, 0, &size);
    std::string value(size, '\0');
    hf_baggage_encode(text.data(), text.size(), value.data(), value.size(), nullptr);
    return value;
  }

  static bool IsToken(std::string_view key) {
    constexpr std::string_view kToken =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return !key.empty() && key.find_first_not_of(kToken) == std::string_view::npos;
  }

  bool IsPrivate(std::string_view key) const {
    for (std::string_view left = text_; !left.empty();) {
      const std::string_view member = Take(left, ',');
      if (KeyOf(member) == key && Read(member).is_private()) return true;
    }
    return false;
  }

  std::string Without(std::string_view key) const {
    std::string kept;
    for (std::string_view left = text_; !left.empty();) {
      const std::string_view member = Take(left, ',');
      if (KeyOf(member) != key) kept.append(kept.empty() ? "" : ",").append(member);
    }
    return kept;
  }

  absl::Status Put(std::string list, std::string_view key, std::string_view value,
                   std::span<const Property> properties) {
    bool legal = IsToken(key);
    list.append(list.empty() ? "" : ",").append(key).append("=").append(Encode(value));
    bool tagged = !IsPrivate(key);
    for (const Property& property : properties) {
      tagged = tagged || property.key == kPrivate;
      legal = legal && IsToken(property.key);
      list.append(";").append(property.key);
      if (property.value) list.append("=").append(Encode(*property.value));
    }
    if (!tagged) list.append(";").append(kPrivate);
    if (!legal) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "baggage: the key is no HTTP token");
    }
    const auto members = std::count(list.begin(), list.end(), ',') + 1;
    if (list.size() > HF_BAGGAGE_MAX || members > static_cast<std::ptrdiff_t>(HF_BAGGAGE_MEMBERS)) {
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE,
                        "baggage: more than 180 members, or 8192 bytes");
    }
    text_ = std::move(list);
    return absl::OkStatus();
  }

  std::string text_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_BAGGAGE_H_
