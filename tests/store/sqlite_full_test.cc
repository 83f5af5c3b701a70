// SPDX-License-Identifier: Apache-2.0
// A full disk: what was begun can be ended, nothing new is begun, and nobody has to restart anything.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <filesystem>
#include <string>
#include <vector>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::FaultVfs;
using testing::Renew;

class SqliteFull : public testing::SqliteTest {
 protected:
  sqlite::Options SmallDisk(const FaultVfs& vfs) {
    sqlite::Options options = Options();
    options.vfs = vfs.name();
    options.reserve_bytes = 512 << 10;
    return options;
  }

  struct Held {
    std::string key;
    uint64_t token = 0;
  };

  // Claims until the disk is full.
  std::vector<Held> FillUp() {
    std::vector<Held> held;
    for (int i = 0; i < 100000; ++i) {
      const std::string key = "k" + std::to_string(i);
      const StoreReply reply = Ask(Claim(key, 1));
      if (reply.raw.status != HF_STORE_WON) {
        EXPECT_EQ(reply.raw.status, HF_STORE_FULL) << reply.detail;
        EXPECT_EQ(StatusOf(testing::Read(key)), HF_STORE_ABSENT);
        return held;
      }
      held.push_back({key, reply.raw.token});
    }
    ADD_FAILURE() << "the disk never filled up";
    return held;
  }
};

TEST_F(SqliteFull, Scenario25EndsWhatIsBegunRefusesWhatIsNewAndRecoversWithoutARestart) {
  FaultVfs vfs;
  OpenStore(SmallDisk(vfs));
  EXPECT_FALSE(store_->stats().low_space);
  vfs.Limit(vfs.used() + (1 << 20));
  const std::vector<Held> held = FillUp();
  ASSERT_GT(held.size(), 50u);
  for (const Held& one : held) {
    ASSERT_EQ(StatusOf(Renew(one.key, one.token)), HF_STORE_OK) << one.key;
  }
  EXPECT_EQ(StatusOf(Claim("new", 1)), HF_STORE_FULL);
  EXPECT_TRUE(store_->stats().low_space);
  const std::string body(100, 'b');
  size_t completed = 0;
  for (const Held& one : held) {
    ASSERT_EQ(StatusOf(Complete(one.key, one.token, body)), HF_STORE_OK) << completed;
    ++completed;
    if (completed % 20 == 0) {
      ASSERT_EQ(StatusOf(Claim("new", 1)), HF_STORE_FULL);
    }
  }
  EXPECT_EQ(completed, held.size());
  RecordProperty("settled_on_a_full_disk", static_cast<int>(2 * completed));
  vfs.Limit(0);
  EXPECT_EQ(StatusOf(Claim("new", 1)), HF_STORE_WON);
  EXPECT_FALSE(store_->stats().low_space);
  EXPECT_EQ(std::filesystem::file_size(path_ + "-reserve"), 512u << 10);
  OpenStore(SmallDisk(vfs));
  for (const Held& one : held) {
    ASSERT_EQ(StatusOf(Claim(one.key, 2)), HF_STORE_REPLAY) << one.key;
  }
  store_.reset();  // before its disk
}

TEST_F(SqliteFull, Scenario25HoldsOverARestartOnTheFullDisk) {
  FaultVfs vfs;
  OpenStore(SmallDisk(vfs));
  vfs.Limit(vfs.used() + (1 << 20));
  const std::vector<Held> held = FillUp();
  OpenStore(SmallDisk(vfs));
  EXPECT_EQ(StatusOf(Complete(held[0].key, held[0].token, "done")), HF_STORE_OK);
  EXPECT_EQ(StatusOf(Complete(held[1].key, held[1].token, "done")), HF_STORE_OK);
  vfs.Limit(0);
  EXPECT_EQ(StatusOf(Claim("new", 1)), HF_STORE_WON);
  store_.reset();  // before its disk
}

TEST_F(SqliteFull, ReserveOfALifeBeforeIsTakenAsItIs) {
  FaultVfs vfs;
  OpenStore(SmallDisk(vfs));
  const uint64_t used = vfs.used();
  vfs.Limit(used + 65536);  // no room for another one
  OpenStore(SmallDisk(vfs));
  EXPECT_FALSE(store_->stats().low_space);
  EXPECT_NE(Win("k"), 0u);
  store_.reset();  // before its disk
}

TEST_F(SqliteFull, DiskWithoutRoomForTheReserveEndsButDoesNotBegin) {
  FaultVfs vfs;
  OpenStore(SmallDisk(vfs));
  const uint64_t token = Win("k");
  store_.reset();
  std::filesystem::remove(path_ + "-reserve");
  vfs.Limit(std::filesystem::file_size(path_) + 256 * 1024);
  OpenStore(SmallDisk(vfs));
  EXPECT_TRUE(store_->stats().low_space);
  const StoreReply refused = Ask(Claim("new", 1));
  EXPECT_EQ(refused.raw.status, HF_STORE_FULL);
  EXPECT_NE(refused.detail.find("kept back"), std::string::npos) << refused.detail;
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_BUSY);  // writes nothing
  EXPECT_EQ(StatusOf(Complete("k", token, "done")), HF_STORE_OK);
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_REPLAY);
  store_.reset();  // before its disk
}

TEST_F(SqliteFull, JoinedWorkThatFindsNoRoomLeavesARecordThatCanBeEnded) {
  FaultVfs vfs;
  OpenStore(SmallDisk(vfs));
  const uint64_t token = Win("k");
  vfs.Limit(vfs.used() + 32768);
  const std::string large(300 << 10, 'x');
  const sqlite::JoinedReply reply =
      store_->RunJoined(ClaimOf("k", token), [&](sqlite3* db) -> absl::StatusOr<std::string> {
        testing::Sql(db, "INSERT INTO payment VALUES(zeroblob(300000), 1)");
        return "paid";
      });
  EXPECT_EQ(reply.store.raw.status, HF_STORE_FULL) << reply.store.detail;
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  store_.reset();  // before its disk
}

}  // namespace
}  // namespace holdfast
