// SPDX-License-Identifier: Apache-2.0
// What a MeteredStore counts, and whom it tells of what, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/memory/metrics.h>
#include <holdfast/memory/store.h>
#include <holdfast/metered_store.h>
#include <holdfast/metrics_text.h>
#include <holdfast/testing/virtual_clock.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/requests.h"
#include "unit/exposition_reader.h"
#include "unit/probe_store.h"

namespace holdfast {
namespace {

using testing::Abandon;
using testing::Claim;
using testing::Complete;
using testing::Fail;
using testing::kLease;
using testing::ProbeStore;
using testing::Renew;

struct Told {
  StoreEventKind kind;
  std::string store, key;
  uint64_t token;
  uint32_t attempt;
  double lease_use;
};

class Listener final : public StoreObserver {
 public:
  void OnStoreEvent(const StoreEvent& event) override {
    told.push_back({event.kind, std::string(event.store), std::string(event.key), event.token,
                    event.attempt, event.lease_use});
  }
  std::vector<Told> told;
};

class MeteredStoreTest : public ::testing::Test {
 protected:
  StoreReply Ask(const StoreRequest& request) { return metered_->Execute(request, Duration{0}); }
  StoreReply Elsewhere(const StoreRequest& request) {
    return below_->Execute(request, Duration{0});
  }
  uint64_t Win(std::string_view key, hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    return Ask(Claim(key, ++who_, on_expiry)).raw.token;
  }
  void Pass(hf_duration by) {
    clock_.Advance(Duration{by});
    store_clock_.Advance(by);
  }
  uint64_t Replies(hf_store_verb verb, hf_store_status status) const {
    return metered_->metrics().Replies(verb, status);
  }
  static uint64_t Seen(const StoreMetrics::Count& count) { return count.load(); }

  testing::StoreClock store_clock_;
  testing::VirtualClock clock_;
  std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
  std::shared_ptr<ProbeStore> below_ = std::make_shared<ProbeStore>(
      memory::Store::Create({.max_bytes = size_t{1} << 30, .clock = store_clock_.Function()})
          .value());
  std::unique_ptr<MeteredStore> metered_ =
      MeteredStore::Create(below_, {.name = "payments", .observer = listener_, .clock = &clock_})
          .value();
  uint64_t who_ = 0;
};

TEST_F(MeteredStoreTest, EveryReplyIsCountedByVerbAndStatus) {
  const uint64_t token = Win("k");
  Ask(Claim("k", 99));
  Ask(Complete("k", token, "result"));
  Ask(Complete("k", token, "result"));
  Ask(Claim("k", 99));
  Ask(testing::WithFingerprint(Claim("k", 99), "other"));
  EXPECT_EQ(Replies(HF_STORE_CLAIM, HF_STORE_WON), 1u);
  EXPECT_EQ(Replies(HF_STORE_CLAIM, HF_STORE_BUSY), 1u);
  EXPECT_EQ(Replies(HF_STORE_CLAIM, HF_STORE_REPLAY), 1u);
  EXPECT_EQ(Replies(HF_STORE_CLAIM, HF_STORE_MISMATCH), 1u);
  EXPECT_EQ(Replies(HF_STORE_COMPLETE, HF_STORE_OK), 1u);
  EXPECT_EQ(Replies(HF_STORE_COMPLETE, HF_STORE_ALREADY), 1u);
  EXPECT_EQ(Seen(metered_->metrics().bytes_stored), 6u);
  EXPECT_EQ(Seen(metered_->metrics().bytes_replayed), 6u);
  EXPECT_EQ(metered_->metrics().in_flight.load(), 0);
  EXPECT_TRUE(listener_->told.empty());
}

TEST_F(MeteredStoreTest, LatencyIsThatOfTheStore) {
  below_->before = [&](const StoreRequest&) {
    EXPECT_EQ(metered_->metrics().in_flight.load(), 1);
    clock_.Advance(std::chrono::milliseconds(3));
  };
  const uint64_t token = Win("k");
  Ask(Complete("k", token, "x"));
  Ask(Claim("k", 99));
  for (const MetricHistogram& seen :
       {metered_->metrics().claim_seconds.Seen(), metered_->metrics().complete_seconds.Seen(),
        metered_->metrics().replay_seconds.Seen()}) {
    EXPECT_EQ(seen.count(), 1u);
    EXPECT_DOUBLE_EQ(seen.sum, 0.003);
    EXPECT_EQ(seen.counts[7], 1u);  // 2.5 ms..5 ms
    EXPECT_TRUE(seen.sound());
  }
}

TEST_F(MeteredStoreTest, DoubtByALapsedLeaseIsToldOnceByWhoeverFoundIt) {
  Win("k");
  Pass(kLease);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Ask(Claim("k", 99)).raw.status, HF_STORE_IN_DOUBT);
  ASSERT_EQ(listener_->told.size(), 1u);
  const Told& told = listener_->told[0];
  EXPECT_EQ(told.kind, StoreEventKind::kInDoubt);
  EXPECT_EQ(told.store, "payments");
  EXPECT_EQ(told.attempt, 1u);
  EXPECT_EQ(told.key.size(), 8u);
  const StoreRequest read = testing::Read("k");
  const std::array<char, 8> digits = KeyDigits(read.key_id);
  EXPECT_EQ(told.key, std::string(digits.data(), digits.size()));
  EXPECT_EQ(Seen(metered_->metrics().doubts_by_lease), 1u);
}

TEST_F(MeteredStoreTest, DoubtThatAnotherProcessFoundIsNotToldAgain) {
  Win("k");
  Pass(kLease);
  ASSERT_EQ(Elsewhere(Claim("k", 98)).raw.status, HF_STORE_IN_DOUBT);
  ASSERT_EQ(Ask(Claim("k", 99)).raw.status, HF_STORE_IN_DOUBT);
  EXPECT_TRUE(listener_->told.empty());
}

TEST_F(MeteredStoreTest, DoubtByFailureAndPoisonAreTheirOwn) {
  Ask(Fail("failed", Win("failed"), HF_EFFECT_AMBIGUOUS));
  EXPECT_EQ(Seen(metered_->metrics().doubts_by_failure), 1u);
  StoreRequest claim = Claim("deadly", 1, HF_ON_EXPIRY_TAKEOVER);
  claim.max_attempts = 2;
  for (int i = 0; i < 2; ++i) {
    claim.nonce[0] = static_cast<uint8_t>(i + 1);
    ASSERT_EQ(Ask(claim).raw.status, HF_STORE_WON);
    Pass(kLease);
  }
  claim.nonce[0] = 9;
  ASSERT_EQ(Ask(claim).raw.status, HF_STORE_POISON);
  ASSERT_EQ(Ask(claim).raw.status, HF_STORE_IN_DOUBT);
  ASSERT_EQ(listener_->told.size(), 2u);
  EXPECT_EQ(listener_->told[0].kind, StoreEventKind::kInDoubt);
  EXPECT_EQ(listener_->told[1].kind, StoreEventKind::kPoison);
  EXPECT_EQ(Seen(metered_->metrics().doubts_by_attempts), 1u);
  EXPECT_EQ(Seen(metered_->metrics().claimed_again), 1u);
}

TEST_F(MeteredStoreTest, ReconcileIsCountedApart) {
  Win("k", HF_ON_EXPIRY_RECONCILE);
  Pass(kLease);
  ASSERT_EQ(Ask(Claim("k", 99, HF_ON_EXPIRY_RECONCILE)).raw.status, HF_STORE_RECONCILE);
  EXPECT_EQ(Seen(metered_->metrics().reconciles), 1u);
  EXPECT_EQ(Seen(metered_->metrics().claimed_again), 0u);
}

TEST_F(MeteredStoreTest, FencedResultIsToldWithTheTokenThatCounts) {
  const uint64_t old_token = Win("k", HF_ON_EXPIRY_TAKEOVER);
  Pass(kLease);
  const StoreReply taken = Elsewhere(Claim("k", 99, HF_ON_EXPIRY_TAKEOVER));
  ASSERT_EQ(Ask(Complete("k", old_token, "late")).raw.status, HF_STORE_FENCED);
  ASSERT_EQ(listener_->told.size(), 2u);
  EXPECT_EQ(listener_->told[0].kind, StoreEventKind::kFenced);
  EXPECT_EQ(listener_->told[0].token, taken.raw.token);
  EXPECT_EQ(listener_->told[1].kind, StoreEventKind::kLeaseLow);  // and why it came to that
  EXPECT_DOUBLE_EQ(listener_->told[1].lease_use, 1);
}

TEST_F(MeteredStoreTest, LeaseUseIsFromTheLastRenewalToTheEnd) {
  const uint64_t quick = Win("quick");
  Pass(kLease / 2);
  Ask(Complete("quick", quick, "x"));
  const uint64_t renewed = Win("renewed");
  Pass(kLease * 9 / 10);
  Ask(Renew("renewed", renewed));
  Pass(kLease / 5);
  Ask(Abandon("renewed", renewed));
  EXPECT_TRUE(listener_->told.empty());
  const uint64_t slow = Win("slow");
  Pass(kLease * 3 / 4);
  Ask(Complete("slow", slow, "x"));
  const MetricHistogram seen = metered_->metrics().lease_use.Seen();
  EXPECT_EQ(seen.count(), 3u);
  EXPECT_NEAR(seen.sum, 0.5 + 0.2 + 0.75, 1e-9);
  ASSERT_EQ(listener_->told.size(), 1u);
  EXPECT_EQ(listener_->told[0].kind, StoreEventKind::kLeaseLow);
  EXPECT_NEAR(listener_->told[0].lease_use, 0.75, 1e-9);
}

TEST_F(MeteredStoreTest, LeasesThatNobodySettlesMakeRoomOnceTheyAreLongOver) {
  for (size_t i = 0; i < 2 * MeteredStore::kMostLeases; ++i) Win("lost" + std::to_string(i));
  EXPECT_GT(Seen(metered_->metrics().leases_untracked), 0u);
  Pass(3 * kLease);
  const uint64_t untracked = Seen(metered_->metrics().leases_untracked);
  Ask(Complete("found", Win("found"), "x"));
  EXPECT_EQ(Seen(metered_->metrics().leases_untracked), untracked);
  EXPECT_EQ(metered_->metrics().lease_use.Seen().count(), 1u);
}

TEST_F(MeteredStoreTest, BatchesAndSubmissionsCountAlikeAndARefusedOneNotAtAll) {
  metered_->ExecuteMany(std::vector<StoreRequest>{Claim("a", 1), Claim("b", 1)}, Duration{0});
  testing::KeptReply waiter;
  ASSERT_TRUE(metered_->Submit(Claim("c", 1), Duration{0}, waiter));
  below_->submits = false;
  EXPECT_FALSE(metered_->Submit(Claim("d", 1), Duration{0}, waiter));
  EXPECT_EQ(Replies(HF_STORE_CLAIM, HF_STORE_WON), 3u);
  EXPECT_EQ(metered_->metrics().in_flight.load(), 0);
}

TEST_F(MeteredStoreTest, PageIsOneThatScrapersTake) {
  Ask(Complete("k", Win("k"), "x"));
  MetricsPage page;
  page.Add("payments", metered_->metrics());
  const auto store = memory::Store::Create().value();
  const auto tier = memory::LocalTier::Create(below_).value();
  page.Add("payments", *store);
  page.Add("payments", *tier);
  ASSERT_TRUE(page.status().ok()) << page.status();
  for (const MetricsFormat format : {MetricsFormat::kPrometheus, MetricsFormat::kOpenMetrics}) {
    exposition::Reader reader(format == MetricsFormat::kOpenMetrics);
    const std::string text = MetricsText(page, format);
    EXPECT_EQ(reader.Read(text), "");
    EXPECT_THAT(text,
                ::testing::HasSubstr(
                    "store_replies_total{name=\"payments\",verb=\"complete\",status=\"ok\"} 1"));
  }
}

TEST(StoreNames, EveryVerbAndStatusHasItsOwn) {
  EXPECT_EQ(StoreVerbName(HF_STORE_CLAIM), "claim");
  EXPECT_EQ(StoreVerbName(HF_STORE_RELEASE), "release");
  EXPECT_EQ(StoreVerbName(99), "other");
  EXPECT_EQ(StoreVerbName(-1), "other");
  EXPECT_EQ(StoreStatusName(HF_STORE_IN_DOUBT), "in_doubt");
  EXPECT_EQ(StoreStatusName(HF_STORE_ERASED), "erased");
  EXPECT_EQ(StoreStatusName(99), "other");
}

}  // namespace
}  // namespace holdfast
