// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL store for tests: one server per test program, a schema of its own for each test.
#ifndef HOLDFAST_TESTS_STORE_POSTGRES_STORE_H_
#define HOLDFAST_TESTS_STORE_POSTGRES_STORE_H_

#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "store/postgres_server.h"
#include "store/requests.h"

namespace holdfast::testing {

// Left alone by tests that hurt their server: they have their own.
inline PostgresServer& SharedServer() {
  static PostgresServer server;
  return server;
}

inline std::string FreshSchema() {
  static std::atomic<int> number{0};
  return "hf_test_" + std::to_string(++number);
}

class PostgresTest : public ::testing::Test {
 protected:
  virtual PostgresServer& server() { return SharedServer(); }

  postgres::Options Options() {
    postgres::Options options;
    options.url = server().Url();
    options.schema = schema_;
    options.connections = 4;
    options.purge_interval = Duration::max();
    options.clock = clock_.Function();
    options.reconnect_base = std::chrono::milliseconds(5);
    options.reconnect_cap = std::chrono::milliseconds(50);
    return options;
  }

  void OpenStore() { OpenStore(Options()); }
  void OpenStore(postgres::Options options) {
    store_.reset();
    auto opened = postgres::Store::Open(std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  StoreReply Ask(const StoreRequest& request, Duration timeout = Duration{0}) {
    return store_->Execute(request, timeout);
  }
  hf_store_status StatusOf(const StoreRequest& request) { return Ask(request).raw.status; }

  uint64_t Win(std::string_view key, uint64_t who = 1,
               hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    const StoreReply reply = Ask(Claim(key, who, on_expiry));
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << key << ": " << reply.detail;
    return reply.raw.status == HF_STORE_WON ? reply.raw.token : 0;
  }

  // SQL on the test's schema, "$S" for its name.
  std::string Sql(std::string sql) {
    for (size_t at = sql.find("$S"); at != std::string::npos; at = sql.find("$S")) {
      sql.replace(at, 2, schema_);
    }
    return PgClient(server().Url()).Sql(sql);
  }

  const std::string schema_ = FreshSchema();
  StoreClock clock_;
  std::unique_ptr<postgres::Store> store_;
};

// A server of the test's own, to be hurt.
class PostgresServerTest : public PostgresTest {
 protected:
  PostgresServer& server() override { return server_; }
  void SetUp() override { OpenStore(); }

  void AwaitReady() {
    EXPECT_TRUE(Eventually([&] { return store_->stats().ready > 0; }));
  }

  PostgresServer server_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_POSTGRES_STORE_H_
