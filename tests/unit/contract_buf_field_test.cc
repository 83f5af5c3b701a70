// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract_test::FiresIn;
using contract_test::kEvery;
using contract_test::kNames;
using contract_test::kNowhere;
using contract_test::kSources;
using contract_test::M2;
using contract_test::M3;
using contract_test::Objections;
using contract_test::Proto2;
using contract_test::Proto3;
using ::testing::ElementsAre;

TEST(BufFieldRules, NameIsAFieldsOwn) {
  constexpr auto kRule = "FIELD_SAME_NAME";
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("int32 b = 1;")), kNames);
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("int32 b = 2;")), kNowhere);
}

TEST(BufFieldRules, NameOfAnExtensionIsItsFullOne) {
  constexpr auto kRule = "FIELD_SAME_NAME";
  const std::string older = M2("extensions 1 to 9; extend M { optional int32 a = 1; }");
  EXPECT_EQ(FiresIn(kRule, older, M2("extensions 1 to 9;") + " extend M { optional int32 a = 1; }"),
            kNames);
  EXPECT_EQ(FiresIn(kRule, older, older), kNowhere);
}

TEST(BufFieldRules, JsonName) {
  constexpr auto kRule = "FIELD_SAME_JSON_NAME";
  EXPECT_EQ(FiresIn(kRule, M3("int32 a_b = 1;"), M3("int32 a_b = 1 [json_name = \"x\"];")), kNames);
  EXPECT_EQ(FiresIn(kRule, M3("int32 a_b = 1;"), M3("int32 a_b = 1 [json_name = \"aB\"];")),
            kNowhere);
  EXPECT_EQ(FiresIn(kRule, M3("int32 a_b = 1;"), M3("int32 x = 1 [json_name = \"aB\"];")),
            kNowhere);
}

TEST(BufFieldRules, JsonNameOfAnExtensionIsNoMatter) {
  const std::string older = M2("extensions 1 to 9;") + " extend M { optional int32 a = 1; }";
  const std::string newer = M2("extensions 1 to 9;") + " extend M { optional int32 b = 1; }";
  EXPECT_EQ(FiresIn("FIELD_SAME_JSON_NAME", older, newer), kNowhere);
  EXPECT_EQ(FiresIn("FIELD_SAME_NAME", older, newer), kNames);
}

TEST(BufFieldRules, OneofEnteredLeftOrChanged) {
  constexpr auto kRule = "FIELD_SAME_ONEOF";
  const std::string alone = M3("int32 a = 1;");
  const std::string inside = M3("oneof o { int32 a = 1; }");
  EXPECT_EQ(FiresIn(kRule, alone, inside), kEvery);
  EXPECT_EQ(FiresIn(kRule, inside, alone), kEvery);
  EXPECT_EQ(FiresIn(kRule, inside, M3("oneof renamed { int32 a = 1; }")), kEvery);
  EXPECT_EQ(FiresIn(kRule, inside, M3("oneof o { int32 a = 1; int32 b = 2; }")), kNowhere);
}

TEST(BufFieldRules, TheOneofOfAnOptionalFieldIsNone) {
  constexpr auto kRule = "FIELD_SAME_ONEOF";
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), M3("optional int32 a = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M3("oneof o { int32 a = 1; }"), M3("optional int32 a = 1;")), kEvery);
}

TEST(BufFieldRules, JsTypeOf64Bits) {
  constexpr auto kRule = "FIELD_SAME_JSTYPE";
  const std::string older = M3("int64 a = 1;");
  EXPECT_EQ(FiresIn(kRule, older, M3("int64 a = 1 [jstype = JS_STRING];")), kSources);
  EXPECT_EQ(FiresIn(kRule, older, M3("fixed64 a = 1 [jstype = JS_NUMBER];")), kSources);
  EXPECT_EQ(FiresIn(kRule, older, M3("int64 a = 1 [jstype = JS_NORMAL];")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M3("int64 a = 1 [jstype = JS_STRING];"), M3("int32 a = 1;")), kNowhere);
}

TEST(BufFieldRules, CppStringType) {
  constexpr auto kRule = "FIELD_SAME_CPP_STRING_TYPE";
  const std::string plain = M3("string a = 1;");
  const std::string cord = M3("string a = 1 [ctype = CORD];");
  const std::string piece = M3("bytes a = 1 [ctype = STRING_PIECE];");
  EXPECT_EQ(FiresIn(kRule, plain, cord), kSources);
  EXPECT_EQ(FiresIn(kRule, cord, piece), kSources);
  EXPECT_EQ(FiresIn(kRule, plain, piece), kSources);
  EXPECT_EQ(FiresIn(kRule, cord, plain), kSources);
  EXPECT_EQ(FiresIn(kRule, piece, plain), kNowhere);  // the one way that is safe
  EXPECT_EQ(FiresIn(kRule, plain, M3("string a = 1 [ctype = STRING];")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, cord, M3("int32 a = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M3("int32 a = 1;"), cord), kNowhere);
}

TEST(BufFieldRules, Utf8IsTheSyntaxes) {
  constexpr auto kRule = "FIELD_SAME_UTF8_VALIDATION";
  EXPECT_EQ(FiresIn(kRule, M2("optional string a = 1;"), M3("string a = 1;")), kSources);
  EXPECT_EQ(FiresIn(kRule, M2("repeated string a = 1;"), M3("repeated string a = 1;")), kSources);
  EXPECT_EQ(FiresIn(kRule, M2("optional bytes a = 1;"), M3("string a = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M2("optional string a = 1;"), M3("bytes a = 1;")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, M3("string a = 1;"), M3("string b = 1;")), kNowhere);
}

TEST(BufFieldRules, Utf8InJavaIsTheSyntaxesOrTheFiles) {
  constexpr auto kRule = "FIELD_SAME_JAVA_UTF8_VALIDATION";
  const std::string checked = "option java_string_check_utf8 = true; ";
  const std::string field2 = "message M { optional string a = 1; }";
  const std::string field3 = "message M { string a = 1; }";
  EXPECT_EQ(FiresIn(kRule, Proto2(field2), Proto2(checked + field2)), kSources);
  EXPECT_EQ(FiresIn(kRule, Proto2(field2), Proto3(field3)), kSources);
  EXPECT_EQ(FiresIn(kRule, Proto2(checked + field2), Proto3(field3)), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Proto3(checked + field3), Proto3(field3)), kNowhere);
  EXPECT_EQ(FiresIn(kRule, Proto2("message M { optional bytes a = 1; }"), Proto3(field3)),
            kNowhere);
}

TEST(BufFieldRules, SayWhatTheValueWasAndIs) {
  EXPECT_THAT(
      Objections(contract::Authority::kBufWireJson, M3("\nint32 a = 1;"), M3("\n  int32 b = 1;")),
      ElementsAre(
          "FIELD_SAME_JSON_NAME p.M.b test.proto:2:3: the JSON name of field 1: \"a\" became \"b\"",
          "FIELD_SAME_NAME p.M.b test.proto:2:3: the name of field 1: \"a\" became \"b\""));
}

}  // namespace
}  // namespace holdfast
