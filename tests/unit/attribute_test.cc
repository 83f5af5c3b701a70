// SPDX-License-Identifier: Apache-2.0
// Attributes of events: names, kinds, values and their text, through the C ABI.
#include "codec/attribute.h"

#include <gtest/gtest.h>
#include <holdfast/attribute.h>
#include <rapidcheck.h>

#include <array>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "codec/attribute_names.h"

namespace holdfast {
namespace {

// "" or what is wrong.
std::string Complaint(const Attribute& attribute) {
  hf_error error{};
  const hf_code code = hf_attribute_check(&attribute, &error);
  EXPECT_EQ(code, error.code);
  EXPECT_EQ(hf_attribute_check(&attribute, nullptr), code);
  return code == HF_OK ? "" : error.text;
}

std::string ComplaintOfName(std::string_view name) { return Complaint(IntegerAttribute(name, 1)); }

Attribute Read(hf_attribute_kind kind, std::string_view text, std::string* buffer = nullptr) {
  Attribute value{Borrow("n"), {nullptr, 0}, -7, -7, 0};
  const Attribute before = value;
  if (buffer != nullptr) buffer->resize(3 * (text.size() / 4));
  const hf_code code = hf_attribute_parse(kind, text.data(), text.size(),
                                          buffer == nullptr ? nullptr : buffer->data(),
                                          buffer == nullptr ? 0 : buffer->size(), &value);
  if (code != HF_OK) {
    EXPECT_EQ(std::memcmp(&value, &before, sizeof value), 0) << "was changed";
  }
  return value;  // of kind 0 if it was refused
}

std::string Written(const Attribute& attribute) {
  const absl::StatusOr<std::string> text = FormatAttribute(attribute);
  return text.ok() ? *text : "! " + std::string(text.status().message());
}

TEST(AttributeName, IsMadeOfLowerCaseLettersAndDigits) {
  for (const char* name : {"a", "9", "abc123", "az09az09",
                           "a23456789012345678901234567890123456789"
                           "0123456789012345678901234"}) {
    EXPECT_EQ(ComplaintOfName(name), "") << name;
  }
  for (std::size_t size = 1; size <= 30; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string name(size, 'q');
        name[at] = static_cast<char>(byte);
        const bool well = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        ASSERT_EQ(codec::CheckName(name) == codec::Fault::kNone, well) << size << " " << at;
      }
    }
  }
}

TEST(AttributeName, HasOneTo64Characters) {
  EXPECT_EQ(ComplaintOfName(""), "attribute name: has 1 to 64 characters");
  EXPECT_EQ(ComplaintOfName(std::string(64, 'a')), "");
  EXPECT_EQ(ComplaintOfName(std::string(65, 'a')), "attribute name: has 1 to 64 characters");
}

TEST(AttributeName, IsNeverData) {
  EXPECT_EQ(ComplaintOfName("data"), "attribute name: is not data");
  for (const char* name : {"data1", "dataa", "dat", "adata", "date"}) {
    EXPECT_EQ(ComplaintOfName(name), "") << name;
  }
}

TEST(AttributeName, ThatIsIllegalIsNotShown) {
  EXPECT_EQ(ComplaintOfName("a\nb"), "attribute name: is made of a-z and 0-9");
}

TEST(AttributeKind, IsKnownForEveryNameThatMeansTheSameEverywhere) {
  for (const codec::KnownName& known : codec::kKnownNames) {
    EXPECT_EQ(hf_attribute_kind_of(known.name.data(), known.name.size()), known.kind) << known.name;
  }
  EXPECT_EQ(codec::KnownKind("time"), HF_ATTRIBUTE_TIMESTAMP);
  EXPECT_EQ(codec::KnownKind("dataschema"), HF_ATTRIBUTE_URI);
  EXPECT_EQ(codec::KnownKind("source"), HF_ATTRIBUTE_URI_REF);
  EXPECT_EQ(codec::KnownKind("sampledrate"), HF_ATTRIBUTE_INTEGER);
  EXPECT_EQ(codec::KnownKind("deprecated"), HF_ATTRIBUTE_BOOLEAN);
}

TEST(AttributeKind, IsUnknownForAnyOtherName) {
  EXPECT_EQ(hf_attribute_kind_of(nullptr, 0), 0);
  EXPECT_EQ(hf_attribute_kind_of(nullptr, 4), 0);
  EXPECT_EQ(codec::KnownKind(""), 0);
  EXPECT_EQ(codec::KnownKind(std::string(64, 'a')), 0);
  const auto known = [](std::string_view name) {
    for (const codec::KnownName& other : codec::kKnownNames) {
      if (other.name == name) return true;
    }
    return false;
  };
  for (const codec::KnownName& real : codec::kKnownNames) {
    for (std::size_t at = 0; at <= real.name.size(); ++at) {
      for (const char byte : std::string("aetx0Z\0", 7)) {
        std::string longer(real.name);
        longer.insert(at, 1, byte);
        if (!known(longer)) {
          ASSERT_EQ(codec::KnownKind(longer), 0) << longer;
        }
        std::string other(real.name);
        if (at == other.size()) continue;
        other[at] = byte;
        if (!known(other)) {
          ASSERT_EQ(codec::KnownKind(other), 0) << other;
        }
        std::string shorter(real.name);
        shorter.erase(at, 1);
        if (!known(shorter)) {
          ASSERT_EQ(codec::KnownKind(shorter), 0) << shorter;
        }
      }
    }
  }
}

TEST(Attribute, KeepsTheRulesOfItsKind) {
  const std::pair<Attribute, std::string_view> rows[] = {
      {BooleanAttribute("b", true), ""},
      {{Borrow("b"), {}, 2, 0, HF_ATTRIBUTE_BOOLEAN}, "b: a Boolean is 0 or 1"},
      {{Borrow("b"), {}, -1, 0, HF_ATTRIBUTE_BOOLEAN}, "b: a Boolean is 0 or 1"},
      {{Borrow("i"), {}, INT32_MIN, 0, HF_ATTRIBUTE_INTEGER}, ""},
      {{Borrow("i"), {}, INT32_MAX, 0, HF_ATTRIBUTE_INTEGER}, ""},
      {{Borrow("i"), {}, std::int64_t{INT32_MAX} + 1, 0, HF_ATTRIBUTE_INTEGER},
       "i: an Integer has 32 bits"},
      {{Borrow("i"), {}, std::int64_t{INT32_MIN} - 1, 0, HF_ATTRIBUTE_INTEGER},
       "i: an Integer has 32 bits"},
      {TextAttribute("s", ""), ""},
      {TextAttribute("s", "\xE2\x82\xAC"), ""},
      {TextAttribute("s", "a\tb"), "s: holds a control character, a noncharacter or broken UTF-8"},
      {TextAttribute("y", std::string_view("\0\xFF", 2), HF_ATTRIBUTE_BYTES), ""},
      {TextAttribute("u", "a:b", HF_ATTRIBUTE_URI), ""},
      {TextAttribute("u", "", HF_ATTRIBUTE_URI), "u: is no absolute URI (RFC 3986, 4.3)"},
      {TextAttribute("u", "/b", HF_ATTRIBUTE_URI), "u: is no absolute URI (RFC 3986, 4.3)"},
      {TextAttribute("r", "", HF_ATTRIBUTE_URI_REF), ""},
      {TextAttribute("r", "a b", HF_ATTRIBUTE_URI_REF), "r: is no URI-reference (RFC 3986, 4.1)"},
      {TimeAttribute("t", Timestamp(-62135596800, 999'999'999)), ""},
      {TimeAttribute("t", Timestamp(253402300799, 0)), ""},
      {TimeAttribute("t", Timestamp(253402300800, 0)),
       "t: a Timestamp lies in the years 0001 to 9999, its nanoseconds in 0 to 999999999"},
      {TimeAttribute("t", Timestamp(0, -1)),
       "t: a Timestamp lies in the years 0001 to 9999, its nanoseconds in 0 to 999999999"},
      {TextAttribute("o", "\xFF", HF_ATTRIBUTE_OPAQUE), ""},
      {TextAttribute("x", "", 0), "x: has no kind"},
      {TextAttribute("x", "", 9), "x: has no kind"},
      {TextAttribute("x", "", -1), "x: has no kind"}};
  for (const auto& [attribute, complaint] : rows) EXPECT_EQ(Complaint(attribute), complaint);
}

TEST(Attribute, ToldApartAreMalformedAndOutOfRange) {
  hf_error error{};
  Attribute attribute = TextAttribute("a", "\x01");
  EXPECT_EQ(hf_attribute_check(&attribute, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_MALFORMED);
  attribute = {Borrow("a"), {}, 2, 0, HF_ATTRIBUTE_BOOLEAN};
  EXPECT_EQ(hf_attribute_check(&attribute, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
  attribute = {Borrow("a"), {}, INT64_MAX, 0, HF_ATTRIBUTE_INTEGER};
  EXPECT_EQ(hf_attribute_check(&attribute, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
  attribute = TimeAttribute("a", Timestamp(0, -1));
  EXPECT_EQ(hf_attribute_check(&attribute, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
}

TEST(Attribute, OfAKnownNameHasItsKindOrAStringThatReadsAsIt) {
  const std::pair<Attribute, std::string_view> rows[] = {
      {TimeAttribute("time", Timestamp(0, 0)), ""},
      {TextAttribute("time", "2018-04-05T17:31:00+02:00"), ""},
      {TextAttribute("time", "yesterday"), "time: must be a Timestamp"},
      {IntegerAttribute("time", 1), "time: must be a Timestamp"},
      {TextAttribute("time", "a:b", HF_ATTRIBUTE_URI), "time: must be a Timestamp"},
      {TextAttribute("deprecated", "true"), ""},
      {TextAttribute("deprecated", "True"), "deprecated: must be a Boolean"},
      {TextAttribute("sampledrate", "30"), ""},
      {TextAttribute("sampledrate", "030"), "sampledrate: must be an Integer"},
      {TextAttribute("dataschema", "urn:a:b"), ""},
      {TextAttribute("dataschema", "/a"), "dataschema: must be a URI"},
      {TextAttribute("dataschema", "urn:a:b", HF_ATTRIBUTE_URI_REF), "dataschema: must be a URI"},
      {TextAttribute("dataref", "a:b", HF_ATTRIBUTE_URI), ""},
      {TextAttribute("dataref", "/a"), ""},
      {TextAttribute("dataref", "<>"), "dataref: must be a URI-reference"},
      {IntegerAttribute("dataref", 1), "dataref: must be a URI-reference"},
      {IntegerAttribute("sequence", 5), "sequence: must be a String"},
      {TextAttribute("authid", "YQ==", HF_ATTRIBUTE_BYTES), "authid: must be a String"},
      {TextAttribute("authid", "?", HF_ATTRIBUTE_OPAQUE), "authid: must be a String"},
      {TextAttribute("subject", "x"), ""},
      {TextAttribute("subject", ""), "subject: is empty"},
      {IntegerAttribute("somethingelse", 5), ""}};
  for (const auto& [attribute, complaint] : rows) EXPECT_EQ(Complaint(attribute), complaint);
}

TEST(Attribute, DataContentTypeIsAMediaType) {
  for (const char* text :
       {"application/json", "text/plain; charset=utf-8", "text/plain;charset=\"utf-8\"",
        "application/cloudevents+json ;a=b", "image/svg+xml", "x/y;"}) {
    EXPECT_EQ(Complaint(TextAttribute("datacontenttype", text)), "") << text;
  }
  for (const char* text :
       {"", "json", "te@plain", "/json", "text/", "text/plain charset", "text /plain", "text/pl@in",
        "text/plain,text/html", " text/plain", "t\xC3\xA9xt/plain"}) {
    EXPECT_EQ(Complaint(TextAttribute("datacontenttype", text)),
              "datacontenttype: is no media type (RFC 2046)")
        << text;
  }
}

TEST(Attribute, WritesTheCanonicalText) {
  const std::pair<Attribute, std::string_view> rows[] = {
      {BooleanAttribute("a", true), "true"},
      {BooleanAttribute("a", false), "false"},
      {IntegerAttribute("a", 0), "0"},
      {IntegerAttribute("a", INT32_MIN), "-2147483648"},
      {TextAttribute("a", ""), ""},
      {TextAttribute("a", "caf\xC3\xA9"), "caf\xC3\xA9"},
      {TextAttribute("a", "f", HF_ATTRIBUTE_BYTES), "Zg=="},
      {TextAttribute("a", "", HF_ATTRIBUTE_BYTES), ""},
      {TextAttribute("a", "a:b", HF_ATTRIBUTE_URI), "a:b"},
      {TextAttribute("a", "b", HF_ATTRIBUTE_URI_REF), "b"},
      {TimeAttribute("a", Timestamp(1522949460, 5'000'000)), "2018-04-05T17:31:00.005Z"},
      {TimeAttribute("a", WallTime(std::chrono::nanoseconds(-1))),
       "1969-12-31T23:59:59.999999999Z"},
      {TextAttribute("a", "", HF_ATTRIBUTE_OPAQUE), "! an attribute without a text"},
      {TextAttribute("a", "\x7F"),
       "! a: holds a control character, a noncharacter or broken UTF-8"},
      {{Borrow("a"), {}, 3, 0, HF_ATTRIBUTE_BOOLEAN}, "! a: a Boolean is 0 or 1"}};
  for (const auto& [attribute, text] : rows) EXPECT_EQ(Written(attribute), text);
}

TEST(Attribute, WritesNothingWithoutRoom) {
  const Attribute attribute = TextAttribute("a", "four");
  std::array<char, 4> out{'-', '-', '-', '-'};
  std::size_t need = 0;
  EXPECT_EQ(hf_attribute_format(&attribute, out.data(), 3, &need), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(need, 4u);
  EXPECT_EQ(out[0], '-');
  EXPECT_EQ(hf_attribute_format(&attribute, out.data(), 4, nullptr), HF_OK);
  EXPECT_EQ(std::string_view(out.data(), 4), "four");
}

TEST(Attribute, ReadsIntegersOfOneFormOnly) {
  EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, "0").number, 0);
  EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, "-1").number, -1);
  EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, "2147483647").number, INT32_MAX);
  EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, "-2147483648").number, INT32_MIN);
  // JSON's grammar of an integer, which CloudEvents refers to, has a minus before a zero.
  EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, "-0").kind, HF_ATTRIBUTE_INTEGER);
  EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, "-0").number, 0);
  for (const char* text : {"", "-", "-00", "00", "01", "-01", "+1", " 1", "1 ", "1.0", "1e3", "0x1",
                           "2147483648", "-2147483649", "99999999999999999999", "--1", "1-"}) {
    EXPECT_EQ(Read(HF_ATTRIBUTE_INTEGER, text).kind, 0) << text;
  }
}

TEST(Attribute, ReadsBooleansToTheLetter) {
  EXPECT_EQ(Read(HF_ATTRIBUTE_BOOLEAN, "true").number, 1);
  EXPECT_EQ(Read(HF_ATTRIBUTE_BOOLEAN, "false").number, 0);
  for (const char* text : {"", "True", "FALSE", "1", "0", "true ", "tru"}) {
    EXPECT_EQ(Read(HF_ATTRIBUTE_BOOLEAN, text).kind, 0) << text;
  }
}

TEST(Attribute, ReadsTextAsItIsAndBytesIntoTheBuffer) {
  const std::string_view text = "Zm9v";
  EXPECT_EQ(Read(HF_ATTRIBUTE_STRING, text).text.data, text.data());
  EXPECT_EQ(Read(HF_ATTRIBUTE_STRING, "a\rb").kind, 0);
  EXPECT_EQ(Read(HF_ATTRIBUTE_URI, "a:b").text.size, 3u);
  EXPECT_EQ(Read(HF_ATTRIBUTE_URI, "b").kind, 0);
  EXPECT_EQ(Read(HF_ATTRIBUTE_URI_REF, "b").text.size, 1u);
  EXPECT_EQ(Read(HF_ATTRIBUTE_URI_REF, "%").kind, 0);
  std::string buffer;
  EXPECT_EQ(View(Read(HF_ATTRIBUTE_BYTES, text, &buffer).text), "foo");
  EXPECT_EQ(Read(HF_ATTRIBUTE_BYTES, "Zm9", &buffer).kind, 0);
  EXPECT_EQ(Read(HF_ATTRIBUTE_BYTES, "Zm9=", &buffer).kind, 0);
  EXPECT_EQ(Read(HF_ATTRIBUTE_OPAQUE, "x").kind, 0);
  EXPECT_EQ(Read(0, "x").kind, 0);
  EXPECT_EQ(Read(9, "x").kind, 0);
  Attribute value{};
  EXPECT_EQ(hf_attribute_parse(HF_ATTRIBUTE_BYTES, text.data(), 4, buffer.data(), 2, &value),
            HF_RESOURCE_EXHAUSTED);
}

TEST(Attribute, MissingPointersAreRefused) {
  hf_error error{};
  EXPECT_EQ(hf_attribute_check(nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  Attribute attribute = TextAttribute("a", "b");
  attribute.text.data = nullptr;
  EXPECT_EQ(hf_attribute_check(&attribute, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "text: is NULL");
  EXPECT_EQ(hf_attribute_format(&attribute, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  attribute.name.data = nullptr;
  EXPECT_EQ(hf_attribute_check(&attribute, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "name: is NULL");
  EXPECT_EQ(hf_attribute_format(nullptr, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  attribute = TextAttribute("a", "b");
  EXPECT_EQ(hf_attribute_format(&attribute, nullptr, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_attribute_parse(HF_ATTRIBUTE_STRING, nullptr, 1, nullptr, 0, &attribute),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_attribute_parse(HF_ATTRIBUTE_STRING, "", 0, nullptr, 1, &attribute),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_attribute_parse(HF_ATTRIBUTE_STRING, "", 0, nullptr, 0, nullptr),
            HF_INVALID_ARGUMENT);
}

TEST(Attribute, EveryFaultHasWordsOfItsOwn) {
  std::set<std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(codec::Fault::kNotTimestamp); ++i) {
    EXPECT_TRUE(seen.insert(codec::TextOf(static_cast<codec::Fault>(i))).second) << i;
  }
  EXPECT_EQ(codec::TextOf(static_cast<codec::Fault>(99)), "is not well");
}

TEST(Attribute, ReadsAsAnotherKindWhatItsTextSays) {
  EXPECT_EQ(AttributeAs(TextAttribute("a", "5"), HF_ATTRIBUTE_INTEGER)->number, 5);
  EXPECT_EQ(AttributeAs(IntegerAttribute("a", 5), HF_ATTRIBUTE_INTEGER)->number, 5);
  EXPECT_EQ(View(AttributeAs(TextAttribute("a", "5"), HF_ATTRIBUTE_INTEGER)->name), "a");
  EXPECT_TRUE(AttributeAs(TextAttribute("a", "b:", HF_ATTRIBUTE_URI), HF_ATTRIBUTE_URI_REF));
  EXPECT_FALSE(AttributeAs(TextAttribute("a", "b:", HF_ATTRIBUTE_URI), HF_ATTRIBUTE_STRING));
  EXPECT_FALSE(AttributeAs(TextAttribute("a", "x"), HF_ATTRIBUTE_INTEGER));
  EXPECT_FALSE(AttributeAs(IntegerAttribute("a", 5), HF_ATTRIBUTE_STRING));
}

TEST(Timestamp, IsTheNearestWallTime) {
  EXPECT_EQ(Timestamp(WallTime{}).Nearest(), WallTime{});
  for (const std::int64_t ns :
       {-1'000'000'001, -1'000'000'000, -1, 1, 999'999'999, 1'000'000'000}) {
    const WallTime time{std::chrono::nanoseconds(ns)};
    EXPECT_EQ(Timestamp(time).Nearest(), time);
    EXPECT_GE(Timestamp(time).nanos, 0);
  }
  EXPECT_EQ(Timestamp(253402300799, 0).Nearest(), WallTime::max());
  EXPECT_EQ(Timestamp(-62135596800, 0).Nearest(), WallTime::min());
  EXPECT_LT(Timestamp(5, 9), Timestamp(6, 0));
  EXPECT_LT(Timestamp(5, 8), Timestamp(5, 9));
}

TEST(Attribute, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_TRUE(rc::check([] {
    const hf_attribute_kind kind = *rc::gen::inRange(1, 8);
    const std::string text = *rc::gen::arbitrary<std::string>();
    Attribute value = TextAttribute("n", text, kind);
    value.number = *rc::gen::arbitrary<std::int64_t>();
    if (kind == HF_ATTRIBUTE_BOOLEAN) value.number &= 1;
    if (kind == HF_ATTRIBUTE_INTEGER) value.number >>= 32;
    if (kind == HF_ATTRIBUTE_TIMESTAMP) {
      value.number %= 62135596800;
      value.nanos = *rc::gen::inRange(0, 1'000'000'000);
    }
    RC_PRE(hf_attribute_check(&value, nullptr) == HF_OK);
    const std::string written = Written(value);
    std::string buffer;
    const Attribute read = Read(kind, written, &buffer);
    RC_ASSERT(read.kind == kind);
    const bool numeric = kind == HF_ATTRIBUTE_BOOLEAN || kind == HF_ATTRIBUTE_INTEGER ||
                         kind == HF_ATTRIBUTE_TIMESTAMP;
    if (numeric) {
      RC_ASSERT(read.number == value.number);
      RC_ASSERT(read.nanos == value.nanos);
    } else {
      RC_ASSERT(View(read.text) == text);
    }
    RC_ASSERT(Written(read) == written);
  }));
}

TEST(Attribute, WhatOthersMeanByOurNamesIsLeftToThem) {
  for (const Attribute& theirs :
       {TextAttribute("attempt", "second"), IntegerAttribute("tenant", 7),
        BooleanAttribute("criticality", true), TextAttribute("senttime", "yesterday"),
        TextAttribute("contractversion", "Ulysses")}) {
    hf_error error{};
    EXPECT_EQ(hf_attribute_check(&theirs, &error), HF_OK) << error.text;
  }
  const Attribute typed = TextAttribute("sampledrate", "often");
  EXPECT_EQ(hf_attribute_check(&typed, nullptr), HF_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace holdfast
