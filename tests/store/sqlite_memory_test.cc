// SPDX-License-Identifier: Apache-2.0
// Out of memory at each allocation in turn, on either side of the queue and inside SQLite: a request happens
// whole and is answered, or does not happen, and no key is left to an owner who does not know of it.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "store/sqlite_files.h"

namespace {

// Which allocation of the process fails, and whether all after it do.
std::atomic<bool> armed{false};
std::atomic<int> left{0};
std::atomic<bool> lasting{false};
std::atomic<bool> struck{false};

bool Fails() {
  if (!armed) return false;
  const int before = left.fetch_sub(1);
  const bool fails = lasting ? before <= 1 : before == 1;
  if (fails) struck = true;
  return fails;
}

sqlite3_mem_methods real;

void* Malloc(int size) { return Fails() ? nullptr : real.xMalloc(size); }
void* Realloc(void* old, int size) { return Fails() ? nullptr : real.xRealloc(old, size); }

// Before anything else uses SQLite.
const bool replaced = [] {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
  sqlite3_mem_methods failing = real;
  failing.xMalloc = &Malloc;
  failing.xRealloc = &Realloc;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK;
}();

}  // namespace

// Not inlined, or the compiler sees malloc here and delete there.
[[gnu::noinline]] void* operator new(size_t size) {
  void* const memory = Fails() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;

class SqliteMemory : public testing::SqliteTest {
 protected:
  SqliteMemory() {
    sqlite::Options options = Options();
    options.reserve_bytes = 65536;
    OpenStore(options);
  }

  // Runs `ask` with the n-th allocation failing, until n is more than there are.
  template <typename Ask>
  void Sweep(const Ask& ask) {
    for (const bool all : {false, true}) {
      bool again = true;
      for (int n = 1; again && !HasFailure(); ++n) {
        ASSERT_LT(n, 3000);
        ask(n + (all ? 10000 : 0), [&] {
          struck = false;
          lasting = all;
          left = n;
          armed = true;
        });
        again = struck;
      }
    }
  }
  static void Heal() { armed = false; }

  static bool Nothing(hf_store_status status) {
    return status == HF_STORE_UNAVAILABLE || status == HF_STORE_OVERLOADED;
  }
};

TEST_F(SqliteMemory, Scenario31ClaimIsWonOrDidNotHappen) {
  ASSERT_TRUE(replaced);
  int refused = 0;
  Sweep([&](int n, const auto& arm) {
    const std::string key = "claim " + std::to_string(n);
    const std::string label(500, 'l');
    StoreRequest claim = Claim(key, 1);
    claim.label = {label.data(), label.size()};
    arm();
    const StoreReply reply = store_->Execute(claim, Duration{0});
    Heal();
    const StoreReply found = Ask(testing::Read(key));
    if (reply.raw.status == HF_STORE_WON) {
      EXPECT_EQ(found.raw.token, reply.raw.token) << n;
    } else if (Nothing(reply.raw.status)) {
      EXPECT_EQ(found.raw.status, HF_STORE_ABSENT) << n;
      EXPECT_EQ(StatusOf(claim), HF_STORE_WON) << n;
      ++refused;
    } else {
      EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE) << n;
      EXPECT_EQ(StatusOf(claim), HF_STORE_WON) << n;  // one's own nonce
    }
  });
  EXPECT_GT(refused, 4);
}

TEST_F(SqliteMemory, Scenario31CompletionIsStoredOrTheLeaseIsStillOnesOwn) {
  int refused = 0;
  const std::string body(2000, 'b');
  Sweep([&](int n, const auto& arm) {
    const std::string key = "complete " + std::to_string(n);
    const uint64_t token = Win(key);
    const StoreRequest complete = Complete(key, token, body);
    arm();
    const StoreReply reply = store_->Execute(complete, Duration{0});
    Heal();
    if (Nothing(reply.raw.status)) {
      EXPECT_EQ(StatusOf(testing::Renew(key, token)), HF_STORE_OK) << n;
      EXPECT_EQ(StatusOf(complete), HF_STORE_OK) << n;
      ++refused;
    }
    const StoreReply replay = Ask(Claim(key, 2));
    ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY) << n << " after " << reply.raw.status;
    EXPECT_EQ(*replay.body, body) << n;
  });
  EXPECT_GT(refused, 4);
}

TEST_F(SqliteMemory, Scenario31ReplayAndReadAnswerOrSayThatTheyDidNot) {
  const std::string body(3000, 'b');
  ASSERT_EQ(StatusOf(Complete("k", Win("k"), body)), HF_STORE_OK);
  Sweep([&](int n, const auto& arm) {
    const StoreRequest claim = Claim("k", 2);
    arm();
    const StoreReply reply = store_->Execute(claim, Duration{0});
    Heal();
    if (Nothing(reply.raw.status)) return;
    ASSERT_EQ(reply.raw.status, HF_STORE_REPLAY) << n;
    EXPECT_EQ(*reply.body, body) << n;
  });
}

TEST_F(SqliteMemory, Scenario31ManyAnswerEachForItself) {
  Sweep([&](int n, const auto& arm) {
    std::vector<std::string> keys;
    std::vector<StoreRequest> claims;
    for (int i = 0; i < 5; ++i) keys.push_back(std::to_string(n) + " " + std::to_string(i));
    for (const std::string& key : keys) claims.push_back(Claim(key, 1));
    std::vector<StoreReply> replies;
    arm();
    try {
      replies = store_->ExecuteMany(claims, Duration{0});
    } catch (const std::bad_alloc&) {  // before anything was asked
    }
    Heal();
    for (size_t i = 0; i < keys.size(); ++i) {
      const StoreReply found = Ask(testing::Read(keys[i]));
      const bool nothing = replies.empty() || Nothing(replies[i].raw.status);
      if (nothing) {
        EXPECT_EQ(found.raw.status, HF_STORE_ABSENT) << n;
      } else if (replies[i].raw.status == HF_STORE_WON) {
        EXPECT_EQ(found.raw.token, replies[i].raw.token) << n;
      }
    }
  });
}

TEST_F(SqliteMemory, Scenario31SubmittedRequestIsAnsweredAlways) {
  struct Once final : StoreWaiter {
    void OnReply(StoreReply reply) override {
      status = reply.raw.status;
      status.notify_all();
    }
    std::atomic<hf_store_status> status{0};
  };
  Sweep([&](int n, const auto& arm) {
    const std::string key = "submit " + std::to_string(n);
    Once once;
    const StoreRequest claim = Claim(key, 1);
    arm();
    const bool taken = store_->Submit(claim, Duration{0}, once);
    once.status.wait(0);
    Heal();
    EXPECT_TRUE(taken);
    const StoreReply found = Ask(testing::Read(key));
    EXPECT_EQ(found.raw.status == HF_STORE_ABSENT, Nothing(once.status)) << n;
  });
}

TEST_F(SqliteMemory, Scenario31JoinedWorkAndItsRecordAgree) {
  Sweep([&](int n, const auto& arm) {
    const std::string key = "joined " + std::to_string(n);
    const sqlite::JoinedClaim claim = ClaimOf(key, Win(key));
    const sqlite::Work work = [&](sqlite3* db) -> absl::StatusOr<std::string> {
      sqlite3_stmt* insert = nullptr;
      int code = sqlite3_prepare_v2(db, "INSERT INTO payment VALUES(?1, 1)", -1, &insert, nullptr);
      sqlite3_bind_text(insert, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
      if (code == SQLITE_OK) code = sqlite3_step(insert);
      sqlite3_finalize(insert);
      if (code != SQLITE_DONE) return absl::Status(absl::StatusCode::kInternal, "");
      return std::string(100, 'b');
    };
    arm();
    try {
      (void)store_->RunJoined(claim, work);
    } catch (const std::bad_alloc&) {  // the work's own, or before it began
    }
    Heal();
    const bool completed = Ask(testing::Read(key)).raw.state == HF_RECORD_COMPLETED;
    const std::string rows = "SELECT count(*) FROM payment WHERE id='" + key + "'";
    EXPECT_EQ(testing::SqliteTest::Ask(rows), completed ? "1" : "0") << n;
    if (!completed) {
      EXPECT_EQ(StatusOf(testing::Renew(key, claim.token)), HF_STORE_OK) << n;
    }
  });
}

}  // namespace
}  // namespace holdfast
