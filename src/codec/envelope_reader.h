// SPDX-License-Identifier: Apache-2.0
// Protobuf's wire format where the byte at fault is part of the answer (protozero throws, and tells no place). Nothing
// beyond the end is read, nothing recurses.
//
// What is read comes back in two registers, and no position is kept in memory: that is what makes reading quick. Why
// something could not be read is found out afterwards.
//
// Stricter than libprotobuf in one thing: a varint that holds more than 64 bits is refused.
#ifndef HOLDFAST_CODEC_ENVELOPE_READER_H_
#define HOLDFAST_CODEC_ENVELOPE_READER_H_

#include <holdfast/c/base.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::size_t kLongestNumber = 10;   // bytes of a varint
inline constexpr std::size_t kLongestLength = 5;    // likewise of a length, or of a tag
inline constexpr std::uint32_t kUnknownDepth = 16;  // of groups in an unknown field

// A varint, and where it ends; null: there is none.
struct Number {
  const char* end;
  std::uint64_t value;
};
// Bytes with their length before them; null: there are none.
struct Chunk {
  const char* begin;
  const char* end;

  std::size_t size() const { return static_cast<std::size_t>(end - begin); }
  hf_str text() const { return {begin, size()}; }
};

Number ReadLongNumber(const char* at, const char* end, std::size_t longest);

inline Number ReadNumber(const char* at, const char* end, std::size_t longest = kLongestNumber) {
  if (at != end && static_cast<std::uint8_t>(*at) < 0x80) {
    return {at + 1, static_cast<std::uint8_t>(*at)};
  }
  return ReadLongNumber(at, end, longest);
}

// Their size, all of which is before the end.
inline Chunk ReadChunk(const char* at, const char* end) {
  const Number size = ReadNumber(at, end, kLongestLength);
  if (size.end == nullptr || size.value > static_cast<std::size_t>(end - size.end)) {
    return {nullptr, nullptr};
  }
  return {size.end, size.end + size.value};
}

// Those of the field with this tag, which is below 16; null also if there is no such field next.
inline Chunk ReadField(std::uint8_t tag, const char* at, const char* end) {
  if (at == end || static_cast<std::uint8_t>(*at) != tag) return {nullptr, nullptr};
  return ReadChunk(at + 1, end);
}

// Why something could not be read.
struct WireFault {
  const char* at = nullptr;
  std::string_view rule;  // static
  bool is_short =
      false;  // the `beyond` bytes that belong to the message too, and are not at hand, may put it right
};
WireFault WhyNoNumber(const char* at, const char* end, std::size_t longest, std::size_t beyond);
WireFault WhyNoChunk(const char* at, const char* end, std::size_t beyond);

// The end of the field whose tag is at `at`; *number is the field's number. Null, and *fault filled: there is none.
const char* SkipField(const char* at, const char* end, std::size_t beyond, std::uint32_t* number,
                      WireFault* fault);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_READER_H_
