// SPDX-License-Identifier: Apache-2.0
// Manifests: what is read, and that each thing that may be wrong with one is told by its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/manifest.h>

#include <string>
#include <vector>

#include "contract/orders.h"

namespace holdfast::contract {
namespace {

using contract_test::Day;
using contract_test::kOrders;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kVersion =
    R"(version { number: "1.0" message: "a.B" descriptor_set: "b" )";

std::vector<std::string> ProblemsOf(const std::string& text, const ManifestOptions& options = {}) {
  std::vector<Problem> problems;
  Manifest::Read(text, options, &problems);
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(Text(problem));
  return texts;
}

// The only problem of a manifest with this contract.
std::string ProblemOf(const std::string& contract) {
  const std::vector<std::string> problems = ProblemsOf("contract {\n" + contract + "\n}\n");
  return problems.size() == 1 ? problems.front()
                              : std::to_string(problems.size()) + " problems" +
                                    (problems.empty() ? "" : ": " + problems[0]);
}

std::string ProblemOfVersion(const std::string& fields) {
  return ProblemOf("name: \"c\"\n" + std::string(kVersion) + "\n" + fields + "}");
}

TEST(ContractManifest, SaysEverythingOfAContract) {
  const auto manifest = Manifest::Parse(kOrders);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_EQ(manifest->contracts.size(), 1u);
  const Contract& contract = manifest->contracts.front();
  EXPECT_EQ(contract.name, "com.acme.order");
  EXPECT_EQ(contract.owner, "orders@acme.example");
  EXPECT_EQ(contract.policy.level, Level::kBackwardTransitive);
  EXPECT_EQ(contract.policy.tolerate, Outcome::kKept);
  EXPECT_FALSE(contract.policy.json);
  EXPECT_EQ(Text(contract.place), "contracts.textproto:1:1");
  ASSERT_EQ(contract.versions.size(), 3u);
  const ContractVersion& first = contract.versions.front();
  EXPECT_EQ(first.number, (VersionNumber{1, 0}));
  EXPECT_EQ(first.message, "acme.v1.Order");
  EXPECT_EQ(first.descriptor_set, "1.0.binpb");
  EXPECT_EQ(first.deprecated_from, Day(2026, 1, 1));
  EXPECT_EQ(first.sunset, Day(2026, 7, 1));
  EXPECT_EQ(first.migration, "https://acme.example/v2");
  EXPECT_EQ(Text(first.place), "contracts.textproto:4:3");
  EXPECT_EQ(contract.versions[1].deprecated_from, Day(2026, 3, 1) + std::chrono::hours(10));
  EXPECT_FALSE(contract.versions[1].sunset.has_value());
  EXPECT_EQ(contract.current().number, (VersionNumber{2, 0}));
}

TEST(ContractManifest, PolicyIsTheContractsOwn) {
  const auto manifest =
      Manifest::Parse(R"(contract { name: "c" compatibility: "FULL" tolerate: "lossy"
    json: true version { number: "1.0" message: "B" descriptor_set: "b/c.binpb" } })");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const Policy& policy = manifest->contracts.front().policy;
  EXPECT_EQ(policy.level, Level::kFull);
  EXPECT_EQ(policy.tolerate, Outcome::kLossy);
  EXPECT_TRUE(policy.json);
}

TEST(ContractManifest, StageChangesAtTheVeryMoment) {
  const auto manifest = Manifest::Parse(kOrders);
  ASSERT_TRUE(manifest.ok());
  const ContractVersion& version = manifest->contracts[0].versions[0];
  const std::chrono::nanoseconds tick(1);
  EXPECT_EQ(StageAt(version, Day(2026, 1, 1) - tick), Stage::kActive);
  EXPECT_EQ(StageAt(version, Day(2026, 1, 1)), Stage::kDeprecated);
  EXPECT_EQ(StageAt(version, Day(2026, 7, 1) - tick), Stage::kDeprecated);
  EXPECT_EQ(StageAt(version, Day(2026, 7, 1)), Stage::kSunset);
  EXPECT_EQ(StageAt(manifest->contracts[0].current(), WallTime::max()), Stage::kActive);
  EXPECT_EQ(Name(Stage::kActive), "active");
  EXPECT_EQ(Name(Stage::kDeprecated), "deprecated");
  EXPECT_EQ(Name(Stage::kSunset), "sunset");
}

TEST(ContractManifest, SyntaxErrorIsNamedByLineAndColumn) {
  EXPECT_THAT(ProblemsOf("contract {\n  nmae: \"c\"\n}"),
              testing::ElementsAre(AllOf(StartsWith("contracts.textproto:2:"), HasSubstr("nmae"))));
  EXPECT_THAT(ProblemsOf("contract {\n  name: \"c"),
              testing::Contains(StartsWith("contracts.textproto:2:")));
  EXPECT_THAT(ProblemOf("name: \"c\" name: \"d\""), HasSubstr("specified multiple times"));
  EXPECT_THAT(ProblemsOf("\xff\xfe", {.file = "x/y.textproto"}),
              testing::Contains(StartsWith("x/y.textproto:1:1: ")));
}

TEST(ContractManifest, NamesAreCheckedAndUnique) {
  EXPECT_EQ(ProblemOf(std::string(kVersion) + "}"),
            "contracts.textproto:1:1: contract: has no name");
  EXPECT_THAT(ProblemOf("name: \"a\\nb\"" + std::string(kVersion) + "}"),
              AllOf(StartsWith("contracts.textproto:2:1: "), HasSubstr("no text")));
  EXPECT_THAT(ProblemOf("name: \"" + std::string(1025, 'n') + "\"" + std::string(kVersion) + "}"),
              StartsWith("contracts.textproto:2:1: contract: name has more than 1024 bytes"));
  const std::string one = "contract { name: \"c\" " + std::string(kVersion) + "} }\n";
  EXPECT_THAT(ProblemsOf(one + one),
              testing::ElementsAre("contracts.textproto:2:12: contract c: is declared already at "
                                   "contracts.textproto:1:1"));
  EXPECT_EQ(ProblemOf("name: \"c\""), "contracts.textproto:1:1: contract c: has no version");
}

TEST(ContractManifest, UnknownLevelAndOutcomeAreNamed) {
  EXPECT_THAT(ProblemOf("name: \"c\"\ncompatibility: \"SIDEWAYS\" " + std::string(kVersion) + "}"),
              AllOf(StartsWith("contracts.textproto:3:1: contract c: compatibility: "),
                    HasSubstr("BACKWARD")));
  EXPECT_THAT(ProblemOf("name: \"c\"\ntolerate: \"much\" " + std::string(kVersion) + "}"),
              StartsWith("contracts.textproto:3:1: contract c: tolerate: none of kept"));
}

TEST(ContractManifest, VersionsRise) {
  const auto with = [](const std::string& first, const std::string& second) {
    const std::string rest = " message: \"a.B\" descriptor_set: \"b\" }\n";
    return ProblemOf("name: \"c\"\nversion { number: \"" + first + "\"" + rest +
                     "version { number: \"" + second + "\"" + rest);
  };
  EXPECT_EQ(with("1.0", "1.0"),
            "contracts.textproto:4:11: contract c 1.0: is declared already at "
            "contracts.textproto:3:1");
  EXPECT_EQ(
      with("1.10", "1.9"),
      "contracts.textproto:4:11: contract c 1.9: comes after 1.10: versions go from old to new");
  for (const std::string bad :
       {"", "1", "1.", ".1", "01.0", "1.00", "-1.0", "1.0.0", "1.100000", "1. 0", "v1.0", "1.0 "}) {
    EXPECT_THAT(with("0.9", bad), HasSubstr("number is not major.minor")) << bad;
  }
}

TEST(ContractManifest, MessageKeepsItsNameWithinAMajorNumber) {
  EXPECT_THAT(ProblemOf("name: \"c\"" + std::string(kVersion) + "}\n" +
                        R"(version { number: "1.1" message: "a.C" descriptor_set: "b" })"),
              AllOf(StartsWith("contracts.textproto:3:25: contract c 1.1: "),
                    HasSubstr("another one than that of 1.0")));
  EXPECT_EQ(ProblemOf("name: \"c\"" + std::string(kVersion) + "}\n" +
                      R"(version { number: "2.0" message: "a.C" descriptor_set: "b" })"),
            "0 problems");
}

TEST(ContractManifest, DatesAreRfc3339AndInOrder) {
  EXPECT_EQ(ProblemOfVersion("sunset: \"2026-01-01\" deprecated_from: \"2026-01-02\""),
            "contracts.textproto:4:1: contract c 1.0: its sunset is before it is deprecated");
  EXPECT_EQ(ProblemOfVersion("sunset: \"2026-01-01\" deprecated_from: \"2026-01-01\""),
            "0 problems");
  for (const std::string bad : {"2026-13-01", "2026-02-30", "01.02.2026", "2026-1-1", "tomorrow",
                                "2026-01-01 12:00:00Z", "1600-01-01", "2300-01-01", "9999-12-31"}) {
    EXPECT_THAT(ProblemOfVersion("sunset: \"" + bad + "\""),
                AllOf(StartsWith("contracts.textproto:4:1: contract c 1.0: sunset is no RFC 3339"),
                      HasSubstr("1678")))
        << bad;
  }
}

TEST(ContractManifest, CurrentVersionPastItsSunsetIsAProblemIfTheTimeIsGiven) {
  const std::string text =
      "contract { name: \"c\"\n" + std::string(kVersion) + "\nsunset: \"2026-01-01\" } }";
  EXPECT_TRUE(Manifest::Parse(text).ok());
  EXPECT_TRUE(Manifest::Parse(text, {.now = Day(2025, 12, 31)}).ok());
  EXPECT_THAT(
      ProblemsOf(text, {.now = Day(2026, 1, 1)}),
      testing::ElementsAre("contracts.textproto:3:1: contract c 1.0: is the current version "
                           "and past its sunset"));
}

TEST(ContractManifest, PathsStayInTheFolder) {
  for (const std::string bad : {"/etc/passwd", "../b", "a/../../b", "a//b", "./b", "a/", "",
                                "a\\\\b", "a\\000b", "a\\nb", "\\377"}) {
    EXPECT_THAT(
        ProblemOf("name: \"c\" version { number: \"1.0\" message: \"a.B\" descriptor_set: \"" +
                  bad + "\" }"),
        HasSubstr("descriptor_set is no path below the manifest's folder"))
        << bad;
  }
}

TEST(ContractManifest, MessageAndMigrationAreWhatTheySay) {
  for (const std::string bad : {"", ".a", "a.", "a..b", "1a", "a b", "a-b"}) {
    EXPECT_THAT(
        ProblemOf("name: \"c\" version { number: \"1.0\" descriptor_set: \"b\" message: \"" + bad +
                  "\" }"),
        HasSubstr("message is not the full name of one"))
        << bad;
  }
  EXPECT_THAT(ProblemOfVersion("migration: \"see the wiki\""),
              StartsWith("contracts.textproto:4:1: contract c 1.0: migration is no URI"));
}

TEST(ContractManifest, TooMuchIsRefused) {
  EXPECT_THAT(ProblemsOf(std::string(Manifest::kMaxBytes + 1, ' ')),
              testing::ElementsAre("contracts.textproto: has more than 4194304 bytes"));
  std::string versions = "contract { name: \"c\"\n";
  for (std::size_t i = 0; i <= Manifest::kMaxVersions; ++i) versions += "version {} ";
  EXPECT_THAT(
      ProblemsOf(versions + "}"),
      testing::ElementsAre("contracts.textproto:1:1: contract c: has more than 256 versions"));
  std::string contracts;
  for (std::size_t i = 0; i <= Manifest::kMaxContracts; ++i) contracts += "contract {}";
  EXPECT_THAT(ProblemsOf(contracts),
              testing::ElementsAre("contracts.textproto: has more than 4096 contracts"));
  EXPECT_THAT(ProblemOf("name: \"c\" owner: \"" + std::string(1025, 'o') + "\"" +
                        std::string(kVersion) + "}"),
              HasSubstr("owner has more than 1024 bytes"));
}

TEST(ContractManifest, StatusHasAllProblemsUpToTen) {
  const absl::Status two = Manifest::Parse("contract {} contract {}").status();
  EXPECT_EQ(two.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RejectionOf(two)->reason, HF_R_CONTRACT_MANIFEST);
  EXPECT_EQ(two.message(),
            "contracts.textproto:1:1: contract: has no name\n"
            "contracts.textproto:1:1: contract: has no version\n"
            "contracts.textproto:1:13: contract: has no name\n"
            "contracts.textproto:1:13: contract: has no version");
  std::string many;
  for (int i = 0; i < 6; ++i) many += "contract {} ";
  EXPECT_THAT(std::string(Manifest::Parse(many).status().message()), HasSubstr("\nand 2 more"));
}

}  // namespace
}  // namespace holdfast::contract
