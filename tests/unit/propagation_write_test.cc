// SPDX-License-Identifier: Apache-2.0
//
// Contexts into headers: what goes out, what the budget and the boundary keep back, what stays in process; and
// the two directions together.
#include <gtest/gtest.h>
#include <holdfast/baggage.h>
#include <rapidcheck.h>

#include <set>

#include "unit/propagation.h"

namespace holdfast {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Context Full(std::string_view baggage = "region=eu,plan=gold") {
  return Context::Create({.correlation_id = "order-1",
                          .causation_id = "step-1",
                          .trace = ParseTraceparent(kValid).value(),
                          .deadline = 1500 * HF_MS,
                          .retries = 2,
                          .attempt = 3,
                          .tracestate = "us=1,them=2",
                          .baggage = baggage,
                          .request_id = "req-1",
                          .tenant = "acme",
                          .principal = "ann",
                          .criticality = Criticality::kSheddable})
      .value();
}

TEST(PropagationWrite, TellsOneOfOursEverything) {
  PropagationReport report{};
  const Request request = Inject(Internal(), Full(), 500 * HF_MS, &report);
  EXPECT_THAT(
      request,
      ElementsAre(Pair("traceparent", kValid), Pair("x-correlation-id", "order-1"),
                  Pair("x-request-id", "req-1"), Pair("holdfast-timeout", "1000000u"),
                  Pair("holdfast-retries", "2"), Pair("holdfast-attempt", "3"),
                  Pair("holdfast-criticality", "sheddable"), Pair("x-causation-id", "step-1"),
                  Pair("holdfast-tenant", "acme"), Pair("holdfast-principal", "ann"),
                  Pair("tracestate", "us=1,them=2"), Pair("baggage", "region=eu,plan=gold")));
  EXPECT_EQ(report.bytes, Bytes(request));
  EXPECT_EQ(report.over | report.untrusted, 0u);
  EXPECT_EQ(report.carried, HF_FIELDS & ~HF_FIELD_B3);
}

TEST(PropagationWrite, TellsAStrangerOnlyWhatTheListsAllow) {
  const std::string_view baggage[] = {"region"}, states[] = {"us"};
  PropagationReport report{};
  const Request request =
      Inject(Make({.baggage_allow = baggage, .tracestate_allow = states}), Full(), 0, &report);
  EXPECT_EQ(Value(request, "baggage"), "region=eu");
  EXPECT_EQ(Value(request, "tracestate"), "us=1");
  for (const char* name : {"holdfast-tenant", "holdfast-principal", "holdfast-criticality"}) {
    EXPECT_EQ(Value(request, name), "") << name;
  }
  EXPECT_EQ(Value(request, "x-request-id"), "req-1");
  EXPECT_EQ(report.baggage_untrusted, 1u);
  EXPECT_EQ(report.tracestate_dropped, 1u);
  EXPECT_EQ(report.untrusted, HF_FIELD_TENANT | HF_FIELD_PRINCIPAL | HF_FIELD_CRITICALITY |
                                  HF_FIELD_BAGGAGE | HF_FIELD_TRACESTATE);
  const Request shut = Inject(*Propagator::Create(), Full());
  EXPECT_EQ(Value(shut, "baggage") + Value(shut, "tracestate"), "");
}

TEST(PropagationWrite, PrivateBaggageNeverLeaves) {
  Baggage baggage;
  ASSERT_TRUE(baggage.SetPrivate("email", "ann@example.org").ok());
  ASSERT_TRUE(baggage.Set("region", "eu").ok());
  const Context context = Full(baggage.text());
  EXPECT_EQ(Baggage::Parse(context.baggage()).Get("email"), "ann@example.org");
  const Context child = context.Child().value();
  const Context detached = context.Detached().value();
  const std::string_view all[] = {"*"};
  for (const Propagator& policy : {Internal(), Make({.baggage_allow = all})}) {
    for (const Context& from : {context, child, detached}) {
      PropagationReport report{};
      EXPECT_EQ(Value(Inject(policy, from, 0, &report), "baggage"), "region=eu");
      EXPECT_EQ(report.baggage_private, 1u);
    }
  }
  EXPECT_EQ(Value(Inject(Internal(), Full("a=1;holdfast-pii=x,b=2;holdfast-pii")), "baggage"), "");
}

TEST(PropagationWrite, APolicysPrivateKeysAreTaggedWhereTheyAreRead) {
  const std::string_view keys[] = {"email", "phone"};
  const Propagator reader = Make({.boundary = Boundary::kInternal, .baggage_private = keys});
  const Read read = Extract(reader, {{"baggage", "email=a,region=eu,phone=1;x"}});
  EXPECT_EQ(Baggage::Parse(read.context.baggage()).Get("email"), "a") << "seen in process";
  EXPECT_EQ(read.context.baggage(), "email=a;holdfast-pii,region=eu,phone=1;x;holdfast-pii");
  EXPECT_EQ(Value(Inject(Internal(), read.context), "baggage"), "region=eu") << "by any policy";
  EXPECT_EQ(Value(Inject(reader, Full("email=a,region=eu")), "baggage"), "region=eu")
      << "by key, where the context was made by hand";
  std::string many;
  for (int i = 0; i < 64; ++i) many += "email=" + std::to_string(i) + ",";
  EXPECT_EQ(Value(Inject(Internal(), Extract(reader, {{"baggage", many}}).context), "baggage"), "");
}

TEST(PropagationWrite, KeepsTheBudgetAndDropsWholeMembers) {
  std::string baggage, state;
  for (int i = 0; i < 60; ++i)
    baggage += (i == 0 ? "k" : ",k") + std::to_string(i) + "=" + std::string(90, 'v');
  for (int i = 0; i < 30; ++i)
    state += (i == 0 ? "s" : ",s") + std::to_string(i) + "=" + std::string(20, 'v');
  const Context context = Context::Create({.correlation_id = "order-1",
                                           .trace = ParseTraceparent(kValid).value(),
                                           .tracestate = state,
                                           .baggage = baggage,
                                           .request_id = "req-1"})
                              .value();
  for (const std::uint32_t budget : {256u, 300u, 512u, 1024u, 2048u, 4096u, 8192u, 65536u}) {
    PropagationReport report{};
    const Request request =
        Inject(Make({.boundary = Boundary::kInternal, .budget = budget}), context, 0, &report);
    EXPECT_LE(Bytes(request), budget);
    EXPECT_EQ(Bytes(request), report.bytes);
    EXPECT_EQ(Value(request, "traceparent"), kValid) << "first of all";
    const std::string sent = Value(request, "baggage");
    EXPECT_TRUE(sent.empty() || baggage.starts_with(sent));
    EXPECT_TRUE(sent.empty() || sent.size() == baggage.size() || baggage[sent.size()] == ',');
    EXPECT_EQ(Baggage::Parse(sent).members().size() + report.baggage_over, 60u);
    const std::string states = Value(request, "tracestate");
    EXPECT_TRUE(states.empty() || state.starts_with(states + ",") || states == state);
    EXPECT_EQ((report.over & HF_FIELD_BAGGAGE) != 0, report.baggage_over != 0);
  }
  const Request usual = Inject(Make({.boundary = Boundary::kInternal}), context);
  EXPECT_EQ(Value(usual, "tracestate"), state) << "512 characters at least: before any baggage";
}

TEST(PropagationWrite, FieldsThatDoNotFitAreLeftOutAndNoted) {
  const std::string large(256, 'x');
  const Context context =
      Context::Create(
          {.trace = ParseTraceparent(kValid).value(), .tenant = large, .principal = "ann"})
          .value();
  PropagationReport report{};
  const Request request =
      Inject(Make({.boundary = Boundary::kInternal, .budget = 256}), context, 0, &report);
  EXPECT_THAT(request, ElementsAre(Pair("traceparent", kValid), Pair("holdfast-principal", "ann")));
  EXPECT_EQ(report.over, HF_FIELD_TENANT);
}

TEST(PropagationWrite, WritesB3) {
  const Context context = Full();
  const Request single = Inject(Make({.write_formats = HF_FORMAT_B3_SINGLE}), context);
  EXPECT_EQ(Value(single, "b3"), kTraceId + "-" + kSpanId + "-1");
  EXPECT_EQ(Value(single, "traceparent") + Value(single, "tracestate"), "");
  const Request multi =
      Inject(Make({.write_formats = HF_FORMAT_W3C | HF_FORMAT_B3_MULTI}), context);
  EXPECT_EQ(Value(multi, "X-B3-TraceId"), kTraceId);
  EXPECT_EQ(Value(multi, "X-B3-SpanId"), kSpanId);
  EXPECT_EQ(Value(multi, "X-B3-Sampled"), "1");
  EXPECT_EQ(Value(multi, "traceparent"), kValid);
  const Request grpc =
      Inject(Make({.transport = Transport::kGrpc, .write_formats = HF_FORMAT_B3_MULTI}), context);
  EXPECT_EQ(Value(grpc, "x-b3-traceid"), kTraceId);
  EXPECT_EQ(Value(grpc, "grpc-timeout"), "1500000u");
}

TEST(PropagationWrite, ADeadlineThatHasPassedSendsNothing) {
  int sent = 0;
  const auto count = [&](std::string_view, std::string_view) { ++sent; };
  for (const hf_time now : {1500 * HF_MS, 1501 * HF_MS}) {
    const absl::Status status = Internal().Inject(Full(), now, count);
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(RejectionOf(status).value().reason, HF_R_DEADLINE);
  }
  EXPECT_EQ(sent, 0);
  EXPECT_EQ(Value(Inject(Internal(), Full(), 1500 * HF_MS - 1), "holdfast-timeout"), "1n");
  const Propagator elsewhere = Make({.left_out = HF_FIELD_DEADLINE});
  EXPECT_TRUE(elsewhere.Inject(Full(), 2 * HF_S, count).ok()) << "somebody else's business";
}

TEST(PropagationWrite, AnEmptyContextWritesNothing) {
  PropagationReport report{};
  EXPECT_THAT(Inject(Internal(), Context(), 0, &report), ElementsAre());
  EXPECT_EQ(report.bytes, 0u);
  EXPECT_THAT(Inject(Internal(), Context::Create({}).value()), ElementsAre());
}

TEST(PropagationWrite, ThreeCallsOfOneRequestHaveThreeParents) {
  const Read read = Extract(Internal(), {{"traceparent", kValid}, {"tracestate", "foo=1"}});
  std::set<std::string> spans;
  for (int i = 0; i < 3; ++i) {
    const Request request = Inject(Internal(), read.context.Child().value());
    const std::string parent = Value(request, "traceparent");
    EXPECT_EQ(parent.substr(0, 36), kValid.substr(0, 36)) << "one trace";
    EXPECT_EQ(Value(request, "tracestate"), "foo=1");
    spans.insert(parent.substr(36, 16));
  }
  EXPECT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans.count(kSpanId), 0u);
}

TEST(Propagation, OptionsNameTheField) {
  const auto why = [](const PropagationOptions& options) {
    return std::string(Propagator::Create(options).status().message());
  };
  const std::string_view empty[] = {""}, large[] = {std::string_view()};
  const std::vector<std::string_view> many(65, "k");
  EXPECT_THAT(why({.boundary = static_cast<Boundary>(3)}), testing::HasSubstr("boundary"));
  EXPECT_THAT(why({.transport = static_cast<Transport>(-1)}), testing::HasSubstr("transport"));
  EXPECT_THAT(why({.read_formats = 8}), testing::HasSubstr("read_formats"));
  EXPECT_THAT(why({.write_formats = 16}), testing::HasSubstr("write_formats"));
  EXPECT_THAT(why({.left_out = HF_FIELDS + 1}), testing::HasSubstr("left_out"));
  EXPECT_THAT(why({.budget = 255}), testing::HasSubstr("budget"));
  EXPECT_THAT(why({.budget = 65537}), testing::HasSubstr("budget"));
  EXPECT_THAT(why({.margin = Duration(-1)}), testing::HasSubstr("margin"));
  EXPECT_THAT(why({.baggage_allow = empty}), testing::HasSubstr("baggage_allow"));
  EXPECT_THAT(why({.baggage_private = many}), testing::HasSubstr("baggage_private"));
  EXPECT_THAT(why({.tracestate_allow = large}), testing::HasSubstr("tracestate_allow"));
}

// --- Both directions --------------------------------------------------------------------------------------

rc::Gen<std::string> Id() {
  return rc::gen::container<std::string>(rc::gen::inRange<char>('!', 127));
}

TEST(Propagation, WhatWasWrittenIsWhatIsRead) {
  EXPECT_TRUE(rc::check([] {
    const std::string correlation = *rc::gen::nonEmpty(Id()), request = *rc::gen::nonEmpty(Id());
    const std::string causation = *Id(), tenant = *Id(), principal = *Id();
    Baggage baggage;
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
      RC_ASSERT(baggage.Add("k" + std::to_string(i), *rc::gen::arbitrary<std::string>()).ok());
    }
    const auto criticality = *rc::gen::inRange(0, 5);
    const hf_time now = *rc::gen::inRange<hf_time>(1, HF_S);
    ContextOptions options{.correlation_id = correlation,
                           .causation_id = causation,
                           .trace = FreshTrace(),
                           .deadline = now + *rc::gen::inRange<hf_time>(1, 99'999'999),
                           .attempt = *rc::gen::inRange<std::uint32_t>(0, 1001),
                           .tracestate = *rc::gen::element<std::string_view>("", "a=1", "a=1,b= 2"),
                           .baggage = baggage.text(),
                           .request_id = request,
                           .tenant = tenant,
                           .principal = principal};
    if (criticality != 0) options.criticality = static_cast<Criticality>(criticality);
    const auto sent = Context::Create(options);
    RC_ASSERT(sent.ok());
    const Propagator policy = Make({.boundary = Boundary::kInternal, .budget = 65536});
    const Context back = Extract(policy, Inject(policy, *sent, now), {.now = now}).context;
    RC_ASSERT(back.correlation_id() == correlation);
    RC_ASSERT(back.causation_id() == causation);
    RC_ASSERT(FormatTraceparent(back.trace()) == FormatTraceparent(sent->trace()));
    RC_ASSERT(back.deadline() == sent->deadline());
    RC_ASSERT(back.attempt() == sent->attempt());
    RC_ASSERT(back.tracestate() == options.tracestate);
    RC_ASSERT(back.baggage() == baggage.text());
    RC_ASSERT(back.request_id() == request);
    RC_ASSERT(back.tenant() == tenant && back.principal() == principal);
    RC_ASSERT(back.criticality() == options.criticality);
  }));
}

TEST(Propagation, AnyBytesGiveAContextThatIsAFixedPoint) {
  static const std::vector<std::string> kNames = {
      "traceparent",      "tracestate",       "baggage",          "b3",
      "x-b3-traceid",     "x-correlation-id", "x-request-id",     "holdfast-tenant",
      "holdfast-timeout", "holdfast-retries", "holdfast-attempt", "holdfast-criticality"};
  const Propagator policy = Make({.boundary = Boundary::kInternal, .budget = 65536});
  EXPECT_TRUE(rc::check([&] {
    Request request;
    for (int i = *rc::gen::inRange(0, 12); i > 0; --i) {
      request.emplace_back(
          *rc::gen::elementOf(kNames),
          *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab=,;%1-S \t\xff"))));
    }
    const Request once = Inject(policy, Extract(policy, request, {.now = 5}).context, 5);
    const Request twice = Inject(policy, Extract(policy, once, {.now = 5}).context, 5);
    RC_ASSERT(once == twice);
  }));
}

TEST(Propagation, DoesNotTellTheNextLayerWhichAttemptItsOwnCallerMade) {
  const Propagator policy = Make({.boundary = Boundary::kInternal});
  const Context read = Extract(policy, {{"holdfast-attempt", "3"}}).context;
  EXPECT_EQ(read.attempt(), 3u);
  const Context step = read.Child().value();
  EXPECT_EQ(step.attempt(), 3u);
  for (const auto& [name, value] : Inject(policy, step, 0)) EXPECT_NE(name, "holdfast-attempt");
}

TEST(Propagation, SendsNoIdsOfB3WithoutTheDecision) {
  const Context step = Context::Start().value();
  for (std::uint32_t budget = 256; budget < 512; ++budget) {
    const Propagator policy =
        Make({.write_formats = HF_FORMAT_W3C | HF_FORMAT_B3_MULTI, .budget = budget});
    int sent = 0;
    for (const auto& [name, value] : Inject(policy, step, 0)) sent += name.starts_with("X-B3-");
    EXPECT_TRUE(sent == 0 || sent == 3) << budget << " bytes, " << sent;
  }
}

}  // namespace
}  // namespace holdfast
