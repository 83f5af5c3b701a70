// SPDX-License-Identifier: Apache-2.0
//
// The rows of the W3C baggage tests (github.com/w3c/baggage), those of the OpenTelemetry C++ tests that agree
// with them, and what both leave open: broken escapes, broken UTF-8, private members.
#include "codec/baggage.h"

#include <gtest/gtest.h>
#include <holdfast/baggage.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

using Member = Baggage::Member;
using Members = std::vector<Member>;
using Property = Baggage::Property;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string Repeat(std::string_view text, int times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

std::string List(int members, std::string_view value) {
  std::string list;
  for (int i = 0; i < members; ++i) {
    list += (i == 0 ? "k" : ",k") + std::to_string(1000 + i) + "=" + std::string(value);
  }
  return list;
}

TEST(Baggage, ReadsMembersAndProperties) {
  const Members expected = {{"SomeKey", "SomeValue", {{"SomeProp"}}},
                            {"SomeKey2", "SomeValue2", {{"ValueProp", "PropVal"}}}};
  EXPECT_EQ(
      Baggage::Parse("SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal").members(),
      expected);
  const Baggage spaced = Baggage::Parse(
      "SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t SomeKey2 \t = \t SomeValue2 \t ; \t "
      "ValueProp \t = "
      "\t PropVal");
  EXPECT_EQ(spaced.members(), expected);
  EXPECT_EQ(spaced.text(), "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal");
}

TEST(Baggage, AnEqualsSignIsPartOfAValue) {
  EXPECT_EQ(Baggage::Parse("SomeKey=SomeValue=equals").Get("SomeKey"), "SomeValue=equals");
}

TEST(Baggage, EncodesWhatIsNotPlainAndReadsItBack) {
  const std::string value = "\t \"';=asdf!@#$%^&*()";
  const std::string encoded = "%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";
  Baggage baggage;
  const Property property{"SomeProp", value};
  ASSERT_TRUE(baggage.Set("SomeKey", value, std::span(&property, 1)).ok());
  EXPECT_EQ(baggage.text(), "SomeKey=" + encoded + ";SomeProp=" + encoded);
  EXPECT_EQ(Baggage::Parse(baggage.text()).members(), (Members{{"SomeKey", value, {property}}}));
}

TEST(Baggage, KeepsRepeatedPropertiesInOrder) {
  const Members expected = {
      {"SomeKey",
       "SomeValue",
       {{"SomeProp"}, {"SomeProp", "PropValue"}, {"SomeProp", "AnotherPropValue"}}}};
  EXPECT_EQ(
      Baggage::Parse("SomeKey=SomeValue;SomeProp;SomeProp=PropValue;SomeProp=AnotherPropValue")
          .members(),
      expected);
}

TEST(Baggage, ABarePropertyIsVerbatim) {
  const std::string header = "SomeKey=SomeValue;ValueProp%20%09%20%3D%20%09%20PropVal";
  const Baggage baggage = Baggage::Parse(header);
  EXPECT_EQ(baggage.members(),
            (Members{{"SomeKey", "SomeValue", {{"ValueProp%20%09%20%3D%20%09%20PropVal"}}}}));
  EXPECT_EQ(baggage.text(), header);
}

TEST(Baggage, ReadsUtf8UnderEscapes) {
  const Baggage baggage =
      Baggage::Parse("userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false");
  EXPECT_EQ(baggage.Get("userId"), "Am\xC3\xA9lie");
  EXPECT_EQ(baggage.Get("serverNode"), "DF 28");
  EXPECT_EQ(baggage.Get("isProduction"), "false");
  EXPECT_EQ(baggage.text(), "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false");
  Baggage set;
  ASSERT_TRUE(set.Set("serverNode", "DF 28").ok());
  EXPECT_EQ(set.text(), "serverNode=DF%2028") << "never a plus sign";
}

TEST(Baggage, APlusSignIsItself) {
  EXPECT_EQ(Baggage::Parse("k=a+b").Get("k"), "a+b");
  EXPECT_EQ(Baggage::Parse("k=a+b").text(), "k=a+b");
}

TEST(Baggage, KeysAreNeverDecodedNorFolded) {
  EXPECT_EQ(Baggage::Parse("a%41=1").members(), (Members{{"a%41", "1"}}));
  EXPECT_EQ(Baggage::Parse("k=1,K=2").Get("K"), "2");
}

TEST(Baggage, BrokenUtf8ReadsAsTheReplacementCharacter) {
  const std::pair<std::string_view, std::string> rows[] = {
      {"%C3", std::string(kReplacement)},
      {"%C3%28", std::string(kReplacement) + "("},
      {"%C3x", std::string(kReplacement) + "x"},
      {"%80", std::string(kReplacement)},
      {"%80%80", Repeat(kReplacement, 2)},
      {"%C0%AF", Repeat(kReplacement, 2)},        // over-long
      {"%ED%A0%80", Repeat(kReplacement, 3)},     // a surrogate
      {"%F4%90%80%80", Repeat(kReplacement, 4)},  // beyond U+10FFFF
      {"%E2%82", std::string(kReplacement)},      // one maximal part
      {"%E2%82%E2%82%AC", std::string(kReplacement) + "\xE2\x82\xAC"},
      {"%F0%9F%98%80", "\xF0\x9F\x98\x80"},
      {"%FF", std::string(kReplacement)},
  };
  for (const auto& [value, expected] : rows) {
    const Baggage baggage = Baggage::Parse("k=" + std::string(value));
    EXPECT_EQ(baggage.Get("k"), expected) << value;
    EXPECT_EQ(Baggage::Parse(baggage.text()), baggage) << value;
  }
  EXPECT_EQ(Baggage::Parse("k=%C3").text(), "k=%EF%BF%BD");
  Baggage set;
  ASSERT_TRUE(set.Set("k", "a\xC3").ok());
  EXPECT_EQ(set.text(), "k=a%EF%BF%BD");
}

TEST(Baggage, EscapesAreWrittenInUpperCase) {
  EXPECT_EQ(Baggage::Parse("k=%c3%a9%2f").text(), "k=%C3%A9%2F");
}

TEST(Baggage, KeepsDuplicatesInOrder) {
  Baggage baggage = Baggage::Parse("k=1,x=2,k=3");
  EXPECT_EQ(baggage.members(), (Members{{"k", "1"}, {"x", "2"}, {"k", "3"}}));
  EXPECT_EQ(baggage.Get("k"), "1");
  EXPECT_TRUE(baggage.Set("k", "4").ok());
  EXPECT_EQ(baggage.text(), "x=2,k=4");
  EXPECT_TRUE(baggage.Add("k", "5").ok());
  EXPECT_EQ(baggage.text(), "x=2,k=4,k=5");
  EXPECT_TRUE(baggage.Erase("k"));
  EXPECT_FALSE(baggage.Erase("k"));
  EXPECT_EQ(baggage.text(), "x=2");
}

TEST(Baggage, SeveralHeadersAreOneList) {
  const std::string_view headers[] = {"a=1", "", " b=2 , c=3", ","};
  EXPECT_EQ(Baggage::Parse(headers).text(), "a=1,b=2,c=3");
}

TEST(Baggage, KeepsAllThatW3cAsksFor) {
  EXPECT_EQ(Baggage::Parse(List(64, "v")).members().size(), 64u);
  const std::string whole = "a=" + Repeat("0123456789", 819);
  ASSERT_EQ(whole.size(), 8192u);
  EXPECT_EQ(Baggage::Parse(whole).text(), whole);
  const std::string readme =
      "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue";
  EXPECT_EQ(readme.size(), 86u);
  EXPECT_EQ(Baggage::Parse(readme).members(),
            (Members{{"key1", "value1", {{"property1"}, {"property2"}}},
                     {"key2", "value2"},
                     {"key3", "value3", {{"propertyKey", "propertyValue"}}}}));
}

TEST(Baggage, DropsWholeMembersBeyondTheLimits) {
  std::uint32_t dropped = 0;
  EXPECT_EQ(Baggage::Parse(List(180, "v"), &dropped).members().size(), 180u);
  EXPECT_EQ(dropped, 0u);
  EXPECT_EQ(Baggage::Parse(List(181, "v"), &dropped).members().size(), 180u);
  EXPECT_EQ(dropped, 1u);
  const std::string list = List(512, "012345678");  // 15 bytes each
  EXPECT_EQ(list.size(), 8191u);
  EXPECT_EQ(Baggage::Parse(list, &dropped).text(), List(180, "012345678"));
  EXPECT_EQ(dropped, 332u);
  const Baggage large = Baggage::Parse("a=" + std::string(8191, 'x') + ",b=1", &dropped);
  EXPECT_EQ(large.text(), "b=1") << "the one that fits stays";
  EXPECT_EQ(dropped, 1u);
  const Baggage grown = Baggage::Parse("a=" + Repeat("%C3", 2000) + ",b=1", &dropped);
  EXPECT_EQ(grown.text(), "b=1") << "18000 bytes once its UTF-8 is repaired";
}

TEST(Baggage, ReadsTheRowsOfOpenTelemetryThatAgree) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"k1=V1,K2=v2;metadata,k3=v3", "k1=V1,K2=v2;metadata,k3=v3"},
      {",k1 =v1,k2=v2 ; metadata,", "k1=v1,k2=v2;metadata"},
      {"field=foo:bar", "field=foo:bar"},
      {"mixed=a/b:c?d=e", "mixed=a/b:c?d=e"},
      {"k1=v1,invalidmember,k2=v2", "k1=v1,k2=v2"},
      {"k1=%5zv", ""},
      {"k1=%5", ""},
      {"k1=%", ""},
      {"key1=,key2=val2", "key1=,key2=val2"},
  };
  for (const auto& [header, expected] : rows) EXPECT_EQ(Baggage::Parse(header).text(), expected);
}

TEST(Baggage, SkipsAMalformedMemberAndCountsIt) {
  for (const std::string_view bad :
       {"novalue", "=1", "a b=1", "a=b c", "a=\"q\"", "a=\\", "a=1;=2", "a=1;p q", "a=1;p=\"",
        "a=\x7f", "a=\xc3\xa9", "\xc3\xa9=1", "a=1\r\n b=2", "(a)=1", "a=1;p=%z", "a\t\n=1"}) {
    std::uint32_t dropped = 0;
    const std::string header = "x=1," + std::string(bad) + ",y=2";
    EXPECT_EQ(Baggage::Parse(header, &dropped).text(), "x=1,y=2") << bad;
    EXPECT_EQ(dropped, 1u) << bad;
  }
}

TEST(Baggage, TakesEveryTokenByteAsAKey) {
  const std::string key = "!#$%&'*+-.^_`|~09azAZ";
  Baggage baggage;
  ASSERT_TRUE(baggage.Set(key, "1").ok());
  EXPECT_EQ(Baggage::Parse(baggage.text()).Get(key), "1");
}

TEST(Baggage, RefusesToSetWhatItCouldNotRead) {
  Baggage baggage = Baggage::Parse("k=v");
  for (const std::string_view key : {"", "a b", "a=b", "a,b", "a;b", "\xc3\xa9", "a\"", "a/b"}) {
    EXPECT_EQ(baggage.Set(key, "1").code(), absl::StatusCode::kInvalidArgument) << key;
    const Property property{std::string(key)};
    EXPECT_EQ(baggage.Set("p", "1", std::span(&property, 1)).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(baggage.Set("a", std::string(8192, 'x')).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(baggage.text(), "k=v");
  Baggage full = Baggage::Parse(List(180, "v"));
  EXPECT_EQ(full.Add("one-more", "1").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(full.Set("k1000", "other").ok()) << "in place of another";
}

TEST(Baggage, APrivateMemberSaysSo) {
  Baggage baggage;
  ASSERT_TRUE(baggage.SetPrivate("user.email", "ann@example.org").ok());
  ASSERT_TRUE(baggage.Set("region", "eu").ok());
  EXPECT_EQ(baggage.Get("user.email"), "ann@example.org") << "seen in process";
  ASSERT_EQ(baggage.members().size(), 2u);
  EXPECT_TRUE(baggage.members()[0].is_private());
  EXPECT_FALSE(baggage.members()[1].is_private());
  EXPECT_TRUE(codec::IsPrivate("a=1; holdfast-pii"));
  EXPECT_TRUE(codec::IsPrivate("a=1;x=2;holdfast-pii=yes;y"));
  EXPECT_FALSE(codec::IsPrivate("holdfast-pii=1;x"));
  EXPECT_FALSE(codec::IsPrivate("a=holdfast-pii;not-holdfast-pii;holdfast-pii2"));
}

TEST(Baggage, ReadingWhatWasWrittenGivesTheSame) {
  const auto key = rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab%Z0!#$&'*+-.^_`|~"))));
  const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
  EXPECT_TRUE(rc::check([&] {
    Baggage baggage;
    Members model;
    for (int i = *rc::gen::inRange(0, 10); i > 0; --i) {
      Member member{*key, *text + (*rc::gen::arbitrary<bool>() ? "\xE2\x82\xAC" : "")};
      for (int p = *rc::gen::inRange(0, 3); p > 0; --p) {
        member.properties.push_back({*key});
        if (*rc::gen::arbitrary<bool>()) member.properties.back().value = *text;
      }
      if (baggage.Add(member.key, member.value, member.properties).ok()) model.push_back(member);
    }
    const Baggage back = Baggage::Parse(baggage.text());
    RC_ASSERT(back == baggage);
    RC_ASSERT(back.members() == model);
  }));
}

TEST(Baggage, WritingWhatWasReadIsAFixedPoint) {
  EXPECT_TRUE(rc::check([] {
    const auto header = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("ab=,,;% \t1cC3E2829A\"\\\x80")));
    const Baggage once = Baggage::Parse(header);
    std::uint32_t dropped = 0;
    RC_ASSERT(Baggage::Parse(once.text(), &dropped) == once);
    RC_ASSERT(dropped == 0u);
  }));
}

TEST(Baggage, AKeyThatWasPrivateStaysSoUntilItIsErased) {
  Baggage baggage;
  ASSERT_TRUE(baggage.SetPrivate("user.email", "ann@example.org").ok());
  ASSERT_TRUE(baggage.Set("user.email", "bob@example.org").ok());
  ASSERT_TRUE(baggage.Add("user.email", "eve@example.org").ok());
  for (const Baggage::Member& member : baggage.members()) EXPECT_TRUE(member.is_private());
  EXPECT_EQ(baggage.members().size(), 2u);
  EXPECT_TRUE(baggage.Erase("user.email"));
  ASSERT_TRUE(baggage.Set("user.email", "none").ok());
  EXPECT_FALSE(baggage.members()[0].is_private());
}

}  // namespace
}  // namespace holdfast
