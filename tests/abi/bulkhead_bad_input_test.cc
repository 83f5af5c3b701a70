// SPDX-License-Identifier: Apache-2.0
// What the bulkhead refuses: with which reason, naming what, and leaving what behind.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

hf_bulkhead_snapshot Read(const hf_bulkhead* bulkhead) {
  hf_bulkhead_snapshot snapshot{};
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_bulkhead_read(bulkhead, &snapshot), HF_OK);
  return snapshot;
}

struct Row {
  const char* field;
  std::function<void(hf_bulkhead_options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"order", [](auto& o) { o.order = 5; }},
      {"order", [](auto& o) { o.order = -1; }},
      {"refuse_no_time", [](auto& o) { o.refuse_no_time = 2; }},
      {"target", [](auto& o) { o.target = -1; }},
      {"target", [](auto& o) { o.target = HF_INFINITE; }},
      {"interval", [](auto& o) { o.interval = 1; }},
      {"interval", [](auto& o) { o.interval = INT64_MIN; }},
      {"criticality_share[0]", [](auto& o) { o.criticality_share[0] = 1.5; }},
      {"criticality_share[3]", [](auto& o) { o.criticality_share[3] = -0.1; }},
      {"criticality_share[2]", [](auto& o) { o.criticality_share[2] = NAN; }},
      {"criticality_share[1]", [](auto& o) { o.criticality_share[1] = INFINITY; }},
      {"partitions", [](auto& o) { o.partitions = 9; }},
      {"partition_share[0]", [](auto& o) { o.partition_share[0] = 0.5; }},
      {"partition_share[1]", [](auto& o) { o.partitions = 1, o.partition_share[1] = 0.5; }},
      {"partition_share[0]", [](auto& o) { o.partitions = 1, o.partition_share[0] = NAN; }},
      {"partition_share[0]", [](auto& o) { o.partitions = 1, o.partition_share[0] = -0.5; }},
      {"partition_share",
       [](auto& o) {
         o.partitions = 2;
         o.partition_share[0] = 0.6;
         o.partition_share[1] = 0.5;
       },
       HF_R_BAD_OPTIONS},
      {"user_share", [](auto& o) { o.user_share = 1.01; }},
      {"user_share", [](auto& o) { o.user_share = NAN; }},
      {"user_share", [](auto& o) { o.user_share = 1e-9; }},
      {"reserved0", [](auto& o) { o.reserved0 = 1; }, HF_R_UNSUPPORTED_FIELD},
  };
  return rows;
}

TEST(BulkheadBadInput, EachOptionIsRefusedByNameWhenMadeAndWhenUpdated) {
  hf_bulkhead_options good = HF_INIT(hf_bulkhead_options);
  good.limit = 3;
  hf_bulkhead* standing = nullptr;
  ASSERT_EQ(hf_bulkhead_new(&good, &standing, nullptr), HF_OK);
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.field);
    hf_bulkhead_options bad = HF_INIT(hf_bulkhead_options);
    bad.limit = 7;
    row.set(bad);
    auto* made = reinterpret_cast<hf_bulkhead*>(uintptr_t{64});
    hf_error error{};
    EXPECT_EQ(hf_bulkhead_new(&bad, &made, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(error.reason, row.reason) << error.text;
    EXPECT_EQ(std::strncmp(error.text, row.field, std::strlen(row.field)), 0) << error.text;
    hf_error again{};
    EXPECT_EQ(hf_bulkhead_update(standing, &bad, 1, &again), HF_INVALID_ARGUMENT);
    EXPECT_STREQ(again.text, error.text);
    EXPECT_EQ(hf_bulkhead_update(standing, &bad, 1, nullptr), HF_INVALID_ARGUMENT);
    EXPECT_EQ(Read(standing).limit, 3u) << "what is refused changes nothing";
  }
  hf_bulkhead_unref(standing);
}

TEST(BulkheadBadInput, SharesAtTheirBordersAreFine) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.partitions = 3;
  options.partition_share[0] = 0.7;
  options.partition_share[1] = 0.3;
  options.criticality_share[3] = 1e-6;
  options.user_share = 1;
  hf_bulkhead* bulkhead = nullptr;
  ASSERT_EQ(hf_bulkhead_new(&options, &bulkhead, nullptr), HF_OK);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadBadInput, OptionsAndASnapshotOfTheFirstLayoutStillServe) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.struct_size = 24;
  options.limit = 5;
  options.order = 99;  // beyond what this caller has
  hf_bulkhead* bulkhead = nullptr;
  ASSERT_EQ(hf_bulkhead_new(&options, &bulkhead, nullptr), HF_OK);
  hf_bulkhead_snapshot snapshot{};
  snapshot.struct_size = 32;
  snapshot.over_share = 77;
  EXPECT_EQ(hf_bulkhead_read(bulkhead, &snapshot), HF_OK);
  EXPECT_EQ(snapshot.limit, 5u);
  EXPECT_EQ(snapshot.over_share, 77u) << "written past struct_size";
  hf_bulkhead_unref(bulkhead);
}

class BulkheadRequests : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(hf_bulkhead_new(nullptr, &bulkhead, nullptr), HF_OK); }
  void TearDown() override {
    EXPECT_EQ(Read(bulkhead).in_flight, 0u);
    hf_bulkhead_unref(bulkhead);
  }

  void ExpectRefused(const hf_bulkhead_request& request, hf_reason reason) {
    for (hf_bulkhead_wait* place : {&wait, static_cast<hf_bulkhead_wait*>(nullptr)}) {
      hf_permit permit{1, 2, 3};
      EXPECT_EQ(hf_bulkhead_acquire(bulkhead, &request, place, nullptr, 1, &permit, &until, &why),
                HF_INVALID_ARGUMENT);
      EXPECT_EQ(why.reason, reason);
      EXPECT_EQ(permit.kind, HF_PERMIT_NONE);
    }
  }

  hf_bulkhead* bulkhead = nullptr;
  hf_bulkhead_wait wait{};
  hf_time until = 0;
  hf_rejection why{};
  hf_permit held{};
};

TEST_F(BulkheadRequests, OutOfRangeAreRefused) {
  const hf_bulkhead_request good = HF_INIT(hf_bulkhead_request);
  hf_bulkhead_request bad = good;
  bad.criticality = 5;
  ExpectRefused(bad, HF_R_OUT_OF_RANGE);
  bad.criticality = -1;
  ExpectRefused(bad, HF_R_OUT_OF_RANGE);
  bad = good;
  bad.partition = 1;
  ExpectRefused(bad, HF_R_OUT_OF_RANGE);
  bad.partition = UINT32_MAX;
  ExpectRefused(bad, HF_R_OUT_OF_RANGE);
  bad = good;
  bad.deadline = -1;
  ExpectRefused(bad, HF_R_OUT_OF_RANGE);
  bad = good;
  bad.struct_size = 8;
  ExpectRefused(bad, HF_R_STRUCT_SIZE);
  bad = good;
  bad.abi_level = 0;
  ExpectRefused(bad, HF_R_ABI_LEVEL);
}

TEST_F(BulkheadRequests, NullIsAnAnswerNotACrash) {
  EXPECT_EQ(hf_bulkhead_acquire(nullptr, nullptr, nullptr, nullptr, 1, &held, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_acquire(bulkhead, nullptr, nullptr, nullptr, 1, nullptr, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_acquire(bulkhead, nullptr, &wait, nullptr, 1, &held, nullptr, &why),
            HF_INVALID_ARGUMENT)
      << "a place without a word of how long";
  EXPECT_EQ(hf_bulkhead_acquire(bulkhead, nullptr, nullptr, nullptr, -1, &held, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(hf_bulkhead_update(nullptr, nullptr, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_set_limit(nullptr, 1, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_set_limit(bulkhead, 0, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_set_limit(bulkhead, 1'000'001, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_settle(nullptr, &held, 0, HF_VERDICT_SUCCESS, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_settle(bulkhead, nullptr, 0, HF_VERDICT_SUCCESS, 1), HF_INVALID_ARGUMENT);
}

TEST_F(BulkheadRequests, AVerdictOutOfRangeLeavesThePermitHeld) {
  ASSERT_EQ(hf_bulkhead_try_acquire(bulkhead, 1, &held, nullptr), HF_OK);
  for (const hf_verdict verdict : {HF_VERDICT_DERIVE, 5, -1}) {
    EXPECT_EQ(hf_bulkhead_settle(bulkhead, &held, 0, verdict, 1), HF_INVALID_ARGUMENT);
    EXPECT_EQ(held.kind, HF_PERMIT_NORMAL);
  }
  EXPECT_EQ(hf_bulkhead_settle(bulkhead, &held, 0, HF_VERDICT_SUCCESS, 1), HF_OK);
  EXPECT_EQ(hf_bulkhead_settle(bulkhead, &held, 0, HF_VERDICT_SUCCESS, 1), HF_INVALID_ARGUMENT);
}

TEST_F(BulkheadRequests, AStampThatNobodyGaveGivesNothingBack) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.partitions = 1;
  ASSERT_EQ(hf_bulkhead_update(bulkhead, &options, 1, nullptr), HF_OK);
  ASSERT_EQ(hf_bulkhead_try_acquire(bulkhead, 1, &held, nullptr), HF_OK);
  for (const uint32_t bits : {0x0200u, 0x0f00u, 0x0101u}) {
    hf_permit forged = held;
    forged.stamp = bits;
    EXPECT_EQ(hf_bulkhead_release(bulkhead, &forged, 1), HF_INVALID_ARGUMENT) << bits;
  }
  EXPECT_EQ(Read(bulkhead).in_flight, 1u);
  EXPECT_EQ(hf_bulkhead_release(bulkhead, &held, 1), HF_OK);
}

TEST_F(BulkheadRequests, StrangeTimesAreReadAsNoTimeAtAll) {
  ASSERT_EQ(hf_bulkhead_try_acquire(bulkhead, 5, &held, nullptr), HF_OK);
  EXPECT_EQ(hf_bulkhead_settle(bulkhead, &held, INT64_MIN, HF_VERDICT_SUCCESS, INT64_MAX), HF_OK);
  EXPECT_EQ(hf_bulkhead_set_limit(bulkhead, 3, INT64_MIN), HF_OK);
  EXPECT_EQ(hf_bulkhead_update(bulkhead, nullptr, -5, nullptr), HF_OK);
  EXPECT_EQ(Read(bulkhead).limit, 64u);
}

}  // namespace
