// SPDX-License-Identifier: Apache-2.0
// The tables of docs/primitives/compatibility_buf.md: for each rule a change that it objects to, in which categories it
// does, and what that change does to data by our own account; and changes on which the two differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract_test::Files;
using contract_test::FiresIn;
using contract_test::M2;
using contract_test::M3;
using contract_test::Proto2;
using contract_test::Proto3;

struct Row {
  std::string rule;
  Files older;
  Files newer;
};

Row Of(std::string rule, const std::string& older, const std::string& newer) {
  return {std::move(rule), {{"test.proto", older}}, {{"test.proto", newer}}};
}

Row Option(std::string rule, const std::string& option) {
  return Of(std::move(rule), Proto3("message M {}"), Proto3("option " + option + "; message M {}"));
}

std::string Enum(const std::string& values) {
  return Proto3("message M { E e = 1; } enum E { Z = 0; " + values + " }");
}

std::string Method(const std::string& method) {
  return Proto3("message M {} message N {} service S { " + method + " }");
}

const std::string kTwo = "message M {} message N {} ";
const std::string kExtended = Proto2("message M { extensions 1 to 9; } ");

std::vector<Row> FieldRows() {
  return {
      Of("FIELD_SAME_NAME", M3("int32 a = 1;"), M3("int32 b = 1;")),
      Of("FIELD_SAME_JSON_NAME", M3("int32 a = 1;"), M3("int32 a = 1 [json_name = \"b\"];")),
      Of("FIELD_SAME_ONEOF", M3("int32 a = 1; int32 b = 2;"),
         M3("oneof o { int32 a = 1; int32 b = 2; }")),
      Of("FIELD_SAME_TYPE", M3("int32 a = 1;"), M3("uint32 a = 1;")),
      Of("FIELD_WIRE_COMPATIBLE_TYPE", M3("int32 a = 1;"), M3("sint32 a = 1;")),
      Of("FIELD_WIRE_JSON_COMPATIBLE_TYPE", M3("string a = 1;"), M3("bytes a = 1;")),
      Of("FIELD_SAME_CARDINALITY", M3("int32 a = 1;"), M3("optional int32 a = 1;")),
      Of("FIELD_WIRE_COMPATIBLE_CARDINALITY", M3("string a = 1;"), M3("repeated string a = 1;")),
      Of("FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY", M3("map<string, int32> a = 1;"),
         M3("message AEntry { string key = 1; int32 value = 2; } repeated AEntry a = 1;")),
      Of("FIELD_SAME_DEFAULT", M2("optional int32 a = 1;"),
         M2("optional int32 a = 1 [default = 5];")),
      Of("FIELD_NO_DELETE", M3("int32 a = 1;"), M3("reserved 1; reserved \"a\";")),
      Of("FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", M3("int32 a = 1;"), M3("")),
      Of("FIELD_NO_DELETE_UNLESS_NAME_RESERVED", M3("int32 a = 1;"), M3("reserved 1;")),
      Of("FIELD_SAME_JSTYPE", M3("int64 a = 1;"), M3("int64 a = 1 [jstype = JS_STRING];")),
      Of("FIELD_SAME_CPP_STRING_TYPE", M3("string a = 1;"), M3("string a = 1 [ctype = CORD];")),
      Of("FIELD_SAME_UTF8_VALIDATION", M2("optional string a = 1;"), M3("optional string a = 1;")),
      Of("FIELD_SAME_JAVA_UTF8_VALIDATION", M2("optional string a = 1;"),
         Proto2("option java_string_check_utf8 = true; message M { optional string a = 1; }")),
  };
}

std::vector<Row> DeclarationRows() {
  return {
      Of("MESSAGE_SAME_REQUIRED_FIELDS", M2("optional int32 a = 1;"), M2("required int32 a = 1;")),
      Of("MESSAGE_SAME_JSON_FORMAT", Proto3("message M {}"), Proto2("message M {}")),
      Of("MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR", M3(""),
         M3("option no_standard_descriptor_accessor = true;")),
      Of("MESSAGE_NO_DELETE", Proto3(kTwo), Proto3("message M {}")),
      Of("PACKAGE_MESSAGE_NO_DELETE", Proto3(kTwo), Proto3("message M {}")),
      Of("ONEOF_NO_DELETE", M3("oneof o { int32 a = 1; }"), M3("reserved 1; reserved \"a\";")),
      Of("RESERVED_MESSAGE_NO_DELETE", M3("reserved 1;"), M3("")),
      Of("EXTENSION_MESSAGE_NO_DELETE", M2("extensions 1 to 9;"), M2("extensions 1 to 8;")),
      Of("EXTENSION_NO_DELETE", kExtended + "extend M { optional int32 a = 1; }", kExtended),
      Of("PACKAGE_EXTENSION_NO_DELETE",
         kExtended + "extend M { optional int32 a = 1; optional int32 b = 2; }",
         kExtended + "extend M { optional int32 b = 2; }"),
      Of("ENUM_SAME_TYPE", Enum(""), Proto2("message M { optional E e = 1; } enum E { Z = 0; }")),
      Of("ENUM_SAME_JSON_FORMAT", Enum(""),
         Proto2("message M { optional E e = 1; } enum E { Z = 0; }")),
      Of("ENUM_VALUE_NO_DELETE", Enum("A = 1;"), Enum("reserved 1; reserved \"A\";")),
      Of("ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", Enum("A = 1;"), Enum("")),
      Of("ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", Enum("A = 1;"), Enum("reserved 1;")),
      Of("ENUM_VALUE_SAME_NAME", Enum("A = 1;"), Enum("B = 1;")),
      Of("RESERVED_ENUM_NO_DELETE", Enum("reserved 1;"), Enum("")),
      Of("ENUM_NO_DELETE", Proto3("enum E { Z = 0; } enum F { Y = 0; }"),
         Proto3("enum E { Z = 0; }")),
      Of("PACKAGE_ENUM_NO_DELETE", Proto3("enum E { Z = 0; } enum F { Y = 0; }"),
         Proto3("enum E { Z = 0; }")),
      Of("SERVICE_NO_DELETE", Method("rpc Do(M) returns (N);"), Proto3(kTwo)),
      Of("PACKAGE_SERVICE_NO_DELETE", Method("rpc Do(M) returns (N);"), Proto3(kTwo)),
      Of("RPC_NO_DELETE", Method("rpc Do(M) returns (N);"), Method("")),
      Of("RPC_SAME_REQUEST_TYPE", Method("rpc Do(M) returns (N);"),
         Method("rpc Do(N) returns (N);")),
      Of("RPC_SAME_RESPONSE_TYPE", Method("rpc Do(M) returns (N);"),
         Method("rpc Do(M) returns (M);")),
      Of("RPC_SAME_CLIENT_STREAMING", Method("rpc Do(M) returns (N);"),
         Method("rpc Do(stream M) returns (N);")),
      Of("RPC_SAME_SERVER_STREAMING", Method("rpc Do(M) returns (N);"),
         Method("rpc Do(M) returns (stream N);")),
      Of("RPC_SAME_IDEMPOTENCY_LEVEL", Method("rpc Do(M) returns (N);"),
         Method("rpc Do(M) returns (N) { option idempotency_level = IDEMPOTENT; }")),
  };
}

std::vector<Row> FileRows() {
  return {
      Of("FILE_SAME_PACKAGE", "package p; message M {}", "package q; message M {}"),
      Of("FILE_SAME_SYNTAX", Proto2("message M {}"), Proto3("message M {}")),
      {"FILE_NO_DELETE",
       {{"a.proto", Proto3("message M {}")}},
       {{"b.proto", Proto3("message M {}")}}},
      Of("PACKAGE_NO_DELETE", "package p; message M {}", "package q; message M {}"),
      Option("FILE_SAME_CC_ENABLE_ARENAS", "cc_enable_arenas = false"),
      Option("FILE_SAME_CC_GENERIC_SERVICES", "cc_generic_services = true"),
      Option("FILE_SAME_CSHARP_NAMESPACE", "csharp_namespace = 'A'"),
      Option("FILE_SAME_GO_PACKAGE", "go_package = 'a.b/c'"),
      Option("FILE_SAME_JAVA_GENERIC_SERVICES", "java_generic_services = true"),
      Option("FILE_SAME_JAVA_MULTIPLE_FILES", "java_multiple_files = true"),
      Option("FILE_SAME_JAVA_OUTER_CLASSNAME", "java_outer_classname = 'A'"),
      Option("FILE_SAME_JAVA_PACKAGE", "java_package = 'a.b'"),
      Option("FILE_SAME_OBJC_CLASS_PREFIX", "objc_class_prefix = 'A'"),
      Option("FILE_SAME_OPTIMIZE_FOR", "optimize_for = CODE_SIZE"),
      Option("FILE_SAME_PHP_CLASS_PREFIX", "php_class_prefix = 'A'"),
      Option("FILE_SAME_PHP_METADATA_NAMESPACE", "php_metadata_namespace = 'A'"),
      Option("FILE_SAME_PHP_NAMESPACE", "php_namespace = 'A'"),
      Option("FILE_SAME_PY_GENERIC_SERVICES", "py_generic_services = true"),
      Option("FILE_SAME_RUBY_PACKAGE", "ruby_package = 'A'"),
      Option("FILE_SAME_SWIFT_PREFIX", "swift_prefix = 'A'"),
  };
}

// Changes of which buf thinks otherwise than we do, or nothing.
std::vector<Row> DifferentRows() {
  return {
      Of("`int64` becomes `int32`", M3("int64 a = 1;"), M3("int32 a = 1;")),
      Of("`int32` becomes `uint32`", M3("int32 a = 1;"), M3("uint32 a = 1;")),
      Of("`int32` becomes `bool`", M3("int32 a = 1;"), M3("bool a = 1;")),
      Of("`string` becomes `bytes`", M3("string a = 1;"), M3("bytes a = 1;")),
      Of("an enum field becomes `int32`", Enum("A = 1;"), M3("int32 e = 1;")),
      Of("a message field becomes `bytes`", M3("M a = 1;"), M3("bytes a = 1;")),
      Of("a field becomes repeated", M3("M a = 1;"), M3("repeated M a = 1;")),
      Of("a map becomes a list of its entries", M3("map<string, int32> a = 1;"),
         M3("message AEntry { string key = 1; int32 value = 2; } repeated AEntry a = 1;")),
      Of("a field enters a oneof of its own", M3("int32 a = 1;"), M3("oneof o { int32 a = 1; }")),
      Of("a oneof is renamed", M3("oneof o { int32 a = 1; int32 b = 2; }"),
         M3("oneof p { int32 a = 1; int32 b = 2; }")),
      Of("a message that a field holds is renamed", Proto3("message M { A a = 1; } message A {}"),
         Proto3("message M { B a = 1; } message B {}")),
      Of("a message goes, the package keeps others", Proto3(kTwo), Proto3("message M {}")),
      Of("the last message of a package goes", Proto3("message M {} enum E { Z = 0; }"),
         Proto3("enum E { Z = 0; }")),
      Of("a field goes, its number and name are reserved", M3("int32 a = 1;"),
         M3("reserved 1; reserved \"a\";")),
      Of("an enum value goes, its number and name are reserved", Enum("A = 1;"),
         Enum("reserved 1; reserved \"A\";")),
      Of("an enum value is added to a closed enum",
         Proto2("message M { optional E e = 1; } enum E { Z = 0; }"),
         Proto2("message M { optional E e = 1; } enum E { Z = 0; A = 1; }")),
      Of("an open enum becomes closed", Enum(""),
         Proto2("message M { optional E e = 1; } enum E { Z = 0; }")),
      Of("a reserved number is free again", M3("reserved 1;"), M3("")),
      Of("a reserved number is taken", M3("reserved 1;"), M3("int32 a = 1;")),
      Of("a method goes", Method("rpc Do(M) returns (N);"), Method("")),
      Of("the last import of a google file goes",
         Proto3("import \"google/protobuf/duration.proto\"; message M {}"), Proto3("message M {}")),
  };
}

// "dropped / kept": what the new version makes of old data, and the old one of new data.
std::string Ways(const std::vector<contract::Change>& changes,
                 contract::Effect contract::Change::* of) {
  contract::Effect worst;
  for (const contract::Change& change : changes) {
    worst.new_reads_old = std::max(worst.new_reads_old, (change.*of).new_reads_old);
    worst.old_reads_new = std::max(worst.old_reads_new, (change.*of).old_reads_new);
  }
  return std::string(Name(worst.new_reads_old)) + " / " + std::string(Name(worst.old_reads_new));
}

// In which categories anything is objected to.
std::string Objecting(const Row& row) {
  using contract::Authority;
  std::string categories;
  for (const auto& [category, name] :
       {std::pair(Authority::kBufWire, "WIRE"), std::pair(Authority::kBufWireJson, "WIRE_JSON"),
        std::pair(Authority::kBufPackage, "PACKAGE"), std::pair(Authority::kBufFile, "FILE")}) {
    if (contract_test::Objections(category, row.older, row.newer).empty()) continue;
    categories += (categories.empty() ? "" : " ") + std::string(name);
  }
  return categories.empty() ? "none" : categories;
}

std::string Written(const std::string& name, const std::string& categories, const Row& row) {
  const auto changes = contract::Compare(contract_test::ProtoSchema(row.older),
                                         contract_test::ProtoSchema(row.newer));
  return "| " + name + " | " + categories + " | " + Ways(changes, &contract::Change::binary) +
         " | " + Ways(changes, &contract::Change::json) + " |";
}

// The lines of the page's tables, by their first cell. What comes after the fourth is prose.
std::map<std::string, std::string> PageRows(const std::string& source) {
  std::ifstream page(source + "/docs/primitives/compatibility_buf.md");
  std::map<std::string, std::string> rows;
  for (std::string line; std::getline(page, line);) {
    const auto end = line.find(" | ");
    const bool counts = line.starts_with("| ") && line.find(" / ") != line.npos;
    if (counts) rows[line.substr(2, end - 2)] = line;
  }
  return rows;
}

TEST(BufPage, SaysWhatIsTrue) {
  const char* const source = std::getenv("HF_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "HF_SOURCE_DIR is not set";
  std::map<std::string, std::string> page = PageRows(source);
  const auto expect = [&](const std::string& name, const std::string& written) {
    EXPECT_TRUE(page[name].starts_with(written)) << written;
    page.erase(name);
  };
  for (const auto& rows : {FieldRows(), DeclarationRows(), FileRows()}) {
    for (const Row& row : rows) {
      const std::string name = "`" + row.rule + "`";
      expect(name, Written(name, FiresIn(row.rule, row.older, row.newer), row));
    }
  }
  for (const Row& row : DifferentRows()) expect(row.rule, Written(row.rule, Objecting(row), row));
  EXPECT_TRUE(page.empty()) << page.begin()->second;
}

}  // namespace
}  // namespace holdfast
