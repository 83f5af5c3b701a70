// SPDX-License-Identifier: Apache-2.0
// Identity of keys: what is told apart, what is refused, and that the rule never changes.
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

std::string Hex(const uint8_t* bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 32; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

// The id in hex, or "" if refused.
std::string Id(std::string_view space, std::string_view tenant, std::string_view operation,
               std::string_view key) {
  const hf_str parts[] = {Str(space), Str(tenant), Str(operation), Str(key)};
  uint8_t id[32];
  if (hf_idem_key_id(&parts[0], &parts[1], &parts[2], &parts[3], id) != HF_OK) return "";
  return Hex(id);
}

// Computed with Python's hashlib from the rule in c/idempotency.h; stored records depend on it.
TEST(Key, IdIsTheSameInEveryVersionOfTheLibrary) {
  EXPECT_EQ(Id("shop", "acme", "charge", "order-1"),
            "6a55b8ffc76266f2469004883453ec72b6286d97d28eb4710ecfd1824f1aea18");
  EXPECT_EQ(Id("", "", "", "k"),
            "d9d5a69be1c58071709ceea474c85188f37f389768091d9afa68aa5df4aaee3d");
}

TEST(Key, LengthPrefixKeepsPartsApart) {
  const std::vector<std::array<std::string_view, 4>> keys = {
      {"a", "b", "c", "d"}, {"ab", "", "c", "d"}, {"", "ab", "c", "d"}, {"a", "b", "", "cd"},
      {"", "", "", "abcd"}, {"a:b", "", "", "c"}, {"a", "", "", "b:c"}, {"a", "", "", ":b:c"},
      {"", "a", "b", "cd"}, {"a", "bc", "", "d"}, {"", "", "abc", "d"}, {"a", "", "b", "cd"},
  };
  std::set<std::string> ids;
  for (const auto& key : keys) ids.insert(Id(key[0], key[1], key[2], key[3]));
  EXPECT_EQ(ids.size(), keys.size());
}

TEST(Key, OtherTenantIsAnotherKey) { EXPECT_NE(Id("s", "a", "o", "k"), Id("s", "b", "o", "k")); }

TEST(Key, BytesAreTakenAsTheyAre) {
  std::set<std::string> ids;
  const std::vector<std::string> keys = {
      "a",        "A",         " a",       "a ",  std::string("a\0", 2),
      "\xC3\xA9", "e\xCC\x81", "\xC3\x28", "{a}", "{}"};
  for (const std::string& key : keys) ids.insert(Id("", "", "", key));
  EXPECT_EQ(ids.size(), keys.size());
  EXPECT_EQ(ids.count(""), 0u);
}

TEST(Key, EmptyKeyIsRefusedAndLeavesZeros) {
  const hf_str part = Str("x"), none = {nullptr, 0};
  uint8_t id[32];
  std::fill(std::begin(id), std::end(id), uint8_t{7});
  EXPECT_EQ(hf_idem_key_id(&part, &part, &part, &none, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(Hex(id), std::string(64, '0'));
}

TEST(Key, LimitsHoldToTheByte) {
  const std::string part(256, 'p'), key(1024, 'k');
  EXPECT_NE(Id(part, part, part, key), "");
  EXPECT_EQ(Id(part + "p", part, part, key), "");
  EXPECT_EQ(Id(part, part + "p", part, key), "");
  EXPECT_EQ(Id(part, part, part + "p", key), "");
  EXPECT_EQ(Id(part, part, part, key + "k"), "");
  EXPECT_EQ(Id("", "", "", std::string(1 << 20, 'k')), "");
}

TEST(Key, NullIsRefused) {
  const hf_str part = Str("x"), broken = {nullptr, 1};
  uint8_t id[32];
  EXPECT_EQ(hf_idem_key_id(nullptr, &part, &part, &part, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_key_id(&part, nullptr, &part, &part, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_key_id(&part, &part, nullptr, &part, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_key_id(&part, &part, &part, nullptr, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_key_id(&part, &part, &part, &broken, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_key_id(&part, &part, &part, &part, nullptr), HF_INVALID_ARGUMENT);
}

// Computed with Python's hashlib.blake2b(key=..., digest_size=32).
TEST(Fingerprint, UnderASecretIsKeyedBlake2b) {
  uint8_t fingerprint[32];
  ASSERT_EQ(hf_idem_fingerprint_keyed("0123456789abcdef", 16, "request", 7, fingerprint), HF_OK);
  EXPECT_EQ(Hex(fingerprint), "8ea097c238b54f1e42831db0c5e9d6c570054707937526215e27555c7844e423");
  const std::string longest(64, '0');
  ASSERT_EQ(hf_idem_fingerprint_keyed(longest.data(), 64, nullptr, 0, fingerprint), HF_OK);
  EXPECT_EQ(Hex(fingerprint), "c2ca5774d5bb25332b3b28f67bdebf687455c265b5871fdf72553c56b0cf7e98");
}

TEST(Fingerprint, UnderASecretOfTheWrongSizeIsRefusedAndZero) {
  const std::string bytes(65, 's');
  for (const size_t size : {size_t{0}, size_t{15}, size_t{65}}) {
    uint8_t fingerprint[32];
    std::fill(fingerprint, fingerprint + 32, uint8_t{1});
    EXPECT_EQ(hf_idem_fingerprint_keyed(bytes.data(), size, "x", 1, fingerprint),
              HF_INVALID_ARGUMENT);
    EXPECT_EQ(Hex(fingerprint), std::string(64, '0'));
  }
  uint8_t fingerprint[32];
  EXPECT_EQ(hf_idem_fingerprint_keyed(nullptr, 16, "x", 1, fingerprint), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint_keyed(bytes.data(), 16, nullptr, 1, fingerprint),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint_keyed(bytes.data(), 16, "x", 1, nullptr), HF_INVALID_ARGUMENT);
}

TEST(Fingerprint, IsSha256) {
  uint8_t digest[32];
  ASSERT_EQ(hf_idem_fingerprint("abc", 3, digest), HF_OK);  // FIPS 180-4, example
  EXPECT_EQ(Hex(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ASSERT_EQ(hf_idem_fingerprint(nullptr, 0, digest), HF_OK);
  EXPECT_EQ(Hex(digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hf_idem_fingerprint(nullptr, 1, digest), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint("a", 1, nullptr), HF_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace holdfast
