// SPDX-License-Identifier: Apache-2.0
// What hf_pipeline_explain refuses, with which reason, and that it then leaves *out alone.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

struct Row {
  const char* field;
  std::function<void(hf_explain_options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};

const std::vector<Row>& BadRows() {
  static const std::vector<Row> rows = {
      {"deadline", [](auto& o) { o.deadline = -1; }},
      {"deadline", [](auto& o) { o.deadline = INT64_MIN; }},
      {"latency", [](auto& o) { o.latency = -1; }},
      {"latency", [](auto& o) { o.latency = HF_INFINITE; }},
      {"attempts_above", [](auto& o) { o.attempts_above = 1'000'001; }},
      {"attempts_below", [](auto& o) { o.attempts_below = UINT32_MAX; }},
      {"flags", [](auto& o) { o.flags = 4; }, HF_R_UNSUPPORTED_FIELD},
      {"flags", [](auto& o) { o.flags = 3; }, HF_R_BAD_OPTIONS},
      {"reserved0", [](auto& o) { o.reserved0 = 1; }, HF_R_UNSUPPORTED_FIELD},
      {"struct_size", [](auto& o) { o.struct_size = 0; }, HF_R_STRUCT_SIZE},
      {"struct_size", [](auto& o) { o.struct_size = sizeof(o) - 8; }, HF_R_STRUCT_SIZE},
      {"abi_level", [](auto& o) { o.abi_level = 0; }, HF_R_ABI_LEVEL},
      {"abi_level", [](auto& o) { o.abi_level = HF_ABI_LEVEL + 1; }, HF_R_ABI_LEVEL},
  };
  return rows;
}

class ExplainBadInput : public ::testing::Test {
 protected:
  ExplainBadInput() {
    EXPECT_EQ(hf_pipeline_new(nullptr, &pipeline, nullptr), HF_OK);
    std::memset(&out, 0x5c, sizeof(out));
    out.struct_size = sizeof(out);
    before = out;
    std::memset(&error, 0x7f, sizeof(error));
  }
  ~ExplainBadInput() override { hf_pipeline_unref(pipeline); }

  void ExpectRefused(hf_code code, const char* field, hf_reason reason) {
    EXPECT_EQ(code, HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.code, HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, reason) << error.text;
    EXPECT_EQ(std::string(error.text).rfind(std::string(field) + ":", 0), 0u) << error.text;
    EXPECT_EQ(std::memcmp(&out, &before, sizeof(out)), 0) << "untouched";
  }

  hf_pipeline* pipeline = nullptr;
  hf_explanation out, before;
  hf_error error;
};

TEST_F(ExplainBadInput, EveryOptionIsRefusedByName) {
  int number = 0;
  for (const Row& row : BadRows()) {
    SCOPED_TRACE(std::string(row.field) + " row " + std::to_string(++number));
    hf_explain_options options = HF_INIT(hf_explain_options);
    row.set(options);
    ExpectRefused(hf_pipeline_explain(pipeline, &options, &out, &error), row.field, row.reason);
    EXPECT_EQ(hf_pipeline_explain(pipeline, &options, &out, nullptr), HF_INVALID_ARGUMENT);
  }
}

TEST_F(ExplainBadInput, NullIsRefusedByName) {
  ExpectRefused(hf_pipeline_explain(nullptr, nullptr, &out, &error), "pipeline",
                HF_R_NULL_ARGUMENT);
  ExpectRefused(hf_pipeline_explain(pipeline, nullptr, nullptr, &error), "out", HF_R_NULL_ARGUMENT);
}

TEST_F(ExplainBadInput, AnOutOfNoSizeIsRefused) {
  for (const uint32_t size : {0u, uint32_t{sizeof(out)} - 8, UINT32_MAX}) {
    out.struct_size = before.struct_size = size;
    ExpectRefused(hf_pipeline_explain(pipeline, nullptr, &out, &error), "struct_size",
                  HF_R_STRUCT_SIZE);
  }
}

TEST_F(ExplainBadInput, TheEdgesOfTheRangesAreFine) {
  hf_explain_options options = HF_INIT(hf_explain_options);
  options.deadline = HF_INFINITE;
  options.latency = HF_INFINITE - 1;
  options.attempts_above = options.attempts_below = 1'000'000;
  options.flags = HF_EXPLAIN_NOT_IDEMPOTENT;
  EXPECT_EQ(hf_pipeline_explain(pipeline, &options, &out, &error), HF_OK) << error.text;
  EXPECT_EQ(error.code, HF_OK);
  EXPECT_EQ(out.struct_size, sizeof(out));
  EXPECT_EQ(out.layers_product, 1'000'000'000'000u);
  EXPECT_EQ(out.reserved0, 0u);
  options.deadline = 1;
  EXPECT_EQ(hf_pipeline_explain(pipeline, &options, &out, nullptr), HF_OK);
  EXPECT_EQ(out.worst_time, 1);
}

TEST_F(ExplainBadInput, ANewerCallersLongerOutIsFilledUpWithZeros) {
  struct {
    hf_explanation known;
    uint64_t unknown;
  } longer;
  std::memset(&longer, 0x5c, sizeof(longer));
  longer.known.struct_size = sizeof(longer);
  EXPECT_EQ(hf_pipeline_explain(pipeline, nullptr, &longer.known, nullptr), HF_OK);
  EXPECT_EQ(longer.known.worst_attempts, 1u);
  EXPECT_EQ(longer.unknown, 0u);
}

}  // namespace
