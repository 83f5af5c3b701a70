// SPDX-License-Identifier: Apache-2.0
// The caller's key in a label: sealed by its tenant's key, and opened by nobody else's.
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/sealed/label_key.h>

#include <memory>
#include <string>

namespace holdfast::sealed {
namespace {

class LabelKeyTest : public ::testing::Test {
 protected:
  LabelKeyTest() {
    EXPECT_TRUE(keys_->Add("acme", 1, SealingKey::Fresh()).ok());
    EXPECT_TRUE(keys_->Add("globex", 1, SealingKey::Fresh()).ok());
  }
  absl::Status WhyNot(std::string_view tenant, std::string_view sealed) {
    return OpenKey(*keys_, tenant, sealed).status();
  }

  std::shared_ptr<MemoryKeyRing> keys_ = std::make_shared<MemoryKeyRing>();
};

TEST_F(LabelKeyTest, OpensForItsTenantAlone) {
  const auto seal = KeySealer(keys_);
  for (const std::string& key :
       {std::string("order-4711"), std::string("\0\xFF{}", 4), std::string(HF_IDEM_KEY_MAX, 'k')}) {
    const std::string sealed = seal("acme", key).value();
    EXPECT_EQ(sealed.find(key), std::string::npos);
    EXPECT_EQ(sealed.size(), key.size() + 53);
    EXPECT_EQ(OpenKey(*keys_, "acme", sealed).value(), key);
    EXPECT_EQ(WhyNot("globex", sealed).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(WhyNot("initech", sealed).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(WhyNot("acme", sealed.substr(1)).code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(LabelKeyTest, OldNumberOpensAndAnErasedOneSaysSo) {
  const auto seal = KeySealer(keys_);
  const std::string sealed = seal("acme", "order-1").value();
  ASSERT_TRUE(keys_->Add("acme", 2, SealingKey::Fresh()).ok());
  EXPECT_EQ(OpenKey(*keys_, "acme", sealed).value(), "order-1");
  ASSERT_TRUE(keys_->Erase("acme").ok());
  EXPECT_EQ(RejectionOf(WhyNot("acme", sealed))->reason, HF_R_STORE_ERASED);
  EXPECT_EQ(RejectionOf(seal("acme", "order-2").status())->reason, HF_R_STORE_ERASED);
}

TEST_F(LabelKeyTest, RefusalsAreNamed) {
  const auto seal = KeySealer(keys_);
  EXPECT_EQ(seal("initech", "order-1").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(RejectionOf(seal("acme", std::string(HF_IDEM_KEY_MAX + 1, 'k')).status())->reason,
            HF_R_KEY_OVERSIZE);
}

}  // namespace
}  // namespace holdfast::sealed
