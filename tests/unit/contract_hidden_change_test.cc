// SPDX-License-Identifier: Apache-2.0
//
// Changes that stand behind another one, or that nothing but an option tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/verdict.h>

#include <algorithm>
#include <string>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast {
namespace {

using contract::Change;
using contract::ChangeKind;
using contract::Compare;
using contract::Effect;
using contract::JudgeDocs;
using contract::Outcome;
using contract_test::ProtoSchema;
using ::testing::Contains;
using ::testing::IsEmpty;

// The worst of all changes.
struct Worst {
  Effect binary;
  Effect json;
};

Worst WorstOf(const std::string& older, const std::string& newer) {
  Worst worst;
  const auto worsen = [](Effect* all, const Effect& one) {
    all->new_reads_old = std::max(all->new_reads_old, one.new_reads_old);
    all->old_reads_new = std::max(all->old_reads_new, one.old_reads_new);
  };
  for (const Change& change : Compare(ProtoSchema(older), ProtoSchema(newer))) {
    worsen(&worst.binary, change.binary);
    worsen(&worst.json, change.json);
  }
  return worst;
}

std::vector<std::string> Elements(const std::string& older, const std::string& newer,
                                  ChangeKind kind) {
  std::vector<std::string> elements;
  for (const Change& change : Compare(ProtoSchema(older), ProtoSchema(newer))) {
    if (change.kind == kind) elements.push_back(change.element);
  }
  return elements;
}

TEST(ContractHiddenChange, AnotherKeyOfAMapHidesNoOtherTypeOfItsValues) {
  const std::string types = "message A { int32 x = 1; } message B { sint32 x = 1; } ";
  EXPECT_EQ(WorstOf(types + "message M { map<int32, A> m = 1; }",
                    types + "message M { map<int64, B> m = 1; }")
                .binary.new_reads_old,
            Outcome::kCorrupt);
  const std::string enums = "enum A { A0 = 0; A1 = 1; } enum B { B0 = 0; B1 = 1; } ";
  EXPECT_EQ(WorstOf(enums + "message M { map<int32, A> m = 1; }",
                    enums + "message M { map<int64, B> m = 1; }")
                .json.new_reads_old,
            Outcome::kDropped);
}

TEST(ContractHiddenChange, AnotherTypeOfAMapsValuesIsToldAtTheMap) {
  const std::string types = "message A {} message B {} ";
  EXPECT_THAT(Elements(types + "message M { map<int32, A> m = 1; }",
                       types + "message M { map<int32, B> m = 1; }", ChangeKind::kTypeNameChanged),
              Contains("M.m"));
}

TEST(ContractHiddenChange, AnotherTypeHidesNoOtherDefault) {
  const auto expect = [&](const std::string& older, const std::string& newer, Outcome forth) {
    const std::string head = "syntax = \"proto2\"; enum E { ONE = 1; ZERO = 0; } message A { ";
    EXPECT_EQ(WorstOf(head + older + " }", head + newer + " }").binary.new_reads_old, forth)
        << older << " -> " << newer;
  };
  expect("optional int32 a = 1 [default = 5];", "optional int64 a = 1 [default = 7];",
         Outcome::kCorrupt);
  expect("optional int32 a = 1 [default = 5];", "optional int64 a = 1 [default = 5];",
         Outcome::kKept);
  expect("optional int32 a = 1;", "optional int64 a = 1;", Outcome::kKept);
  expect("optional bool a = 1 [default = true];", "optional int32 a = 1;", Outcome::kCorrupt);
  expect("optional bool a = 1 [default = true];", "optional int32 a = 1 [default = 1];",
         Outcome::kKept);
  expect("optional int32 a = 1 [default = 5];", "optional bool a = 1 [default = true];",
         Outcome::kLossy);
  expect("optional E a = 1;", "optional int32 a = 1;", Outcome::kCorrupt);
  expect("optional E a = 1;", "optional int32 a = 1 [default = 1];", Outcome::kKept);
  expect("optional uint32 a = 1 [default = 4294967295];",
         "optional uint64 a = 1 [default = 4294967295];", Outcome::kKept);
}

TEST(ContractHiddenChange, DefaultsThatAreNearlyTheSameAreShownApart) {
  const std::string head = "syntax = \"proto2\"; message A { optional double a = 1 [default = ";
  const auto changes = Compare(ProtoSchema(head + "1e-9]; }"), ProtoSchema(head + "2e-9]; }"));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].before, "1e-09");
  EXPECT_EQ(changes[0].after, "2e-09");
}

TEST(ContractHiddenChange, TheSameDefaultOfAFloatAndADoubleIsTheSameInJson) {
  const std::string head = "syntax = \"proto2\"; message A { optional ";
  const auto json =
      WorstOf(head + "float a = 1 [default = 0.1]; }", head + "double a = 1 [default = 0.1]; }")
          .json;
  EXPECT_EQ(json.new_reads_old, Outcome::kKept);
}

TEST(ContractHiddenChange, AMessageThatOnlyItselfRefersToIsAPayloadToo) {
  const std::string left = "message K {} ";
  const auto lost = [&](const std::string& gone) {
    return WorstOf(left + gone, left).binary.new_reads_old;
  };
  EXPECT_EQ(lost("message N { N next = 1; }"), Outcome::kDropped);
  EXPECT_EQ(lost("message N { repeated N next = 1; }"), Outcome::kDropped);
  EXPECT_EQ(lost("message N { map<string, N> next = 1; }"), Outcome::kDropped);
  EXPECT_EQ(lost("message A { B b = 1; } message B { A a = 1; }"), Outcome::kDropped);
}

TEST(ContractHiddenChange, APartThatGoesWithItsFieldIsNoLoss) {
  const auto worst = [](const std::string& older) {
    return WorstOf(older, "message K {}").binary.new_reads_old;
  };
  EXPECT_EQ(worst("message K { P p = 1; } message P { P p = 1; }"), Outcome::kKept);
  EXPECT_EQ(worst("message K { P p = 1; } message P { Q q = 1; } message Q { P p = 1; }"),
            Outcome::kKept);
  EXPECT_EQ(worst("message K { map<int32, P> p = 1; } message P {}"), Outcome::kKept);
  // Of a tree the root alone is lost.
  const auto changes = Compare(ProtoSchema("message R { P p = 1; } message P {} message K {}"),
                               ProtoSchema("message K {}"));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].element, "R");
  EXPECT_EQ(changes[0].binary.new_reads_old, Outcome::kDropped);
  EXPECT_EQ(changes[1].element, "P");
  EXPECT_EQ(changes[1].binary.new_reads_old, Outcome::kKept);
}

TEST(ContractHiddenChange, AMessageSetIsWrittenInItsOwnWay) {
  const std::string head = "syntax = \"proto2\"; message M { ";
  const std::string rest =
      "extensions 4 to 1000; } message X { extend M { optional X x = 400; } optional int32 v = 1; "
      "}";
  const std::string set = "option message_set_wire_format = true; ";
  EXPECT_EQ(WorstOf(head + set + rest, head + rest).binary.new_reads_old, Outcome::kDropped);
  EXPECT_EQ(WorstOf(head + set + rest, head + rest).binary.old_reads_new, Outcome::kKept);
  EXPECT_EQ(WorstOf(head + rest, head + set + rest).binary.new_reads_old, Outcome::kKept);
  EXPECT_THAT(Compare(ProtoSchema(head + set + rest), ProtoSchema(head + set + rest)), IsEmpty());
}

TEST(ContractHiddenChange, AnExtensionMayBeCalledLikeAField) {
  const std::string text =
      "syntax = \"proto2\"; message M { optional int32 foo = 1; extensions 100 to 200; } "
      "extend M { optional string foo = 100; }";
  EXPECT_THAT(Compare(ProtoSchema(text), ProtoSchema(text)), IsEmpty());
}

// What the docs say of fields they say of these, whatever their message is called now.
TEST(ContractHiddenChange, DocsSeeIntoAMessageOfAnotherName) {
  const auto objects = [](const std::string& older, const std::string& newer, bool json) {
    return !JudgeDocs(ProtoSchema(older), ProtoSchema(newer), json).empty();
  };
  const std::string types =
      "message A { int32 x = 1; A a = 2; } message B { sint32 x = 1; B a = 2; } ";
  EXPECT_TRUE(objects(types + "message M { A f = 1; }", types + "message M { B f = 1; }", false));
  EXPECT_TRUE(objects(types + "message M { map<int32, A> f = 1; }",
                      types + "message M { map<int32, B> f = 1; }", false));
  const std::string enums = "enum A { A0 = 0; } enum B { B0 = 0; } ";
  EXPECT_TRUE(objects(enums + "message M { A f = 1; }", enums + "message M { B f = 1; }", true));
  EXPECT_FALSE(objects("message A { int32 x = 1; } message M { A f = 1; }",
                       "message B { int32 x = 1; } message M { B f = 1; }", false));
}

TEST(ContractHiddenChange, AMessageOfGoogleHasAFormOfItsOwnInJson) {
  const std::string head =
      "import 'google/protobuf/any.proto'; import 'google/protobuf/struct.proto'; "
      "import 'google/protobuf/timestamp.proto'; import 'google/protobuf/wrappers.proto'; "
      "message T { int64 seconds = 1; int32 nanos = 2; } message W { int32 value = 1; } "
      "message S { map<string, google.protobuf.Value> fields = 1; } message M { ";
  const auto json = [&](const std::string& older, const std::string& newer) {
    return WorstOf(head + older + " f = 1; }", head + newer + " f = 1; }").json.new_reads_old;
  };
  EXPECT_EQ(json("google.protobuf.Timestamp", "T"), Outcome::kError);
  EXPECT_EQ(json("T", "google.protobuf.Timestamp"), Outcome::kError);
  EXPECT_EQ(json("google.protobuf.Int32Value", "W"), Outcome::kError);
  EXPECT_EQ(json("google.protobuf.Int32Value", "google.protobuf.Int64Value"), Outcome::kKept);
  EXPECT_EQ(json("google.protobuf.Struct", "S"), Outcome::kDropped);
  EXPECT_EQ(json("S", "google.protobuf.Struct"), Outcome::kCorrupt);
  EXPECT_EQ(json("T", "google.protobuf.Value"), Outcome::kCorrupt);
  EXPECT_EQ(json("repeated google.protobuf.Timestamp", "repeated T"), Outcome::kError);
  EXPECT_EQ(json("google.protobuf.Timestamp", "google.protobuf.Timestamp"), Outcome::kKept);
  EXPECT_EQ(json("map<string, google.protobuf.Timestamp>", "map<string, T>"), Outcome::kError);
}

}  // namespace
}  // namespace holdfast
