// SPDX-License-Identifier: Apache-2.0
// Slots: the vectors of the cluster specification, its examples of hash tags, and a CRC computed bit by bit.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "adapters/redis/cluster_slot.h"

namespace holdfast::redis {
namespace {

// As the definition of CRC16/XMODEM has it.
uint16_t CrcBitByBit(std::string_view bytes) {
  uint32_t crc = 0;
  for (const char byte : bytes) {
    for (int bit = 7; bit >= 0; --bit) {
      const uint32_t in = static_cast<uint8_t>(byte) >> bit & 1;
      const uint32_t out = crc >> 15 & 1;
      crc = crc << 1 & 0xFFFF;
      if (in != out) crc ^= 0x1021;
    }
  }
  return static_cast<uint16_t>(crc);
}

TEST(RedisSlot, CrcIsThatOfTheSpecification) { EXPECT_EQ(Crc16("123456789"), 0x31C3); }

TEST(RedisSlot, KeysAreWhereAServerPutsThem) {
  // What CLUSTER KEYSLOT of Redis 7.0.15 answers.
  EXPECT_EQ(SlotOf("123456789"), 12739);
  EXPECT_EQ(SlotOf("foo"), 12182);
  EXPECT_EQ(SlotOf("bar"), 5061);
  EXPECT_EQ(SlotOf("hello"), 866);
  EXPECT_EQ(SlotOf(""), 0);
}

TEST(RedisSlot, HashTagsAreThoseOfTheSpecification) {
  EXPECT_EQ(SlotOf("{user1000}.following"), SlotOf("user1000"));
  EXPECT_EQ(SlotOf("{user1000}.followers"), SlotOf("user1000"));
  EXPECT_EQ(SlotOf("foo{}{bar}"), Crc16("foo{}{bar}") % kSlots);  // empty: the whole key
  EXPECT_EQ(SlotOf("foo{{bar}}zap"), SlotOf("{bar"));             // from the first to the first
  EXPECT_EQ(SlotOf("foo{bar}{zap}"), SlotOf("bar"));              // the first pair only
  EXPECT_EQ(SlotOf("{bar"), Crc16("{bar") % kSlots);              // never closed
  EXPECT_EQ(SlotOf("}bar{"), Crc16("}bar{") % kSlots);
}

TEST(RedisSlot, AnyBytesHaveTheSlotOfTheDefinition) {
  std::mt19937_64 random(20260817);
  for (int round = 0; round < 2000; ++round) {
    std::string key(random() % 64, '\0');
    for (char& byte : key) byte = static_cast<char>(random());
    EXPECT_EQ(Crc16(key), CrcBitByBit(key));
    EXPECT_LT(SlotOf(key), kSlots);
  }
}

}  // namespace
}  // namespace holdfast::redis
