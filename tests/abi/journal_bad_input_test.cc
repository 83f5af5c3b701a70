// SPDX-License-Identifier: Apache-2.0
// What the journal refuses: with which reason, naming what, and leaving what behind.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <string>

namespace {

struct Answer {
  hf_code code;
  hf_reason reason;
  std::string text;
};

// Makes a journal and drops it; *out must be safe to drop either way.
Answer Make(const hf_journal_options& options) {
  hf_error error{};
  auto* journal = reinterpret_cast<hf_journal*>(uintptr_t{64});
  const hf_code code = hf_journal_new(&options, &journal, &error);
  EXPECT_EQ(journal != nullptr, code == HF_OK);
  EXPECT_EQ(error.code, code);
  hf_journal_unref(journal);
  return {code, error.reason, error.text};
}

void ExpectRefused(const hf_journal_options& options, hf_reason reason, const char* mention) {
  const Answer answer = Make(options);
  EXPECT_EQ(answer.code, HF_INVALID_ARGUMENT) << mention;
  EXPECT_EQ(answer.reason, reason) << answer.text;
  EXPECT_NE(answer.text.find(mention), std::string::npos) << answer.text;
}

TEST(JournalBadInput, TheFrameIsChecked) {
  const hf_journal_options good = HF_INIT(hf_journal_options);
  EXPECT_EQ(Make(good).code, HF_OK);
  for (const uint32_t size : {0u, 8u, static_cast<uint32_t>(sizeof good) - 1, UINT32_MAX}) {
    hf_journal_options bad = good;
    bad.struct_size = size;
    ExpectRefused(bad, HF_R_STRUCT_SIZE, "struct_size");
  }
  for (const uint32_t level : {0u, HF_ABI_LEVEL + 1}) {
    hf_journal_options bad = good;
    bad.abi_level = level;
    ExpectRefused(bad, HF_R_ABI_LEVEL, "abi_level");
  }
  struct {
    hf_journal_options known = HF_INIT(hf_journal_options);
    uint64_t unknown = 1;
  } newer;
  newer.known.struct_size = sizeof newer;
  ExpectRefused(newer.known, HF_R_UNSUPPORTED_FIELD, std::to_string(sizeof good).c_str());
}

TEST(JournalBadInput, TheOptionsAreNamed) {
  for (const uint32_t capacity : {1'000'001u, UINT32_MAX}) {
    hf_journal_options bad = HF_INIT(hf_journal_options);
    bad.capacity = capacity;
    ExpectRefused(bad, HF_R_OUT_OF_RANGE, "capacity");
  }
  for (const uint32_t capacity : {1u, 1'000'000u}) {
    hf_journal_options edge = HF_INIT(hf_journal_options);
    edge.capacity = capacity;
    edge.muted = UINT32_MAX;
    EXPECT_EQ(Make(edge).code, HF_OK) << "every kind muted, also those to come";
  }
  EXPECT_EQ(hf_journal_new(nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  hf_error error{};
  EXPECT_EQ(hf_journal_new(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(error.text, "out"), nullptr);
}

TEST(JournalBadInput, StepsRefuseNullAndWriteWhatTheyCan) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_event event{};
  size_t count = 7;
  EXPECT_EQ(hf_journal_drain(nullptr, &event, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(count, 0u) << "a refused drain has drained nothing";
  count = 7;
  EXPECT_EQ(hf_journal_drain(journal, nullptr, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(hf_journal_drain(journal, &event, 1, nullptr), HF_INVALID_ARGUMENT);
  count = 7;
  EXPECT_EQ(hf_journal_drain(journal, nullptr, 0, &count), HF_OK);
  EXPECT_EQ(count, 0u);
  hf_journal_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_journal_read(nullptr, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_journal_read(journal, nullptr), HF_INVALID_ARGUMENT);
  snapshot.struct_size = sizeof snapshot - 1;
  EXPECT_EQ(hf_journal_read(journal, &snapshot), HF_INVALID_ARGUMENT);
  hf_journal_ref(nullptr);
  hf_journal_unref(nullptr);
  hf_journal_unref(journal);
}

}  // namespace
