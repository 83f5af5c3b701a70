// SPDX-License-Identifier: Apache-2.0
// Deprecation that is declared once: on events and in headers; and who still uses what is going away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/deprecation.h>
#include <holdfast/contract/usage.h>
#include <holdfast/metrics_page.h>
#include <holdfast/metrics_text.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "contract/orders.h"

namespace holdfast::contract {
namespace {

using contract_test::Day;
using contract_test::Order;
using contract_test::OrdersRegistry;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr char kName[] = "com.acme.order";

std::vector<std::pair<std::string, std::string>> HeadersOf(const RegisteredVersion& version) {
  std::vector<std::pair<std::string, std::string>> headers;
  const absl::Status written = WriteDeprecation(
      DeprecationOf(version),
      [&](std::string_view name, std::string_view value) { headers.emplace_back(name, value); });
  EXPECT_TRUE(written.ok()) << written;
  return headers;
}

TEST(ContractDeprecation, HeadersSayWhatTheManifestDoes) {
  const ContractRegistry contracts = OrdersRegistry();
  EXPECT_THAT(HeadersOf(*contracts.Find(kName, {1, 0})),
              ElementsAre(Pair("deprecation", "@1767225600"),
                          Pair("sunset", "Wed, 01 Jul 2026 00:00:00 GMT"),
                          Pair("link", "<https://acme.example/v2>; rel=\"deprecation\""),
                          Pair("link", "<https://acme.example/v2>; rel=\"sunset\"")));
  EXPECT_THAT(HeadersOf(*contracts.Find(kName, {1, 1})),
              ElementsAre(Pair("deprecation", "@1772359200")));
  EXPECT_THAT(HeadersOf(*contracts.Find(kName, {2, 0})), IsEmpty());
}

TEST(ContractDeprecation, MomentsAreRoundedUp) {
  contract_test::Parts parts(
      R"(contract { name: "c" version { number: "1.0" message: "acme.v1.Order"
    descriptor_set: "1.0.binpb" sunset: "2026-01-01T00:00:00.000000001Z" } })");
  const auto contracts = parts.Create();
  EXPECT_THAT(HeadersOf(contracts->versions()[0]),
              ElementsAre(Pair("sunset", "Thu, 01 Jan 2026 00:00:01 GMT")));
}

TEST(ContractDeprecation, EventCarriesTheExtension) {
  const ContractRegistry contracts = OrdersRegistry();
  Envelope event = Order("1.0", "");
  ASSERT_TRUE(Announce(*contracts.Find(kName, {1, 0}), &event).ok());
  EXPECT_EQ(event->Find("deprecated")->kind, HF_ATTRIBUTE_BOOLEAN);
  EXPECT_EQ(event->Find("deprecated")->number, 1);
  EXPECT_EQ(FormatAttribute(*event->Find("deprecationfrom")).value(), "2026-01-01T00:00:00Z");
  EXPECT_EQ(FormatAttribute(*event->Find("deprecationsunset")).value(), "2026-07-01T00:00:00Z");
  EXPECT_EQ(event->Find("deprecationmigration")->kind, HF_ATTRIBUTE_URI);
  EXPECT_EQ(event->Text("deprecationmigration"), "https://acme.example/v2");
  EXPECT_TRUE(event->Check().ok()) << event->Check();
  ASSERT_TRUE(Announce(*contracts.Find(kName, {2, 0}), &event).ok());
  EXPECT_EQ(event->attributes().size(), 1u) << "contractversion alone";
}

TEST(ContractDeprecation, EventThatHasNoRoomStaysAsItWas) {
  const ContractRegistry contracts = OrdersRegistry();
  Envelope event = Order("1.0", "");
  while (event->attributes().size() < HF_ENVELOPE_ATTRIBUTES - 2) {
    event.Set(IntegerAttribute("x" + std::to_string(event->attributes().size()), 1));
  }
  EXPECT_FALSE(Announce(*contracts.Find(kName, {1, 0}), &event).ok());
  EXPECT_EQ(event->Find("deprecated"), nullptr);
}

TEST(ContractDeprecation, AnnouncedSunsetIsNeverShortened) {
  const ContractRegistry contracts = OrdersRegistry();
  Envelope event = Order("1.0", "");
  event.Set(BooleanAttribute("deprecated", true));
  event.Set(TimeAttribute("deprecationsunset", Day(2030, 1, 1)));
  EXPECT_EQ(Announce(*contracts.Find(kName, {1, 0}), &event).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(event->Find("deprecationfrom"), nullptr);
}

TEST(UsageCounter, TellsConsumersApart) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto usage = UsageCounter::Create({.contracts = contracts});
  ASSERT_TRUE(usage.ok());
  const RegisteredVersion& old = *contracts.Find(kName, {1, 0});
  usage->Count("billing", old, Day(2026, 1, 2));
  usage->Count("billing", old, Day(2026, 1, 1));
  usage->Count("search", old, Day(2026, 1, 3));
  usage->Count("billing", *contracts.Find(kName, {2, 0}), Day(2026, 1, 4));
  const std::vector<Usage> of_old = usage->Find(kName, {1, 0});
  ASSERT_EQ(of_old.size(), 2u);
  EXPECT_EQ(of_old[0].consumer, "billing");
  EXPECT_EQ(of_old[0].count, 2u);
  EXPECT_EQ(of_old[0].last, Day(2026, 1, 2)) << "the latest, whatever the order";
  EXPECT_EQ(of_old[1].consumer, "search");
  EXPECT_EQ(usage->All().size(), 3u);
  EXPECT_THAT(usage->Find(kName, {9, 0}), IsEmpty());
}

TEST(UsageCounter, ConsumersBeyondTheLimitAreCountedTogether) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto usage = UsageCounter::Create({.contracts = contracts, .max_consumers = 2});
  const RegisteredVersion& old = *contracts.Find(kName, {1, 0});
  for (const std::string_view name : {"a", "b", "c", "d", "a"})
    usage->Count(name, old, Day(2026, 1, 1));
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (const Usage& each : usage->Find(kName, {1, 0}))
    counts.emplace_back(each.consumer, each.count);
  EXPECT_THAT(counts, ElementsAre(Pair("a", 2u), Pair("b", 1u), Pair("other", 2u)));
  EXPECT_FALSE(UsageCounter::Create({.max_consumers = 0}).ok());
  EXPECT_FALSE(UsageCounter::Create({.max_consumers = 65537}).ok());
}

TEST(UsageCounter, NamesThatAreNoneTakeNoPlace) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto usage = UsageCounter::Create({.contracts = contracts});
  const RegisteredVersion& old = *contracts.Find(kName, {1, 0});
  for (const std::string& name :
       {std::string(), std::string("\xff"), std::string(129, 'n'), std::string("other")}) {
    usage->Count(name, old, Day(2026, 1, 1));
  }
  const auto all = usage->All();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].consumer, "other");
  EXPECT_EQ(all[0].count, 4u);
}

TEST(UsageCounter, IsOnTheMetricsPage) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto usage = UsageCounter::Create({.contracts = contracts});
  usage->Count("billing", *contracts.Find(kName, {1, 0}), Day(2026, 1, 1));
  MetricsPage page;
  page.Add("orders", *usage);
  EXPECT_TRUE(page.status().ok()) << page.status();
  const std::string labels =
      "{name=\"orders\",consumer=\"billing\",contract=\"com.acme.order\",version=\"1.0\"} ";
  EXPECT_THAT(MetricsText(page), HasSubstr("holdfast_contract_usage_total" + labels + "1\n"));
  EXPECT_THAT(MetricsText(page),
              HasSubstr("holdfast_contract_last_used_seconds" + labels + "1767225600\n"));
}

TEST(UsageCounter, CountsFromManyThreadsAreAllThere) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto usage = UsageCounter::Create({.contracts = contracts, .max_consumers = 8});
  const RegisteredVersion& old = *contracts.Find(kName, {1, 0});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, counter = *usage] {
      for (int i = 0; i < 1000; ++i) {
        counter.Count("consumer-" + std::to_string(i % 16), old, Day(2026, 1, 1));
        if (i % 100 == 0) counter.All();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t sum = 0;
  for (const Usage& each : usage->All()) sum += each.count;
  EXPECT_EQ(sum, 4000u);
  EXPECT_EQ(usage->All().size(), 9u);
}

}  // namespace
}  // namespace holdfast::contract
