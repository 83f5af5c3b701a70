// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract::Authority;
using contract_test::FiresIn;
using contract_test::kEvery;
using contract_test::kNowhere;
using contract_test::kSources;
using contract_test::M2;
using contract_test::M3;
using contract_test::Objections;
using contract_test::Proto2;
using contract_test::Proto3;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kSame = "FIELD_SAME_TYPE";
constexpr auto kWire = "FIELD_WIRE_COMPATIBLE_TYPE";
constexpr auto kWireJson = "FIELD_WIRE_JSON_COMPATIBLE_TYPE";

std::string Of(std::string_view type) { return M3(std::string(type) + " a = 1;"); }
std::string Change(const char* rule, std::string_view before, std::string_view after) {
  return FiresIn(rule, Of(before), Of(after));
}

constexpr std::string_view kTypes[] = {"int32",    "uint32", "int64",   "uint64",   "bool",
                                       "sint32",   "sint64", "fixed32", "sfixed32", "fixed64",
                                       "sfixed64", "float",  "double",  "string",   "bytes"};

TEST(BufFieldTypeRules, SourcesWantTheVeryType) {
  for (const auto before : kTypes) {
    for (const auto after : kTypes) {
      EXPECT_EQ(Change(kSame, before, after), before == after ? kNowhere : kSources)
          << before << " " << after;
    }
  }
}

// The groups of types that may replace one another.
std::size_t GroupOf(std::string_view type,
                    const std::vector<std::vector<std::string_view>>& groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (std::count(groups[i].begin(), groups[i].end(), type) > 0) return i;
  }
  ADD_FAILURE() << type;
  return groups.size();
}

TEST(BufFieldTypeRules, WireGroups) {
  const std::vector<std::vector<std::string_view>> groups = {
      {"int32", "uint32", "int64", "uint64", "bool"},
      {"sint32", "sint64"},
      {"fixed32", "sfixed32"},
      {"fixed64", "sfixed64"},
      {"float"},
      {"double"},
      {"string"},
      {"bytes"}};
  for (const auto before : kTypes) {
    for (const auto after : kTypes) {
      const bool fits = GroupOf(before, groups) == GroupOf(after, groups) ||
                        (before == "string" && after == "bytes");
      EXPECT_EQ(Change(kWire, before, after), fits ? "" : "WIRE") << before << " " << after;
    }
  }
}

TEST(BufFieldTypeRules, WireJsonGroups) {
  const std::vector<std::vector<std::string_view>> groups = {{"int32", "uint32"},
                                                             {"int64", "uint64"},
                                                             {"bool"},
                                                             {"sint32"},
                                                             {"sint64"},
                                                             {"fixed32", "sfixed32"},
                                                             {"fixed64", "sfixed64"},
                                                             {"float"},
                                                             {"double"},
                                                             {"string"},
                                                             {"bytes"}};
  for (const auto before : kTypes) {
    for (const auto after : kTypes) {
      const bool fits = GroupOf(before, groups) == GroupOf(after, groups);
      EXPECT_EQ(Change(kWireJson, before, after), fits ? "" : "WIRE_JSON")
          << before << " " << after;
    }
  }
}

TEST(BufFieldTypeRules, AnotherMessageIsAnotherType) {
  const std::string both = "message A {} message B {} ";
  const std::string a = Proto3(both + "message M { A a = 1; }");
  const std::string b = Proto3(both + "message M { B a = 1; }");
  EXPECT_EQ(FiresIn(kSame, a, b), kSources);
  EXPECT_EQ(FiresIn(kWire, a, b), "WIRE");
  EXPECT_EQ(FiresIn(kWireJson, a, b), "WIRE_JSON");
  EXPECT_EQ(FiresIn(kWire, a, a), kNowhere);
  EXPECT_EQ(FiresIn(kWire, a, Proto3(both + "message M { bytes a = 1; }")), "WIRE");
  EXPECT_EQ(FiresIn(kWire, a, Proto3(both + "enum E { Z = 0; } message M { E a = 1; }")), "WIRE");
}

TEST(BufFieldTypeRules, GroupIsNoMessage) {
  const std::string group = M2("optional group G = 1 {}");
  const std::string message = M2("message G {} optional G g = 1;");
  for (const auto rule : {kSame, kWire, kWireJson}) {
    EXPECT_NE(FiresIn(rule, group, message), kNowhere);
    EXPECT_EQ(FiresIn(rule, group, group), kNowhere);
  }
  // Its name is that of its type.
  EXPECT_EQ(FiresIn(kWire, group, M2("optional group H = 1 {}")), "WIRE");
  EXPECT_EQ(FiresIn(kWireJson, group, M2("optional group H = 1 {}")), "WIRE_JSON");
}

TEST(BufFieldTypeRules, AnotherEnumMayHoldTheSame) {
  const auto with = [](std::string_view type, std::string_view more) {
    return Proto3("message A { enum E { Z = 0; ONE = 1; } } message B { enum E { Z = 0; ONE = 1; " +
                  std::string(more) + " } enum F { Z0 = 0; ONE1 = 1; } } message M { " +
                  std::string(type) + " a = 1; }");
  };
  const std::string before = with("A.E", "TWO = 2;");
  EXPECT_EQ(FiresIn(kWire, before, with("B.E", "TWO = 2;")), kNowhere);
  EXPECT_EQ(FiresIn(kWireJson, before, with("B.E", "TWO = 2;")), kNowhere);
  EXPECT_EQ(FiresIn(kSame, before, with("B.E", "TWO = 2;")), kSources);
  EXPECT_EQ(FiresIn(kWire, before, with("B.F", "TWO = 2;")), "WIRE");  // called otherwise
  const std::string other_name =
      Proto3("message A { enum G { Z = 0; ONE = 1; } } message M { A.G a = 1; }");
  EXPECT_EQ(FiresIn(kWire, before, other_name), "WIRE");
  EXPECT_EQ(FiresIn(kWireJson, with("B.E", "TWO = 2;"), with("A.E", "TWO = 2;")), "WIRE_JSON");
  const std::string renumbered =
      Proto3("message B { enum E { Z = 0; ONE = 3; } } message M { B.E a = 1; }");
  EXPECT_EQ(FiresIn(kWire, before, renumbered), "WIRE");
}

TEST(BufFieldTypeRules, EnumIsNoNumber) {
  const std::string e = Proto3("enum E { Z = 0; } message M { E a = 1; }");
  EXPECT_EQ(FiresIn(kWire, e, Of("int32")), "WIRE");
  EXPECT_EQ(FiresIn(kWire, Of("int32"), e), "WIRE");
}

std::string Cardinality(std::string_view suffix, const std::string& before,
                        const std::string& after) {
  return FiresIn("FIELD_" + std::string(suffix) + "_CARDINALITY", before, after);
}

TEST(BufFieldTypeRules, CardinalityOfSources) {
  const std::string implicit = M3("int32 a = 1;");
  const std::string optional = M3("optional int32 a = 1;");
  const std::string repeated = M3("repeated int32 a = 1;");
  EXPECT_EQ(Cardinality("SAME", implicit, optional), kSources);
  EXPECT_EQ(Cardinality("SAME", optional, M2("optional int32 a = 1;")), kNowhere);
  EXPECT_EQ(Cardinality("SAME", M2("optional int32 a = 1;"), M2("required int32 a = 1;")),
            kSources);
  EXPECT_EQ(Cardinality("SAME", implicit, repeated), kSources);
  EXPECT_EQ(Cardinality("SAME", M3("M a = 1;"), M3("optional M a = 1;")), kNowhere);
  EXPECT_EQ(Cardinality("SAME", optional, M3("oneof o { int32 a = 1; }")), kNowhere);
}

TEST(BufFieldTypeRules, CardinalityOnTheWire) {
  const std::string implicit = M3("int32 a = 1;");
  const std::string repeated = M3("repeated int32 a = 1;");
  EXPECT_EQ(Cardinality("WIRE_COMPATIBLE", implicit, M3("optional int32 a = 1;")), kNowhere);
  EXPECT_EQ(Cardinality("WIRE_COMPATIBLE", implicit, repeated), "WIRE");
  EXPECT_EQ(Cardinality("WIRE_JSON_COMPATIBLE", implicit, repeated), "WIRE_JSON");
  EXPECT_EQ(Cardinality("WIRE_JSON_COMPATIBLE", implicit, M3("optional int32 a = 1;")), kNowhere);
  EXPECT_EQ(
      Cardinality("WIRE_COMPATIBLE", M2("optional int32 a = 1;"), M2("required int32 a = 1;")),
      "WIRE");
}

TEST(BufFieldTypeRules, MapIsRepeatedOnTheWireButNotInJson) {
  const std::string map = M3("map<int32, int32> a = 1;");
  const std::string list =
      M3("message AEntry { int32 key = 1; int32 value = 2; } repeated AEntry a = 1;");
  EXPECT_EQ(Cardinality("WIRE_COMPATIBLE", map, list), kNowhere);
  EXPECT_EQ(Cardinality("WIRE_JSON_COMPATIBLE", map, list), "WIRE_JSON");
  EXPECT_EQ(Cardinality("SAME", map, list), kSources);
  EXPECT_THAT(Objections(Authority::kBufWire, map, list), IsEmpty());
}

TEST(BufFieldTypeRules, KeysAndValuesOfMapsHaveNoCardinality) {
  const std::string of2 = M2("map<int32, int32> a = 1;");
  const std::string of3 = M3("map<int32, int32> a = 1;");
  EXPECT_EQ(Cardinality("SAME", of2, of3), kNowhere);
  const std::string entry = M3("message AEntry { int32 key = 1; int32 value = 2; } AEntry a = 1;");
  EXPECT_EQ(Cardinality("SAME", M2("map<int32, int32> a = 1;"), entry), kSources);
  const std::string required =
      M2("message AEntry { required int32 key = 1; optional int32 value = 2; }"
         "repeated AEntry a = 1;");
  EXPECT_EQ(Cardinality("WIRE_COMPATIBLE", required, of2), "WIRE");
}

TEST(BufFieldTypeRules, WhetherAnExtensionIsSetCanAlwaysBeTold) {
  const auto extension = [](std::string_view syntax, std::string_view label) {
    return "syntax = \"" + std::string(syntax) +
           "\"; package p; import \"google/protobuf/descriptor.proto\";"
           "extend google.protobuf.FieldOptions { " +
           std::string(label) + " int32 a = 50001; }";
  };
  EXPECT_EQ(Cardinality("SAME", extension("proto3", ""), extension("proto3", "optional")),
            kNowhere);
  EXPECT_EQ(Cardinality("SAME", extension("proto3", ""), extension("proto2", "optional")),
            kNowhere);
  EXPECT_EQ(Cardinality("SAME", extension("proto3", ""), extension("proto3", "repeated")),
            kSources);
}

// ---- defaults ----

std::string Defaults(std::string_view before, std::string_view after) {
  constexpr std::string_view kEnum = "enum E { ZERO = 0; ONE = 1; } ";
  const auto field = [&](std::string_view rest) {
    const auto space = rest.find(' ');
    const std::string value(space == rest.npos ? "" : rest.substr(space));
    return Proto2(std::string(kEnum) + "message M { optional " +
                  std::string(rest.substr(0, space)) + " a = 1" +
                  (value.empty() ? "" : " [default =" + value + "]") + "; }");
  };
  return FiresIn("FIELD_SAME_DEFAULT", field(before), field(after));
}

TEST(BufFieldTypeRules, DefaultOfEachType) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"int32 1", "int32 2"},           {"int64 1", "int64 -1"},
      {"uint32 1", "uint32 2"},         {"uint64 1", "uint64 2"},
      {"float 0.5", "float 1"},         {"double 0.5", "double 1"},
      {"bool true", "bool false"},      {"E ONE", "E ZERO"},
      {"string \"a\"", "string \"b\""}, {"bytes \"a\"", "bytes \"\\x01\""},
      {"float nan", "float 1"},         {"double 1", "double nan"}};
  for (const auto& [before, after] : rows) {
    EXPECT_EQ(Defaults(before, after), kEvery) << before << ", " << after;
    EXPECT_EQ(Defaults(before, before), kNowhere) << before;
    EXPECT_EQ(Defaults(after, after), kNowhere) << after;
  }
}

TEST(BufFieldTypeRules, NoDefaultIsZero) {
  EXPECT_EQ(Defaults("int32", "int32 0"), kNowhere);
  EXPECT_EQ(Defaults("string", "string \"\""), kNowhere);
  EXPECT_EQ(Defaults("double -0.0", "double"), kNowhere);
  EXPECT_EQ(Defaults("int32", "int32 1"), kEvery);
  EXPECT_EQ(Defaults("string \"a\"", "string"), kEvery);
  EXPECT_EQ(Defaults("int32", "string"), kNowhere);
}

TEST(BufFieldTypeRules, NumbersAreComparedAcrossTypes) {
  EXPECT_EQ(Defaults("int32 1", "double 1"), kNowhere);
  EXPECT_EQ(Defaults("int32 1", "bool true"), kNowhere);
  EXPECT_EQ(Defaults("E ONE", "uint64 1"), kNowhere);
  EXPECT_EQ(Defaults("uint64 18446744073709551615", "int64 -1"), kEvery);
  EXPECT_EQ(Defaults("int64 9223372036854775807", "double 9223372036854775808"), kEvery);
  EXPECT_EQ(Defaults("float 0.1", "double 0.1"), kNowhere);
  EXPECT_EQ(Defaults("double 0.1", "float 0.1"), kNowhere);
  EXPECT_EQ(Defaults("float nan", "double nan"), kNowhere);
  EXPECT_EQ(Defaults("double inf", "float inf"), kNowhere);
}

TEST(BufFieldTypeRules, TextsAreNoNumbers) {
  EXPECT_EQ(Defaults("string \"a\"", "bytes \"a\""), kNowhere);
  EXPECT_EQ(Defaults("string \"1\"", "int32 1"), kEvery);
  EXPECT_EQ(Defaults("string", "int32 1"), kEvery);
  EXPECT_EQ(Defaults("string \"a\"", "int32"), kEvery);
}

TEST(BufFieldTypeRules, ListsMapsAndMessagesHaveNoDefault) {
  constexpr auto kRule = "FIELD_SAME_DEFAULT";
  const std::string older = M2("optional int32 a = 1 [default = 5];");
  EXPECT_EQ(FiresIn(kRule, older, M2("repeated int32 a = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, older, M2("optional M a = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, older, M2("map<int32, int32> a = 1;")), kNowhere);
}

TEST(BufFieldTypeRules, SayWhatTheValueWasAndIs) {
  const std::string older = M2("optional string a = 1 [default = \"x\\001\"]; optional M b = 2;");
  const std::string newer = M2("optional string a = 1 [default = \"y\"]; repeated M b = 2;");
  EXPECT_THAT(
      Objections(Authority::kBufWire, older, newer),
      ElementsAre("FIELD_SAME_DEFAULT p.M.a test.proto:1:43: the default of field 1: "
                  "\"x\\001\" became \"y\"",
                  "FIELD_WIRE_COMPATIBLE_CARDINALITY p.M.b test.proto:1:82: the cardinality "
                  "of field 2: optional became repeated"));
  EXPECT_THAT(Objections(Authority::kBufWire, Proto3("enum E { Z = 0; } message M { E a = 1; }"),
                         Proto3("enum E { Z = 0; } message M { M a = 1; }")),
              ElementsAre("FIELD_WIRE_COMPATIBLE_TYPE p.M.a test.proto:1:61: the type of field 1: "
                          "enum p.E became message p.M"));
}

}  // namespace
}  // namespace holdfast
