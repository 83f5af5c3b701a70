// SPDX-License-Identifier: Apache-2.0
// What text an event may hold: every code point there is, and every way to break UTF-8.
#include "codec/event_text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::codec {
namespace {

std::string Utf8(std::uint32_t code) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  const char last = byte(0x80 | (code & 0x3F));
  if (code < 0x800) return {byte(0xC0 | code >> 6), last};
  const char third = byte(0x80 | (code >> 6 & 0x3F));
  if (code < 0x10000) return {byte(0xE0 | code >> 12), third, last};
  return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)), third, last};
}

bool MayHold(std::uint32_t code) {
  if (code <= 0x1F || (code >= 0x7F && code <= 0x9F)) return false;
  if (code >= 0xD800 && code <= 0xDFFF) return false;
  if (code >= 0xFDD0 && code <= 0xFDEF) return false;
  return code % 0x10000 < 0xFFFE;
}

TEST(EventText, HoldsEveryCharacterThatIsAllowedAndNoOther) {
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    const std::string text = Utf8(code);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(IsEventText(text), MayHold(code)) << std::hex << code;
    ASSERT_EQ(SpanOfEventText(text), MayHold(code) ? text.size() : 0) << std::hex << code;
    ASSERT_EQ(IsUtf8(text), !surrogate) << std::hex << code;
  }
}

TEST(EventText, IsFineWhenEmpty) {
  EXPECT_TRUE(IsEventText(""));
  EXPECT_TRUE(IsEventText({}));
  EXPECT_TRUE(IsUtf8({}));
}

TEST(EventText, RefusesBrokenUtf8) {
  for (const std::string_view text :
       {"\x80", "\xBF", "\xC0\xA0", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xE2\x82", "\xE2\x82\x41", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE",
        "\xFF"}) {
    EXPECT_FALSE(IsEventText(text));
    EXPECT_FALSE(IsUtf8(text));
  }
}

// One wrong character at every place of texts of every size: no block and no tail is skipped.
TEST(EventText, TellsWhereTheFirstWrongByteIs) {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char wrong : {'\0', '\x1F', '\x7F', '\x80', '\xFF'}) {
        std::string text(size, 'a');
        text[at] = wrong;
        ASSERT_FALSE(IsEventText(text)) << size << " " << at;
        ASSERT_EQ(SpanOfEventText(text), at) << size;
        ASSERT_EQ(IsUtf8(text), static_cast<std::uint8_t>(wrong) < 0x80);
      }
      std::string wide(at, '~');
      wide += "\xE2\x82\xAC";
      wide += std::string(size - at, ' ');
      ASSERT_TRUE(IsEventText(wide));
      ASSERT_TRUE(IsUtf8(wide));
      ASSERT_FALSE(IsEventText(wide.substr(0, at + 2)));
    }
  }
}

TEST(EventText, AgreesWithTheRuleCharacterByCharacter) {
  EXPECT_TRUE(rc::check([] {
    std::string text;
    std::size_t good = 0;
    bool all = true;
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100))) {
      const std::uint32_t code = step < 60   ? *rc::gen::inRange<std::uint32_t>(0x20, 0x7F)
                                 : step < 99 ? *rc::gen::inRange<std::uint32_t>(0xA0, 0x11000)
                                             : *rc::gen::inRange<std::uint32_t>(0, 0xA0);
      if (code >= 0xD800 && code <= 0xDFFF) continue;
      text += Utf8(code);
      all = all && MayHold(code);
      if (all) good = text.size();
    }
    RC_ASSERT(IsEventText(text) == all);
    RC_ASSERT(SpanOfEventText(text) == good);
    RC_ASSERT(IsUtf8(text));
  }));
}

}  // namespace
}  // namespace holdfast::codec
