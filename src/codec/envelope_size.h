// SPDX-License-Identifier: Apache-2.0
// How many bytes the parts of an event have when they are written.
#ifndef HOLDFAST_CODEC_ENVELOPE_SIZE_H_
#define HOLDFAST_CODEC_ENVELOPE_SIZE_H_

#include <holdfast/c/envelope.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "codec/envelope_tags.h"

namespace holdfast::codec {

constexpr std::size_t SizeOfVarint(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

// With its tag and its length.
constexpr std::size_t SizeOfBytes(std::size_t size) { return 1 + SizeOfVarint(size) + size; }

// Likewise, but nothing at all where it says what is the case without it.
constexpr std::size_t SizeOfText(const hf_str& text) {
  return text.size == 0 ? 0 : SizeOfBytes(text.size);
}
constexpr std::size_t SizeOfNumber(std::int64_t number) {
  return number == 0 ? 0 : 1 + SizeOfVarint(static_cast<std::uint64_t>(number));
}

constexpr std::size_t SizeOfTimestamp(const hf_attribute& attribute) {
  return SizeOfNumber(attribute.number) + SizeOfNumber(attribute.nanos);
}

// The message CloudEventAttributeValue.
constexpr std::size_t SizeOfValue(const hf_attribute& attribute) {
  switch (attribute.kind) {
    case HF_ATTRIBUTE_BOOLEAN:
    case HF_ATTRIBUTE_INTEGER:
      return 1 + SizeOfVarint(static_cast<std::uint64_t>(attribute.number));
    case HF_ATTRIBUTE_TIMESTAMP:
      return SizeOfBytes(SizeOfTimestamp(attribute));
    case HF_ATTRIBUTE_OPAQUE:
      return attribute.text.size;
    default:
      return SizeOfBytes(attribute.text.size);
  }
}

// The entry of the map.
constexpr std::size_t SizeOfEntry(const hf_attribute& attribute) {
  return SizeOfBytes(attribute.name.size) + SizeOfBytes(SizeOfValue(attribute));
}

// google.protobuf.Any.
constexpr std::size_t SizeOfAny(const hf_envelope& envelope) {
  return SizeOfText(envelope.data_type) + SizeOfText(envelope.data);
}

constexpr std::size_t SizeOfData(const hf_envelope& envelope) {
  switch (envelope.data_kind) {
    case HF_DATA_NONE:
      return 0;
    case HF_DATA_PROTO:
      return SizeOfBytes(SizeOfAny(envelope));
    default:
      return SizeOfBytes(envelope.data.size);
  }
}

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_SIZE_H_
