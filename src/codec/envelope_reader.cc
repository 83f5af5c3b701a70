// SPDX-License-Identifier: Apache-2.0
#include "codec/envelope_reader.h"

namespace holdfast::codec {
namespace {

enum Wire : std::uint32_t { kVarint, kFixed64, kLength, kGroup, kEndGroup, kFixed32 };

std::size_t SizeBetween(const char* at, const char* end) {
  return static_cast<std::size_t>(end - at);
}

WireFault Ended(const char* at, std::size_t beyond) {
  return {at, "ends in the middle of a field", beyond != 0};
}

// The end of what has no length before it.
const char* Pass(const char* at, const char* end, std::size_t size) {
  return size <= SizeBetween(at, end) ? at + size : nullptr;
}

}  // namespace

Number ReadLongNumber(const char* at, const char* end, std::size_t longest) {
  constexpr Number kNone{nullptr, 0};
  const std::size_t left = SizeBetween(at, end);
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < longest && i < left; ++i) {
    const std::uint64_t byte = static_cast<std::uint8_t>(at[i]);
    if (i == kLongestNumber - 1 && byte > 1) return kNone;  // the 64th bit is the last
    read |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) return {at + i + 1, read};
  }
  return kNone;
}

WireFault WhyNoNumber(const char* at, const char* end, std::size_t longest, std::size_t beyond) {
  const std::size_t left = SizeBetween(at, end);
  for (std::size_t i = 0; i < longest; ++i) {
    if (i == left) return Ended(at, beyond);
    if (static_cast<std::uint8_t>(at[i]) < 0x80) break;
  }
  return {at, "has a varint that is too long", false};
}

WireFault WhyNoChunk(const char* at, const char* end, std::size_t beyond) {
  const Number size = ReadNumber(at, end, kLongestLength);
  if (size.end == nullptr) return WhyNoNumber(at, end, kLongestLength, beyond);
  const std::size_t left = SizeBetween(size.end, end);
  if (size.value - left > beyond) return {at, "has a length beyond the end", false};
  return Ended(at, beyond);
}

const char* SkipField(const char* at, const char* end, std::size_t beyond, std::uint32_t* number,
                      WireFault* fault) {
  std::uint32_t groups[kUnknownDepth];  // that are open, by number
  std::uint32_t depth = 0;
  const auto fail = [&](const WireFault& why) {
    *fault = why;
    return nullptr;
  };
  do {
    const char* const begin = at;
    const Number tag = ReadNumber(at, end, kLongestLength);
    if (tag.end == nullptr) return fail(WhyNoNumber(at, end, kLongestLength, beyond));
    const auto field = static_cast<std::uint32_t>(tag.value >> 3);
    if (field == 0 || tag.value > 0xFFFFFFFF) return fail({begin, "has no tag of a field there"});
    if (depth == 0) *number = field;
    at = tag.end;
    switch (tag.value & 7) {
      case kVarint: {
        const Number value = ReadNumber(at, end);
        if (value.end == nullptr) return fail(WhyNoNumber(at, end, kLongestNumber, beyond));
        at = value.end;
        break;
      }
      case kFixed64:
        at = Pass(at, end, 8);
        break;
      case kFixed32:
        at = Pass(at, end, 4);
        break;
      case kLength: {
        const Chunk chunk = ReadChunk(at, end);
        if (chunk.begin == nullptr) return fail(WhyNoChunk(at, end, beyond));
        at = chunk.end;
        break;
      }
      case kGroup:
        if (depth == kUnknownDepth) return fail({begin, "has groups nested too deep"});
        groups[depth++] = field;
        break;
      case kEndGroup:
        if (depth == 0 || groups[depth - 1] != field) {
          return fail({begin, "ends a group that is not open"});
        }
        --depth;
        break;
      default:
        return fail({begin, "has no tag of a field there"});
    }
    if (at == nullptr) return fail(Ended(begin, beyond));
  } while (depth != 0);
  return at;
}

}  // namespace holdfast::codec
