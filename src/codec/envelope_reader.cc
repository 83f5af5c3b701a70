// SPDX-License-Identifier: Apache-2.0
#include "codec/envelope_reader.h"

namespace holdfast::codec {
namespace {

enum Wire : std::uint32_t { kVarint, kFixed64, kLength, kGroup, kEndGroup, kFixed32 };

}  // namespace

[[gnu::cold]] bool WireReader::Short() {
  rule_ = "ends in the middle of a field";
  is_short_ = beyond_ != 0;
  return false;
}

[[gnu::cold]] bool WireReader::Wrong(const char* rule) {
  rule_ = rule;
  return false;
}

bool WireReader::LongVarint(std::uint64_t* value, std::size_t longest) {
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < longest; ++i) {
    if (i == left()) return Short();
    const std::uint64_t byte = static_cast<std::uint8_t>(at_[i]);
    if (i == 9 && byte > 1) break;  // the 64th bit is the last
    read |= (byte & 0x7F) << (7 * i);
    if (byte >= 0x80) continue;
    at_ += i + 1;
    *value = read;
    return true;
  }
  return Wrong("has a varint that is too long");
}

bool WireReader::Tag(std::uint32_t* number, std::uint32_t* wire) {
  const char* const begin = at_;
  std::uint64_t tag = 0;
  if (!LongVarint(&tag, 5)) return false;
  *number = static_cast<std::uint32_t>(tag >> 3);
  *wire = static_cast<std::uint32_t>(tag & 7);
  if (tag >> 3 != 0 && tag <= 0xFFFFFFFF && *wire <= kFixed32) return true;
  at_ = begin;
  return Wrong("has no tag of a field there");
}

bool WireReader::Pass(std::size_t size) {
  if (size > left()) return Short();
  at_ += size;
  return true;
}

bool WireReader::Skip(std::uint32_t* number) {
  std::uint32_t groups[kUnknownDepth];  // that are open, by number
  std::uint32_t depth = 0;
  do {
    const char* const begin = at_;
    std::uint32_t field = 0, wire = 0;
    std::uint64_t value = 0;
    hf_str bytes{};
    if (!Tag(&field, &wire)) return false;
    if (depth == 0) *number = field;
    switch (wire) {
      case kVarint:
        if (!Varint(&value)) return false;
        break;
      case kFixed64:
      case kFixed32:
        if (!Pass(wire == kFixed64 ? 8 : 4)) return false;
        break;
      case kLength:
        if (!Bytes(&bytes)) return false;
        break;
      case kGroup:
        if (depth == kUnknownDepth) {
          at_ = begin;
          return Wrong("has groups nested too deep");
        }
        groups[depth++] = field;
        break;
      default:
        if (depth == 0 || groups[depth - 1] != field) {
          at_ = begin;
          return Wrong("ends a group that is not open");
        }
        --depth;
    }
  } while (depth != 0);
  return true;
}

}  // namespace holdfast::codec
