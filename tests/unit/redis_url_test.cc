// SPDX-License-Identifier: Apache-2.0
// A store's address as one line.
#include <gtest/gtest.h>
#include <holdfast/redis/url.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {
namespace {

TEST(RedisUrl, EveryPartFindsItsPlace) {
  const Options options =
      ParseUrl(
          "redis://us%65r:p%40s%3As@db.example:6380/3?prefix=a%3A&replicas=2&connections=4"
          "&client_name=x&allow_eviction=1&require_sentinel=1")
          .value();
  EXPECT_EQ(options.server.credentials.username, "user");
  EXPECT_EQ(options.server.credentials.password, "p@s:s");
  EXPECT_EQ(options.server.host, "db.example");
  EXPECT_EQ(options.server.port, 6380);
  EXPECT_EQ(options.server.database, 3u);
  EXPECT_FALSE(options.server.tls.enabled);
  EXPECT_EQ(options.prefix, "a:");
  EXPECT_EQ(options.replicas, 2u);
  EXPECT_EQ(options.connections, 4u);
  EXPECT_EQ(options.server.client_name, "x");
  EXPECT_TRUE(options.allow_eviction);
  EXPECT_TRUE(options.require_sentinel);
  EXPECT_FALSE(options.allow_replica);
}

TEST(RedisUrl, WhatIsLeftOutIsTheDefault) {
  for (const std::string_view url : {"redis://h", "redis://h/", "redis://h:6379", "redis://h?"}) {
    const auto options = ParseUrl(url);
    ASSERT_TRUE(options.ok()) << url << options.status();
    EXPECT_EQ(options->server.host, "h");
    EXPECT_EQ(options->server.database, 0u);
  }
  EXPECT_EQ(ParseUrl("redis://:secret@h")->server.credentials.username, "");
  EXPECT_EQ(ParseUrl("redis://:secret@h")->server.credentials.password, "secret");
}

TEST(RedisUrl, TlsAndItsFiles) {
  const Options options = ParseUrl(
                              "rediss://[2001:db8::1]:7000?ca_file=%2Fca.pem&cert_file=c&key_file=k"
                              "&server_name=n&password_file=/run/secret")
                              .value();
  EXPECT_EQ(options.server.host, "2001:db8::1");
  EXPECT_EQ(options.server.port, 7000);
  EXPECT_TRUE(options.server.tls.enabled);
  EXPECT_EQ(options.server.tls.ca_file, "/ca.pem");
  EXPECT_EQ(options.server.tls.cert_file, "c");
  EXPECT_EQ(options.server.tls.key_file, "k");
  EXPECT_EQ(options.server.tls.server_name, "n");
  EXPECT_EQ(options.server.credentials.password_file, "/run/secret");
}

TEST(RedisUrl, UnsoundOnesAreRefusedByTheNameOfThePart) {
  const std::vector<std::pair<std::string, std::string_view>> cases = {
      {"", "scheme"},
      {"redis:/h", "scheme"},
      {"http://h", "scheme"},
      {"REDIS://h", "scheme"},
      {"redis://", "host"},
      {"redis://:6379", "host"},
      {"redis://[::1", "host"},
      {"redis://[::1]x", "host"},
      {"redis://[evil.example]", "host"},
      {"redis://a b", "host"},
      {"redis://a%00b", "host"},
      {"redis://a%2Fb", "host"},
      {"redis://h%4", "host"},
      {"redis://h%zz", "host"},
      {"redis://h:", "port"},
      {"redis://h:0", "port"},
      {"redis://h:65536", "port"},
      {"redis://h:-1", "port"},
      {"redis://h:+1", "port"},
      {"redis://h: 1", "port"},
      {"redis://h:1:2", "port"},
      {"redis://user@h", "user"},
      {"redis://h/x", "database"},
      {"redis://h/1/2", "database"},
      {"redis://h/4294967296", "database"},
      {"redis://h#f", "fragment"},
      {"redis://h?prefix", "query"},
      {"redis://h?nonsense=1", "query"},
      {"redis://h?prefix=", "prefix"},
      {"redis://h?prefix=%0a", "prefix"},
      {"redis://h?replicas=many", "replicas"},
      {"redis://h?connections=-1", "connections"},
      {"redis://h?allow_eviction=0", "allow_eviction"},
      {"redis://h?prefix=a&prefix=b", "prefix"},
      {"redis://" + std::string(9000, 'h'), "length"},
  };
  for (const auto& [url, part] : cases) {
    const auto options = ParseUrl(url);
    ASSERT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_EQ(RejectionOf(options.status())->reason, HF_R_BAD_OPTIONS);
    EXPECT_NE(std::string(options.status().message()).find("url: " + std::string(part)),
              std::string::npos)
        << url << ": " << options.status();
  }
}

TEST(RedisUrl, RefusalNeverShowsAPassword) {
  for (const std::string_view url :
       {"redis://u:hunter2%zz@h", "redis://u:hunter2@h:x", "redis://u:hunter2@", "redis://hunter2",
        "redis://u:a?hunter2=1@h", "redis://u:p#hunter2@h", "rediss://hunter2@h", "hunter2"}) {
    const auto options = ParseUrl(url);
    if (options.ok()) continue;
    EXPECT_EQ(std::string(options.status().message()).find("hunter2"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace holdfast::redis
