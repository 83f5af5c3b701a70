// SPDX-License-Identifier: Apache-2.0
// See key_hash.h. libsodium's SipHash needs no sodium_init: it has one implementation and no state.
#include "codec/key_hash.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <bit>

#include "engine/rng.h"

namespace holdfast::codec {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == sizeof(uint64_t));

KeyHash::KeyHash(uint64_t seed) {
  // The second half adds no entropy, only the form that the function wants.
  const std::array<uint64_t, 2> halves = {seed, engine::Rng(seed, 0).Next()};
  secret_ = std::bit_cast<std::array<uint8_t, 16>>(halves);
}

uint64_t KeyHash::operator()(std::string_view tenant, std::string_view key) const {
  uint8_t text[2 + 2 * kHashedPartMax];
  text[0] = static_cast<uint8_t>(tenant.size() >> 8);
  text[1] = static_cast<uint8_t>(tenant.size());
  uint8_t* const end =
      std::copy(key.begin(), key.end(), std::copy(tenant.begin(), tenant.end(), text + 2));
  std::array<uint8_t, sizeof(uint64_t)> hash;
  crypto_shorthash(hash.data(), text, static_cast<size_t>(end - text), secret_.data());
  return std::bit_cast<uint64_t>(hash);
}

}  // namespace holdfast::codec
