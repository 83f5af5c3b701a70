// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "codec/envelope.h"
#include "codec/envelope_size.h"
#include "codec/envelope_tags.h"

namespace holdfast::codec {
namespace {

class WireWriter {
 public:
  explicit WireWriter(char* out) : at_(out) {}

  char* at() const { return at_; }

  void Byte(std::uint8_t byte) { *at_++ = static_cast<char>(byte); }
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
    Byte(static_cast<std::uint8_t>(value));
  }
  void Raw(const hf_str& bytes) {
    if (bytes.size != 0) std::memcpy(at_, bytes.data, bytes.size);
    at_ += bytes.size;
  }
  void Header(std::uint8_t tag, std::size_t size) {
    Byte(tag);
    Varint(size);
  }
  void Bytes(std::uint8_t tag, const hf_str& bytes) {
    Header(tag, bytes.size);
    Raw(bytes);
  }
  void Number(std::uint8_t tag, std::int64_t number) {
    Byte(tag);
    Varint(static_cast<std::uint64_t>(number));
  }
  void NumberUnlessZero(std::uint8_t tag, std::int64_t number) {
    if (number != 0) Number(tag, number);
  }

 private:
  char* at_;
};

void Value(const hf_attribute& attribute, WireWriter& out) {
  switch (attribute.kind) {
    case HF_ATTRIBUTE_BOOLEAN:
    case HF_ATTRIBUTE_INTEGER:
      return out.Number(tag::Varint(attribute.kind), attribute.number);
    case HF_ATTRIBUTE_TIMESTAMP:
      out.Header(tag::kTimestamp, SizeOfTimestamp(attribute));
      out.NumberUnlessZero(tag::kSeconds, attribute.number);
      return out.NumberUnlessZero(tag::kNanos, attribute.nanos);
    case HF_ATTRIBUTE_OPAQUE:
      return out.Raw(attribute.text);
    default:
      return out.Bytes(tag::Length(attribute.kind), attribute.text);
  }
}

void Entry(const hf_attribute& attribute, WireWriter& out) {
  out.Header(tag::kAttribute, SizeOfEntry(attribute));
  out.Bytes(tag::kKey, attribute.name);
  out.Header(tag::kValue, SizeOfValue(attribute));
  Value(attribute, out);
}

void DataHead(const hf_envelope& envelope, WireWriter& out) {
  switch (envelope.data_kind) {
    case HF_DATA_BINARY:
      return out.Header(tag::kBinary, envelope.data.size);
    case HF_DATA_TEXT:
      return out.Header(tag::kText, envelope.data.size);
    case HF_DATA_PROTO:
      out.Header(tag::kProto, SizeOfAny(envelope));
      out.Bytes(tag::kTypeUrl, envelope.data_type);
      if (envelope.data.size != 0) out.Header(tag::kAnyValue, envelope.data.size);
      return;
    default:
      return;
  }
}

}  // namespace

std::size_t SizeOfEnvelope(const hf_envelope& envelope) {
  std::size_t size = SizeOfBytes(envelope.id.size) + SizeOfBytes(envelope.source.size) +
                     SizeOfBytes(kSpecVersion.size()) + SizeOfBytes(envelope.type.size) +
                     SizeOfData(envelope);
  for (std::uint32_t i = 0; i < envelope.attribute_count; ++i) {
    size += SizeOfBytes(SizeOfEntry(envelope.attributes[i]));
  }
  for (std::uint32_t i = 0; i < envelope.unknown_count; ++i) size += envelope.unknown[i].size;
  return size;
}

char* WriteEnvelopeHead(const hf_envelope& envelope, char* begin) {
  WireWriter out(begin);
  out.Bytes(tag::kId, envelope.id);
  out.Bytes(tag::kSource, envelope.source);
  out.Bytes(tag::kSpecVersion, {kSpecVersion.data(), kSpecVersion.size()});
  out.Bytes(tag::kType, envelope.type);
  for (std::uint32_t i = 0; i < envelope.attribute_count; ++i) Entry(envelope.attributes[i], out);
  for (std::uint32_t i = 0; i < envelope.unknown_count; ++i) out.Raw(envelope.unknown[i]);
  DataHead(envelope, out);
  return out.at();
}

std::size_t WriteBatchPrefix(std::size_t size, char* begin) {
  WireWriter out(begin);
  out.Header(tag::kEvent, size);
  return static_cast<std::size_t>(out.at() - begin);
}

}  // namespace holdfast::codec
