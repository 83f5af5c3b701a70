// SPDX-License-Identifier: Apache-2.0
// Keys by tenant and number, by hand and from a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/sealed/key_ring.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace holdfast::sealed {
namespace {

using ::testing::HasSubstr;

const std::string kOnes(64, '1');
const std::string kTwos(64, '2');

class KeyFileTest : public ::testing::Test {
 protected:
  KeyFileTest() {
    folder_ = ::testing::TempDir() + "holdfast-keys-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~KeyFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Path() const { return folder_ + "/keys"; }
  absl::Status Load(const std::string& text, mode_t mode = 0600) {
    std::ofstream(Path(), std::ios::trunc) << text;
    EXPECT_EQ(chmod(Path().c_str(), mode), 0);
    return ring_.Load(Path());
  }

  std::string folder_;
  MemoryKeyRing ring_;
};

TEST(MemoryKeyRing, NewestSealsAndOlderOnesAreStillFound) {
  MemoryKeyRing ring;
  const SealingKey first = SealingKey::Fresh();
  const SealingKey second = SealingKey::Fresh();
  ASSERT_TRUE(ring.Add("acme", 1, first).ok());
  ASSERT_TRUE(ring.Add("acme", 5, second).ok());
  EXPECT_EQ(ring.Current("acme").number, 5u);
  EXPECT_EQ(std::memcmp(ring.Find("acme", 1).key.data(), first.data(), SealingKey::kBytes), 0);
  EXPECT_EQ(ring.Find("acme", 2).state, KeyState::kMissing);
  EXPECT_EQ(ring.Current("globex").state, KeyState::kMissing);
  EXPECT_EQ(ring.Find("globex", 1).state, KeyState::kMissing);
}

TEST(MemoryKeyRing, NumbersOnlyRiseAndBadKeysAreNamed) {
  MemoryKeyRing ring;
  ASSERT_TRUE(ring.Add("acme", 2, SealingKey::Fresh()).ok());
  EXPECT_EQ(ring.Add("acme", 2, SealingKey::Fresh()).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ring.Add("acme", 1, SealingKey::Fresh()).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(ring.Add("acme", 0, SealingKey::Fresh()).message()), HasSubstr("number"));
  EXPECT_THAT(std::string(ring.Add("acme", 3, SealingKey()).message()), HasSubstr("zeros"));
  EXPECT_THAT(std::string(ring.Add(std::string(257, 'a'), 3, SealingKey::Fresh()).message()),
              HasSubstr("tenant"));
}

TEST(MemoryKeyRing, ErasedTenantIsErasedUntilItGetsANewKey) {
  MemoryKeyRing ring;
  EXPECT_EQ(ring.Erase("acme").code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(ring.Add("acme", 1, SealingKey::Fresh()).ok());
  ASSERT_TRUE(ring.Erase("acme").ok());
  EXPECT_EQ(ring.Current("acme").state, KeyState::kErased);
  EXPECT_EQ(ring.Current("acme").number, 1u);
  EXPECT_EQ(ring.Find("acme", 1).state, KeyState::kErased);
  ASSERT_TRUE(ring.Add("acme", 2, SealingKey::Fresh()).ok());
  EXPECT_EQ(ring.Current("acme").state, KeyState::kReady);
  EXPECT_EQ(ring.Find("acme", 1).state, KeyState::kErased);
}

TEST_F(KeyFileTest, LinesAreTenantNumberAndKey) {
  ASSERT_TRUE(Load("# keys\n\nacme 1 " + kOnes + "\nacme\t2  erased\n- 3 " + kTwos +
                   "\nhex:00ff 4 " + kOnes)
                  .ok());
  EXPECT_EQ(ring_.Find("acme", 1).state, KeyState::kReady);
  EXPECT_EQ(ring_.Find("acme", 1).key.data()[31], 0x11);
  EXPECT_EQ(ring_.Current("acme").state, KeyState::kErased);
  EXPECT_EQ(ring_.Current("").number, 3u);
  EXPECT_EQ(ring_.Current(std::string_view("\0\xFF", 2)).number, 4u);
}

TEST_F(KeyFileTest, BadFileChangesNothingAndItsErrorShowsNoKey) {
  ASSERT_TRUE(Load("acme 1 " + kOnes + "\n").ok());
  const std::string secret = "5ec4e7" + std::string(56, '0');
  for (const std::string& bad :
       {"acme 2 " + secret, "acme 2 " + secret + "00 more", "acme " + secret, "acme x " + kTwos,
        "acme 0 " + kTwos, "hex:0 2 " + kTwos, "hex:zz 2 " + kTwos,
        "acme 2 " + std::string(64, '0'), "acme 3 " + kTwos + "\nacme 2 " + kOnes}) {
    const absl::Status status = Load("acme 1 " + kTwos + "\n" + bad + "\n");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("line ")) << bad;
    EXPECT_EQ(std::string(status.message()).find("5ec4e7"), std::string::npos);
    EXPECT_EQ(ring_.Find("acme", 1).key.data()[0], 0x11);
  }
}

TEST_F(KeyFileTest, FileThatOthersMayReadIsRefused) {
  EXPECT_EQ(Load("acme 1 " + kOnes, 0640).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Load("acme 1 " + kOnes, 0604).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Load("acme 1 " + kOnes, 0400).ok());
}

TEST_F(KeyFileTest, AbsentFileAndFolderAreUnavailable) {
  EXPECT_EQ(ring_.Load(folder_ + "/none").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ring_.Load(folder_).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace holdfast::sealed
