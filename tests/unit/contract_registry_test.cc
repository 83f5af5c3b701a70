// SPDX-License-Identifier: Apache-2.0
// Registries: from parts and from a folder, what is found in them, and what keeps them from being made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/registry.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "contract/orders.h"

namespace holdfast::contract {
namespace {

using contract_test::Day;
using contract_test::kOrder10;
using contract_test::OrdersRegistry;
using contract_test::Parts;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(const Parts& parts, hf_reason reason = HF_R_CONTRACT_MANIFEST) {
  const absl::Status status = parts.Create().status();
  if (status.ok()) return "OK";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RejectionOf(status).value_or(Rejection{}).reason, reason);
  return std::string(status.message());
}

class Folder {
 public:
  explicit Folder(const Parts& parts) {
    std::string name =
        (std::filesystem::temp_directory_path() / "holdfast-contracts-XXXXXX").string();
    root_ = mkdtemp(name.data());
    Write("contracts.textproto", parts.manifest());
    for (const auto& [set, bytes] : parts.sets()) Write(set, bytes);
  }
  ~Folder() { std::filesystem::remove_all(root_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  void Remove(const std::string& name) const { std::filesystem::remove(root_ / name); }
  std::string path() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

TEST(ContractRegistry, FindsContractsAndVersions) {
  const ContractRegistry registry = OrdersRegistry();
  EXPECT_EQ(registry.contracts().size(), 1u);
  ASSERT_EQ(registry.versions().size(), 3u);
  EXPECT_EQ(registry.Find("com.acme.order").size(), 3u);
  const RegisteredVersion* const version = registry.Find("com.acme.order", {1, 1});
  ASSERT_NE(version, nullptr);
  EXPECT_EQ(version, &registry.versions()[1]);
  EXPECT_EQ(version->index, 1u);
  EXPECT_FALSE(version->current);
  EXPECT_EQ(version->text(), "com.acme.order 1.1");
  EXPECT_EQ(version->prototype->GetDescriptor()->full_name(), "acme.v1.Order");
  EXPECT_NE(version->schema.FindMessage("acme.v1.Item")->FindFieldByName("gift"), nullptr);
  EXPECT_EQ(registry.FindCurrent("com.acme.order"), &registry.versions()[2]);
  EXPECT_TRUE(registry.versions()[2].current);
}

TEST(ContractRegistry, WhatIsNotRegisteredIsNotFound) {
  const ContractRegistry registry = OrdersRegistry();
  for (const std::string_view name : {"", "com.acme", "com.acme.order.", "com.acme.orders", "z"}) {
    EXPECT_TRUE(registry.Find(name).empty()) << name;
    EXPECT_EQ(registry.FindCurrent(name), nullptr) << name;
    EXPECT_EQ(registry.Find(name, {1, 0}), nullptr) << name;
  }
  for (const VersionNumber number : {VersionNumber{0, 9}, {1, 2}, {2, 1}, {3, 0}}) {
    EXPECT_EQ(registry.Find("com.acme.order", number), nullptr) << Text(number);
  }
  EXPECT_TRUE(ContractRegistry().versions().empty());
  EXPECT_EQ(ContractRegistry().FindCurrent("c"), nullptr);
}

TEST(ContractRegistry, ManyContractsAreFoundWhateverTheirOrder) {
  std::string manifest;
  for (int i = 0; i < 50; ++i) {
    manifest += "contract { name: \"c" + std::to_string(i * 37 % 50) + "\" version { number: \"1." +
                std::to_string(i) +
                "\" message: \"acme.v1.Order\" descriptor_set: \"1.0.binpb\" } }\n";
  }
  const auto registry = Parts(manifest).Create();
  ASSERT_TRUE(registry.ok()) << registry.status();
  for (int i = 0; i < 50; ++i) {
    const auto* const current = registry->FindCurrent("c" + std::to_string(i * 37 % 50));
    ASSERT_NE(current, nullptr);
    EXPECT_EQ(current->number(), (VersionNumber{1, static_cast<std::uint32_t>(i)}));
    EXPECT_EQ(current->contract->name, registry->contracts()[i].name);
  }
}

TEST(ContractRegistry, MissingOrBrokenSetIsNamed) {
  Parts parts;
  parts.Erase("1.1.binpb");
  EXPECT_EQ(
      ErrorOf(parts),
      "contracts.textproto:6:3: contract com.acme.order 1.1: 1.1.binpb: is not among the parts");
  parts.SetBytes("1.1.binpb", "\xff\xff garbage");
  EXPECT_EQ(ErrorOf(parts),
            "contracts.textproto:6:3: contract com.acme.order 1.1: 1.1.binpb: these bytes are no "
            "FileDescriptorSet");
  parts.Set("1.1.binpb", "package acme.v1; message Other {}");
  EXPECT_EQ(ErrorOf(parts),
            "contracts.textproto:6:3: contract com.acme.order 1.1: 1.1.binpb: has no message "
            "acme.v1.Order");
}

TEST(ContractRegistry, BrokenPromiseNamesVersionsElementAndPlace) {
  Parts parts;
  parts.Set("1.1.binpb", R"(package acme.v1;
message Order { string id = 1; string cents = 2; repeated Item items = 3; }
message Item { string sku = 1; int32 count = 2; }
)");
  EXPECT_THAT(ErrorOf(parts, HF_R_CONTRACT_BROKEN),
              AllOf(StartsWith("contracts.textproto:6:3: contract com.acme.order 1.1: breaks "
                               "BACKWARD_TRANSITIVE against 1.0: acme/order.proto:2:"),
                    HasSubstr("acme.v1.Order.cents"), HasSubstr("int64")));
  std::vector<Problem> problems;
  const auto registry = parts.Create({.only_warn = true}, &problems);
  ASSERT_TRUE(registry.ok()) << registry.status();
  EXPECT_EQ(registry->warnings().size(), problems.size());
  EXPECT_FALSE(problems.empty());
  EXPECT_EQ(registry->versions().size(), 3u);
}

TEST(ContractRegistry, NothingIsPromisedFromOneMajorNumberToTheNext) {
  Parts parts;  // 2.0 in the same package as 1.1, and another type in the same field
  parts.Set("2.0.binpb", R"(package acme.v2; message Order { int64 id = 1; }
message Money { string units = 1; })");
  EXPECT_EQ(ErrorOf(parts), "OK");
}

TEST(ContractRegistry, AllProblemsAreGiven) {
  Parts parts;
  parts.Erase("1.0.binpb");
  parts.Erase("2.0.binpb");
  std::vector<Problem> problems = {{{}, "from before"}};
  EXPECT_FALSE(parts.Create({}, &problems).ok());
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[1].place.line, 8);
}

TEST(ContractRegistry, OpensAFolder) {
  const Folder folder{Parts()};
  const auto registry = ContractRegistry::Open(folder.path());
  ASSERT_TRUE(registry.ok()) << registry.status();
  EXPECT_EQ(registry->versions().size(), 3u);
  EXPECT_EQ(registry->contracts()[0].place.file, folder.path() + "/contracts.textproto");
}

TEST(ContractRegistry, FolderThatLacksAFileIsRefusedByItsPath) {
  const Folder folder{Parts()};
  folder.Remove("1.0.binpb");
  const absl::Status set = ContractRegistry::Open(folder.path()).status();
  EXPECT_THAT(std::string(set.message()), AllOf(HasSubstr("contract com.acme.order 1.0: "),
                                                HasSubstr("1.0.binpb: is no file")));
  folder.Remove("contracts.textproto");
  const absl::Status manifest = ContractRegistry::Open(folder.path()).status();
  EXPECT_EQ(manifest.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(manifest.message()), HasSubstr("contracts.textproto"));
  EXPECT_FALSE(ContractRegistry::Open("/nowhere/at/all").ok());
}

TEST(ContractRegistry, OversizeManifestIsNotReadAtAll) {
  const Folder folder{Parts()};
  folder.Write("contracts.textproto", std::string(Manifest::kMaxBytes + 1, '#'));
  EXPECT_THAT(std::string(ContractRegistry::Open(folder.path()).status().message()),
              HasSubstr("has more than 4194304 bytes"));
}

TEST(ContractRegistry, CurrentVersionPastItsSunsetIsAnErrorIfAsked) {
  const std::string manifest =
      R"(contract { name: "c" version { number: "1.0" message: "acme.v1.Order"
    descriptor_set: "1.0.binpb" sunset: "2026-01-01" } })";
  EXPECT_TRUE(Parts(manifest).Create().ok());
  EXPECT_FALSE(Parts(manifest).Create({.now = Day(2026, 1, 1)}).ok());
}

TEST(ContractRegistry, IsReadFromManyThreadsAtOnce) {
  const ContractRegistry registry = OrdersRegistry();
  std::atomic<int> found = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([registry, &found] {
      for (int i = 0; i < 200; ++i) {
        const auto* const version =
            registry.Find("com.acme.order", {1, static_cast<uint32_t>(i % 2)});
        const std::unique_ptr<google::protobuf::Message> message(version->prototype->New());
        found += message->GetDescriptor()->field_count() == 3 + i % 2;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, 800);
}

TEST(ContractRegistry, VersionsOutliveTheHandleTheyCameFrom) {
  auto registry = std::make_unique<ContractRegistry>(OrdersRegistry());
  const ContractRegistry copy = *registry;
  const RegisteredVersion* const version = registry->FindCurrent("com.acme.order");
  registry.reset();
  EXPECT_EQ(version->declared->message, "acme.v2.Order");
}

}  // namespace
}  // namespace holdfast::contract
