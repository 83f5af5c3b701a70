// SPDX-License-Identifier: Apache-2.0
//
// The same change, and what each authority says of it: one line per change, one column per authority, and what becomes
// of values by our own account beside them.
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/verdict.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast {
namespace {

using contract::Authority;
using contract::Outcome;
using contract::Schema;
using contract_test::ProtoSchema;

// The declarations of message M, unless they are whole files ("syntax = ..." or "package ...").
struct Row {
  const char* change;
  const char* before;
  const char* after;
  const char* docs;  // "ok", "if" (conditionally safe) or "NO"
  const char* docs_json;
  const char* confluent;
  const char* wire;
  const char* wire_json;
  const char* ours;  // new reads old, old reads new; then the same in JSON: = ~ u x !
};

constexpr Row kRows[] = {
    // clang-format off
    // change                                     before                                            after                                                docs  JSON  confl WIRE  W_JSON ours
    {"1 int32 -> uint32",                         "int32 a = 1;",                                   "uint32 a = 1;",                                     "if", "if", "ok", "ok", "ok", "~~ xx"},
    {"1 int32 -> int64",                          "int32 a = 1;",                                   "int64 a = 1;",                                      "if", "if", "ok", "ok", "NO", "=~ =x"},
    {"1 int64 -> uint64",                         "int64 a = 1;",                                   "uint64 a = 1;",                                     "if", "if", "ok", "ok", "ok", "~~ xx"},
    {"2 int32 -> bool",                           "int32 a = 1;",                                   "bool a = 1;",                                       "if", "NO", "ok", "ok", "NO", "~= xx"},
    {"3 int32 -> enum",                           "int32 a = 1; enum E { Z = 0; }",                 "E a = 1; enum E { Z = 0; }",                        "if", "if", "ok", "NO", "NO", "== =x"},
    {"3 bool -> enum",                            "bool a = 1; enum E { Z = 0; }",                  "E a = 1; enum E { Z = 0; }",                        "NO", "NO", "ok", "NO", "NO", "== xx"},
    {"3 int32 -> closed enum",                    "P2 optional int32 a = 1; enum E { Z = 0; }",     "P2 optional E a = 1; enum E { Z = 0; }",            "if", "if", "ok", "NO", "NO", "u= ux"},
    {"4 sint32 -> sint64",                        "sint32 a = 1;",                                  "sint64 a = 1;",                                     "if", "if", "ok", "ok", "NO", "=~ =x"},
    {"5 sint32 -> int32",                         "sint32 a = 1;",                                  "int32 a = 1;",                                      "NO", "ok", "NO", "NO", "NO", "!! =="},
    {"5 float -> fixed32",                        "float a = 1;",                                   "fixed32 a = 1;",                                    "NO", "NO", "NO", "NO", "NO", "!! x~"},
    {"6 fixed32 -> sfixed32",                     "fixed32 a = 1;",                                 "sfixed32 a = 1;",                                   "if", "ok", "ok", "ok", "ok", "~~ xx"},
    {"6 fixed64 -> sfixed64",                     "fixed64 a = 1;",                                 "sfixed64 a = 1;",                                   "if", "ok", "ok", "ok", "ok", "~~ xx"},
    {"7 string -> bytes",                         "string a = 1;",                                  "bytes a = 1;",                                      "if", "NO", "ok", "ok", "NO", "=x !!"},
    {"8 bytes -> string",                         "bytes a = 1;",                                   "string a = 1;",                                     "if", "NO", "ok", "NO", "NO", "x= !!"},
    {"9 message -> bytes",                        "N a = 1;",                                       "bytes a = 1;",                                      "if", "NO", "NO", "NO", "NO", "=x xx"},
    {"10 string -> repeated string",              "string a = 1;",                                  "repeated string a = 1;",                            "if", "NO", "ok", "NO", "NO", "=~ xx"},
    {"10 repeated message -> message",            "repeated N a = 1;",                              "N a = 1;",                                          "if", "NO", "ok", "NO", "NO", "!= xx"},
    {"11 int32 -> repeated int32",                "int32 a = 1;",                                   "repeated int32 a = 1;",                             "NO", "NO", "ok", "NO", "NO", "=u xx"},
    {"11 the same, both labels written",          "P2 optional int32 a = 1;",                       "P2 repeated int32 a = 1;",                          "NO", "NO", "NO", "NO", "NO", "=~ xx"},
    {"12 packed -> unpacked",                     "repeated int32 a = 1;",                          "repeated int32 a = 1 [packed = false];",            "ok", "ok", "ok", "ok", "ok", "== =="},
    {"13 map -> repeated entry",                  "map<string, int32> a = 1; message AE { string key = 1; int32 value = 2; }", "repeated AE a = 1; message AE { string key = 1; int32 value = 2; }", "if", "NO", "NO", "NO", "NO", "=~ xx"},
    {"14 optional added",                         "int32 a = 1;",                                   "optional int32 a = 1;",                             "ok", "ok", "ok", "ok", "ok", "== =="},
    {"15 field added",                            "int32 a = 1;",                                   "int32 a = 1; int32 b = 2;",                         "ok", "if", "ok", "ok", "ok", "== =="},
    {"16 required field added",                   "P2 optional int32 a = 1;",                       "P2 optional int32 a = 1; required int32 b = 2;",    "NO", "NO", "NO", "NO", "NO", "x= x="},
    {"16 required field removed",                 "P2 required int32 a = 1;",                       "P2 reserved 1; reserved \"a\";",                    "NO", "NO", "NO", "NO", "NO", "=x =x"},
    {"16 optional -> required string",            "P2 optional string a = 1;",                      "P2 required string a = 1;",                         "NO", "NO", "ok", "NO", "NO", "x= x="},
    {"16 optional -> required int32",             "P2 optional int32 a = 1;",                       "P2 required int32 a = 1;",                          "NO", "NO", "NO", "NO", "NO", "x= x="},
    {"17 field removed",                          "int32 a = 1; int32 b = 2;",                      "int32 a = 1;",                                      "if", "if", "ok", "NO", "NO", "== =="},
    {"18 field removed, number reserved",         "int32 a = 1; int32 b = 2;",                      "int32 a = 1; reserved 2;",                          "ok", "if", "ok", "ok", "NO", "== =="},
    {"18 field removed, both reserved",           "int32 a = 1; int32 b = 2;",                      "int32 a = 1; reserved 2; reserved \"b\";",          "ok", "if", "ok", "ok", "ok", "== =="},
    {"19 field renumbered",                       "int32 a = 1;",                                   "int32 a = 2;",                                      "NO", "ok", "ok", "NO", "NO", "uu =="},
    {"20 reserved no more",                       "reserved 1 to 5; int32 a = 6;",                  "reserved 2 to 4; int32 a = 6;",                     "NO", "ok", "ok", "NO", "NO", "== =="},
    {"21 field renamed",                          "int32 a = 1;",                                   "int32 b = 1;",                                      "ok", "NO", "ok", "ok", "NO", "== uu"},
    {"21 json_name changed",                      "int32 a = 1;",                                   "int32 a = 1 [json_name = \"b\"];",                  "ok", "NO", "ok", "ok", "NO", "== =u"},
    {"22 enum value added",                       "enum E { Z = 0; } E a = 1;",                     "enum E { Z = 0; Y = 1; } E a = 1;",                 "ok", "if", "ok", "ok", "ok", "== =u"},
    {"22 enum value added, closed",               "P2 enum E { Z = 0; } optional E a = 1;",         "P2 enum E { Z = 0; Y = 1; } optional E a = 1;",     "ok", "if", "ok", "ok", "ok", "=u =u"},
    {"22 enum value removed",                     "enum E { Z = 0; Y = 1; } E a = 1;",              "enum E { Z = 0; } E a = 1;",                        "ok", "if", "ok", "NO", "NO", "== u="},
    {"22 enum value removed, number reserved",    "enum E { Z = 0; Y = 1; } E a = 1;",              "enum E { Z = 0; reserved 1; } E a = 1;",            "ok", "if", "ok", "ok", "NO", "== u="},
    {"22 enum value removed, both reserved",      "enum E { Z = 0; Y = 1; } E a = 1;",              "enum E { Z = 0; reserved 1; reserved \"Y\"; } E a = 1;", "ok", "if", "ok", "ok", "ok", "== u="},
    {"22 enum value renamed",                     "enum E { Z = 0; Y = 1; } E a = 1;",              "enum E { Z = 0; X = 1; } E a = 1;",                 "ok", "NO", "ok", "ok", "NO", "== uu"},
    {"23 enum closed -> open",                    "P2 enum E { Z = 0; } ",                          "enum E { Z = 0; }",                                 "ok", "ok", "ok", "ok", "ok", "=u =u"},
    {"24 default changed",                        "P2 optional int32 a = 1 [default = 1];",         "P2 optional int32 a = 1 [default = 2];",            "ok", "ok", "ok", "NO", "NO", "!! !!"},
    {"25 field -> new oneof",                     "int32 a = 1;",                                   "oneof o { int32 a = 1; int32 b = 2; }",             "ok", "if", "ok", "NO", "NO", "== =="},
    {"26 two fields -> new oneof",                "int32 a = 1; int32 b = 2;",                      "oneof o { int32 a = 1; int32 b = 2; }",             "NO", "NO", "NO", "NO", "NO", "~= x="},
    {"26 field -> existing oneof",                "int32 a = 1; oneof o { int32 b = 2; }",          "oneof o { int32 a = 1; int32 b = 2; }",             "NO", "NO", "NO", "NO", "NO", "~= x="},
    {"26 oneofs merged",                          "oneof p { int32 a = 1; } oneof o { int32 b = 2; }", "oneof o { int32 a = 1; int32 b = 2; }",          "NO", "NO", "NO", "NO", "NO", "~= x="},
    {"27 field out of a oneof",                   "oneof o { int32 a = 1; int32 b = 2; }",          "int32 a = 1; oneof o { int32 b = 2; }",             "ok", "ok", "ok", "NO", "NO", "=~ =x"},
    {"28 member of a oneof removed",              "oneof o { int32 a = 1; int32 b = 2; }",          "oneof o { int32 a = 1; } reserved 2; reserved \"b\";", "ok", "if", "NO", "ok", "ok", "== =="},
    {"28 oneof removed",                          "oneof o { int32 a = 1; int32 b = 2; }",          "reserved 1 to 2; reserved \"a\", \"b\";",           "ok", "if", "ok", "ok", "ok", "== =="},
    {"29 oneof renamed",                          "oneof o { int32 a = 1; int32 b = 2; }",          "oneof p { int32 a = 1; int32 b = 2; }",             "ok", "ok", "ok", "NO", "NO", "== =="},
    {"30 message removed",                        "message D {}",                                   "",                                                  "ok", "ok", "NO", "ok", "ok", "u= u="},
    {"31 messages reordered",                     "package p; message A {} message B {}",           "package p; message B {} message A {}",              "ok", "ok", "ok", "ok", "ok", "== =="},
    {"32 package changed",                        "package p; message A {}",                        "package q; message A {}",                           "ok", "ok", "NO", "NO", "NO", "uu uu"},
    {"32 message of a field renamed",             "D a = 1; message D {}",                          "F a = 1; message F {}",                             "ok", "ok", "NO", "NO", "NO", "== =="},
    {"33 rpc type changed",                       "package p; message A {} message B {} service S { rpc C(A) returns (A); }", "package p; message A {} message B {} service S { rpc C(B) returns (A); }", "ok", "ok", "ok", "NO", "NO", "== =="},
    {"33 rpc streams",                            "package p; message A {} service S { rpc C(A) returns (A); }", "package p; message A {} service S { rpc C(A) returns (stream A); }", "ok", "ok", "ok", "NO", "NO", "xx xx"},
    {"34 syntax changed",                         "P2 optional int32 a = 1;",                       "int32 a = 1;",                                      "ok", "ok", "ok", "ok", "ok", "== =="},
    {"35 field -> extension",                     "P2 optional int32 a = 1; extensions 2 to 9; ",   "P2 extensions 1 to 9; extend M { optional int32 a = 1; }", "ok", "NO", "ok", "NO", "NO", "== uu"},
    // clang-format on
};

Schema SchemaOf(const std::string& text) {
  if (text.starts_with("package")) return ProtoSchema(text);
  const bool proto2 = text.starts_with("P2 ");
  const std::string head = proto2 ? "syntax = \"proto2\"; " : "";
  const std::string n =
      proto2 ? "message N { optional int32 x = 1; } " : "message N { int32 x = 1; } ";
  return ProtoSchema(head + "package p; " + n + "message M { " + text.substr(proto2 ? 3 : 0) +
                     " }");
}

std::string Says(Authority authority, const Schema& before, const Schema& after) {
  if (!Judge(authority, before, after).empty()) return "NO";
  const bool docs = authority == Authority::kDocs || authority == Authority::kDocsJson;
  if (!docs) return "ok";
  const contract::DocsOptions strict{.conditional_is_fine = false};
  return JudgeDocs(before, after, authority == Authority::kDocsJson, strict).empty() ? "ok" : "if";
}

std::string Ours(const Schema& before, const Schema& after) {
  Outcome worst[4] = {};
  for (const contract::Change& change : Compare(before, after)) {
    const Outcome of_it[] = {change.binary.new_reads_old, change.binary.old_reads_new,
                             change.json.new_reads_old, change.json.old_reads_new};
    for (int i = 0; i < 4; ++i) worst[i] = std::max(worst[i], of_it[i]);
  }
  std::string marks;
  for (const Outcome outcome : worst) marks += "=~ux!"[static_cast<int>(outcome)];
  return marks.insert(2, " ");
}

TEST(ContractVerdict, EachAuthoritySaysOfEachChangeWhatItsRulesSay) {
  std::printf(
      "| change | docs | docs-json | Confluent | WIRE | WIRE_JSON | PACKAGE | FILE | binary | JSON "
      "|\n");
  for (const Row& row : kRows) {
    const Schema before = SchemaOf(row.before);
    const Schema after = SchemaOf(row.after);
    EXPECT_EQ(Says(Authority::kDocs, before, after), row.docs) << row.change;
    EXPECT_EQ(Says(Authority::kDocsJson, before, after), row.docs_json) << row.change;
    EXPECT_EQ(Says(Authority::kConfluent, before, after), row.confluent) << row.change;
    EXPECT_EQ(Says(Authority::kBufWire, before, after), row.wire) << row.change;
    EXPECT_EQ(Says(Authority::kBufWireJson, before, after), row.wire_json) << row.change;
    EXPECT_EQ(Ours(before, after), row.ours) << row.change;
    std::printf("| %s |", row.change);
    for (const Authority authority : contract::kAuthorities) {
      std::printf(" %s |", Says(authority, before, after).c_str());
    }
    const std::string ours = Ours(before, after);
    std::printf(" %s | %s |\n", ours.substr(0, 2).c_str(), ours.substr(3).c_str());
  }
}

// To its parser a group is neither a nested message nor a field.
TEST(ContractVerdict, ConfluentDoesNotLookAtGroups) {
  const auto objects = [](const std::string& older, const std::string& newer) {
    const std::string head = "syntax = \"proto2\"; message M { optional int32 x = 1; ";
    return !JudgeConfluent(ProtoSchema(head + older + "}"), ProtoSchema(head + newer + "}"))
                .empty();
  };
  const std::string group = "optional group G = 2 { optional int32 a = 1; } ";
  EXPECT_FALSE(objects(group, ""));
  EXPECT_FALSE(objects(group, "optional group G = 2 { optional string a = 1; } "));
  EXPECT_FALSE(objects("", "required group G = 2 {} "));
  EXPECT_TRUE(objects("optional N n = 2; message N {} ", ""));
}

}  // namespace
}  // namespace holdfast
