// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/schema.h>

#include <limits>
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

TEST(ContractSchema, FileWithNoNameIsRefused) {
  FileDescriptorSet set;
  set.add_file();
  EXPECT_THAT(WhyRefused(set), HasSubstr("no name"));
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

TEST(ContractSchema, TooManyFilesAreRefused) {
  FileDescriptorSet set;
  for (int i = 0; i <= Schema::kMaxFiles; ++i) set.add_file()->set_name(std::to_string(i));
  EXPECT_EQ(Schema::Create(set).status().code(), absl::StatusCode::kResourceExhausted);
  set.mutable_file()->RemoveLast();
  EXPECT_EQ(Schema::Create(set)->files().size(), static_cast<std::size_t>(Schema::kMaxFiles));
}

// `files` of them, each importing the next publicly; the first comes first.
FileDescriptorSet Chain(std::size_t files) {
  FileDescriptorSet set;
  for (std::size_t i = 0; i < files; ++i) {
    set.add_file()->set_name(std::to_string(i));
    if (i + 1 == files) break;
    set.mutable_file(static_cast<int>(i))->add_dependency(std::to_string(i + 1));
    set.mutable_file(static_cast<int>(i))->add_public_dependency(0);
  }
  return set;
}

TEST(ContractSchema, ImportsAreFollowedAsDeepAsTheLimit) {
  EXPECT_TRUE(Schema::Create(Chain(Schema::kMaxImportDepth)).ok());
  const auto deeper = Schema::Create(Chain(Schema::kMaxImportDepth + 1));
  EXPECT_EQ(deeper.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(deeper.status().message()), HasSubstr("999"));
}

TEST(ContractSchema, TooManyReservedRangesAreRefusedByName) {
  FileDescriptorSet set = ProtoSet({{"a.proto", "message A { message B {} enum E { Z = 0; } }"}});
  auto* const message = set.mutable_file(0)->mutable_message_type(0);
  const auto why = [&] {
    const auto schema = Schema::Create(set);
    EXPECT_EQ(schema.status().code(), absl::StatusCode::kResourceExhausted);
    return std::string(schema.status().message());
  };
  for (int i = 0; i <= Schema::kMaxRanges; ++i)
    message->mutable_nested_type(0)->add_reserved_range();
  EXPECT_THAT(why(), AllOf(HasSubstr("a.proto"), HasSubstr("B")));
  message->mutable_nested_type(0)->clear_reserved_range();
  for (int i = 0; i <= Schema::kMaxRanges; ++i) message->mutable_enum_type(0)->add_reserved_range();
  EXPECT_THAT(why(), HasSubstr("E has more"));
  message->mutable_enum_type(0)->clear_reserved_range();
  for (int i = 0; i <= Schema::kMaxRanges; ++i) message->add_extension_range();
  EXPECT_THAT(why(), HasSubstr("A has more"));
}

TEST(ContractSchema, OddNamesAreShownEscapedAndShort) {
  FileDescriptorSet set;
  set.add_file()->set_name("a\n\x01" + std::string(5000, 'a'));
  set.mutable_file(0)->add_dependency("gone");
  const std::string why = WhyRefused(set);
  EXPECT_LT(why.size(), 500u);
  EXPECT_THAT(why, AllOf(HasSubstr("a\\n\\001"), HasSubstr("imports gone")));
  set.mutable_file(0)->clear_dependency();
  set.mutable_file(0)->add_message_type()->set_name("no name\x02");
  EXPECT_EQ(WhyRefused(set).find('\x02'), std::string::npos);
}

TEST(ContractSchema, AbsurdLinesAreNoPlace) {
  FileDescriptorSet set = ProtoSet({{"a.proto", "message A {}"}});
  for (auto& location : *set.mutable_file(0)->mutable_source_code_info()->mutable_location()) {
    for (int& number : *location.mutable_span()) number = std::numeric_limits<int>::max();
  }
  EXPECT_EQ(Text(contract::PlaceOf(*Schema::Create(set)->FindMessage("A"))), "a.proto");
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
