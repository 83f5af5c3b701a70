// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/level.h>

#include <string>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast {
namespace {

using contract::Break;
using contract::ChangeKind;
using contract::Check;
using contract::Level;
using contract::Outcome;
using contract::ParseLevel;
using contract::Version;
using contract_test::ProtoSchema;
using ::testing::HasSubstr;

constexpr Level kLevels[] = {
    Level::kNone,          Level::kBackward,           Level::kForward,
    Level::kFull,          Level::kBackwardTransitive, Level::kForwardTransitive,
    Level::kFullTransitive};

std::vector<Version> History(const std::vector<std::string>& fields) {
  std::vector<Version> history;
  for (const std::string& text : fields) {
    history.push_back({std::to_string(history.size() + 1) + ".0",
                       ProtoSchema("syntax = \"proto2\"; message M { " + text + " }")});
  }
  return history;
}

std::vector<Break> CheckLast(std::vector<Version> history, const contract::Policy& policy) {
  const contract::Schema newer = history.back().schema;
  history.pop_back();
  return Check(history, newer, policy);
}

TEST(ContractLevel, NamesParseInAnyCaseAndWithEitherDash) {
  for (const Level level : kLevels) EXPECT_EQ(*ParseLevel(Name(level)), level);
  EXPECT_EQ(*ParseLevel("full-transitive"), Level::kFullTransitive);
  EXPECT_EQ(*ParseLevel("Backward_Transitive"), Level::kBackwardTransitive);
}

TEST(ContractLevel, UnknownNameIsToldWhichThereAre) {
  for (const char* const name : {"", "BACK", "BACKWARD ", "FULL__TRANSITIVE", "backward\n"}) {
    const auto level = ParseLevel(name);
    EXPECT_EQ(level.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(level.status().message()), HasSubstr("FORWARD_TRANSITIVE"));
  }
  const std::string message(ParseLevel(std::string(100000, '\n')).status().message());
  EXPECT_LT(message.size(), 500u);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(ContractLevel, EachBreaksOnWhatItPromisesOnly) {
  // Required added: the new version does not read old data. Required removed: the reverse.
  const auto added = History({"optional int32 a = 1;", "required int32 a = 1;"});
  const auto removed = History({"required int32 a = 1;", "optional int32 a = 1;"});
  const auto breaks = [](const std::vector<Version>& history, Level level) {
    return CheckLast(history, {.level = level}).size();
  };
  const std::size_t on_added[] = {0, 1, 0, 1, 1, 0, 1};
  const std::size_t on_removed[] = {0, 0, 1, 1, 0, 1, 1};
  for (const Level level : kLevels) {
    EXPECT_EQ(breaks(added, level), on_added[static_cast<int>(level)]) << Name(level);
    EXPECT_EQ(breaks(removed, level), on_removed[static_cast<int>(level)]) << Name(level);
  }
}

TEST(ContractLevel, OnlyTransitiveLevelsSeeAFieldComeBackAsAnotherType) {
  const auto history = History({"optional int32 a = 1;", "", "optional sint32 b = 1;"});
  EXPECT_TRUE(CheckLast(history, {.level = Level::kFull}).empty());
  const auto breaks = CheckLast(history, {.level = Level::kBackwardTransitive});
  ASSERT_EQ(breaks.size(), 1u);
  EXPECT_EQ(breaks[0].against, "1.0");
  EXPECT_EQ(breaks[0].change.kind, ChangeKind::kTypeChanged);
  EXPECT_EQ(breaks[0].change.element, "M.b");
  EXPECT_TRUE(breaks[0].new_reads_old);
  EXPECT_FALSE(breaks[0].old_reads_new);  // it was not asked for
  EXPECT_FALSE(breaks[0].json);
}

TEST(ContractLevel, WhatIsToleratedPasses) {
  const auto history = History({"optional int64 a = 1;", "optional int32 a = 1;"});
  EXPECT_EQ(CheckLast(history, {.tolerate = Outcome::kKept}).size(), 1u);
  EXPECT_TRUE(CheckLast(history, {.tolerate = Outcome::kLossy}).empty());
  const auto zigzag = History({"optional sint32 a = 1;", "optional int32 a = 1;"});
  EXPECT_EQ(CheckLast(zigzag, {.tolerate = Outcome::kError}).size(), 1u);
  EXPECT_TRUE(CheckLast(zigzag, {.tolerate = Outcome::kCorrupt}).empty());
}

TEST(ContractLevel, JsonCountsIfAskedFor) {
  const auto history = History({"optional int32 a = 1;", "optional int32 b = 1;"});
  EXPECT_TRUE(CheckLast(history, {.level = Level::kFull}).empty());
  const auto breaks = CheckLast(history, {.level = Level::kFull, .json = true});
  ASSERT_EQ(breaks.size(), 1u);
  EXPECT_TRUE(breaks[0].json);
  EXPECT_TRUE(breaks[0].new_reads_old && breaks[0].old_reads_new);
  // Where both break, it is no matter of JSON.
  const auto types = History({"optional int32 a = 1;", "optional string a = 1;"});
  EXPECT_FALSE(CheckLast(types, {.json = true}).at(0).json);
}

TEST(ContractLevel, TheFirstVersionBreaksNothing) {
  EXPECT_TRUE(Check({}, ProtoSchema("message M {}"), {.level = Level::kFullTransitive}).empty());
}

}  // namespace
}  // namespace holdfast
