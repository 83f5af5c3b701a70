// SPDX-License-Identifier: Apache-2.0
// Who is let in, and which servers are: AUTH, ACL, TLS, the gate, the sentinel.
#include <gtest/gtest.h>
#include <holdfast/redis/store.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "store/redis_server.h"
#include "store/requests.h"

namespace holdfast {
namespace {

using testing::Eventually;
using testing::RedisServer;

std::unique_ptr<redis::Store> Open(redis::Options options) {
  auto store = redis::Store::Open(std::move(options));
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

absl::Status Refused(redis::Options options) {
  return redis::Store::Open(std::move(options)).status();
}

bool Says(const absl::Status& status, std::string_view text) {
  return std::string_view(status.message().data(), status.message().size()).find(text) !=
         std::string_view::npos;
}

hf_store_status StatusOf(Store& store, const StoreRequest& request) {
  return store.Execute(request, Duration{0}).raw.status;
}

TEST(RedisAccess, PasswordOpensAndAWrongOneIsNeverRepeated) {
  RedisServer server({"requirepass correct-horse"});
  server.UsePassword("correct-horse");
  redis::Options options = server.Options();
  EXPECT_NE(Open(options), nullptr);
  options.server.credentials.password = "battery-staple";
  const absl::Status wrong = Refused(options);
  EXPECT_EQ(wrong.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Says(wrong, "WRONGPASS")) << wrong;
  EXPECT_FALSE(Says(wrong, "battery-staple")) << wrong;
  options.server.credentials.password.clear();
  EXPECT_TRUE(Says(Refused(options), "NOAUTH"));
}

TEST(RedisAccess, UserOfAnAccessListNeedsOnlyWhatTheDocsSay) {
  RedisServer server;
  ASSERT_EQ(server.Command({"ACL",
                            "SETUSER",
                            "hf",
                            "on",
                            ">secret",
                            "~hf:*",
                            "+get",
                            "+set",
                            "+getrange",
                            "+strlen",
                            "+pexpiretime",
                            "+time",
                            "+eval",
                            "+evalsha",
                            "+script|load",
                            "+info",
                            "+role",
                            "+wait",
                            "+client|setname",
                            "+select"}),
            "OK");
  redis::Options options = server.Options();
  options.server.credentials = {.username = "hf", .password = "secret"};
  const auto store = Open(options);
  ASSERT_NE(store, nullptr);
  // CONFIG is not allowed: the worst is assumed, and said.
  EXPECT_NE(store->guarantee().why.find("no AOF"), std::string::npos);
  const StoreReply won = store->Execute(testing::Claim("k", 1), Duration{0});
  ASSERT_EQ(won.raw.status, HF_STORE_WON) << won.detail;
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_BUSY);
  EXPECT_EQ(StatusOf(*store, testing::Complete("k", won.raw.token, "x")), HF_STORE_OK);
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_REPLAY);
  // A release that may not leave its row behind takes the key from nobody.
  const StoreReply owned = store->Execute(testing::Claim("owned", 1), Duration{0});
  const StoreReply release =
      store->ExecuteAudited(testing::Release("owned", HF_EFFECT_RETRYABLE),
                            {.actor = "me", .reason = "a test"}, Duration{0});
  EXPECT_GE(release.raw.status, HF_STORE_UNAVAILABLE) << release.detail;
  EXPECT_EQ(StatusOf(*store, testing::Renew("owned", owned.raw.token)), HF_STORE_OK);
  // What a user may not do did not happen.
  ASSERT_EQ(server.Command({"ACL", "SETUSER", "hf", "-set"}), "OK");
  const StoreReply refused = store->Execute(testing::Claim("other", 1), Duration{0});
  EXPECT_EQ(refused.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(refused.detail.find("NOPERM"), std::string::npos);
}

TEST(RedisAccess, UserWhoMayNotLookIsRefusedUnlessThatIsAllowedByName) {
  RedisServer server;
  ASSERT_EQ(
      server.Command({"ACL", "SETUSER", "blind", "on", ">x", "~*", "+@all", "-info", "-config"}),
      "OK");
  redis::Options options = server.Options();
  options.server.credentials = {.username = "blind", .password = "x"};
  EXPECT_TRUE(Says(Refused(options), "allow_unknown_configuration"));
  options.allow_unknown_configuration = true;
  const auto store = Open(options);
  EXPECT_EQ(store->guarantee().level, GuaranteeLevel::kProcess);
  EXPECT_NE(store->guarantee().why.find("not known"), std::string::npos);
}

TEST(RedisAccess, PasswordFileIsReadAnewForEachConnection) {
  RedisServer server({"requirepass first"});
  server.UsePassword("first");
  redis::Options options = server.Options();
  options.server.credentials.password.clear();
  options.server.credentials.password_file = server.folder() / "password";
  EXPECT_TRUE(Says(Refused(options), "password_file"));
  std::ofstream(server.folder() / "password") << "first\n";
  const auto store = Open(options);
  ASSERT_NE(store, nullptr);
  ASSERT_EQ(server.Command({"CONFIG", "SET", "requirepass", "second"}), "OK");
  std::ofstream(server.folder() / "password") << "second\r\n";
  server.UsePassword("second");
  ASSERT_NE(server.Command({"CLIENT", "KILL", "TYPE", "normal"}), "0");
  EXPECT_TRUE(Eventually([&] { return StatusOf(*store, testing::Read("k")) == HF_STORE_ABSENT; }));
  EXPECT_TRUE(Eventually([&] { return store->stats().connects == 2; }));
}

TEST(RedisAccess, TlsVerifiesTheServerItsNameAndShowsOurCertificate) {
  RedisServer server({}, /*tls=*/true);
  redis::Options options = server.Options();
  EXPECT_TRUE(Says(Refused(options), "127.0.0.1") || Says(Refused(options), "localhost"))
      << "the server asks for a certificate of ours";
  options.server.tls.cert_file = server.folder() / "client.pem";
  options.server.tls.key_file = server.folder() / "client.key";
  const auto store = Open(options);
  ASSERT_NE(store, nullptr);
  const std::string body(1 << 20, 'b');
  const StoreReply won = store->Execute(testing::Claim("k", 1), Duration{0});
  ASSERT_EQ(won.raw.status, HF_STORE_WON) << won.detail;
  ASSERT_EQ(StatusOf(*store, testing::Complete("k", won.raw.token, body)), HF_STORE_OK);
  EXPECT_EQ(*store->Execute(testing::Claim("k", 2), Duration{0}).body, body);

  redis::Options other_ca = options;
  other_ca.server.tls.ca_file = server.folder() / "other_ca.pem";
  EXPECT_TRUE(Says(Refused(other_ca), "certificate verify failed")) << Refused(other_ca);
  redis::Options other_name = options;
  other_name.server.tls.server_name = "db.example";
  EXPECT_TRUE(Says(Refused(other_name), "certificate verify failed")) << Refused(other_name);
  other_name.server.tls.allow_any_certificate = true;
  EXPECT_NE(Open(other_name), nullptr);
  redis::Options no_file = options;
  no_file.server.tls.ca_file = server.folder() / "nowhere.pem";
  EXPECT_EQ(Refused(no_file).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Says(Refused(no_file), "tls.ca_file"));
  redis::Options half = options;
  half.server.tls.key_file.clear();
  EXPECT_TRUE(Says(Refused(half), "tls.cert_file and tls.key_file"));
  redis::Options plain = options;
  plain.server.tls = {};
  plain.server.connect_timeout = std::chrono::milliseconds(300);
  EXPECT_EQ(Refused(plain).code(), absl::StatusCode::kUnavailable);
  // Whoever names an authority means to be protected by it.
  plain.server.tls.ca_file = options.server.tls.ca_file;
  EXPECT_EQ(Refused(plain).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Says(Refused(plain), "tls.enabled"));
}

TEST(RedisAccess, EvictingServerIsRefusedUnlessThatIsAllowedByName) {
  RedisServer server({"maxmemory-policy allkeys-lru"});
  redis::Options options = server.Options();
  const absl::Status refused = Refused(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(refused, "allkeys-lru"));
  EXPECT_TRUE(Says(refused, "allow_eviction"));
  options.allow_eviction = true;
  const auto store = Open(options);
  EXPECT_EQ(store->guarantee().level, GuaranteeLevel::kProcess);
  EXPECT_NE(store->guarantee().why.find("allkeys-lru"), std::string::npos);
}

TEST(RedisAccess, ReplicaIsRefusedUnlessForLookingOnly) {
  RedisServer primary;
  const auto replica = primary.Replica();
  const auto writer = Open(primary.Options());
  ASSERT_EQ(StatusOf(*writer, testing::Claim("k", 1)), HF_STORE_WON);
  const absl::Status refused = Refused(replica->Options());
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(refused, "allow_replica"));
  redis::Options options = replica->Options();
  options.allow_replica = true;
  const auto reader = Open(options);
  ASSERT_NE(reader, nullptr);
  EXPECT_TRUE(Eventually([&] { return StatusOf(*reader, testing::Read("k")) == HF_STORE_BUSY; }));
  EXPECT_EQ(reader->Scan({}, Duration{0})->records.size(), 1u);
  EXPECT_EQ(StatusOf(*reader, testing::Claim("new", 1)), HF_STORE_UNAVAILABLE);
}

TEST(RedisAccess, GuaranteeSaysWhatTheServerWritesDown) {
  struct Case {
    std::vector<std::string> lines;
    GuaranteeLevel level;
    std::string_view word;
  };
  for (const Case& c : {Case{{}, GuaranteeLevel::kProcess, "no AOF"},
                        Case{{"appendonly yes"}, GuaranteeLevel::kProcess, "everysec"},
                        Case{{"appendonly yes", "appendfsync always"},
                             GuaranteeLevel::kDurable,
                             "on disk before the answer"}}) {
    RedisServer server(c.lines);
    const Guarantee guarantee = Open(server.Options())->guarantee();
    EXPECT_EQ(guarantee.level, c.level) << guarantee.why;
    EXPECT_NE(guarantee.why.find(c.word), std::string::npos) << guarantee.why;
  }
}

TEST(RedisAccess, LostDataClosesTheStoreUntilSomebodyRearmsIt) {
  RedisServer server;
  redis::Options options = server.Options();
  options.require_sentinel = true;
  EXPECT_EQ(Refused(options).code(), absl::StatusCode::kFailedPrecondition);
  const auto store = Open(server.Options());
  EXPECT_NE(Open(options), nullptr);  // it is there now
  ASSERT_EQ(StatusOf(*store, testing::Claim("k", 1)), HF_STORE_WON);
  ASSERT_EQ(server.Command({"FLUSHALL"}), "OK");
  StoreReply closed;
  ASSERT_TRUE(Eventually([&] {
    closed = store->Execute(testing::Read("k"), Duration{0});
    return closed.raw.status == HF_STORE_UNAVAILABLE;
  }));
  EXPECT_NE(closed.detail.find("Rearm"), std::string::npos) << closed.detail;
  EXPECT_EQ(store->stats().sentinel_alarms, 1u);
  // Another process writes a new one: that does not bring the records back.
  const auto other = Open(server.Options());
  EXPECT_EQ(StatusOf(*other, testing::Read("k")), HF_STORE_ABSENT);
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_UNAVAILABLE);
  ASSERT_TRUE(store->Rearm(Duration{0}).ok());
  EXPECT_EQ(StatusOf(*store, testing::Claim("k", 2)), HF_STORE_WON);
}

TEST(RedisAccess, UnsoundOptionsAreRefusedByName) {
  const auto refused = [](void (*spoil)(redis::Options*), std::string_view name) {
    redis::Options options;
    spoil(&options);
    const absl::Status status = Refused(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_TRUE(Says(status, name)) << status;
  };
  refused([](redis::Options* o) { o->connections = 65; }, "connections");
  refused([](redis::Options* o) { o->prefix = "a{b"; }, "prefix");
  refused([](redis::Options* o) { o->prefix = "a*"; }, "prefix");
  refused([](redis::Options* o) { o->retention = std::chrono::seconds(1); }, "retention");
  refused([](redis::Options* o) { o->token_memory = Duration{1}; }, "token_memory");
  refused([](redis::Options* o) { o->default_timeout = Duration{-1}; }, "default_timeout");
  refused([](redis::Options* o) { o->server.connect_timeout = Duration{-1}; }, "connect_timeout");
  refused([](redis::Options* o) { o->server.client_name = "a b"; }, "client_name");
  refused([](redis::Options* o) { o->server.credentials = {"", "a", "b"}; }, "password_file");
  refused([](redis::Options* o) { o->server.credentials.username = "u"; }, "username");
  refused([](redis::Options* o) { o->audit_rows = 10001; }, "audit_rows");
}

}  // namespace
}  // namespace holdfast
