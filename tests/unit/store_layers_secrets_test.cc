// SPDX-License-Identifier: Apache-2.0
// Nothing that leaves a layer for people or scrapers holds a key, a body, a label or a secret: every run below is marked
// in all of them, and everything said is searched for the marks.
#include <gtest/gtest.h>
#include <holdfast/http_idempotency.h>
#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/metrics.h>
#include <holdfast/memory/store.h>
#include <holdfast/metered_store.h>
#include <holdfast/metrics_text.h>
#include <holdfast/store_census.h>
#include <holdfast/testing/virtual_clock.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/requests.h"
#include "unit/probe_store.h"

namespace holdfast {
namespace {

constexpr std::string_view kKey = "MARK-key-4711";
constexpr std::string_view kBody = "MARK-body-4111";
constexpr std::string_view kLabel = "MARK-label";

// All that was said, of whatever kind.
class Ear final : public StoreObserver {
 public:
  void OnStoreEvent(const StoreEvent& event) override {
    Hear(event.store);
    Hear(event.key);
    EXPECT_EQ(event.key.size(), 8u);
    ++events;
  }
  void Hear(std::string_view text) { heard.append(text).append("\n"); }

  std::string heard;
  int events = 0;
};

class StoreLayersSecretsTest : public ::testing::Test {
 protected:
  // Each reply's text, whatever became of the request.
  StoreReply Ask(StoreRequest request) {
    request.label = {kLabel.data(), kLabel.size()};
    StoreReply reply = metered_->Execute(request, Duration{0});
    ear_->Hear(reply.detail);
    return reply;
  }

  std::shared_ptr<Ear> ear_ = std::make_shared<Ear>();
  testing::StoreClock clock_;
  std::shared_ptr<testing::ProbeStore> probe_ = std::make_shared<testing::ProbeStore>(
      memory::Store::Create({.clock = clock_.Function()}).value());
  std::shared_ptr<memory::LocalTier> tier_ =
      memory::LocalTier::Create(probe_, {.clock = clock_.Function()}).value();
  std::unique_ptr<MeteredStore> metered_ =
      MeteredStore::Create(tier_, {.name = "payments", .observer = ear_}).value();
};

TEST_F(StoreLayersSecretsTest, WhatIsSaidHoldsNoMark) {
  uint64_t token = Ask(testing::Claim(kKey, 1)).raw.token;
  Ask(testing::Checkpoint(kKey, token, kBody));
  Ask(testing::Complete(kKey, token, kBody));
  Ask(testing::Complete(kKey, token + 1, kBody));  // fenced: an event
  for (int i = 0; i < 2; ++i) Ask(testing::Claim(kKey, 2));
  Ask(testing::WithFingerprint(testing::Claim(kKey, 3), "other"));
  Ask(testing::Release(kKey, HF_EFFECT_NOT_STARTED));
  Ask(testing::Claim(kKey, 4));
  clock_.Advance(testing::kLease);
  Ask(testing::Claim(kKey, 5));  // in doubt: an event
  Ask(testing::Resolve(kKey, HF_EFFECT_FINAL, kBody));
  StoreRequest unsound = testing::Complete(kKey, token, kBody);
  unsound.verb = 99;
  Ask(unsound);
  probe_->after = [](const StoreRequest&, StoreReply& reply) {
    reply.raw.status = HF_STORE_INDETERMINATE;
  };
  Ask(testing::Claim("MARK-other", 6));
  probe_->after = nullptr;
  EXPECT_EQ(ear_->events, 2);
  ear_->Hear(metered_->guarantee().why);
  ear_->Hear(metered_->Info(Duration{0}).status().ToString());
  MetricsPage page;
  page.Add("payments", metered_->metrics());
  page.Add("payments", *tier_);
  EXPECT_TRUE(page.status().ok()) << page.status();
  ear_->Hear(MetricsText(page));
  EXPECT_EQ(ear_->heard.find("MARK"), std::string::npos) << ear_->heard;
}

TEST_F(StoreLayersSecretsTest, RefusalsOfHttpHoldNoMark) {
  const std::string quoted = "\"" + std::string(kKey);
  for (const std::vector<std::string_view>& values :
       {std::vector<std::string_view>{quoted}, std::vector<std::string_view>{kKey, kKey},
        std::vector<std::string_view>{}}) {
    const absl::Status status = ReadHttpKey(values).status();
    ear_->Hear(status.ToString());
    ear_->Hear(HttpRefusal(status).body);
  }
  for (hf_reason reason = 100; reason < 400; ++reason) {
    const HttpResponse refusal = HttpRefusal(MakeStatus(HF_INTERNAL, reason, kBody), true);
    ear_->Hear(refusal.body);
    for (const HttpField& field : refusal.fields) ear_->Hear(field.value);
  }
  EXPECT_EQ(ear_->heard.find("MARK"), std::string::npos) << ear_->heard;
}

}  // namespace
}  // namespace holdfast
