// SPDX-License-Identifier: Apache-2.0
// The fields of io.cloudevents.v1, as the one byte that their tags are.
#ifndef HOLDFAST_CODEC_ENVELOPE_TAGS_H_
#define HOLDFAST_CODEC_ENVELOPE_TAGS_H_

#include <holdfast/c/envelope.h>

#include <cstdint>
#include <string_view>

namespace holdfast::codec::tag {

constexpr std::uint8_t Varint(int number) { return static_cast<std::uint8_t>(number << 3); }
constexpr std::uint8_t Length(int number) { return static_cast<std::uint8_t>(number << 3 | 2); }

inline constexpr std::uint32_t kLastOfEvent = 8, kLastOfValue = 7, kLastOfBatch = 1;

// CloudEvent
inline constexpr std::uint8_t kId = Length(1), kSource = Length(2), kSpecVersion = Length(3),
                              kType = Length(4), kAttribute = Length(5), kBinary = Length(6),
                              kText = Length(7), kProto = Length(8);
// an entry of its map
inline constexpr std::uint8_t kKey = Length(1), kValue = Length(2);
// CloudEventAttributeValue
inline constexpr std::uint8_t kBoolean = Varint(HF_ATTRIBUTE_BOOLEAN),
                              kInteger = Varint(HF_ATTRIBUTE_INTEGER),
                              kString = Length(HF_ATTRIBUTE_STRING),
                              kBytes = Length(HF_ATTRIBUTE_BYTES), kUri = Length(HF_ATTRIBUTE_URI),
                              kUriRef = Length(HF_ATTRIBUTE_URI_REF),
                              kTimestamp = Length(HF_ATTRIBUTE_TIMESTAMP);
// google.protobuf.Timestamp
inline constexpr std::uint8_t kSeconds = Varint(1), kNanos = Varint(2);
// google.protobuf.Any
inline constexpr std::uint8_t kTypeUrl = Length(1), kAnyValue = Length(2);
// CloudEventBatch
inline constexpr std::uint8_t kEvent = Length(1);

}  // namespace holdfast::codec::tag

namespace holdfast::codec {

inline constexpr std::string_view kSpecVersion = "1.0";

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_TAGS_H_
