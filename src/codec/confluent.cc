// SPDX-License-Identifier: Apache-2.0
#include "codec/confluent.h"

#include <cstdint>
#include <cstring>

namespace holdfast::codec {
namespace {

constexpr std::size_t kVarintMax = 5;
constexpr std::string_view kPlainVarint =
    "a negative number: written with plain varints, not zigzag";

// Takes numbers off the front of a frame; the first fault stays.
class FrameReader {
 public:
  explicit FrameReader(std::string_view bytes) : bytes_(bytes) {}

  std::size_t at() const { return at_; }
  const FrameFault& fault() const { return fault_; }
  bool failed() const { return !fault_.what.empty(); }
  void Fail(std::string_view what, std::size_t at) { fault_ = {what, at}; }

  std::uint8_t Byte() {
    if (at_ == bytes_.size()) {
      Fail("the frame ends too early", at_);
      return 0;
    }
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }

  std::int64_t BigEndian(std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size && !failed(); ++i) number = number << 8 | Byte();
    return static_cast<std::int64_t>(number);
  }

  void Copy(std::uint8_t* out, std::size_t size) {
    for (std::size_t i = 0; i < size && !failed(); ++i) out[i] = Byte();
  }

  // 0 after a failure; otherwise not negative.
  std::int32_t Varint() {
    const std::size_t begin = at_;
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < kVarintMax; ++i) {
      const std::uint8_t byte = Byte();
      if (failed()) return 0;
      number |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return Unzigzag(number, begin);
    }
    Fail("a varint of more than 5 bytes", begin);
    return 0;
  }

 private:
  std::int32_t Unzigzag(std::uint64_t number, std::size_t begin) {
    if (number > UINT32_MAX) Fail("a varint beyond 32 bits", begin);
    if (!failed() && number % 2 == 1) Fail(kPlainVarint, begin);
    return failed() ? 0 : static_cast<std::int32_t>(number / 2);
  }

  const std::string_view bytes_;
  std::size_t at_ = 0;
  FrameFault fault_;
};

void ReadIndexes(FrameReader& reader, hf_confluent* out) {
  const std::size_t begin = reader.at();
  const std::int32_t count = reader.Varint();
  if (reader.failed()) return;
  if (count > static_cast<std::int32_t>(HF_CONFLUENT_INDEXES)) {
    return reader.Fail("more than 16 message indexes", begin);
  }
  out->index_count = count == 0 ? 1 : static_cast<std::uint32_t>(count);  // a lone 00 is [0]
  for (std::int32_t i = 0; i < count && !reader.failed(); ++i) out->indexes[i] = reader.Varint();
}

void ReadId(FrameReader& reader, hf_confluent* out) {
  const std::size_t begin = reader.at();
  const bool wide = out->form == HF_CONFLUENT_WIDE;
  const std::int64_t number = reader.BigEndian(wide ? 8 : 4);
  out->schema_id = wide ? number : static_cast<std::int32_t>(number);
  if (reader.failed() || out->schema_id >= 1) return;
  reader.Fail(
      wide ? "a schema id below 1" : "a schema id below 1: is it one of 8 bytes (Apicurio)?",
      begin);
}

char* PutBigEndian(std::int64_t number, std::size_t size, char* out) {
  const auto bits = static_cast<std::uint64_t>(number);
  for (std::size_t i = size; i > 0; --i) *out++ = static_cast<char>(bits >> (8 * (i - 1)));
  return out;
}

char* PutVarint(std::int32_t number, char* out) {
  std::uint64_t rest = 2 * static_cast<std::uint64_t>(number);  // zigzag: none is negative
  for (; rest >= 0x80; rest >>= 7) *out++ = static_cast<char>(rest | 0x80);
  *out++ = static_cast<char>(rest);
  return out;
}

char* PutIndexes(const hf_confluent& frame, char* out) {
  if (frame.index_count == 1 && frame.indexes[0] == 0) return PutVarint(0, out);
  out = PutVarint(static_cast<std::int32_t>(frame.index_count), out);
  for (std::uint32_t i = 0; i < frame.index_count; ++i) out = PutVarint(frame.indexes[i], out);
  return out;
}

}  // namespace

FrameFault ReadConfluent(std::string_view bytes, hf_confluent_form form, hf_confluent* out,
                         std::size_t* used) {
  FrameReader reader(bytes);
  hf_confluent frame{};
  frame.form = form;
  frame.version = reader.Byte();
  if (frame.version > 1) reader.Fail("neither 00 nor 01: no frame begins so", 0);
  if (frame.version == 1 && form == HF_CONFLUENT_WIDE) {
    reader.Fail("version 1 has a GUID, no id of 8 bytes", 0);
  }
  if (!reader.failed() && frame.version == 0) ReadId(reader, &frame);
  if (!reader.failed() && frame.version == 1) reader.Copy(frame.guid, sizeof frame.guid);
  if (!reader.failed() && form == HF_CONFLUENT_PROTOBUF) ReadIndexes(reader, &frame);
  if (reader.failed()) return reader.fault();
  *out = frame;
  *used = reader.at();
  return {};
}

std::size_t WriteConfluent(const hf_confluent& frame, char* out) {
  char* end = out;
  *end++ = static_cast<char>(frame.version);
  if (frame.version == 0) {
    end = PutBigEndian(frame.schema_id, frame.form == HF_CONFLUENT_WIDE ? 8 : 4, end);
  } else {
    std::memcpy(end, frame.guid, sizeof frame.guid);
    end += sizeof frame.guid;
  }
  if (frame.form == HF_CONFLUENT_PROTOBUF) end = PutIndexes(frame, end);
  return static_cast<std::size_t>(end - out);
}

}  // namespace holdfast::codec
