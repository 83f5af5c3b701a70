// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/schema.h>

#include <string>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast {
namespace {

using contract::Schema;
using contract_test::ProtoFile;
using contract_test::ProtoSchema;
using contract_test::ProtoSet;
using google::protobuf::FileDescriptorSet;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string WhyRefused(const FileDescriptorSet& set) {
  const auto schema = Schema::Create(set);
  EXPECT_EQ(schema.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(schema.status().message());
}

TEST(ContractSchema, FindsMessagesAndSaysWhereTheyAre) {
  const Schema schema = ProtoSchema("package acme;\nmessage Order {\n  string id = 1;\n}\n");
  const auto* const order = schema.FindMessage("acme.Order");
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(Text(contract::PlaceOf(*order)), "test.proto:2:1");
  EXPECT_EQ(Text(contract::PlaceOf(*order->field(0))), "test.proto:3:3");
  EXPECT_EQ(Text(contract::PlaceOf(*order->file())), "test.proto");
  EXPECT_EQ(schema.FindMessage("acme.Invoice"), nullptr);
  ASSERT_EQ(schema.files().size(), 1u);
}

TEST(ContractSchema, WithoutSourceInfoThePlaceIsTheFile) {
  FileDescriptorSet set = ProtoSet({{"a.proto", "message A {}"}});
  set.mutable_file(0)->clear_source_code_info();
  const auto schema = Schema::Create(set);
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(Text(contract::PlaceOf(*schema->FindMessage("A"))), "a.proto");
}

TEST(ContractSchema, FilesMayComeInAnyOrder) {
  const FileDescriptorSet set =
      ProtoSet({{"top.proto", "import 'middle.proto'; message T { M m = 1; }"},
                {"middle.proto", "import 'low.proto'; message M { L l = 1; }"},
                {"low.proto", "message L {}"}});
  const auto schema = Schema::Parse(set.SerializeAsString());
  ASSERT_TRUE(schema.ok()) << schema.status();
  ASSERT_EQ(schema->files().size(), 3u);
  EXPECT_EQ(schema->files()[0]->name(), "top.proto");  // the order of the set
}

TEST(ContractSchema, MissingImportIsNamed) {
  EXPECT_THAT(
      WhyRefused(ProtoSet({{"a.proto", "import 'gone/b.proto';"}})),
      AllOf(HasSubstr("a.proto"), HasSubstr("gone/b.proto"), HasSubstr("--include_imports")));
}

TEST(ContractSchema, CycleOfImportsIsNamed) {
  EXPECT_THAT(
      WhyRefused(ProtoSet({{"a.proto", "import 'b.proto';"}, {"b.proto", "import 'a.proto';"}})),
      AllOf(HasSubstr("b.proto"), HasSubstr("a.proto"), HasSubstr("in turn")));
  EXPECT_THAT(WhyRefused(ProtoSet({{"a.proto", "import 'a.proto';"}})), HasSubstr("a.proto"));
}

TEST(ContractSchema, FileTwiceIsFineIfItIsTheSame) {
  const ProtoFile file{"a.proto", "message A {}"};
  const auto twice = Schema::Create(ProtoSet({file, file}));
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_EQ(twice->files().size(), 1u);
  EXPECT_THAT(WhyRefused(ProtoSet({file, {"a.proto", "message B {}"}})),
              AllOf(HasSubstr("a.proto"), HasSubstr("twice")));
}

TEST(ContractSchema, NameDeclaredTwiceIsNamed) {
  EXPECT_THAT(
      WhyRefused(ProtoSet({{"a.proto", "message Same {}"}, {"b.proto", "message Same {}"}})),
      AllOf(HasSubstr("b.proto"), HasSubstr("Same")));
}

TEST(ContractSchema, UnknownTypeIsNamed) {
  EXPECT_THAT(WhyRefused(ProtoSet({{"a.proto", "message A { Gone gone = 1; }"}})),
              AllOf(HasSubstr("a.proto"), HasSubstr("Gone")));
}

TEST(ContractSchema, GarbageIsNoSet) {
  EXPECT_EQ(Schema::Parse("\xff\xff\xff\xff").status().code(), absl::StatusCode::kInvalidArgument);
  const std::string bytes = ProtoSet({{"a.proto", "message A {}"}}).SerializeAsString();
  EXPECT_FALSE(Schema::Parse(std::string_view(bytes).substr(0, bytes.size() - 3)).ok());
}

TEST(ContractSchema, EmptySetHasNoFiles) {
  const auto schema = Schema::Parse("");
  ASSERT_TRUE(schema.ok());
  EXPECT_TRUE(schema->files().empty());
}

TEST(ContractSchema, OversizeSetIsRefusedUnread) {
  const std::string bytes(Schema::kMaxBytes + 1, '\xff');
  EXPECT_EQ(Schema::Parse(bytes).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ContractSchema, ImportsOfGoogleAreNotItsOwn) {
  const Schema schema = ProtoSchema("import 'google/protobuf/descriptor.proto'; message A {}");
  ASSERT_EQ(schema.files().size(), 1u);
  EXPECT_EQ(schema.files()[0]->name(), "test.proto");
  EXPECT_NE(schema.FindMessage("google.protobuf.FileOptions"), nullptr);
  // Unless they are what the set is about.
  FileDescriptorSet google;
  google::protobuf::FileDescriptorProto::descriptor()->file()->CopyTo(google.add_file());
  EXPECT_EQ(Schema::Create(google)->files().size(), 1u);
}

}  // namespace
}  // namespace holdfast
