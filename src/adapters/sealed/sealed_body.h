// SPDX-License-Identifier: Apache-2.0
// The bytes of a sealed body. Version 1, numbers big-endian:
//
//   0   'h' 'f' 's' 1    4
//   4   flags            1   bit 0: compressed (zstd) before it was sealed
//   5   key number       4
//   9   plain size       4   of the body as its owner knows it, at most HF_IDEM_BODY_MAX
//   13  nonce            24  random
//   37  ciphertext       n   XChaCha20-Poly1305-IETF
//   ..  tag              16
//
// Associated data: bytes 0..12, then the record's key id (32), the kind of body (1: 1 checkpoint, 2 result, 3 a key in a label, whose key id is zeros),
// truncated (4) and code (4).
//
// Nothing is allocated for what a header claims before the tag has proved it, and then no more than HF_IDEM_BODY_MAX.
#ifndef HOLDFAST_ADAPTERS_SEALED_SEALED_BODY_H_
#define HOLDFAST_ADAPTERS_SEALED_SEALED_BODY_H_

#include <holdfast/c/record.h>
#include <holdfast/sealed/key_ring.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::sealed {

inline constexpr size_t kNonceBytes = 24;
inline constexpr size_t kSealBytes = 53;        // what a seal adds
inline constexpr size_t kCompressAbove = 1024;  // bytes; below it nothing is gained

enum class BodyKind : uint8_t { kCheckpoint = 1, kResult = 2, kLabelKey = 3 };

// Where a body belongs.
struct Place {
  std::span<const uint8_t, 32> key_id;
  BodyKind kind = BodyKind::kResult;
  uint32_t truncated = HF_BODY_WHOLE;
  hf_code code = HF_OK;
};

struct Header {
  bool compressed = false;
  uint32_t key_number = 0;
  uint32_t plain_size = 0;
};

enum class Look { kSealed, kUnsealed, kBroken };

// kUnsealed: not a sealed body of any version.
Look ReadHeader(std::string_view bytes, Header* header);

// `plain` is at most HF_IDEM_BODY_MAX. May throw std::bad_alloc.
std::string Seal(const KeyFound& key, const Place& place, std::string_view plain, bool compress,
                 std::span<const uint8_t, kNonceBytes> nonce);
std::string Seal(const KeyFound& key, const Place& place, std::string_view plain, bool compress);

// What was sealed; nullopt if this key, these bytes and this place do not belong together. `header` is that of
// `bytes`. May throw std::bad_alloc.
std::optional<std::string> Open(const SealingKey& key, const Place& place, std::string_view bytes,
                                const Header& header);

}  // namespace holdfast::inline v0_5::sealed

#endif  // HOLDFAST_ADAPTERS_SEALED_SEALED_BODY_H_
