// SPDX-License-Identifier: Apache-2.0
// Which of a cluster's 16384 slots a key belongs to.
//
// Source: Redis cluster specification, "Key distribution model" and "Hash tags": CRC16/XMODEM of the key, or of
// what is between the first '{' and the first '}' after it if that is not empty, modulo 16384.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_SLOT_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_SLOT_H_

#include <cstdint>
#include <string_view>

namespace holdfast::inline v0_5::redis {

inline constexpr uint16_t kSlots = 16384;

uint16_t Crc16(std::string_view bytes);

// 0..16383. Keys are bytes; an empty key has a slot, too.
uint16_t SlotOf(std::string_view key);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_SLOT_H_
