// SPDX-License-Identifier: Apache-2.0
//
// Percent rules of CloudEvents over HTTP: the specification's vectors, and what peers send instead.
#include "codec/binding_value.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>

namespace holdfast::codec {
namespace {

std::string Encoded(std::string_view text) {
  TextSink count(nullptr, 0);
  EncodeHeaderValue(text, count);
  std::string value(count.need(), '\0');
  TextSink sink(value.data(), value.size());
  EncodeHeaderValue(text, sink);
  return value;
}

struct Decoding {
  std::string text;
  bool raw, lone, quoted;

  bool operator==(const Decoding&) const = default;
};

Decoding Decoded(std::string_view value) {
  std::string buffer(value.size(), '\0');
  const HeaderValue read = DecodeHeaderValue(value, buffer.data());
  return {std::string(read.text), read.raw, read.lone, read.quoted};
}

TEST(BindingValue, TheSpecificationsVectorGoesBothWays) {
  const std::string text = "Euro € 😀";
  EXPECT_EQ(Encoded(text), "Euro%20%E2%82%AC%20%F0%9F%98%80");
  EXPECT_EQ(Decoded(Encoded(text)), (Decoding{text, false, false, false}));
}

TEST(BindingValue, EncodesTheSpaceTheQuoteThePercentSignAndWhatIsNotAscii) {
  EXPECT_EQ(Encoded(" \"%\x7F\x01"), "%20%22%25%7F%01");
  std::string plain;
  for (char byte = 0x21; byte < 0x7F; ++byte) {
    if (byte != '"' && byte != '%') plain += byte;
  }
  EXPECT_EQ(Encoded(plain), plain);
  EXPECT_TRUE(IsPlainValue(plain));
}

TEST(BindingValue, OneByteThatIsNotPlainIsSeenWhereverItStands) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool plain = byte > 0x20 && byte < 0x7F && byte != '"' && byte != '%';
    for (std::size_t size = 1; size <= 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(IsPlainValue(text), plain) << byte << " at " << at << " of " << size;
      }
    }
  }
  EXPECT_TRUE(IsPlainValue(""));
}

TEST(BindingValue, APlainValueStaysWhereItIs) {
  const std::string value = "/orders/17";
  char none = 0;
  EXPECT_EQ(DecodeHeaderValue(value, &none).text.data(), value.data());
}

TEST(BindingValue, LowerCaseHexAndNeedlessEscapesAreRead) {
  EXPECT_EQ(Decoded("%e2%82%ac"), (Decoding{"€", false, false, false}));
  EXPECT_EQ(Decoded("%61%2Fb"), (Decoding{"a/b", false, false, false}));
}

TEST(BindingValue, OneRoundOfDecodingAndNoMore) {
  EXPECT_EQ(Decoded("a%2520b"), (Decoding{"a%20b", false, false, false}));
}

TEST(BindingValue, AQuotedStringIsUndoneBeforeTheEscapes) {
  EXPECT_EQ(Decoded(R"("plain")"), (Decoding{"plain", false, false, true}));
  EXPECT_EQ(Decoded(R"("a\\b\cd")"), (Decoding{"a\\bcd", false, false, true}));
  EXPECT_EQ(Decoded(R"("a b")"), (Decoding{"a b", true, false, true}));
  EXPECT_EQ(Decoded(R"("say \"hi\"")"), (Decoding{"say \"hi\"", true, false, true}));
  // The backslash goes first, so that an escape that it splits is one.
  EXPECT_EQ(Decoded(R"("%\41")"), (Decoding{"A", false, false, true}));
  EXPECT_EQ(Decoded(R"("")"), (Decoding{"", false, false, true}));
}

TEST(BindingValue, WhatIsNoWholeQuotedStringIsReadAsItStands) {
  for (const std::string_view value :
       {R"(")", R"("a)", R"(a"b")", R"("a"b)", R"("a" "b")", R"("a\")"}) {
    EXPECT_EQ(Decoded(value), (Decoding{std::string(value), true, false, false})) << value;
  }
}

TEST(BindingValue, SpacesAndPercentSignsOfPeersAreReadAsTheyStandAndTold) {
  EXPECT_EQ(Decoded("a b"), (Decoding{"a b", true, false, false}));
  EXPECT_EQ(Decoded("100%"), (Decoding{"100%", false, true, false}));
  EXPECT_EQ(Decoded("%zz%4"), (Decoding{"%zz%4", false, true, false}));
  EXPECT_EQ(Decoded("%2"), (Decoding{"%2", false, true, false}));
  EXPECT_EQ(Decoded("%4z1"), (Decoding{"%4z1", false, true, false}));
  EXPECT_EQ(Decoded("100% of %E2%82%AC"), (Decoding{"100% of €", true, true, false}));
  EXPECT_EQ(Decoded("größer"), (Decoding{"größer", true, false, false}));
}

TEST(BindingValue, TextOfAHeaderIsPrintableAsciiWithoutOuterSpaces) {
  EXPECT_TRUE(IsHeaderText("text/plain; charset=\"utf-8\""));
  for (const std::string_view text : {"", " a", "a ", "a\tb", "a\x7F", "\xC3\xA9", "a\n"}) {
    EXPECT_FALSE(IsHeaderText(text)) << text;
  }
}

TEST(BindingValue, AnyBytesComeBack) {
  rc::check("decode(encode(x)) is x, whatever x is, and nothing is put up with", [] {
    const auto text = *rc::gen::arbitrary<std::string>();
    RC_ASSERT(Decoded(Encoded(text)) == (Decoding{text, false, false, false}));
  });
}

}  // namespace
}  // namespace holdfast::codec
