// SPDX-License-Identifier: Apache-2.0
// A census of a memory store with one record of each kind.
#include <gtest/gtest.h>
#include <holdfast/memory/store.h>
#include <holdfast/metrics_text.h>
#include <holdfast/store_census.h>
#include <holdfast/store_layer.h>

#include <memory>
#include <string>

#include "store/requests.h"
#include "unit/exposition_reader.h"
#include "unit/probe_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::Fail;
using testing::kLease;

class StoreCensusTest : public ::testing::Test {
 protected:
  StoreReply Ask(const StoreRequest& request) { return store_->Execute(request, Duration{0}); }
  uint64_t Win(std::string_view key, hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    return Ask(Claim(key, 1, on_expiry)).raw.token;
  }

  testing::StoreClock clock_;
  std::unique_ptr<memory::Store> store_ =
      memory::Store::Create({.shards = 64, .purge_per_request = 1, .clock = clock_.Function()})
          .value();
};

TEST_F(StoreCensusTest, EachRecordIsWhatItIsNow) {
  Win("lapsed into doubt");
  Win("lapsed", HF_ON_EXPIRY_TAKEOVER);
  Ask(Fail("failed into doubt", Win("failed into doubt"), HF_EFFECT_AMBIGUOUS));
  Ask(Complete("completed", Win("completed"), "123"));
  Ask(Fail("retryable", Win("retryable"), HF_EFFECT_RETRYABLE));
  StoreRequest patient = Claim("leased", 1);
  patient.lease = 2 * kLease;
  Ask(patient);
  StoreRequest brief = Complete("expired", Win("expired"), "12345");
  brief.ttl = HF_S;
  Ask(brief);
  // No request comes after this: one to the same shard would purge what is expired.
  clock_.Advance(kLease + 7 * HF_S);
  const StoreCensus census = TakeStoreCensus(*store_).value();
  EXPECT_EQ(census.leased, 1u);
  EXPECT_EQ(census.in_doubt, 2u);
  EXPECT_EQ(census.lapsed, 1u);
  EXPECT_EQ(census.completed, 1u);
  EXPECT_EQ(census.retryable, 1u);
  EXPECT_EQ(census.expired, 1u);
  EXPECT_EQ(census.damaged, 0u);
  EXPECT_EQ(census.bytes, 8u);
  EXPECT_EQ(census.in_doubt_oldest, std::chrono::seconds(7));
  EXPECT_EQ(census.purge_lag, std::chrono::seconds(16));
  EXPECT_TRUE(census.complete);
}

TEST_F(StoreCensusTest, LimitEndsItAndIsSaid) {
  for (int i = 0; i < 2500; ++i) Win("k" + std::to_string(i));
  EXPECT_EQ(TakeStoreCensus(*store_)->leased, 2500u);
  const StoreCensus part = TakeStoreCensus(*store_, 1500).value();
  EXPECT_FALSE(part.complete);
  EXPECT_GE(part.leased, 1500u);
  EXPECT_LT(part.leased, 2500u);
}

TEST_F(StoreCensusTest, PageIsOneThatScrapersTake) {
  Win("k");
  MetricsPage page;
  page.Add("payments", TakeStoreCensus(*store_).value());
  ASSERT_TRUE(page.status().ok()) << page.status();
  exposition::Reader reader(true);
  const std::string text = MetricsText(page, MetricsFormat::kOpenMetrics);
  EXPECT_EQ(reader.Read(text), "");
  EXPECT_NE(text.find("store_records{name=\"payments\",state=\"leased\"} 1"), std::string::npos);
}

class Plain final : public StoreLayer {
 public:
  explicit Plain(std::shared_ptr<Store> next) : StoreLayer(std::move(next)) {}

 protected:
  bool Before(Passage&, StoreReply&) override { return false; }
  void After(const Passage&, StoreReply&) override {}
};

TEST_F(StoreCensusTest, LayerPassesOperatorsThroughIfTheStoreTakesThem) {
  Win("k");
  Plain layer(std::move(store_));
  EXPECT_TRUE(layer.operable());
  EXPECT_EQ(TakeStoreCensus(layer)->leased, 1u);
  EXPECT_EQ(layer.Info(Duration{0})->kind, "memory");
  Plain over_plain(std::make_shared<testing::ProbeStore>(memory::Store::Create().value()));
  EXPECT_FALSE(over_plain.operable());
  EXPECT_EQ(TakeStoreCensus(over_plain).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(over_plain.Purge(1, Duration{0}).status().code(), absl::StatusCode::kUnimplemented);
  const StoreReply refused = over_plain.ExecuteAudited(testing::Release("k", HF_EFFECT_NOT_STARTED),
                                                       {"ops", "why"}, Duration{0});
  EXPECT_EQ(refused.raw.status, HF_STORE_UNAVAILABLE);
}

}  // namespace
}  // namespace holdfast
