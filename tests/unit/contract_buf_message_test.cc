// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/contract/buf_ranges.h"
#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract::Authority;
using contract::buf::NumberRange;
using contract::buf::Uncovered;
using contract_test::FiresIn;
using contract_test::kEvery;
using contract_test::kNames;
using contract_test::kNowhere;
using contract_test::kSources;
using contract_test::M2;
using contract_test::M3;
using contract_test::Objections;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(BufMessageRules, FieldThatIsGone) {
  constexpr auto kRule = "FIELD_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("")), kSources);
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("reserved 1; reserved \"a\";")), kSources);
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("bool b = 1;")), kNowhere);
}

TEST(BufMessageRules, FieldThatIsGoneMayBeReservedByNumber) {
  constexpr auto kRule = "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED";
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 5;"), M3("reserved \"a\";")), "WIRE WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 5;"), M3("reserved 4, 6;")), "WIRE WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 5;"), M3("reserved 2 to 5;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M2("optional int32 a = 5;"), M2("extensions 2 to 9;")),
            "WIRE WIRE_JSON");
}

TEST(BufMessageRules, FieldThatIsGoneMayBeReservedByName) {
  constexpr auto kRule = "FIELD_NO_DELETE_UNLESS_NAME_RESERVED";
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("reserved 1;")), "WIRE_JSON");
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("reserved \"b\", \"a\";")), kNowhere);
}

TEST(BufMessageRules, FieldThatBecameAnExtensionIsGone) {
  const std::string newer = M2("extensions 1;") + " extend M { optional int32 a = 1; }";
  EXPECT_EQ(FiresIn("FIELD_NO_DELETE", M2("optional int32 a = 1;"), newer), kSources);
}

TEST(BufMessageRules, WhatIsGoneIsFoundInTheOlderFile) {
  EXPECT_THAT(Objections(Authority::kBufWire, M3("\n\n int32 a = 7;"), M3("")),
              ElementsAre("FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED p.M.a test.proto:3:2: "
                          "field 7 is gone"));
}

TEST(BufMessageRules, RequiredFieldsComeAndGo) {
  constexpr auto kRule = "MESSAGE_SAME_REQUIRED_FIELDS";
  const std::string required = M2("required int32 a = 1;");
  const std::string optional = M2("optional int32 a = 1;");
  EXPECT_EQ(FiresIn(kRule, required, M2("")), kEvery);
  EXPECT_EQ(FiresIn(kRule, M2(""), required), kEvery);
  EXPECT_EQ(FiresIn(kRule, required, optional), kEvery);
  EXPECT_EQ(FiresIn(kRule, optional, required), kEvery);
  EXPECT_EQ(FiresIn(kRule, required, M2("required string b = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, optional, M2("")), kNowhere);
}

TEST(BufMessageRules, OneofThatIsGone) {
  constexpr auto kRule = "ONEOF_NO_DELETE";
  const std::string older = M3("oneof o { int32 a = 1; }");
  EXPECT_EQ(FiresIn(kRule, older, M3("int32 a = 1;")), kSources);
  EXPECT_EQ(FiresIn(kRule, older, M3("oneof p { int32 a = 1; }")), kSources);
  EXPECT_EQ(FiresIn(kRule, older, M3("oneof o { int32 b = 2; }")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M3("optional int32 a = 1;"), M3("int32 a = 1;")), kNowhere);
  // The oneof that an optional field makes is called _a: one of this name is there.
  EXPECT_EQ(FiresIn(kRule, M3("oneof _a { int32 a = 1; }"), M3("optional int32 a = 1;")), kNowhere);
}

TEST(BufMessageRules, ReservedStays) {
  constexpr auto kRule = "RESERVED_MESSAGE_NO_DELETE";
  const std::string older = M3("reserved 5 to 9; reserved \"a\";");
  EXPECT_EQ(FiresIn(kRule, older, M3("reserved 5 to 8; reserved \"a\";")), kEvery);
  EXPECT_EQ(FiresIn(kRule, older, M3("reserved 5 to 6, 8 to 9; reserved \"a\";")), kEvery);
  EXPECT_EQ(FiresIn(kRule, older, M3("reserved 5 to 9; int32 a = 1;")), kEvery);
  EXPECT_EQ(FiresIn(kRule, older, M3("reserved 3 to 6, 7 to max; reserved \"b\", \"a\";")),
            kNowhere);
  EXPECT_EQ(FiresIn(kRule, M2("reserved 5 to 9;"), M2("extensions 5 to 9;")), kEvery);
}

TEST(BufMessageRules, ExtensionRangesStay) {
  constexpr auto kRule = "EXTENSION_MESSAGE_NO_DELETE";
  const std::string older = M2("extensions 100 to 199;");
  EXPECT_EQ(FiresIn(kRule, older, M2("extensions 100 to 198;")), kSources);
  EXPECT_EQ(FiresIn(kRule, older, M2("reserved 100 to 199;")), kSources);
  EXPECT_EQ(FiresIn(kRule, older, M2("extensions 100 to 149; extensions 150 to 200;")), kNowhere);
}

TEST(BufMessageRules, JsonIsLostOnTheWayToProto2) {
  constexpr auto kRule = "MESSAGE_SAME_JSON_FORMAT";
  EXPECT_EQ(FiresIn(kRule, M3(""), M2("")), kNames);
  EXPECT_EQ(FiresIn(kRule, M2(""), M3("")), kNowhere);
}

TEST(BufMessageRules, DescriptorAccessorStays) {
  constexpr auto kRule = "MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR";
  const std::string without = M3("option no_standard_descriptor_accessor = true;");
  const std::string with = M3("option no_standard_descriptor_accessor = false;");
  EXPECT_EQ(FiresIn(kRule, M3(""), without), kSources);
  EXPECT_EQ(FiresIn(kRule, with, without), kSources);
  EXPECT_EQ(FiresIn(kRule, without, M3("")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, without, without), kNowhere);
}

TEST(BufRanges, CoverHoweverTheyAreCut) {
  EXPECT_THAT(Uncovered({5, 9}, {{7, 20}, {1, 6}}), IsEmpty());
  EXPECT_THAT(Uncovered({5, 9}, {{5, 9}, {5, 6}}), IsEmpty());
  EXPECT_THAT(Uncovered({5, 9}, {{1, 20}, {2, 3}}), IsEmpty());
}

TEST(BufRanges, LeaveGaps) {
  EXPECT_THAT(Uncovered({5, 9}, {}), ElementsAre(NumberRange{5, 9}));
  EXPECT_THAT(Uncovered({5, 9}, {{10, 12}, {1, 4}}), ElementsAre(NumberRange{5, 9}));
  EXPECT_THAT(Uncovered({5, 9}, {{15, 20}}), ElementsAre(NumberRange{5, 9}));
  EXPECT_THAT(Uncovered({5, 9}, {{7, 7}}), ElementsAre(NumberRange{5, 6}, NumberRange{8, 9}));
  EXPECT_THAT(Uncovered({5, 9}, {{8, 12}, {1, 5}}), ElementsAre(NumberRange{6, 7}));
}

TEST(BufRanges, GoAsFarAsNumbersGo) {
  constexpr std::int64_t kLow = INT32_MIN;
  constexpr std::int64_t kHigh = INT32_MAX;
  EXPECT_THAT(Uncovered({kLow, kHigh}, {{kLow, kHigh}}), IsEmpty());
  EXPECT_THAT(Uncovered({kLow, kHigh}, {{kLow + 1, kHigh - 1}}),
              ElementsAre(NumberRange{kLow, kLow}, NumberRange{kHigh, kHigh}));
}

}  // namespace
}  // namespace holdfast
