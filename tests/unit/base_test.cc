// SPDX-License-Identifier: Apache-2.0
// Versions and names. The list of reasons is read from base.h itself, so none can go without a name.
#include <gtest/gtest.h>
#include <holdfast/c/base.h>
#include <holdfast/c/retry.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace {

TEST(Base, VersionIsThatOfTheHeader) {
  EXPECT_EQ(hf_version(), (HF_VERSION_MAJOR << 16) | (HF_VERSION_MINOR << 8) | HF_VERSION_PATCH);
  EXPECT_EQ(hf_abi_level(), HF_ABI_LEVEL);
}

// Many users compile with this.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wshadow"
TEST(Base, InitLeavesTheUsersNamesAlone) {
  const uint32_t initial = HF_ABI_LEVEL;
  const hf_retry_options options = HF_INIT(hf_retry_options);
  EXPECT_EQ(options.abi_level, initial);
}
#pragma GCC diagnostic pop

TEST(Base, EveryCodeHasItsCanonicalName) {
  const char* const names[] = {"OK",
                               "CANCELLED",
                               "UNKNOWN",
                               "INVALID_ARGUMENT",
                               "DEADLINE_EXCEEDED",
                               "NOT_FOUND",
                               "ALREADY_EXISTS",
                               "PERMISSION_DENIED",
                               "RESOURCE_EXHAUSTED",
                               "FAILED_PRECONDITION",
                               "ABORTED",
                               "OUT_OF_RANGE",
                               "UNIMPLEMENTED",
                               "INTERNAL",
                               "UNAVAILABLE",
                               "DATA_LOSS",
                               "UNAUTHENTICATED"};
  for (hf_code code = 0; code < 17; ++code) EXPECT_STREQ(hf_code_name(code), names[code]);
  EXPECT_STREQ(hf_code_name(-1), "CODE_?");
  EXPECT_STREQ(hf_code_name(17), "CODE_?");
}

TEST(Base, EveryReasonOfTheHeaderHasItsOwnName) {
  const char* const source = std::getenv("HF_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "HF_SOURCE_DIR is not set";
  std::ifstream header(std::string(source) + "/include/holdfast/c/base.h");
  ASSERT_TRUE(header.is_open());
  const std::regex definition("#define HF_R_([A-Z_]+) ([0-9]+)u.*");
  std::set<std::string> seen;
  for (std::string line; std::getline(header, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, definition)) continue;
    std::string name = match[1];
    for (char& c : name) c = static_cast<char>(c == '_' ? c : c - 'A' + 'a');
    EXPECT_EQ(hf_reason_name(static_cast<hf_reason>(std::stoul(match[2]))), name);
    EXPECT_TRUE(seen.insert(name).second);
  }
  EXPECT_GT(seen.size(), 40u);
  EXPECT_STREQ(hf_reason_name(99999), "reason_?");
}

}  // namespace
