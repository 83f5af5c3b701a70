// SPDX-License-Identifier: Apache-2.0
// See cluster_slot.h.
#include "adapters/redis/cluster_slot.h"

#include <array>
#include <cstddef>

namespace holdfast::inline v0_5::redis {
namespace {

constexpr uint16_t kPolynomial = 0x1021;

constexpr std::array<uint16_t, 256> MakeTable() {
  std::array<uint16_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ kPolynomial : crc << 1;
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}

constexpr std::array<uint16_t, 256> kTable = MakeTable();

std::string_view HashedPart(std::string_view key) {
  const size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

}  // namespace

uint16_t Crc16(std::string_view bytes) {
  uint32_t crc = 0;
  for (const char byte : bytes) {
    const uint32_t index = (crc >> 8 ^ static_cast<uint8_t>(byte)) & 0xFF;
    crc = (crc << 8 ^ kTable[index]) & 0xFFFF;
  }
  return static_cast<uint16_t>(crc);
}

uint16_t SlotOf(std::string_view key) { return Crc16(HashedPart(key)) % kSlots; }

}  // namespace holdfast::inline v0_5::redis
