// SPDX-License-Identifier: Apache-2.0
// CallMetrics on a real channel, for those who want figures and context and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/call_metrics.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/metrics_page.h>
#include <holdfast/metrics_text.h>
#include <holdfast/testing/virtual_clock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/grpc_feed_calls.h"

namespace holdfast::grpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Shown(const CallMetrics& metrics) {
  MetricsPage page;
  page.Add("feed", metrics);
  EXPECT_TRUE(page.status().ok()) << page.status();
  return MetricsText(page);
}

std::string Series(const std::string& family, const std::string& labels, const std::string& is) {
  return "holdfast_" + family + "{name=\"feed\"," + labels + "} " + is + "\n";
}

TEST(GrpcCallMetrics, CountsByMethodAndCodeOfAllKindsAndApis) {
  FeedWorld world([](int request) { return request <= 4 ? Fault::kHalf : Fault::kNone; });
  FeedServer server(world);
  const auto metrics = std::make_shared<CallMetrics>();
  std::vector<std::unique_ptr<::grpc::experimental::ClientInterceptorFactoryInterface>> more;
  more.push_back(MetricsInterceptorFactory(metrics));
  const auto stub = test::Feed::NewStub(
      MakeChannel(server.target(), ::grpc::InsecureChannelCredentials(), {}, std::move(more)));
  const Pipeline plain = *Pipeline::Create();
  const ClientOptions options;
  for (const Api api : {Api::kSync, Api::kCallback, Api::kQueue}) {
    for (const Kind kind : {Kind::kUnary, Kind::kRead, Kind::kWrite, Kind::kBidi}) {
      Make({*stub, plain, options}, api, kind);
    }
  }
  const std::string text = Shown(*metrics);
  for (const std::string method : {"Put", "Watch", "Load", "Trade"}) {
    const std::string label = "method=\"/holdfast.test.Feed/" + method + "\"";
    EXPECT_THAT(text, HasSubstr(Series("grpc_client_rpcs_total", label + ",code=\"OK\"", "2")));
    EXPECT_THAT(text,
                HasSubstr(Series("grpc_client_rpcs_total", label + ",code=\"UNAVAILABLE\"", "1")));
    EXPECT_THAT(text, HasSubstr(Series("grpc_client_rpcs_in_flight", label, "0")));
  }
}

TEST(GrpcCallMetrics, LatenciesFallIntoTheirBounds) {
  testing::VirtualClock clock;
  CallMetrics metrics({.clock = &clock});
  CallMetrics::Method& method = metrics.Begin("/m");
  metrics.Begin("/m");
  metrics.Begin("/m");
  metrics.End(method, 0, std::chrono::milliseconds(1));
  metrics.End(method, 0, std::chrono::milliseconds(1) + Duration{1});
  metrics.End(method, 99, std::chrono::seconds(11));
  const std::string text = Shown(metrics);
  EXPECT_THAT(text, HasSubstr(Series("grpc_client_rpcs_within_total",
                                     "method=\"/m\",seconds=\"0.001\"", "1")));
  EXPECT_THAT(text, HasSubstr(Series("grpc_client_rpcs_within_total",
                                     "method=\"/m\",seconds=\"10\"", "2")));
  EXPECT_THAT(text,
              HasSubstr(Series("grpc_client_rpcs_total", "method=\"/m\",code=\"UNKNOWN\"", "1")));
  EXPECT_THAT(text,
              HasSubstr(Series("grpc_client_rpc_seconds_total", "method=\"/m\"", "11.002000001")));
}

TEST(GrpcCallMetrics, MethodsAreBoundedWhateverTheyAreCalled) {
  CallMetrics metrics({.max_methods = 2});
  CallMetrics::Method* const odd = &metrics.Begin("/\xFF\n");
  CallMetrics::Method* const first = &metrics.Begin("/a");
  CallMetrics::Method* const second = &metrics.Begin("/b");
  EXPECT_NE(odd, first);
  EXPECT_EQ(odd, second);
  EXPECT_EQ(&metrics.Begin("/a"), first);
  for (int i = 0; i < 1000; ++i) metrics.Abandon(metrics.Begin("/" + std::to_string(i)));
  const std::string text = Shown(metrics);
  EXPECT_THAT(text, HasSubstr(Series("grpc_client_rpcs_in_flight", "method=\"other\"", "2")));
  EXPECT_THAT(text, Not(HasSubstr("/999")));
}

}  // namespace
}  // namespace holdfast::grpc
