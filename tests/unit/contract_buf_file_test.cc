// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract::Authority;
using contract_test::Files;
using contract_test::FiresIn;
using contract_test::kEvery;
using contract_test::kNowhere;
using contract_test::kSources;
using contract_test::Objections;
using contract_test::Proto2;
using contract_test::Proto3;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(BufFileRules, Options) {
  struct Row {
    std::string rule, option, before, after, same_as_none;
  };
  const Row rows[] = {
      {"CC_ENABLE_ARENAS", "cc_enable_arenas", "true", "false", "true"},
      {"CC_GENERIC_SERVICES", "cc_generic_services", "false", "true", "false"},
      {"CSHARP_NAMESPACE", "csharp_namespace", "'A'", "'B'", "''"},
      {"GO_PACKAGE", "go_package", "'A'", "'B'", "''"},
      {"JAVA_GENERIC_SERVICES", "java_generic_services", "false", "true", "false"},
      {"JAVA_MULTIPLE_FILES", "java_multiple_files", "false", "true", "false"},
      {"JAVA_OUTER_CLASSNAME", "java_outer_classname", "'A'", "'B'", "''"},
      {"JAVA_PACKAGE", "java_package", "'A'", "'B'", "''"},
      {"OBJC_CLASS_PREFIX", "objc_class_prefix", "'A'", "'B'", "''"},
      {"OPTIMIZE_FOR", "optimize_for", "SPEED", "CODE_SIZE", "SPEED"},
      {"PHP_CLASS_PREFIX", "php_class_prefix", "'A'", "'B'", "''"},
      {"PHP_METADATA_NAMESPACE", "php_metadata_namespace", "'A'", "'B'", "''"},
      {"PHP_NAMESPACE", "php_namespace", "'A'", "'B'", "''"},
      {"PY_GENERIC_SERVICES", "py_generic_services", "false", "true", "false"},
      {"RUBY_PACKAGE", "ruby_package", "'A'", "'B'", "''"},
      {"SWIFT_PREFIX", "swift_prefix", "'A'", "'B'", "''"},
  };
  for (const Row& row : rows) {
    const std::string rule = "FILE_SAME_" + row.rule;
    const auto with = [&](const std::string& value) {
      return Proto3("option " + row.option + " = " + value + ";");
    };
    EXPECT_EQ(FiresIn(rule, with(row.before), with(row.after)), kSources) << rule;
    EXPECT_EQ(FiresIn(rule, Proto3(""), with(row.after)), kSources) << rule;
    EXPECT_EQ(FiresIn(rule, with(row.after), Proto3("")), kSources) << rule;
    EXPECT_EQ(FiresIn(rule, Proto3(""), with(row.same_as_none)), kNowhere) << rule;
  }
}

TEST(BufFileRules, Syntax) {
  constexpr auto kRule = "FILE_SAME_SYNTAX";
  EXPECT_EQ(FiresIn(kRule, Proto2(""), Proto3("")), kSources);
  EXPECT_EQ(FiresIn(kRule, Proto3(""), Proto2("")), kSources);
  EXPECT_EQ(FiresIn(kRule, Proto3(""), Proto3("message M {}")), kNowhere);
}

TEST(BufFileRules, Package) {
  constexpr auto kRule = "FILE_SAME_PACKAGE";
  EXPECT_EQ(FiresIn(kRule, "package a;", "package b;"), kEvery);
  EXPECT_EQ(FiresIn(kRule, "package a;", "message M {}"), kEvery);
  EXPECT_EQ(FiresIn(kRule, Files{{"a.proto", "package a;"}}, Files{{"b.proto", "package b;"}}),
            kNowhere);
}

TEST(BufFileRules, NameTheLineOfWhatChanged) {
  EXPECT_THAT(
      Objections(Authority::kBufFile, Proto3("\noption go_package = \"x\";"),
                 Proto3("\n option go_package = \"y\";")),
      ElementsAre("FILE_SAME_GO_PACKAGE test.proto test.proto:2:2: the option go_package of "
                  "the file: \"x\" became \"y\""));
  EXPECT_THAT(
      Objections(Authority::kBufFile, Proto3("\noption go_package = \"x\";"), Proto3("")),
      ElementsAre("FILE_SAME_GO_PACKAGE test.proto test.proto: the option go_package of the "
                  "file: \"x\" became \"\""));
}

Files Two(std::string_view a, std::string_view b) {
  return {{"a.proto", Proto3(a)}, {"b.proto", Proto3(b)}};
}

TEST(BufFileRules, MessageStaysInItsFile) {
  constexpr auto kRule = "MESSAGE_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Two("message M {}", ""), Two("", "message M {}")), "FILE");
  EXPECT_EQ(
      FiresIn(kRule, Proto3("message M { message N {} }"), Proto3("message M {} message N {}")),
      "FILE");
  EXPECT_EQ(FiresIn(kRule, "package a; message M {}", "package b; message M {}"), kNowhere);
  EXPECT_EQ(FiresIn(kRule, "package a; message M {}", "message M {}"), kNowhere);
  EXPECT_EQ(FiresIn(kRule, "message M {}", "package b; message M { message N {} }"), kNowhere);
}

TEST(BufFileRules, EntryOfAMapIsAMessage) {
  const std::string older = Proto3("message M {\n map<int32, int32> of_what = 1; }");
  EXPECT_EQ(FiresIn("MESSAGE_NO_DELETE", older, Proto3("message M {}")), "FILE");
  EXPECT_EQ(FiresIn("PACKAGE_MESSAGE_NO_DELETE", older, Proto3("message M {}")), "PACKAGE");
  EXPECT_THAT(
      Objections(Authority::kBufFile, older,
                 Proto3("message M {\n map<int32, bool> of_what = 1; }")),
      ElementsAre(
          "FIELD_SAME_TYPE p.M.OfWhatEntry.value test.proto:2:2: the type of field 2: int32 "
          "became bool"));
}

TEST(BufFileRules, PlaceOfAnEntryIsThatOfItsMap) {
  const std::string first = "message M {\n map<int32, int32> a = 1;\n";
  EXPECT_THAT(Objections(Authority::kBufWire, Proto3(first + "map<int32, int32> b = 2; }"),
                         Proto3(first + "map<int32, string> b = 2; }")),
              ElementsAre("FIELD_WIRE_COMPATIBLE_TYPE p.M.BEntry.value test.proto:3:1: the type of "
                          "field 2: int32 became string"));
}

TEST(BufFileRules, EnumStaysInItsFile) {
  constexpr auto kRule = "ENUM_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Two("enum E { Z = 0; }", ""), Two("", "enum E { Z = 0; }")), "FILE");
  EXPECT_EQ(FiresIn(kRule, Proto3("enum E { Z = 0; }"), Proto3("message E {}")), "FILE");
  EXPECT_EQ(FiresIn(kRule, "package a; enum E { Z = 0; }", "package b; enum E { A = 0; }"),
            kNowhere);
}

TEST(BufFileRules, ExtensionStaysInItsFile) {
  constexpr auto kRule = "EXTENSION_NO_DELETE";
  const std::string m = Proto2("message M { extensions 1 to 9; } ");
  EXPECT_EQ(FiresIn(kRule, m + "extend M { optional int32 a = 1; }", m), "FILE");
  EXPECT_EQ(FiresIn(kRule, m + "extend M { optional int32 a = 1; }",
                    m + "extend M { optional int32 b = 1; }"),
            "FILE");
  EXPECT_EQ(FiresIn(kRule, m + "extend M { optional int32 a = 1; }",
                    m + "extend M { optional int32 a = 2; }"),
            kNowhere);
}

TEST(BufFileRules, ServiceStaysInItsFile) {
  constexpr auto kRule = "SERVICE_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Two("service S {}", ""), Two("", "service S {}")), "FILE");
  EXPECT_EQ(FiresIn(kRule, "package a; service S {}", "package b; service S {}"), kNowhere);
}

TEST(BufFileSetRules, FilesStay) {
  constexpr auto kRule = "FILE_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Two("", ""), Files{{"a.proto", Proto3("")}}), "FILE");
  EXPECT_EQ(FiresIn(kRule, Files{{"a.proto", Proto3("")}}, Two("", "")), kNowhere);
}

TEST(BufFileSetRules, ImportsOfGoogleAreFilesToo) {
  const std::string older = Proto3("import \"google/protobuf/duration.proto\"; message M { }");
  EXPECT_EQ(FiresIn("FILE_NO_DELETE", older, Proto3("message M {}")), "FILE");
  EXPECT_EQ(FiresIn("PACKAGE_NO_DELETE", older, Proto3("message M {}")), "PACKAGE");
  EXPECT_EQ(FiresIn("FILE_NO_DELETE", older, older), kNowhere);
}

TEST(BufFileSetRules, PackagesStay) {
  constexpr auto kRule = "PACKAGE_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, "package a;", "package b;"), "PACKAGE");
  EXPECT_EQ(FiresIn(kRule, Files{{"a.proto", "package a;"}, {"b.proto", "package a;"}},
                    Files{{"c.proto", "package a;"}}),
            kNowhere);
  EXPECT_THAT(Objections(Authority::kBufPackage,
                         Files{{"a.proto", "package a;"}, {"b.proto", "package a;"}}, Files{}),
              ElementsAre("PACKAGE_NO_DELETE a a.proto: the package is gone"));
}

TEST(BufFileSetRules, MessagesStayInTheirPackage) {
  constexpr auto kRule = "PACKAGE_MESSAGE_NO_DELETE";
  const std::string both = Proto3("message M {} message N {}");
  EXPECT_EQ(FiresIn(kRule, both, Proto3("message N {}")), "PACKAGE");
  EXPECT_EQ(FiresIn(kRule, Two("message M {}", ""), Two("", "message M {}")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, both, Proto3("")),
            kNowhere);  // none is left: buf has nothing to look in
}

TEST(BufFileSetRules, AnEqualNameOfAnotherPackageIsNotTheSame) {
  const Files older = {{"a.proto", "package a; message b { message C {} }"}};
  const Files newer = {{"a.proto", "package a; message D {}"},
                       {"b.proto", "package a.b; message C {}"}};
  EXPECT_THAT(
      Objections(Authority::kBufPackage, older, newer),
      ElementsAre("PACKAGE_MESSAGE_NO_DELETE a.b a.proto:1:31: the message is no longer in its "
                  "package",
                  "PACKAGE_MESSAGE_NO_DELETE a.b.C a.proto:1:43: the message is no longer in "
                  "its package"));
}

TEST(BufFileSetRules, EnumsStayInTheirPackage) {
  constexpr auto kRule = "PACKAGE_ENUM_NO_DELETE";
  const std::string both = Proto3("enum E { Z = 0; } message M { enum F { Y = 0; } }");
  EXPECT_EQ(FiresIn(kRule, both, Proto3("enum E { Z = 0; } message M {}")), "PACKAGE");
  EXPECT_EQ(FiresIn(kRule, Two("enum E { Z = 0; }", ""), Two("", "enum E { Z = 0; }")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, both, Proto3("message M {}")), kNowhere);
}

TEST(BufFileSetRules, ExtensionsStayInTheirPackage) {
  constexpr auto kRule = "PACKAGE_EXTENSION_NO_DELETE";
  const std::string m = Proto2("message M { extensions 1 to 9; } ");
  const std::string both = m + "extend M { optional int32 a = 1; optional int32 b = 2; }";
  EXPECT_EQ(FiresIn(kRule, both, m + "extend M { optional int32 a = 1; }"), "PACKAGE");
  EXPECT_EQ(FiresIn(kRule, both, m), kNowhere);
  EXPECT_EQ(FiresIn(kRule, both, both), kNowhere);
}

TEST(BufFileSetRules, ServicesStayInTheirPackage) {
  constexpr auto kRule = "PACKAGE_SERVICE_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Proto3("service S {}"), Proto3("")), "PACKAGE");
  EXPECT_EQ(FiresIn(kRule, Two("service S {}", ""), Two("", "service S {}")), kNowhere);
  EXPECT_EQ(FiresIn(kRule, "package a; service S {}", "package b;"), kNowhere);
}

TEST(BufFileSetRules, NothingAtAllIsNoChange) {
  EXPECT_THAT(Objections(Authority::kBufFile, Files{}, Files{}), IsEmpty());
}

}  // namespace
}  // namespace holdfast
