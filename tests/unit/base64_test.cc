// SPDX-License-Identifier: Apache-2.0
// Base64 by RFC 4648, strictly: one text for one value.
#include "codec/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::codec {
namespace {

std::string Encoded(std::string_view bytes) {
  std::string text(Base64Size(bytes.size()), '\0');
  EncodeBase64(bytes, text.data());
  return text;
}

std::optional<std::string> Decoded(std::string_view text) {
  std::string bytes(Base64DecodedSize(text), '\0');
  if (!DecodeBase64(text, bytes.data())) return std::nullopt;
  return bytes;
}

TEST(Base64, KeepsTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"},
                                                                {"\xFB\xEF\xFF", "++//"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(Encoded(bytes), text);
    EXPECT_EQ(Decoded(text), bytes);
  }
}

TEST(Base64, RefusesOtherForms) {
  for (const char* text :
       {"Zg", "Zg=", "Zm8", "=", "==", "====", "Z===", "Zg==Zg==", "Zm=v", "Z=9v", "Zm9v\n",
        "Zm9v ", "Zm 9v===", "-_-_", "Zm9v=", "Zm9v====", "Zm\xE9v"}) {
    EXPECT_EQ(Decoded(text), std::nullopt) << text;
  }
}

TEST(Base64, RefusesBitsThatAreTooMany) {
  EXPECT_EQ(Decoded("Zh=="), std::nullopt);
  EXPECT_EQ(Decoded("Zm9="), std::nullopt);
  EXPECT_EQ(Decoded("//=="), std::nullopt);
}

TEST(Base64, EveryDigitCountsAtEveryPlace) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < 8; ++at) {
    for (int i = 0; i < 256; ++i) {
      std::string text = "AAAAAAAA";
      text[at] = static_cast<char>(i);
      const std::size_t value = kDigits.find(text[at]);
      if (text[at] == '=' && at == 7) continue;  // padding
      ASSERT_EQ(Decoded(text).has_value(), value != kDigits.npos) << i << " at " << at;
      if (value != kDigits.npos) {
        ASSERT_EQ(Encoded(*Decoded(text)), text);
      }
    }
  }
}

TEST(Base64, DecodesWhatItEncodedAndNothingElseToTheSame) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    const std::string text = Encoded(bytes);
    RC_ASSERT(Base64DecodedSize(text) == bytes.size());
    RC_ASSERT(Decoded(text) == bytes);
  }));
  EXPECT_TRUE(rc::check([] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::elementOf(std::string("AQgw=/+z")), rc::gen::arbitrary<char>()));
    const std::optional<std::string> bytes = Decoded(text);
    if (bytes) RC_ASSERT(Encoded(*bytes) == text);
  }));
}

}  // namespace
}  // namespace holdfast::codec
