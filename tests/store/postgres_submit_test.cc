// SPDX-License-Identifier: Apache-2.0
// The asynchronous form, the store's thread, its end, and TLS.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Eventually;

class Waiter final : public StoreWaiter {
 public:
  void OnReply(StoreReply reply) override {
    if (store != nullptr) nested = store->Execute(Claim("nested", 1), Duration{0}).raw.status;
    status = reply.raw.status;
    ++calls;
  }
  Store* store = nullptr;
  std::atomic<hf_store_status> status{0};
  std::atomic<hf_store_status> nested{0};
  std::atomic<int> calls{0};
};

class PostgresSubmit : public testing::PostgresTest {};

TEST_F(PostgresSubmit, ThousandRequestsAtOnceAreAnsweredOnceEach) {
  OpenStore();
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 1000; ++i) {
    waiters.push_back(std::make_unique<Waiter>());
    ASSERT_TRUE(store_->Submit(Claim("k" + std::to_string(i % 500), static_cast<uint64_t>(i) + 1),
                               Duration{0}, *waiters.back()));
  }
  int won = 0, busy = 0;
  for (const auto& waiter : waiters) {
    ASSERT_TRUE(Eventually([&] { return waiter->calls == 1; }));
    won += waiter->status == HF_STORE_WON;
    busy += waiter->status == HF_STORE_BUSY;
  }
  EXPECT_EQ(won, 500);
  EXPECT_EQ(busy, 500);
}

TEST_F(PostgresSubmit, BlockingCallOnTheStoresThreadIsRefused) {
  OpenStore();
  Waiter waiter;
  waiter.store = store_.get();
  store_->Submit(Claim("k", 1), Duration{0}, waiter);
  ASSERT_TRUE(Eventually([&] { return waiter.calls == 1; }));
  EXPECT_EQ(waiter.status, HF_STORE_WON);
  EXPECT_EQ(waiter.nested, HF_STORE_UNAVAILABLE);
}

class Purger final : public StoreWaiter {
 public:
  explicit Purger(OperableStore& store) : store_(store) {}
  void OnReply(StoreReply) override {
    purged = store_.Purge(10, std::chrono::milliseconds(100)).status();
    called = true;
  }
  absl::Status purged;
  std::atomic<bool> called{false};

 private:
  OperableStore& store_;
};

TEST_F(PostgresSubmit, PurgeOnTheStoresThreadIsRefused) {
  OpenStore();
  auto* const purger = new Purger(*store_);  // left alone if it never comes back
  store_->Submit(Claim("k", 1), Duration{0}, *purger);
  const bool back = Eventually([&] { return purger->called.load(); }, std::chrono::seconds(5));
  if (!back) static_cast<void>(store_.release());  // its thread waits for itself
  ASSERT_TRUE(back);
  EXPECT_EQ(purger->purged.code(), absl::StatusCode::kUnavailable) << purger->purged;
  delete purger;
}

TEST_F(PostgresSubmit, EndOfTheStoreAnswersAllThatWasAccepted) {
  for (int round = 0; round < 5; ++round) {
    OpenStore();
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (int i = 0; i < 200; ++i) {
      waiters.push_back(std::make_unique<Waiter>());
      const std::string key = std::to_string(round) + "/" + std::to_string(i);
      store_->Submit(Claim(key, 1), Duration{0}, *waiters.back());
    }
    store_.reset();
    for (const auto& waiter : waiters) EXPECT_EQ(waiter->calls, 1);
  }
}

TEST_F(PostgresSubmit, FullQueueIsOverloadedAndDidNothing) {
  postgres::Options options = Options();
  options.connections = options.pipeline_depth = 1;
  options.max_queue = 4;
  OpenStore(options);
  const uint64_t token = Ask(Claim("held", 1)).raw.token;
  testing::PgClient blocker(server().Url());
  blocker.Sql("BEGIN");
  blocker.Sql("SELECT FROM " + schema_ + ".record FOR UPDATE");
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 10; ++i) {
    waiters.push_back(std::make_unique<Waiter>());
    store_->Submit(testing::Renew("held", token), Duration{0}, *waiters.back());
  }
  int overloaded = 0;
  EXPECT_TRUE(Eventually([&] {
    overloaded = 0;
    for (const auto& waiter : waiters) overloaded += waiter->status == HF_STORE_OVERLOADED;
    return overloaded == 5;
  })) << overloaded;
  blocker.Sql("COMMIT");
  for (const auto& waiter : waiters) {
    EXPECT_TRUE(Eventually([&] { return waiter->calls == 1; }));
  }
}

TEST_F(PostgresSubmit, SweepsByItselfIfAsked) {
  postgres::Options options = Options();
  options.purge_interval = std::chrono::milliseconds(10);
  OpenStore(options);
  StoreRequest complete = testing::Complete("k", Win("k"), "x");
  ASSERT_EQ(StatusOf(complete), HF_STORE_OK);
  clock_.Advance(2 * testing::kTtl);
  EXPECT_TRUE(Eventually([&] { return store_->stats().purged == 1; }));
}

TEST_F(PostgresSubmit, ServersCertificateIsVerified) {
  testing::PostgresServer secure;
  const std::string cert = secure.data() + "/server.crt", key = secure.data() + "/server.key";
  const std::string make =
      "openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -addext "
      "subjectAltName=IP:127.0.0.1 -out " +
      cert + " -keyout " + key + " >/dev/null 2>&1";
  if (std::system(make.c_str()) != 0) GTEST_SKIP() << "no openssl command";
  std::filesystem::permissions(key, std::filesystem::perms(0600));
  testing::postgres_internal::Folder::GiveToPostgres(secure.data());
  secure.Configure({"ssl=on"});
  secure.Restart();
  postgres::Options options = Options();
  options.url = secure.Url() + "?sslmode=verify-full&sslrootcert=" + cert;
  OpenStore(options);
  Win("k");
  EXPECT_GE(std::stoi(testing::PgClient(secure.Url())
                          .Sql("SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING "
                               "(pid) WHERE s.ssl "
                               "AND a.application_name='holdfast'")),
            1);
  store_.reset();
  const std::string other = secure.folder() + "/other.crt";
  const std::string forge = "openssl req -new -x509 -days 2 -nodes -subj /CN=other -out " + other +
                            " -keyout /dev/null >/dev/null 2>&1";
  ASSERT_EQ(std::system(forge.c_str()), 0);
  options.url = secure.Url() + "?sslmode=verify-full&sslrootcert=" + other;
  const absl::Status refused = postgres::Store::Open(options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_NE(std::string(refused.message()).find("certificate"), std::string::npos) << refused;
}

}  // namespace
}  // namespace holdfast
