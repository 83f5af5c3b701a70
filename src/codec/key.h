// SPDX-License-Identifier: Apache-2.0
// Key identity: bytes of any kind -> 32 bytes that no two different keys share.
//
//   id = SHA-256( 0x01 | len(space) space | len(tenant) tenant | len(operation) operation | len(key) key )
//   len: 4 bytes, big-endian; 0x01 is the version of this rule
//
// The lengths keep parts apart ("a:b" + "c" is not "a" + "b:c"), and the hash keeps whoever chooses keys
// from choosing where they land. Bytes are taken as they are: no folding, no trimming, NUL is a byte.
// Memory: none but the stack. Threads: any.
#ifndef HOLDFAST_CODEC_KEY_H_
#define HOLDFAST_CODEC_KEY_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::codec {

inline constexpr size_t kSha256Size = 32;
inline constexpr size_t kKeyMax = 1024;
inline constexpr size_t kKeyPartMax = 256;

using Bytes = std::span<const uint8_t>;
using Digest = std::span<uint8_t, kSha256Size>;

struct KeyParts {
  Bytes space;
  Bytes tenant;
  Bytes operation;
  Bytes key;
};

enum class KeyFault { kNone, kMissing, kOversize };

// Writes *id only if the answer is kNone.
KeyFault KeyId(const KeyParts& parts, Digest id);

void Sha256(Bytes data, Digest digest);

inline constexpr size_t kSecretMin = 16;
inline constexpr size_t kSecretMax = 64;

// BLAKE2b-256 under a key of kSecretMin..kSecretMax bytes: of low-entropy data too, only the key's owner can tell.
void KeyedHash(Bytes secret, Bytes data, Digest digest);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_KEY_H_
