// SPDX-License-Identifier: Apache-2.0
// What a sealed store does with each verb, with keys that come and go, and with bodies that somebody touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/memory/store.h>
#include <holdfast/sealed/store.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "store/requests.h"
#include "unit/probe_store.h"

namespace holdfast {
namespace {

using sealed::MemoryKeyRing;
using sealed::SealingKey;
using testing::Claim;
using testing::Complete;
using testing::ProbeStore;
using testing::Resolve;

constexpr std::string_view kSecret = "card 4111 1111 1111 1111";

class SealedStoreTest : public ::testing::Test {
 protected:
  SealedStoreTest() {
    EXPECT_TRUE(keys_->Add("acme", 1, SealingKey::Fresh()).ok());
    EXPECT_TRUE(keys_->Add("globex", 1, SealingKey::Fresh()).ok());
    acme_ = Open();
  }

  std::unique_ptr<sealed::Store> Open(sealed::Options options = {}) {
    options.store = below_;
    options.keys = keys_;
    if (options.tenant.empty()) options.tenant = "acme";
    return sealed::Store::Open(std::move(options)).value();
  }
  StoreReply Ask(const StoreRequest& request) { return acme_->Execute(request, Duration{0}); }
  StoreReply Below(const StoreRequest& request) { return below_->Execute(request, Duration{0}); }
  uint64_t Run(std::string_view key, std::string_view body, hf_code code = HF_OK) {
    const uint64_t token = Ask(Claim(key, 1)).raw.token;
    EXPECT_EQ(Ask(Complete(key, token, body, code)).raw.status, HF_STORE_OK);
    return token;
  }
  // Completes `key` below with bytes of the test's choice.
  void Plant(std::string_view key, std::string_view body) {
    const uint64_t token = Below(Claim(key, 1)).raw.token;
    ASSERT_EQ(Below(Complete(key, token, body)).raw.status, HF_STORE_OK);
  }
  std::string Stored(std::string_view key) { return *Below(testing::Read(key)).body; }

  testing::StoreClock clock_;
  std::shared_ptr<MemoryKeyRing> keys_ = std::make_shared<MemoryKeyRing>();
  std::shared_ptr<ProbeStore> below_ =
      std::make_shared<ProbeStore>(memory::Store::Create({.clock = clock_.Function()}).value());
  std::unique_ptr<sealed::Store> acme_;
};

TEST_F(SealedStoreTest, ResultIsNotInTheStorageAndIsReplayedAsItWas) {
  Run("k", kSecret, HF_FAILED_PRECONDITION);
  EXPECT_EQ(Stored("k").find("4111"), std::string::npos);
  const StoreReply replay = Ask(Claim("k", 2));
  ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replay.body, kSecret);
  EXPECT_EQ(std::string_view(replay.raw.body.data, replay.raw.body.size), kSecret);
  EXPECT_EQ(replay.raw.code, HF_FAILED_PRECONDITION);
}

TEST_F(SealedStoreTest, ResolvedResultIsSealedToo) {
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  ASSERT_EQ(Ask(testing::Fail("k", token, HF_EFFECT_AMBIGUOUS)).raw.status, HF_STORE_OK);
  ASSERT_EQ(Ask(Resolve("k", HF_EFFECT_FINAL, kSecret)).raw.status, HF_STORE_OK);
  EXPECT_EQ(Stored("k").find("4111"), std::string::npos);
  EXPECT_EQ(*Ask(Claim("k", 2)).body, kSecret);
}

TEST_F(SealedStoreTest, DigestStaysWhatItIs) {
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  const std::string digest(32, 'd');
  StoreRequest complete = Complete("k", token, digest);
  complete.truncated = HF_BODY_DIGEST;
  ASSERT_EQ(Ask(complete).raw.status, HF_STORE_OK);
  EXPECT_EQ(*Ask(Claim("k", 2)).body, digest);
  EXPECT_EQ(Stored("k"), digest);
}

TEST_F(SealedStoreTest, ResultThatIsTooLargeOnceSealedIsKeptAsItsDigest) {
  acme_ = Open({.no_compression = true});
  const std::string large(HF_IDEM_BODY_MAX - 52, 'x');
  Run("large", large);
  const StoreReply replay = Ask(Claim("large", 2));
  ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(replay.raw.truncated, HF_BODY_DIGEST);
  uint8_t digest[32];
  hf_idem_fingerprint(large.data(), large.size(), digest);
  EXPECT_EQ(*replay.body, std::string(reinterpret_cast<char*>(digest), sizeof(digest)));
  const std::string fits(HF_IDEM_BODY_MAX - 53, 'x');
  Run("fits", fits);
  EXPECT_EQ(Ask(Claim("fits", 2)).raw.truncated, HF_BODY_WHOLE);
}

TEST_F(SealedStoreTest, DigestIsThatOfTheResultWhereTheStoreBelowKeepsLess) {
  acme_ = Open({.no_compression = true, .max_body = 1000});
  const std::string large(948, 'x');
  Run("large", large);
  const StoreReply replay = Ask(Claim("large", 2));
  EXPECT_EQ(replay.raw.truncated, HF_BODY_DIGEST);
  uint8_t digest[32];
  hf_idem_fingerprint(large.data(), large.size(), digest);
  EXPECT_EQ(*replay.body, std::string(reinterpret_cast<char*>(digest), sizeof(digest)));
  Run("fits", std::string(947, 'x'));
  EXPECT_EQ(Stored("fits").size(), 1000u);
  EXPECT_EQ(Ask(Claim("fits", 2)).raw.truncated, HF_BODY_WHOLE);
}

TEST_F(SealedStoreTest, RotatedKeyStillOpensAndTheNewOneSeals) {
  Run("old", "first");
  ASSERT_TRUE(keys_->Add("acme", 2, SealingKey::Fresh()).ok());
  Run("new", "second");
  EXPECT_EQ(*Ask(Claim("old", 2)).body, "first");
  EXPECT_EQ(*Ask(Claim("new", 2)).body, "second");
  EXPECT_EQ(Stored("old")[8], 1);
  EXPECT_EQ(Stored("new")[8], 2);
}

TEST_F(SealedStoreTest, ErasedTenantReadsAsErasedAndClaimsNothingNew) {
  Run("k", kSecret);
  auto globex = Open({.tenant = "globex"});
  ASSERT_TRUE(keys_->Erase("acme").ok());
  const StoreReply erased = Ask(testing::Read("k"));
  EXPECT_EQ(erased.raw.status, HF_STORE_ERASED);
  EXPECT_EQ(erased.body, nullptr);
  EXPECT_EQ(erased.raw.body.size, 0u);
  const uint64_t asked = below_->asked();
  EXPECT_EQ(Ask(Claim("other", 1)).raw.status, HF_STORE_ERASED);
  EXPECT_EQ(below_->asked(), asked);  // before anything could happen
  EXPECT_EQ(globex->Execute(Claim("theirs", 1), Duration{0}).raw.status, HF_STORE_WON);
}

TEST_F(SealedStoreTest, WorkThatEndsAfterTheErasureIsOnRecordWithoutItsResult) {
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  ASSERT_TRUE(keys_->Erase("acme").ok());
  ASSERT_EQ(Ask(Complete("k", token, kSecret)).raw.status, HF_STORE_OK);
  EXPECT_EQ(Below(testing::Read("k")).raw.state, HF_RECORD_COMPLETED);
  EXPECT_EQ(Stored("k").find("4111"), std::string::npos);
  EXPECT_EQ(Ask(testing::Read("k")).raw.status, HF_STORE_ERASED);
}

TEST_F(SealedStoreTest, TenantWithoutAKeyIsRefusedBeforeAnythingHappens) {
  auto stranger = Open({.tenant = "initech"});
  EXPECT_EQ(stranger->Execute(Claim("k", 1), Duration{0}).raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(stranger->Execute(Complete("k", 1, kSecret), Duration{0}).raw.status,
            HF_STORE_UNAVAILABLE);
  EXPECT_EQ(below_->asked(), 0u);
}

TEST_F(SealedStoreTest, BodyOfAnotherTenantRecordOrTimeIsCorrupt) {
  Run("k", kSecret);
  auto globex = Open({.tenant = "globex"});
  EXPECT_EQ(globex->Execute(Claim("k", 2), Duration{0}).raw.status, HF_STORE_CORRUPT);
  Plant("moved", Stored("k"));
  EXPECT_EQ(Ask(Claim("moved", 2)).raw.status, HF_STORE_CORRUPT);
  std::string flipped = Stored("k");
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  Plant("flipped", flipped);
  Plant("plain", "never sealed");
  Plant("empty", "");
  for (const char* key : {"flipped", "plain", "empty"}) {
    const StoreReply reply = Ask(Claim(key, 2));
    EXPECT_EQ(reply.raw.status, HF_STORE_CORRUPT) << key;
    EXPECT_EQ(reply.body, nullptr);
    EXPECT_EQ(reply.raw.body.data, nullptr);
    EXPECT_EQ(reply.detail, "a sealed body does not open");
  }
}

TEST_F(SealedStoreTest, CheckpointIsSealedAndOpensForTheNextOwner) {
  const StoreReply won = Ask(Claim("k", 1, HF_ON_EXPIRY_TAKEOVER));
  EXPECT_EQ(won.raw.body.size, 0u);
  ASSERT_EQ(Ask(testing::Checkpoint("k", won.raw.token, kSecret)).raw.status, HF_STORE_OK);
  clock_.Advance(testing::kLease);
  const StoreReply taken = Ask(Claim("k", 2, HF_ON_EXPIRY_TAKEOVER));
  ASSERT_EQ(taken.raw.status, HF_STORE_WON);
  ASSERT_NE(taken.body, nullptr);
  EXPECT_EQ(*taken.body, kSecret);
  clock_.Advance(testing::kLease);
  const StoreReply below = Below(Claim("k", 3, HF_ON_EXPIRY_TAKEOVER));
  EXPECT_EQ(below.body->find("4111"), std::string::npos);
}

TEST_F(SealedStoreTest, CheckpointThatDoesNotOpenIsCorruptAndTheKeyStaysClaimed) {
  const uint64_t token = Below(Claim("k", 1, HF_ON_EXPIRY_TAKEOVER)).raw.token;
  ASSERT_EQ(Below(testing::Checkpoint("k", token, "planted")).raw.status, HF_STORE_OK);
  clock_.Advance(testing::kLease);
  const StoreReply corrupt = Ask(Claim("k", 2, HF_ON_EXPIRY_TAKEOVER));
  EXPECT_EQ(corrupt.raw.status, HF_STORE_CORRUPT);
  EXPECT_EQ(corrupt.body, nullptr);
  EXPECT_EQ(corrupt.raw.changed, 1u);  // it was claimed
  EXPECT_EQ(Below(Claim("k", 3)).raw.status, HF_STORE_BUSY);
}

TEST_F(SealedStoreTest, CheckpointThatIsTooLargeOnceSealedIsRefusedBeforeAnythingHappens) {
  acme_ = Open({.no_compression = true});
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  const uint64_t asked = below_->asked();
  const std::string large(HF_IDEM_CHECKPOINT_MAX - 52, 'x');
  EXPECT_EQ(Ask(testing::Checkpoint("k", token, large)).raw.status, HF_STORE_OVERLOADED);
  EXPECT_EQ(below_->asked(), asked);
  const std::string fits(HF_IDEM_CHECKPOINT_MAX - 53, 'x');
  EXPECT_EQ(Ask(testing::Checkpoint("k", token, fits)).raw.status, HF_STORE_OK);
}

TEST_F(SealedStoreTest, BodiesFromBeforeTheSealAreReadOnlyIfThatIsAsked) {
  Plant("plain", "never sealed");
  auto lenient = Open({.accept_unsealed = true});
  EXPECT_EQ(*lenient->Execute(Claim("plain", 2), Duration{0}).body, "never sealed");
  Run("k", kSecret);
  std::string broken = Stored("k");
  broken.pop_back();
  Plant("broken", broken);  // looks sealed, so it has to open
  EXPECT_EQ(lenient->Execute(Claim("broken", 2), Duration{0}).raw.status, HF_STORE_CORRUPT);
}

TEST_F(SealedStoreTest, RedactedResultIsWhatDuplicatesGet) {
  acme_ = Open({.redact = [](std::string_view body) {
    if (body == "throw") throw std::runtime_error("a defect of the hook");
    return "card ****" + std::string(body.substr(body.size() - 4));
  }});
  Run("k", kSecret);
  EXPECT_EQ(*Ask(Claim("k", 2)).body, "card ****1111");
  Run("defect", "throw");
  const StoreReply kept = Ask(Claim("defect", 2));
  EXPECT_EQ(kept.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(kept.raw.truncated, HF_BODY_DIGEST);
}

TEST_F(SealedStoreTest, BatchAndSubmitAreSealedAndOpenedAlike) {
  const std::vector<StoreRequest> claims = {Claim("a", 1), Claim("b", 1)};
  const std::vector<StoreReply> won = acme_->ExecuteMany(claims, Duration{0});
  const std::vector<StoreRequest> completions = {Complete("a", won[0].raw.token, "of a"),
                                                 Complete("b", won[1].raw.token, "of b")};
  for (const StoreReply& reply : acme_->ExecuteMany(completions, Duration{0})) {
    EXPECT_EQ(reply.raw.status, HF_STORE_OK);
  }
  EXPECT_EQ(Stored("b").find("of b"), std::string::npos);
  testing::KeptReply waiter;
  ASSERT_TRUE(acme_->Submit(Claim("a", 2), Duration{0}, waiter));
  EXPECT_EQ(*waiter.replies.at(0).body, "of a");
  EXPECT_EQ(*acme_->ExecuteMany(std::vector<StoreRequest>{Claim("b", 2)}, Duration{0})[0].body,
            "of b");
}

TEST_F(SealedStoreTest, StoredRecordIsOpenedForTools) {
  Run("k", kSecret, HF_NOT_FOUND);
  StoredRecord stored;
  const StoreRequest read = testing::Read("k");
  std::copy_n(read.key_id, stored.key_id.size(), stored.key_id.begin());
  stored.record.state = HF_RECORD_COMPLETED;
  stored.record.code = HF_NOT_FOUND;
  stored.body = Stored("k");
  EXPECT_EQ(acme_->OpenBody(stored).value(), kSecret);
  stored.record.code = HF_OK;  // somebody made a success of it
  EXPECT_EQ(acme_->OpenBody(stored).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(keys_->Erase("acme").ok());
  EXPECT_EQ(RejectionOf(acme_->OpenBody(stored).status())->reason, HF_R_STORE_ERASED);
  stored.record.state = HF_RECORD_IN_PROGRESS;
  stored.body.clear();
  EXPECT_EQ(acme_->OpenBody(stored).value(), "");
}

TEST_F(SealedStoreTest, NothingThatIsSaidHoldsAKeyOrABody) {
  std::string heard;
  const auto ask = [&](sealed::Store& store, const StoreRequest& request) {
    heard += store.Execute(request, Duration{0}).detail + "\n";
  };
  Run("4111-key", kSecret);
  std::string cut = Stored("4111-key");
  cut.pop_back();
  Plant("4111-cut", cut);
  ask(*acme_, Claim("4111-cut", 2));
  auto globex = Open({.tenant = "globex"});
  ask(*globex, Claim("4111-key", 2));
  auto stranger = Open({.tenant = "4111-tenant"});
  ask(*stranger, Claim("4111-new", 2));
  const uint64_t token = Ask(Claim("4111-checkpoint", 1)).raw.token;
  ask(*acme_, testing::Checkpoint("4111-checkpoint", token, std::string(HF_IDEM_BODY_MAX, '4')));
  StoredRecord stored;
  stored.record.state = HF_RECORD_COMPLETED;
  stored.body = "4111";
  heard += acme_->OpenBody(stored).status().ToString();
  ASSERT_TRUE(keys_->Erase("acme").ok());
  ask(*acme_, Claim("4111-key", 2));
  heard += acme_->guarantee().why;
  EXPECT_EQ(heard.find("4111"), std::string::npos) << heard;
}

TEST_F(SealedStoreTest, OptionsAreNamedWhereTheyAreMissing) {
  using ::testing::HasSubstr;
  EXPECT_THAT(std::string(sealed::Store::Open({.keys = keys_}).status().message()),
              HasSubstr("store"));
  EXPECT_THAT(std::string(sealed::Store::Open({.store = below_}).status().message()),
              HasSubstr("keys"));
  EXPECT_THAT(std::string(sealed::Store::Open(
                              {.store = below_, .keys = keys_, .tenant = std::string(257, 't')})
                              .status()
                              .message()),
              HasSubstr("tenant"));
  EXPECT_THAT(std::string(sealed::Store::Open(
                              {.store = below_, .keys = keys_, .max_body = HF_IDEM_BODY_MAX + 1})
                              .status()
                              .message()),
              HasSubstr("max_body"));
}

}  // namespace
}  // namespace holdfast
