// SPDX-License-Identifier: Apache-2.0
// Protobuf's wire format, field by field, where the byte at fault is part of the answer (protozero throws, and
// tells no place). Nothing beyond the end is read, nothing recurses.
//
// Stricter than libprotobuf in one thing: a varint that holds more than 64 bits is refused.
#ifndef HOLDFAST_CODEC_ENVELOPE_READER_H_
#define HOLDFAST_CODEC_ENVELOPE_READER_H_

#include <holdfast/c/base.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::size_t kLongestLength = 0x7FFFFFFF;  // of anything in a protobuf message
inline constexpr std::uint32_t kUnknownDepth = 16;         // of groups in an unknown field

class WireReader {
 public:
  // `beyond` bytes more belong to the message and are not at hand.
  WireReader(const char* begin, const char* end, std::size_t beyond = 0)
      : at_(begin), end_(end), beyond_(beyond) {}
  explicit WireReader(std::string_view bytes)
      : WireReader(bytes.data(), bytes.data() + bytes.size()) {}

  bool done() const { return at_ == end_; }
  const char* at() const { return at_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::size_t beyond() const { return beyond_; }

  // After a false: what was wrong at at(), and whether more bytes may put it right.
  const char* rule() const { return rule_; }
  bool is_short() const { return is_short_; }

  // The next byte, which must be there: the tag of a field below 16.
  std::uint8_t Peek() const { return static_cast<std::uint8_t>(*at_); }
  void Advance(std::size_t size) { at_ += size; }

  bool Varint(std::uint64_t* value) {
    if (at_ != end_ && Peek() < 0x80) {
      *value = static_cast<std::uint8_t>(*at_++);
      return true;
    }
    return LongVarint(value, 10);
  }
  // The size of what follows, all of which belongs to the message but may not be at hand.
  bool Length(std::size_t* size) {
    std::uint64_t value = 0;
    if (at_ != end_ && Peek() < 0x80) {
      value = static_cast<std::uint8_t>(*at_++);
    } else if (!LongVarint(&value, 5)) {
      return false;
    }
    *size = value;
    if (value <= left()) return true;
    return value - left() <= beyond_ || Wrong("has a length beyond the end");
  }
  // What has a length, and is at hand.
  bool Bytes(hf_str* out) {
    std::size_t size = 0;
    if (!Length(&size)) return false;
    if (size > left()) return Short();
    *out = {at_, size};
    at_ += size;
    return true;
  }
  // A whole field, its tag included. *number is its number.
  bool Skip(std::uint32_t* number);

  bool Short();
  bool Wrong(const char* rule);

 private:
  bool LongVarint(std::uint64_t* value, std::size_t longest);
  bool Tag(std::uint32_t* number, std::uint32_t* wire);
  bool Pass(std::size_t size);

  const char* at_;
  const char* const end_;
  const std::size_t beyond_;
  const char* rule_ = nullptr;
  bool is_short_ = false;
};

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_READER_H_
