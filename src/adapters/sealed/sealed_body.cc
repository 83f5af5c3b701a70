// SPDX-License-Identifier: Apache-2.0
// See sealed_body.h.
#include "adapters/sealed/sealed_body.h"

#include <holdfast/c/idempotency.h>
#include <sodium.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace holdfast::inline v0_5::sealed {
namespace {

constexpr std::string_view kFamily = "hfs";
constexpr uint8_t kVersion = 1;
constexpr uint8_t kCompressed = 1;
constexpr size_t kHeadBytes = 13;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr int kZstdLevel = 3;  // zstd's own default

static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(SealingKey::kBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kSealBytes == kHeadBytes + kNonceBytes + kTagBytes);

using Associated = std::array<uint8_t, kHeadBytes + 32 + 1 + 4 + 4>;

void PutNumber(uint32_t number, uint8_t* to) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
}

uint32_t GetNumber(const uint8_t* from) {
  return uint32_t{from[0]} << 24 | uint32_t{from[1]} << 16 | uint32_t{from[2]} << 8 | from[3];
}

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

uint8_t* Bytes(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

Associated AssociatedData(const uint8_t* head, const Place& place) {
  Associated data{};
  uint8_t* to = std::copy_n(head, kHeadBytes, data.data());
  to = std::copy(place.key_id.begin(), place.key_id.end(), to);
  *to++ = static_cast<uint8_t>(place.kind);
  PutNumber(place.truncated, to);
  PutNumber(static_cast<uint32_t>(place.code), to + 4);
  return data;
}

// nullopt if it saves less than a fifth.
std::optional<std::string> Compressed(std::string_view plain) {
  if (plain.size() <= kCompressAbove) return std::nullopt;
  std::string small(plain.size() - plain.size() / 5, '\0');
  const size_t size =
      ZSTD_compress(small.data(), small.size(), plain.data(), plain.size(), kZstdLevel);
  if (ZSTD_isError(size)) return std::nullopt;  // it did not fit
  small.resize(size);
  return small;
}

}  // namespace

Look ReadHeader(std::string_view bytes, Header* header) {
  if (bytes.substr(0, kFamily.size()) != kFamily) return Look::kUnsealed;
  if (bytes.size() < kSealBytes) return Look::kBroken;
  const uint8_t* const head = Bytes(bytes);
  if (head[3] != kVersion || (head[4] & ~kCompressed) != 0) return Look::kBroken;
  header->compressed = head[4] == kCompressed;
  header->key_number = GetNumber(head + 5);
  header->plain_size = GetNumber(head + 9);
  if (header->plain_size > HF_IDEM_BODY_MAX) return Look::kBroken;
  const size_t sealed_size = bytes.size() - kSealBytes;
  const bool fits =
      header->compressed ? sealed_size < header->plain_size : sealed_size == header->plain_size;
  return fits ? Look::kSealed : Look::kBroken;
}

std::string Seal(const KeyFound& key, const Place& place, std::string_view plain, bool compress,
                 std::span<const uint8_t, kNonceBytes> nonce) {
  std::optional<std::string> small;
  if (compress) small = Compressed(plain);
  const std::string_view inside = small ? std::string_view(*small) : plain;
  std::string sealed(kSealBytes + inside.size(), '\0');
  uint8_t* const head = Bytes(sealed);
  std::copy(kFamily.begin(), kFamily.end(), head);
  head[3] = kVersion;
  head[4] = small ? kCompressed : 0;
  PutNumber(key.number, head + 5);
  PutNumber(static_cast<uint32_t>(plain.size()), head + 9);
  std::copy(nonce.begin(), nonce.end(), head + kHeadBytes);
  const Associated data = AssociatedData(head, place);
  crypto_aead_xchacha20poly1305_ietf_encrypt(head + kHeadBytes + kNonceBytes, nullptr,
                                             Bytes(inside), inside.size(), data.data(), data.size(),
                                             nullptr, nonce.data(), key.key.data());
  return sealed;
}

std::string Seal(const KeyFound& key, const Place& place, std::string_view plain, bool compress) {
  std::array<uint8_t, kNonceBytes> nonce;
  randombytes_buf(nonce.data(), nonce.size());
  return Seal(key, place, plain, compress, nonce);
}

std::optional<std::string> Open(const SealingKey& key, const Place& place, std::string_view bytes,
                                const Header& header) {
  const uint8_t* const head = Bytes(bytes);
  const Associated data = AssociatedData(head, place);
  std::string inside(bytes.size() - kSealBytes, '\0');
  const int refused = crypto_aead_xchacha20poly1305_ietf_decrypt(
      Bytes(inside), nullptr, nullptr, head + kHeadBytes + kNonceBytes, inside.size() + kTagBytes,
      data.data(), data.size(), head + kHeadBytes, key.data());
  if (refused != 0) return std::nullopt;
  if (!header.compressed) return inside;
  std::string plain(header.plain_size, '\0');
  const size_t size = ZSTD_decompress(plain.data(), plain.size(), inside.data(), inside.size());
  if (ZSTD_isError(size) || size != plain.size()) return std::nullopt;
  return plain;
}

}  // namespace holdfast::inline v0_5::sealed
