// SPDX-License-Identifier: Apache-2.0
// A disk that fails at every operation in turn: what was acknowledged stays, "nothing happened" is true,
// and the store goes on by itself once the disk does.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"
#include "store/sqlite_ledger.h"

namespace holdfast {
namespace {

using testing::Audit;
using testing::Claim;
using testing::Fault;
using testing::FaultVfs;
using testing::KeyName;
using testing::Live;
using testing::Note;

constexpr int kKeys = 8;

class SqliteFaults : public testing::SqliteTest {
 protected:
  sqlite::Options FaultyOptions(const FaultVfs& vfs, const std::string& path) {
    sqlite::Options options = Options();
    options.path = path;
    options.vfs = vfs.name();
    options.checkpoint_pages = 12;  // so that checkpoints are among the operations
    options.settle_timeout = std::chrono::seconds(60);
    return options;
  }

  // Lives under `fault` at its n-th operation, for every n until it no longer strikes.
  void Sweep(Fault fault, bool lasting) {
    int n = 1;
    for (bool struck = true; struck && !HasFailure(); ++n) {
      const std::string where = "operation " + std::to_string(n);
      const std::string path = folder_ / std::to_string(n);
      FaultVfs vfs;
      auto store = sqlite::Store::Open(FaultyOptions(vfs, path));
      ASSERT_TRUE(store.ok()) << store.status();
      vfs.Inject(fault, n, lasting);
      std::vector<Note> notes;
      const auto note = [&](const Note& one) {
        notes.push_back(one);
        statuses_[one.status] += 1;
      };
      Live(**store, 0, kKeys, note);
      struck = vfs.struck();
      vfs.Heal();
      // No restart: the next life is without fault.
      std::vector<Note> later;
      Live(**store, 100, 1, [&](const Note& one) { later.push_back(one); });
      ASSERT_EQ(later.size(), 2u) << where;
      EXPECT_EQ(later[1].status, HF_STORE_OK) << where;
      Audit(**store, notes, where);
      store->reset();
      store = sqlite::Store::Open(FaultyOptions(vfs, path));
      ASSERT_TRUE(store.ok()) << store.status();
      notes.insert(notes.end(), later.begin(), later.end());
      Audit(**store, notes, where + ", reopened");
    }
    EXPECT_GT(n, 20);
  }

  std::map<hf_store_status, int> statuses_;
};

TEST_F(SqliteFaults, Scenario25FullDiskLosesNothingAndRecovers) {
  Sweep(Fault::kFull, false);
  EXPECT_GT(statuses_[HF_STORE_FULL], 0);
}

TEST_F(SqliteFaults, DiskThatStaysFullRefusesAndRecoversWithoutARestart) {
  Sweep(Fault::kFull, true);
  EXPECT_GT(statuses_[HF_STORE_FULL], 0);
}

TEST_F(SqliteFaults, ShortWriteLosesNothing) { Sweep(Fault::kShortWrite, false); }

TEST_F(SqliteFaults, WriteErrorIsUnavailableAndTrue) {
  Sweep(Fault::kWriteError, false);
  EXPECT_GT(statuses_[HF_STORE_UNAVAILABLE], 0);
}

TEST_F(SqliteFaults, WriteThatHappenedAndFailedIsToldAsItIs) {
  Sweep(Fault::kWrittenButFailed, false);
}

TEST_F(SqliteFaults, Scenario28FailedSyncIsIndeterminateAndTheStoreReopens) {
  Sweep(Fault::kSyncError, false);
  EXPECT_GT(statuses_[HF_STORE_INDETERMINATE], 0);
}

TEST_F(SqliteFaults, DiskWhoseSyncsKeepFailingAcknowledgesNothing) {
  FaultVfs vfs;
  OpenStore(FaultyOptions(vfs, path_));
  const uint64_t token = Win("before");
  vfs.Inject(Fault::kSyncError, 1, true);
  EXPECT_EQ(StatusOf(Claim("a", 1)), HF_STORE_INDETERMINATE);
  EXPECT_EQ(StatusOf(Claim("b", 1)), HF_STORE_UNAVAILABLE);  // cannot even be reopened
  EXPECT_EQ(store_->stats().reopened, 1u);
  vfs.Heal();
  const StoreReply reply = Ask(testing::Complete("before", token, "x"));
  EXPECT_EQ(reply.raw.status, HF_STORE_OK) << reply.detail;
  EXPECT_EQ(StatusOf(testing::Read("b")), HF_STORE_ABSENT);
  store_.reset();  // before its disk
}

// The nastiest of disks: a sync fails once, its pages are taken for clean, and later the power goes.
TEST_F(SqliteFaults, Scenario29PowerCutLosesNothingAcknowledgedNotEvenAfterAFailedSync) {
  int n = 1;
  for (bool struck = true; struck && !HasFailure(); ++n) {
    FaultVfs vfs;
    const std::string name = "p" + std::to_string(n);
    auto store = sqlite::Store::Open(FaultyOptions(vfs, folder_ / name));
    ASSERT_TRUE(store.ok());
    std::vector<Note> notes;
    const auto note = [&](const Note& one) { notes.push_back(one); };
    if (n % 2 == 0) {
      vfs.Inject(Fault::kSyncError, 1 + n % 7);
      Live(**store, 50, 4, note);
      vfs.Heal();
    }
    vfs.Inject(Fault::kPowerCut, n);
    Live(**store, 0, kKeys, note);
    struck = vfs.struck();
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const testing::TempFolder after;
      for (const auto& [path, bytes] : vfs.AfterPowerCut(seed * 1000 + static_cast<uint64_t>(n))) {
        testing::WriteWhole(after / path.substr(path.rfind('/') + 1), bytes);
      }
      FaultVfs sound;
      auto again = sqlite::Store::Open(FaultyOptions(sound, after / name));
      ASSERT_TRUE(again.ok()) << "operation " << n << ": " << again.status();
      // Of what got no commit the disk may hold all or nothing: with the power gone, so is the certainty
      // of "nothing happened", which rests on a file that can still be read back.
      std::vector<Note> sure;
      for (Note one : notes) {
        const bool acknowledged = one.status == HF_STORE_OK || one.status == HF_STORE_WON;
        if (!acknowledged) one.status = HF_STORE_INDETERMINATE;
        sure.push_back(one);
      }
      Audit(**again, sure, "operation " + std::to_string(n) + " seed " + std::to_string(seed));
    }
  }
  EXPECT_GT(n, 30);
}

TEST_F(SqliteFaults, FailureWhileOpeningChangesNothing) {
  for (const Fault fault : {Fault::kFull, Fault::kWriteError, Fault::kSyncError}) {
    for (int n = 1; n < 60; ++n) {
      FaultVfs vfs;
      const std::string path = folder_ / ("o" + std::to_string(n));
      vfs.Inject(fault, n);
      const auto opened = sqlite::Store::Open(FaultyOptions(vfs, path));
      if (opened.ok()) continue;  // or it was not reached, or it was the last checkpoint's
      EXPECT_TRUE(RejectionOf(opened.status()).has_value()) << opened.status();
      vfs.Heal();
      const auto again = sqlite::Store::Open(FaultyOptions(vfs, path));
      ASSERT_TRUE(again.ok()) << n << again.status();
      EXPECT_EQ((*again)->Execute(Claim("k", 1), Duration{0}).raw.status, HF_STORE_WON);
    }
  }
}

TEST_F(SqliteFaults, ReopensTheFileItHadWhereverTheProcessIsNow) {
  const std::string before = std::filesystem::current_path();
  for (const char* name : {"first", "second"}) std::filesystem::create_directory(folder_ / name);
  FaultVfs vfs;
  std::filesystem::current_path(folder_ / "first");
  OpenStore(FaultyOptions(vfs, "store.db"));
  ASSERT_EQ(StatusOf(testing::Complete("k", Win("k"), "done")), HF_STORE_OK);
  std::filesystem::current_path(folder_ / "second");
  vfs.Inject(Fault::kWriteError, 1);
  EXPECT_EQ(StatusOf(Claim("other", 1)), HF_STORE_UNAVAILABLE);
  vfs.Heal();
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_REPLAY);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "second/store.db"));
  store_.reset();  // before its disk
  std::filesystem::current_path(before);
}

// A volume that went away leaves an empty folder behind: a new file there would know none of the keys.
TEST_F(SqliteFaults, FileThatIsGoneIsNotMadeAnewByReopening) {
  for (const bool emptied : {false, true}) {
    FaultVfs vfs;
    const std::string path = folder_ / (emptied ? "emptied" : "gone");
    OpenStore(FaultyOptions(vfs, path));
    ASSERT_EQ(StatusOf(testing::Complete("k", Win("k"), "done")), HF_STORE_OK);
    std::filesystem::rename(path, path + ".away");
    std::filesystem::rename(path + "-wal", path + ".away-wal");
    if (emptied) testing::WriteWhole(path, "");
    vfs.Inject(Fault::kWriteError, 1);
    EXPECT_EQ(StatusOf(Claim("other", 1)), HF_STORE_INDETERMINATE);  // nothing to read back
    vfs.Heal();
    const hf_store_status refused = emptied ? HF_STORE_CORRUPT : HF_STORE_UNAVAILABLE;
    EXPECT_EQ(StatusOf(Claim("k", 2)), refused);
    std::filesystem::rename(path + ".away", path);
    std::filesystem::rename(path + ".away-wal", path + "-wal");
    EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_REPLAY);
    store_.reset();  // before its disk
  }
}

}  // namespace
}  // namespace holdfast
