// SPDX-License-Identifier: Apache-2.0
// Where a registry puts a key: a 64-bit hash under a secret, so that who chooses keys cannot choose where
// they land.
//
//   hash = SipHash-2-4( secret, len(tenant) tenant key )      len: 2 bytes
//
// Memory: none but the stack. Threads: any.
#ifndef HOLDFAST_CODEC_KEY_HASH_H_
#define HOLDFAST_CODEC_KEY_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr size_t kHashedPartMax = 256;

class KeyHash {
 public:
  explicit KeyHash(uint64_t seed);

  // Both parts have at most kHashedPartMax bytes.
  uint64_t operator()(std::string_view tenant, std::string_view key) const;

 private:
  std::array<uint8_t, 16> secret_;
};

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_KEY_HASH_H_
