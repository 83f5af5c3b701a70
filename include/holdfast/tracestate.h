// SPDX-License-Identifier: Apache-2.0
// Tracestate: what tracing vendors add to a trace, newest member first.
//
// A value type over one canonical header value. Limits: 32 members; key [a-z0-9][a-z0-9_*/@-]{0,255}; value
// 1..256 bytes of 0x20..0x7E but "," and "=", no space at its end. Source: W3C Trace Context 2, 3.3.
// Thread-safe as a std::string is.
#ifndef HOLDFAST_TRACESTATE_H_
#define HOLDFAST_TRACESTATE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/formats.h>
#include <holdfast/status.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

class Tracestate {
 public:
  struct Member {
    std::string_view key, value;  // of the object they came from
  };

  Tracestate() = default;

  // Reads header values as one list, in their order. Of a key the first member counts.
  // Errors: kInvalidArgument: a malformed member, or more than 32: then nothing of it counts.
  static absl::StatusOr<Tracestate> Parse(std::span<const std::string_view> values) {
    std::vector<hf_str> raw;
    std::size_t room = 0;
    for (const std::string_view value : values) {
      raw.push_back({value.data(), value.size()});
      room += value.size() + 1;
    }
    std::string text(room, '\0');
    std::size_t size = 0;
    const hf_code code =
        hf_tracestate_parse(raw.data(), raw.size(), text.data(), text.size(), &size);
    if (code != HF_OK) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                        "tracestate: a malformed member, or more than 32");
    }
    text.resize(size);
    return Tracestate(std::move(text));
  }
  static absl::StatusOr<Tracestate> Parse(std::string_view value) {
    return Parse(std::span(&value, 1));
  }

  // The header value; empty: none is to be sent.
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

  std::vector<Member> members() const {
    std::vector<Member> members;
    for (std::string_view left = text_; !left.empty();) members.push_back(Split(Take(left)));
    return members;
  }

  std::optional<std::string_view> Get(std::string_view key) const {
    for (std::string_view left = text_; !left.empty();) {
      const Member member = Split(Take(left));
      if (member.key == key) return member.value;
    }
    return std::nullopt;
  }

  // Puts a member at the left, where the newest are; one of that key leaves its place, and a 33rd falls off the
  // right end. Errors: kInvalidArgument: an illegal key or value; nothing is changed then.
  absl::Status Set(std::string_view key, std::string_view value) {
    std::string member(key);
    member.append("=").append(value);
    if (!IsOneMember(key, value, member)) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "tracestate: an illegal key or value");
    }
    std::size_t count = 1;
    for (std::string_view left = text_; !left.empty() && count < HF_TRACESTATE_MEMBERS;) {
      const std::string_view other = Take(left);
      if (Split(other).key == key) continue;
      member.append(",").append(other);
      ++count;
    }
    text_ = std::move(member);
    return absl::OkStatus();
  }

  // Whether it was there.
  bool Erase(std::string_view key) {
    std::string kept;
    bool found = false;
    for (std::string_view left = text_; !left.empty();) {
      const std::string_view member = Take(left);
      if (Split(member).key == key) {
        found = true;
      } else {
        kept.append(kept.empty() ? "" : ",").append(member);
      }
    }
    text_ = std::move(kept);
    return found;
  }

  friend bool operator==(const Tracestate&, const Tracestate&) = default;

 private:
  explicit Tracestate(std::string text) : text_(std::move(text)) {}

  static std::string_view Take(std::string_view& left) {
    const std::size_t comma = left.find(',');
    const std::string_view member = left.substr(0, comma);
    left.remove_prefix(comma == std::string_view::npos ? left.size() : comma + 1);
    return member;
  }

  static Member Split(std::string_view member) {
    const std::size_t equals = member.find('=');
    return {member.substr(0, equals), member.substr(equals + 1)};
  }

  static bool IsOneMember(std::string_view key, std::string_view value, const std::string& member) {
    if (key.find_first_of(",=") != key.npos || value.find_first_of(",=") != value.npos)
      return false;
    const absl::StatusOr<Tracestate> read = Parse(member);
    return read.ok() && read->text_ == member;
  }

  std::string text_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_TRACESTATE_H_
