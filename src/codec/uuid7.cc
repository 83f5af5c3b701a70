// SPDX-License-Identifier: Apache-2.0
#include "codec/uuid7.h"

#include "codec/ascii.h"
#include "codec/hex.h"

namespace holdfast::codec {
namespace {

constexpr std::uint64_t kVersion = 0x7;
constexpr std::uint64_t kVariant = 0b10;
constexpr int kLowBits = 30;  // of the counter, which is cut in two by the variant
constexpr std::uint64_t kLowMask = (std::uint64_t{1} << kLowBits) - 1;
constexpr std::size_t kGroups[] = {4, 2, 2, 2, 6};  // bytes between dashes

void PutBigEndian(std::uint64_t word, std::uint8_t* out) {
  if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
  std::memcpy(out, &word, sizeof word);
}

}  // namespace

void PackUuid7(const Uuid7Fields& fields, std::uint8_t* id) {
  PutBigEndian(fields.ms << 16 | kVersion << 12 | fields.counter >> kLowBits, id);
  PutBigEndian(kVariant << 62 | (fields.counter & kLowMask) << 32 | fields.random, id + 8);
}

bool Uuid7Generator::Next(std::uint64_t ms, Uuid7Fields* fields) {
  if (ms <= ms_ && counter_ < kUuidCounterMax) {
    ++counter_;
  } else {
    if (ms <= ms_ && ms_ == kUuidMsMax) return false;
    ms_ = ms > ms_ ? ms : ms_ + 1;
    counter_ = random_.Next() & (kUuidCounterMax >> 1);
  }
  *fields = {ms_, counter_, static_cast<std::uint32_t>(random_.Next() >> 32)};
  return true;
}

void FormatUuid(const std::uint8_t* id, char* text) {
  const std::uint8_t* from = id;
  for (const std::size_t group : kGroups) {
    if (from != id) *text++ = '-';
    text = EncodeHex(from, group, text);
    from += group;
  }
}

bool ParseUuid(std::string_view text, std::uint8_t* id) {
  if (text.size() != HF_UUID_TEXT_SIZE) return false;
  char digits[2 * HF_UUID_SIZE];
  char* end = digits;
  std::size_t at = 0;
  for (const std::size_t group : kGroups) {
    if (at != 0 && text[at++] != '-') return false;
    for (std::size_t i = 0; i < 2 * group; ++i) *end++ = ToLower(text[at++]);
  }
  std::uint8_t bytes[HF_UUID_SIZE];
  if (DecodeHex<HF_UUID_SIZE>(digits, bytes) != 0) return false;
  std::memcpy(id, bytes, sizeof bytes);
  return true;
}

}  // namespace holdfast::codec
