// SPDX-License-Identifier: Apache-2.0
// See key.h. libsodium's SHA-256 needs no sodium_init: it has one implementation and no state. BLAKE2b works
// without, too, in its portable form; sodium_init would choose a faster one, and is the program's to call.
#include "codec/key.h"

#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/crypto_hash_sha256.h>

namespace holdfast::codec {
namespace {

static_assert(crypto_hash_sha256_BYTES == kSha256Size);
static_assert(crypto_generichash_blake2b_KEYBYTES_MIN == kSecretMin &&
              crypto_generichash_blake2b_KEYBYTES_MAX == kSecretMax);

constexpr uint8_t kRuleVersion = 1;

void AddPart(crypto_hash_sha256_state* state, Bytes part) {
  const auto size = static_cast<uint32_t>(part.size());
  const uint8_t length[4] = {static_cast<uint8_t>(size >> 24), static_cast<uint8_t>(size >> 16),
                             static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
  crypto_hash_sha256_update(state, length, sizeof(length));
  crypto_hash_sha256_update(state, part.data(), part.size());
}

}  // namespace

KeyFault KeyId(const KeyParts& parts, Digest id) {
  if (parts.key.empty()) return KeyFault::kMissing;
  if (parts.key.size() > kKeyMax || parts.space.size() > kKeyPartMax ||
      parts.tenant.size() > kKeyPartMax || parts.operation.size() > kKeyPartMax) {
    return KeyFault::kOversize;
  }
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, &kRuleVersion, 1);
  AddPart(&state, parts.space);
  AddPart(&state, parts.tenant);
  AddPart(&state, parts.operation);
  AddPart(&state, parts.key);
  crypto_hash_sha256_final(&state, id.data());
  return KeyFault::kNone;
}

void Sha256(Bytes data, Digest digest) {
  crypto_hash_sha256(digest.data(), data.data(), data.size());
}

void KeyedHash(Bytes secret, Bytes data, Digest digest) {
  crypto_generichash_blake2b(digest.data(), digest.size(), data.data(), data.size(), secret.data(),
                             secret.size());
}

}  // namespace holdfast::codec
