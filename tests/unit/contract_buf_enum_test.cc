// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract::Authority;
using contract_test::FiresIn;
using contract_test::kEvery;
using contract_test::kNames;
using contract_test::kNowhere;
using contract_test::kSources;
using contract_test::Objections;
using contract_test::Proto2;
using contract_test::Proto3;
using ::testing::ElementsAre;

std::string Enum(std::string_view body) {
  return Proto3("enum E { Z = 0; " + std::string(body) + " }");
}
std::string Enum2(std::string_view body) {
  return Proto2("enum E { Z = 0; " + std::string(body) + " }");
}

TEST(BufEnumRules, OpenAndClosed) {
  constexpr auto kRule = "ENUM_SAME_TYPE";
  EXPECT_EQ(FiresIn(kRule, Enum(""), Enum2("")), kSources);
  EXPECT_EQ(FiresIn(kRule, Enum2(""), Enum("")), kSources);
  EXPECT_EQ(FiresIn(kRule, Enum2(""), Enum2("A = 1;")), kNowhere);
}

TEST(BufEnumRules, JsonIsLostOnTheWayToProto2) {
  constexpr auto kRule = "ENUM_SAME_JSON_FORMAT";
  EXPECT_EQ(FiresIn(kRule, Enum(""), Enum2("")), kNames);
  EXPECT_EQ(FiresIn(kRule, Enum2(""), Enum("")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Enum2(""), Enum2("A = 1;")), kNowhere);
}

TEST(BufEnumRules, ValueThatIsGone) {
  constexpr auto kRule = "ENUM_VALUE_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("")), kSources);
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("reserved 1; reserved \"A\";")), kSources);
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("B = 1;")), kNowhere);
}

TEST(BufEnumRules, ValueThatIsGoneMayBeReservedByNumber) {
  constexpr auto kRule = "ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED";
  EXPECT_EQ(FiresIn(kRule, Enum("A = 5;"), Enum("reserved \"A\";")), "WIRE WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, Enum("A = 5;"), Enum("reserved 1 to 4, 6;")), "WIRE WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, Enum("A = 5;"), Enum("reserved 1 to 5;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Enum("A = -5;"), Enum("reserved -5;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Enum("A = 2147483647;"), Enum("reserved 5 to max;")), kNowhere);
}

TEST(BufEnumRules, ValueThatIsGoneMayBeReservedByAllItsNames) {
  constexpr auto kRule = "ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED";
  const std::string aliased = Enum("option allow_alias = true; A = 1; B = 1;");
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("reserved 1;")), "WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("reserved \"A\";")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, aliased, Enum("reserved \"A\";")), "WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, aliased, Enum("reserved \"A\", \"B\";")), kNowhere);
}

TEST(BufEnumRules, ValueKeepsAllItsNames) {
  constexpr auto kRule = "ENUM_VALUE_SAME_NAME";
  const std::string aliased = Enum("option allow_alias = true; A = 1; B = 1;");
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("B = 1;")), kNames);
  EXPECT_EQ(FiresIn(kRule, aliased, Enum("A = 1;")), kNames);
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), aliased), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Enum("A = 1;"), Enum("B = 2;")), kNowhere);
}

TEST(BufEnumRules, EachNewNameIsReported) {
  const std::string older = Enum("A = 1;");
  const std::string newer = Enum("option allow_alias = true; B = 1; C = 1;");
  EXPECT_THAT(
      Objections(Authority::kBufWireJson, older, newer),
      ElementsAre("ENUM_VALUE_SAME_NAME p.B test.proto:1:74: value 1 is no longer called \"A\"",
                  "ENUM_VALUE_SAME_NAME p.C test.proto:1:81: value 1 is no longer called \"A\""));
}

TEST(BufEnumRules, ReservedStays) {
  constexpr auto kRule = "RESERVED_ENUM_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Enum("reserved 5 to 9;"), Enum("reserved 5 to 8;")), kEvery);
  EXPECT_EQ(FiresIn(kRule, Enum("reserved \"A\";"), Enum("A = 1;")), kEvery);
  EXPECT_EQ(FiresIn(kRule, Enum("reserved -9 to -5;"), Enum("reserved -8 to -5;")), kEvery);
  EXPECT_EQ(FiresIn(kRule, Enum("reserved 5 to 9;"), Enum("reserved 4 to 6, 7 to max;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Enum("reserved 5 to max;"), Enum("reserved 5 to max;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Enum("reserved \"A\";"), Enum("reserved \"B\", \"A\";")), kNowhere);
}

TEST(BufEnumRules, WhatIsNoLongerReservedIsSaid) {
  EXPECT_THAT(
      Objections(Authority::kBufWire, Enum("reserved 5 to 9, 20; reserved \"A\";"),
                 Enum("reserved 6 to 7;")),
      ElementsAre("RESERVED_ENUM_NO_DELETE p.E test.proto:1:31: no longer reserved: \"A\"",
                  "RESERVED_ENUM_NO_DELETE p.E test.proto:1:31: no longer reserved: 20",
                  "RESERVED_ENUM_NO_DELETE p.E test.proto:1:31: no longer reserved: 5, 8 to 9"));
}

}  // namespace
}  // namespace holdfast
