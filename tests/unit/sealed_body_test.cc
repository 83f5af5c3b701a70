// SPDX-License-Identifier: Apache-2.0
// The bytes of a sealed body: vectors made by another program (libsodium and libzstd from Python), and every way in
// which bytes, key and place can fail to belong together.
#include "adapters/sealed/sealed_body.h"

#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace holdfast::sealed {
namespace {

constexpr std::string_view kRecord =
    "70ce871f8a3d3fb449bc3c3ace6547cef02dfc74ffe48d912532a724bfdbe5b9";

std::string FromHex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

template <size_t kSize>
std::array<uint8_t, kSize> Counting(uint8_t from) {
  std::array<uint8_t, kSize> bytes{};
  for (size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<uint8_t>(from + i);
  return bytes;
}

const std::array<uint8_t, 32>& RecordId() {
  static const std::array<uint8_t, 32> id = [] {
    std::array<uint8_t, 32> bytes{};
    std::memcpy(bytes.data(), FromHex(kRecord).data(), bytes.size());
    return bytes;
  }();
  return id;
}

Place At(BodyKind kind, uint32_t truncated = HF_BODY_WHOLE, hf_code code = HF_OK) {
  return {.key_id = RecordId(), .kind = kind, .truncated = truncated, .code = code};
}

KeyFound TestKey(uint32_t number = 1) {
  return {.state = KeyState::kReady, .number = number, .key = SealingKey(Counting<32>(0))};
}

std::optional<std::string> OpenAt(const Place& place, std::string_view bytes,
                                  const SealingKey& key = TestKey().key) {
  Header header;
  if (ReadHeader(bytes, &header) != Look::kSealed) return std::nullopt;
  return Open(key, place, bytes, header);
}

TEST(SealedBody, VectorsOfAnotherProgramAreWrittenAndRead) {
  struct Vector {
    uint32_t number;
    Place place;
    std::string_view plain;
    std::string_view hex;
  };
  const Vector vectors[] = {
      {1, At(BodyKind::kResult), "charged 12.50 EUR",
       "68667301000000000100000011404142434445464748494a4b4c4d4e4f5051525354555657b7516402b7851d36b"
       "e"
       "c6a98b9fbc20c7c09c76bda4b8a260a4d3f9bed18a1f8d9b"},
      {7, At(BodyKind::kCheckpoint), "",
       "68667301000000000700000000404142434445464748494a4b4c4d4e4f50515253545556570b7aeec583bf2282b"
       "c"
       "7a28d6e466e700"},
      {0x01020304, At(BodyKind::kResult, HF_BODY_WHOLE, HF_FAILED_PRECONDITION), "no such card",
       "6866730100010203040000000c404142434445464748494a4b4c4d4e4f5051525354555657ba562503a5831136e"
       "c"
       "95f5da3b23009409ce35fe829260c50e9cda1e"}};
  for (const Vector& vector : vectors) {
    const std::string bytes = FromHex(vector.hex);
    EXPECT_EQ(Seal(TestKey(vector.number), vector.place, vector.plain, true, Counting<24>(0x40)),
              bytes);
    Header header;
    ASSERT_EQ(ReadHeader(bytes, &header), Look::kSealed);
    EXPECT_EQ(header.key_number, vector.number);
    EXPECT_EQ(bytes.size(), vector.plain.size() + kSealBytes);
    EXPECT_EQ(OpenAt(vector.place, bytes), vector.plain);
  }
}

TEST(SealedBody, CompressedVectorIsRead) {
  std::string plain;
  for (int i = 0; i < 200; ++i) plain += "abcdefgh";
  const std::string bytes = FromHex(
      "68667301010000000200000640404142434445464748494a4b4c4d4e4f5051525354555657fc8c2a8db0a07c6b8f"
      "f4c7dfcdff01f7f4ddc5c5136cbdb5368395952e72731a62c1bd77648488f703");
  EXPECT_EQ(OpenAt(At(BodyKind::kResult), bytes), plain);
}

TEST(SealedBody, OnlyWhatShrinksByAFifthIsCompressed) {
  const auto compressed = [](std::string_view plain, bool compress) {
    Header header;
    const std::string bytes = Seal(TestKey(), At(BodyKind::kResult), plain, compress);
    EXPECT_EQ(ReadHeader(bytes, &header), Look::kSealed);
    EXPECT_EQ(OpenAt(At(BodyKind::kResult), bytes), plain);
    return header.compressed;
  };
  EXPECT_FALSE(compressed(std::string(kCompressAbove, 'x'), true));
  EXPECT_TRUE(compressed(std::string(kCompressAbove + 1, 'x'), true));
  EXPECT_FALSE(compressed(std::string(kCompressAbove + 1, 'x'), false));
  std::string noise;
  uint64_t state = 20260817;
  for (int i = 0; i < 8000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise += static_cast<char>(state >> 56);
  }
  EXPECT_FALSE(compressed(noise, true));
  EXPECT_FALSE(compressed(noise + std::string(1000, 'x'), true));  // saves a ninth
  EXPECT_TRUE(compressed(noise + std::string(4000, 'x'), true));   // saves a third
}

TEST(SealedBody, NoFlippedBitOpens) {
  const std::string bytes = Seal(TestKey(), At(BodyKind::kResult), "result", true);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(OpenAt(At(BodyKind::kResult), flipped), std::nullopt) << bit;
  }
}

TEST(SealedBody, NoTornOrLengthenedBodyOpens) {
  for (const std::string& plain : {std::string("result"), std::string(3000, 'x')}) {
    const std::string bytes = Seal(TestKey(), At(BodyKind::kResult), plain, true);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(OpenAt(At(BodyKind::kResult), std::string_view(bytes).substr(0, size)),
                std::nullopt);
    }
    EXPECT_EQ(OpenAt(At(BodyKind::kResult), bytes + '\0'), std::nullopt);
  }
}

TEST(SealedBody, BodyOpensOnlyInItsPlaceAndUnderItsKey) {
  const Place place = At(BodyKind::kResult, HF_BODY_REFERENCE, HF_NOT_FOUND);
  const std::string bytes = Seal(TestKey(), place, "s3://results/17", true);
  ASSERT_EQ(OpenAt(place, bytes), "s3://results/17");
  std::array<uint8_t, 32> other = RecordId();
  other[31] ^= 1;
  Place moved = place;
  moved.key_id = other;
  EXPECT_EQ(OpenAt(moved, bytes), std::nullopt);
  EXPECT_EQ(OpenAt(At(BodyKind::kCheckpoint, HF_BODY_REFERENCE, HF_NOT_FOUND), bytes),
            std::nullopt);
  EXPECT_EQ(OpenAt(At(BodyKind::kResult, HF_BODY_WHOLE, HF_NOT_FOUND), bytes), std::nullopt);
  EXPECT_EQ(OpenAt(At(BodyKind::kResult, HF_BODY_REFERENCE, HF_OK), bytes), std::nullopt);
  EXPECT_EQ(OpenAt(place, bytes, SealingKey::Fresh()), std::nullopt);
}

TEST(SealedBody, HeaderIsBelievedOnlyWithinItsBounds) {
  Header header;
  EXPECT_EQ(ReadHeader("", &header), Look::kUnsealed);
  EXPECT_EQ(ReadHeader("plain text of before", &header), Look::kUnsealed);
  EXPECT_EQ(ReadHeader("hfs", &header), Look::kBroken);
  const std::string bytes = Seal(TestKey(), At(BodyKind::kResult), std::string(2000, 'x'), true);
  const auto with = [&](size_t at, std::string_view patch) {
    std::string changed = bytes;
    changed.replace(at, patch.size(), patch);
    return ReadHeader(changed, &header);
  };
  EXPECT_EQ(with(3, std::string("\0", 1)), Look::kBroken);  // versions that are not
  EXPECT_EQ(with(3, "\x02"), Look::kBroken);
  EXPECT_EQ(with(4, "\x03"), Look::kBroken);              // a flag of later
  EXPECT_EQ(with(9, "\xFF\xFF\xFF\xFF"), Look::kBroken);  // 4 GiB
  EXPECT_EQ(with(9, std::string_view("\x00\x80\x00\x01", 4)),
            Look::kBroken);  // HF_IDEM_BODY_MAX + 1
  EXPECT_EQ(with(9, std::string_view("\x00\x80\x00\x00", 4)), Look::kSealed);
  EXPECT_EQ(with(9, std::string_view("\0\0\0\x02", 4)), Look::kBroken);  // less than its bytes
}

TEST(SealedBody, DecompressionNeverPassesTheSizeThatWasSealed) {
  // A body that says 8 MiB and holds 2000 bytes, sealed by someone who has the key.
  const std::string honest = Seal(TestKey(), At(BodyKind::kResult), std::string(2000, 'x'), true);
  const std::string bomb =
      Seal(TestKey(), At(BodyKind::kResult), std::string(HF_IDEM_BODY_MAX, 'x'), true);
  EXPECT_LT(bomb.size(), 2000u);
  EXPECT_EQ(OpenAt(At(BodyKind::kResult), bomb)->size(), size_t{HF_IDEM_BODY_MAX});
  std::string crossed = bomb;
  crossed.replace(9, 4, honest.substr(9, 4));
  EXPECT_EQ(OpenAt(At(BodyKind::kResult), crossed), std::nullopt);  // its size is sealed in
}

TEST(SealedBody, SameBodyIsNeverTheSameBytesTwice) {
  const Place place = At(BodyKind::kResult);
  EXPECT_NE(Seal(TestKey(), place, "yes", true), Seal(TestKey(), place, "yes", true));
}

}  // namespace
}  // namespace holdfast::sealed
