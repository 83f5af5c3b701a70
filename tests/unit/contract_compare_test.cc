// SPDX-License-Identifier: Apache-2.0
//
// What is found, where it is said to be, and how it reads. What it does to values is held against protobuf itself in
// tests/interop/contract_*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast {
namespace {

using contract::Change;
using contract::ChangeKind;
using contract::Compare;
using contract::Outcome;
using contract_test::ProtoSchema;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Lines(const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  for (const Change& change : changes) {
    lines.push_back(change.element + ": " + std::string(Name(change.kind)) + ": " + change.before +
                    " > " + change.after);
  }
  return lines;
}

std::vector<std::string> Diff(const std::string& older, const std::string& newer) {
  return Lines(Compare(ProtoSchema(older), ProtoSchema(newer)));
}

constexpr char kEverything[] = R"(
  syntax = "proto2"; package p;
  message A { required int32 a = 1; repeated A as = 2; map<string, B> m = 3; oneof o { string x = 4; B y = 5; }
    optional group G = 6 { optional float f = 1 [default = nan]; } reserved 7 to 9, 11; reserved "r"; extensions 100 to 199;
    message B { optional A a = 1; } optional E e = 10 [default = Y]; repeated sint64 p = 12 [packed = true]; }
  enum E { option allow_alias = true; X = 1; Y = 2; Z = 2; reserved 5; reserved "R"; }
  extend A { optional string ext = 100; }
  service S { rpc C(A) returns (stream A.B); }
)";

TEST(ContractCompare, ASchemaDoesNotDifferFromItself) {
  EXPECT_THAT(Diff(kEverything, kEverything), IsEmpty());
}

TEST(ContractCompare, WhatIsInTwoFilesIsTheSameAsInOne) {
  const auto one = ProtoSchema({{"a.proto", "package p; message A { B b = 1; } message B {}"}});
  const auto two = ProtoSchema({{"a.proto", "package p; import 'b.proto'; message A { B b = 1; }"},
                                {"b.proto", "package p; message B {}"}});
  EXPECT_THAT(Lines(Compare(one, two)), ElementsAre("b.proto: file added:  > b.proto",
                                                    "p.B: message moved: a.proto > b.proto"));
  EXPECT_THAT(Lines(Compare(two, one)), ElementsAre("p.B: message moved: b.proto > a.proto",
                                                    "b.proto: file removed: b.proto > "));
}

TEST(ContractCompare, FieldsAreFoundByNameThenByNumber) {
  EXPECT_THAT(
      Diff("message A { int32 a = 1; int32 b = 2; }", "message A { int32 a = 1; int32 c = 2; }"),
      ElementsAre("A.c: field renamed: b > c"));
  EXPECT_THAT(Diff("message A { int32 a = 1; }", "message A { int32 a = 2; }"),
              ElementsAre("A.a: field renumbered: 1 > 2"));
  EXPECT_THAT(
      Diff("message A { int32 a = 1; int32 b = 2; }", "message A { int32 b = 1; int32 a = 2; }"),
      ElementsAre("A.b: field renumbered: 2 > 1", "A.a: field renumbered: 1 > 2"));
  EXPECT_THAT(Diff("message A { int32 a = 1; }", "message A { int32 a = 1; repeated A as = 2; }"),
              ElementsAre("A.as: field added:  > repeated A"));
}

TEST(ContractCompare, TypesAreNamedAsTheyAreWritten) {
  EXPECT_THAT(Diff("message A { int32 a = 1; }", "message A { repeated string a = 1; }"),
              ElementsAre("A.a: type changed: int32 > repeated string"));
  EXPECT_THAT(
      Diff("message A { map<string, int32> a = 1; }", "message A { map<string, A> a = 1; }"),
      ElementsAre("A.a: type changed: map<string, int32> > map<string, A>"));
  EXPECT_THAT(Diff("message A { int32 a = 1; }", "message A { repeated int32 a = 1; }"),
              ElementsAre("A.a: cardinality changed: int32 > repeated int32"));
  EXPECT_THAT(Diff("message A { int32 a = 1; }", "message A { optional int32 a = 1; }"),
              ElementsAre("A.a: presence changed: implicit > explicit"));
  EXPECT_THAT(Diff("message A { repeated int32 a = 1; }",
                   "message A { repeated int32 a = 1 [packed = false]; }"),
              ElementsAre("A.a: packing changed: packed > unpacked"));
}

TEST(ContractCompare, MessagesOfOtherNamesAreComparedWhereAFieldTookTheOther) {
  EXPECT_THAT(Diff("message A { B b = 1; } message B { int32 x = 1; A a = 2; }",
                   "message A { C b = 1; } message C { string x = 1; A a = 2; }"),
              ElementsAre("A.b: type name changed: B > C", "B: message removed: B > ",
                          "C: message added:  > C", "C.x: type changed: int32 > string"));
  EXPECT_THAT(Diff("message A { map<int32, B> b = 1; } message B { int32 x = 1; }",
                   "message A { map<int32, C> b = 1; } message C { bool x = 1; }"),
              testing::Contains("C.x: type changed: int32 > bool"));
}

TEST(ContractCompare, WhatIsTheSameToTwoMessagesIsToldOnce) {
  EXPECT_THAT(Diff("message A { B b = 1; } message B {} message C {}",
                   "message A { C b = 1; } message B {} message C { int32 x = 1; }"),
              ElementsAre("A.b: type name changed: B > C", "C.x: field added:  > int32"));
}

TEST(ContractCompare, TypesThatReferToEachOtherComeToAnEnd) {
  EXPECT_THAT(Diff("message A { B b = 1; } message B { A a = 1; }",
                   "message A { D b = 1; } message C { D d = 1; } message D { C a = 1; }"),
              testing::Contains("D.a: type name changed: A > C"));
}

// Two circles of messages without a common divisor pair each message of one with each of the other.
TEST(ContractCompare, ChangesThatMultiplyAreBounded) {
  const auto circle = [](const std::string& name, int size) {
    std::string text;
    for (int i = 0; i < size; ++i) {
      text += "message " + name + std::to_string(i) + " { " + name +
              std::to_string((i + 1) % size) + " n = 1; } ";
    }
    return text;
  };
  const std::string both = circle("A", 500) + circle("B", 499);
  const auto changes = Compare(ProtoSchema(both + "message R { A0 r = 1; }"),
                               ProtoSchema(both + "message R { B0 r = 1; }"));
  EXPECT_LT(changes.size(), 201'000u);
  EXPECT_TRUE(std::any_of(changes.begin(), changes.end(), [](const Change& change) {
    return change.binary.new_reads_old == Outcome::kCorrupt &&
           change.json.old_reads_new == Outcome::kCorrupt;
  }));
}

TEST(ContractCompare, UnderAnotherPackageTheSameIsFound) {
  EXPECT_THAT(Diff("package p.v1; message A { B b = 1; message N {} } message B { int32 x = 1; } "
                   "enum E { Z = 0; } service S {}",
                   "package p.v2; message A { B b = 1; message N {} } message B { bool x = 1; } "
                   "enum E { Z = 0; } service S {}"),
              ElementsAre("test.proto: package changed: p.v1 > p.v2",
                          "p.v2.B.x: type changed: int32 > bool"));
}

TEST(ContractCompare, EnumsAreToldValueByValue) {
  EXPECT_THAT(
      Diff("enum E { Z = 0; A = 1; B = 2; C = 3; }", "enum E { Z = 0; A = 2; D = 3; F = 4; }"),
      ElementsAre("E.A: enum value renumbered: 1 > 2", "E.B: enum value removed: B = 2 > ",
                  "E.D: enum value renamed: C > D", "E.F: enum value added:  > F = 4"));
  EXPECT_THAT(Diff("syntax = \"proto2\"; enum E { Z = 0; }", "enum E { Z = 0; }"),
              ElementsAre("test.proto: syntax changed: proto2 > proto3",
                          "E: enum openness changed: closed > open"));
}

// Each name compared with each other one for its number would take minutes.
TEST(ContractCompare, ManyNamesOfOneNumberAreComparedInLinearTime) {
  constexpr int kNames = 30'000;
  const auto names = [](const std::string& prefix, int number) {
    std::string text;
    for (int i = 0; i < kNames; ++i)
      text += prefix + std::to_string(i) + " = " + std::to_string(number) + "; ";
    return text;
  };
  const std::string head = "enum E { option allow_alias = true; Z = 0; ";
  const auto changes = Compare(ProtoSchema(head + names("A", 1) + names("B", 2) + "}"),
                               ProtoSchema(head + names("B", 1) + "}"));
  EXPECT_EQ(changes.size(), 2u * kNames);
}

TEST(ContractCompare, AnOpenEnumThatAProto2FieldUsesIsClosedToIt) {
  const auto schema = [](const std::string& values) {
    return ProtoSchema(
        {{"e.proto", "enum E { Z = 0; " + values + "}"},
         {"a.proto", "syntax = \"proto2\"; import 'e.proto'; message A { optional E e = 1; }"}});
  };
  const auto changes = Compare(schema(""), schema("Y = 1; "));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].binary.old_reads_new, Outcome::kDropped);
}

TEST(ContractCompare, ReservedRangesAreComparedAsSets) {
  EXPECT_THAT(
      Diff("message A { reserved 1, 2 to 5, 9; }", "message A { reserved 1 to 3, 4, 5, 9; }"),
      IsEmpty());
  EXPECT_THAT(Diff("message A { reserved 1 to 9; reserved 'x'; }",
                   "message A { reserved 3 to 4, 6, 12; reserved 'y'; }"),
              ElementsAre("A: reserved added:  > \"y\"", "A: reserved added:  > 12",
                          "A: reserved removed: \"x\" > ", "A: reserved removed: 1 to 2 > ",
                          "A: reserved removed: 5 > ", "A: reserved removed: 7 to 9 > "));
  EXPECT_THAT(Diff("enum E { Z = 0; reserved 5 to max; }", "enum E { Z = 0; reserved 6 to max; }"),
              ElementsAre("E: reserved removed: 5 > "));
  EXPECT_THAT(Diff("message A { reserved 1 to 3, 4; }", "message A {}"),
              ElementsAre("A: reserved removed: 1 to 4 > "));
}

TEST(ContractCompare, ServicesAreToldMethodByMethod) {
  EXPECT_THAT(
      Diff("message A {} message B {} service S { rpc C(A) returns (B); rpc D(A) returns (A); } "
           "service T {}",
           "message A {} message B {} service S { rpc C(A) returns (stream B); rpc E(A) returns "
           "(A); } service U {}"),
      testing::UnorderedElementsAre("S.C: method changed: (A) returns (B) > (A) returns (stream B)",
                                    "S.D: method removed: (A) returns (A) > ",
                                    "S.E: method added:  > (A) returns (A)",
                                    "T: service removed: T > ", "U: service added:  > U"));
}

TEST(ContractCompare, ExtensionsAreFieldsOfWhatTheyExtend) {
  const std::string extended = "syntax = \"proto2\"; message A { extensions 1 to 99; } ";
  EXPECT_THAT(Diff(extended + "extend A { optional int32 x = 5; }",
                   extended + "extend A { optional string x = 5; optional int32 y = 6; }"),
              ElementsAre("x: type changed: int32 > string", "y: field added:  > int32"));
  EXPECT_THAT(Diff(extended, "syntax = \"proto2\"; message A { extensions 1 to 50; }"),
              ElementsAre("A: extension changed: extensions 51 to 99 > "));
}

TEST(ContractCompare, RequiredAndDefaultsBreakWhereAFieldIsUnset) {
  const std::string head = "syntax = \"proto2\"; message A { ";
  const auto only = [&](const std::string& older, const std::string& newer) {
    const auto changes = Compare(ProtoSchema(head + older + "}"), ProtoSchema(head + newer + "}"));
    EXPECT_EQ(changes.size(), 1u);
    return changes.at(0);
  };
  const Change added = only("optional int32 a = 1;", "required int32 a = 1;");
  EXPECT_EQ(added.kind, ChangeKind::kRequiredAdded);
  EXPECT_EQ(added.binary.new_reads_old, Outcome::kError);
  EXPECT_EQ(added.binary.old_reads_new, Outcome::kKept);
  const Change other =
      only("optional int32 a = 1 [default = 1];", "optional int32 a = 1 [default = 2];");
  EXPECT_EQ(other.kind, ChangeKind::kDefaultChanged);
  EXPECT_EQ(other.binary.new_reads_old, Outcome::kCorrupt);
  const Change set =
      only("required int32 a = 1 [default = 1];", "required int32 a = 1 [default = 2];");
  EXPECT_EQ(set.binary.new_reads_old, Outcome::kKept);  // it is always set
}

TEST(ContractCompare, PlacesAreOfTheNewerVersionAndOfTheOlderForWhatIsGone) {
  const auto changes = Compare(ProtoSchema("message A {\n  int32 a = 1;\n  int32 gone = 2;\n}\n"),
                               ProtoSchema("message A {\n\n\n\n  string a = 1;\n}\n"));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(Text(changes[0].place), "test.proto:3:3");
  EXPECT_EQ(changes[0].kind, ChangeKind::kFieldRemoved);
  EXPECT_EQ(Text(changes[1].place), "test.proto:5:3");
}

TEST(ContractCompare, WhySaysWhatHappensToWhichValues) {
  const auto why = [](const std::string& older, const std::string& newer) {
    return Compare(ProtoSchema(older), ProtoSchema(newer)).back().why;
  };
  EXPECT_THAT(why("message A { sint32 a = 1; }", "message A { int32 a = 1; }"),
              AllOf(HasSubstr("zigzag"), HasSubstr("in JSON all is kept")));
  EXPECT_THAT(why("message A { int64 a = 1; }", "message A { int32 a = 1; }"),
              AllOf(HasSubstr("where the new version reads old data"), HasSubstr("cut")));
  EXPECT_THAT(why("message A { string a = 1; }", "message A { bytes a = 1; }"), HasSubstr("UTF-8"));
  EXPECT_THAT(why("message A { int32 a = 1; }", "message A {}"),
              HasSubstr("nothing keeps its number from being used again"));
  EXPECT_THAT(why("message A { int32 a = 1; }", "message A { reserved 1; }"),
              HasSubstr("its number is reserved"));
}

TEST(ContractCompare, EveryKindAndOutcomeHasItsOwnName) {
  std::set<std::string_view> names;
  const int kinds = static_cast<int>(ChangeKind::kMethodChanged) + 1;
  for (int i = 0; i < kinds; ++i) names.insert(Name(static_cast<ChangeKind>(i)));
  for (int i = 0; i < 5; ++i) names.insert(Name(static_cast<Outcome>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kinds + 5));
  EXPECT_EQ(names.count("unknown"), 0u);
}

}  // namespace
}  // namespace holdfast
