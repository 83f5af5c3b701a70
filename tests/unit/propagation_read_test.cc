// SPDX-License-Identifier: Apache-2.0
//
// Contexts out of headers. First the W3C suite's rows as requests (github.com/w3c/trace-context, test/test.py),
// then what comes of repeated, malformed and untrusted fields.
#include <gtest/gtest.h>

#include "unit/propagation.h"

namespace holdfast {
namespace {

using namespace std::string_literals;

std::string Parent(std::string_view version, std::string_view trace_id, std::string_view span_id,
                   std::string_view flags) {
  std::string value(version);
  for (const std::string_view part : {trace_id, span_id, flags}) value.append("-").append(part);
  return value;
}

Read At(const Request& request) { return Extract(Internal(), request); }

TEST(PropagationRead, AnyRequestGivesATraceACorrelationIdAndARequestId) {
  for (const Request& request :
       {Request{}, Request{{"host", "x"}}, Request{{"traceparent", "?"}}}) {
    const Read read = At(request);
    EXPECT_TRUE(HasTrace(read.context.trace()));
    EXPECT_EQ(read.context.trace().flags, 2) << "random, not sampled";
    EXPECT_EQ(read.context.correlation_id(), read.traceparent().substr(3, 32));
    EXPECT_EQ(read.context.request_id().size(), 36u);
    EXPECT_EQ(read.report.made,
              HF_FIELD_TRACEPARENT | HF_FIELD_CORRELATION_ID | HF_FIELD_REQUEST_ID);
  }
}

TEST(PropagationRead, GoesOnWithATraceOfTheSuite) {
  const std::string future = Parent("cc", kTraceId, kSpanId, "01");
  for (const Request& request : {Request{{"traceparent", kValid}},
                                 {{"TraceParent", kValid}},
                                 {{"TrAcEpArEnT", kValid}},
                                 {{"TRACEPARENT", kValid}},
                                 {{"traceparent", future}},
                                 {{"traceparent", future + "-what-the-future-will-be-like"}},
                                 {{"traceparent", " " + kValid}},
                                 {{"traceparent", "\t" + kValid}},
                                 {{"traceparent", kValid + " "}},
                                 {{"traceparent", kValid + "\t"}},
                                 {{"traceparent", "\t " + kValid + " \t"}}}) {
    const Read read = At(request);
    EXPECT_TRUE(read.same()) << request[0].second;
    EXPECT_EQ(read.traceparent(), kValid) << "version 00 goes out";
    EXPECT_EQ(read.report.carried & HF_FIELD_TRACEPARENT, HF_FIELD_TRACEPARENT);
  }
  EXPECT_EQ(At({{"traceparent", Parent("00", kTraceId, kSpanId, "02")}}).context.trace().flags, 2);
  EXPECT_EQ(At({{"traceparent", Parent("00", kTraceId, kSpanId, "ff")}}).context.trace().flags, 3);
}

TEST(PropagationRead, BeginsATraceWhereTheSuiteWantsOne) {
  const std::string zeros(32, '0');
  const std::string values[] = {kValid + "-what-the-future-will-be-like",
                                kValid + ".",
                                "cc-" + kValid.substr(3) + ".what-the-future-will-be-like",
                                Parent("ff", kTraceId, kSpanId, "01"),
                                Parent(".0", kTraceId, kSpanId, "01"),
                                Parent("0.", kTraceId, kSpanId, "01"),
                                Parent("000", kTraceId, kSpanId, "01"),
                                Parent("0000", kTraceId, kSpanId, "01"),
                                Parent("0", kTraceId, kSpanId, "01"),
                                Parent("00", zeros, kSpanId, "01"),
                                Parent("00", "." + kTraceId.substr(1), kSpanId, "01"),
                                Parent("00", kTraceId.substr(0, 31) + ".", kSpanId, "01"),
                                Parent("00", kTraceId + "3", kSpanId, "01"),
                                Parent("00", kTraceId.substr(0, 31), kSpanId, "01"),
                                Parent("00", kTraceId, zeros.substr(16), "01"),
                                Parent("00", kTraceId, "." + kSpanId.substr(1), "01"),
                                Parent("00", kTraceId, kSpanId.substr(0, 15) + ".", "01"),
                                Parent("00", kTraceId, kSpanId + "7", "01"),
                                Parent("00", kTraceId, kSpanId.substr(0, 15), "01"),
                                Parent("00", kTraceId, kSpanId, ".0"),
                                Parent("00", kTraceId, kSpanId, "0."),
                                Parent("00", kTraceId, kSpanId, "001"),
                                Parent("00", kTraceId, kSpanId, "1"),
                                Parent("00", "0AF7651916CD43DD8448EB211C80319C", kSpanId, "01"),
                                kValid + "," + kValid,
                                kValid + "\r\n ",
                                ""};
  for (const std::string& value : values) {
    const Read read = At({{"traceparent", value}, {"tracestate", "foo=1"}});
    EXPECT_FALSE(read.same()) << value;
    EXPECT_TRUE(HasTrace(read.context.trace()));
    EXPECT_EQ(read.traceparent().find(kTraceId.substr(0, 30)), std::string::npos);
    EXPECT_EQ(read.context.tracestate(), "") << "dropped with it";
    EXPECT_EQ(read.report.malformed, HF_FIELD_TRACEPARENT | HF_FIELD_TRACESTATE) << value;
  }
  EXPECT_FALSE(At({{"trace-parent", kValid}}).same());
  EXPECT_FALSE(At({{"trace.parent", kValid}}).same());
}

TEST(PropagationRead, TwoTraceparentsAreNone) {
  const std::string other = Parent("00", "12345678901234567890123456789011", kSpanId, "01");
  for (const std::string& second : {other, kValid}) {
    const Read read = At({{"traceparent", kValid}, {"tracestate", "a=1"}, {"Traceparent", second}});
    EXPECT_FALSE(read.same());
    EXPECT_EQ(read.traceparent().find("1234567890123456789012345678901"), std::string::npos);
    EXPECT_EQ(read.context.tracestate(), "");
    EXPECT_EQ(read.report.repeated, HF_FIELD_TRACEPARENT);
  }
}

TEST(PropagationRead, TracestateFollowsItsTraceparent) {
  const auto state = [](const Request& more) {
    Request request = {{"traceparent", kValid}};
    request.insert(request.end(), more.begin(), more.end());
    const Read read = At(request);
    EXPECT_TRUE(read.same()) << "whatever the tracestate";
    return std::string(read.context.tracestate());
  };
  EXPECT_EQ(state({{"tracestate", "foo=1,bar=2"}}), "foo=1,bar=2");
  EXPECT_EQ(state({{"TraceState", "foo=1"}}), "foo=1");
  EXPECT_EQ(state({{"TRACESTATE", "foo=1"}}), "foo=1");
  EXPECT_EQ(state({{"tracestate", "foo=1,bar=2"},
                   {"tracestate", "rojo=1,congo=2"},
                   {"tracestate", "baz=3"}}),
            "foo=1,bar=2,rojo=1,congo=2,baz=3");
  EXPECT_EQ(state({{"tracestate", ""}}), "");
  EXPECT_EQ(state({{"tracestate", "foo=1"}, {"tracestate", ""}}), "foo=1");
  EXPECT_EQ(state({{"trace-state", "foo=1"}}), "");
  EXPECT_EQ(state({{"trace.state", "foo=1"}}), "");
  EXPECT_EQ(state({{"tracestate", "foo=1"}, {"tracestate", "@bar=2"}}), "") << "all or nothing";
  EXPECT_EQ(At({{"tracestate", "foo=1"}}).context.tracestate(), "") << "without a traceparent";
}

TEST(PropagationRead, ReportsWhatItLeftOutOfTheLists) {
  const Read read = At({{"traceparent", kValid},
                        {"tracestate", "a=1,a=2"},
                        {"baggage", "k=v,bad,also bad=1"},
                        {"baggage", "x=%C3"}});
  EXPECT_EQ(read.context.tracestate(), "a=1");
  EXPECT_EQ(read.context.baggage(), "k=v,x=%EF%BF%BD");
  EXPECT_EQ(read.report.tracestate_dropped, 1u);
  EXPECT_EQ(read.report.baggage_malformed, 2u);
  EXPECT_EQ(read.report.repeated, HF_FIELD_TRACESTATE);
  EXPECT_EQ(read.report.malformed, HF_FIELD_BAGGAGE);
  EXPECT_EQ(read.report.carried, HF_FIELD_TRACEPARENT | HF_FIELD_TRACESTATE | HF_FIELD_BAGGAGE);
  std::string large;
  for (int i = 0; i < 10; ++i)
    large += "k" + std::to_string(i) + "=" + std::string(1000, 'x') + ",";
  const Read cut = At({{"baggage", large}});
  EXPECT_EQ(cut.report.baggage_over, 2u);
  EXPECT_EQ(cut.report.over, HF_FIELD_BAGGAGE);
}

TEST(PropagationRead, BelievesOneOfOurs) {
  const Read read = At({{"x-correlation-id", "order-1"},
                        {"x-causation-id", "step-2"},
                        {"x-request-id", "9f1c-Envoy's own"},
                        {"X-Request-Id", "dropped"},
                        {"holdfast-tenant", "acme"},
                        {"holdfast-principal", "spiffe://acme/ann"},
                        {"holdfast-criticality", "sheddable-plus"},
                        {"holdfast-attempt", "3"},
                        {"holdfast-retries", "0"}});
  EXPECT_EQ(read.context.correlation_id(), "order-1");
  EXPECT_EQ(read.context.causation_id(), "step-2");
  EXPECT_EQ(read.context.tenant(), "acme");
  EXPECT_EQ(read.context.principal(), "spiffe://acme/ann");
  EXPECT_EQ(read.context.criticality(), Criticality::kSheddablePlus);
  EXPECT_EQ(read.context.attempt(), 3u);
  EXPECT_EQ(read.context.retries(), HF_NO_RETRIES);
  EXPECT_EQ(read.context.request_id().size(), 36u) << "two are none: a fresh one";
  EXPECT_EQ(read.report.repeated, HF_FIELD_REQUEST_ID);
}

TEST(PropagationRead, KeepsARequestIdAsItIs) {
  const std::string id = "A1b2-NOT-a-uuid_9~";
  EXPECT_EQ(At({{"x-request-id", id}}).context.request_id(), id);
  EXPECT_EQ(At({{"x-request-id", " " + id + "\t"}}).context.request_id(), id);
}

TEST(PropagationRead, MalformedFieldsAreNoneAndNoted) {
  for (const std::string& bad : {""s, "a b"s, "\xc3\xa9"s, "a\nb"s, std::string(300, 'x')}) {
    const Read read = At({{"x-correlation-id", bad},
                          {"x-causation-id", bad},
                          {"x-request-id", bad},
                          {"holdfast-tenant", bad},
                          {"holdfast-principal", bad},
                          {"holdfast-criticality", bad},
                          {"holdfast-attempt", bad},
                          {"holdfast-retries", bad},
                          {"holdfast-timeout", bad}});
    EXPECT_EQ(read.report.malformed, HF_FIELD_CORRELATION_ID | HF_FIELD_CAUSATION_ID |
                                         HF_FIELD_REQUEST_ID | HF_FIELD_TENANT |
                                         HF_FIELD_PRINCIPAL | HF_FIELD_CRITICALITY |
                                         HF_FIELD_ATTEMPT | HF_FIELD_RETRIES | HF_FIELD_DEADLINE);
    EXPECT_EQ(read.report.carried, 0u);
    EXPECT_EQ(read.context.correlation_id(), read.traceparent().substr(3, 32));
    EXPECT_EQ(read.context.tenant(), "");
    EXPECT_EQ(read.context.criticality(), std::nullopt);
    EXPECT_EQ(read.context.retries(), 0) << "not told";
    EXPECT_EQ(read.context.deadline(), 0);
  }
}

TEST(PropagationRead, AtIngressOnlyTheListsLetIn) {
  const std::string_view baggage[] = {"region"}, states[] = {"us"};
  const Propagator edge = Make({.baggage_allow = baggage, .tracestate_allow = states});
  const Request request = {{"traceparent", kValid},
                           {"tracestate", "evil=1,us=2"},
                           {"baggage", "region=eu,role=admin, Region=x"},
                           {"x-correlation-id", "order-1"},
                           {"x-request-id", "forged"},
                           {"holdfast-tenant", "somebody-else"},
                           {"holdfast-principal", "root"},
                           {"holdfast-criticality", "critical-plus"},
                           {"holdfast-attempt", "1000"},
                           {"holdfast-retries", "1000"}};
  const Read read = Extract(edge, request);
  EXPECT_TRUE(read.same());
  EXPECT_EQ(read.context.tracestate(), "us=2");
  EXPECT_EQ(read.context.baggage(), "region=eu");
  EXPECT_EQ(read.context.correlation_id(), "order-1");
  EXPECT_NE(read.context.request_id(), "forged");
  EXPECT_EQ(read.context.request_id().size(), 36u);
  EXPECT_EQ(read.context.tenant(), "");
  EXPECT_EQ(read.context.principal(), "");
  EXPECT_EQ(read.context.criticality(), std::nullopt);
  EXPECT_EQ(read.context.attempt(), 0u);
  EXPECT_EQ(read.context.retries(), 0);
  EXPECT_EQ(read.report.untrusted, HF_FIELD_TRACESTATE | HF_FIELD_BAGGAGE | HF_FIELD_REQUEST_ID |
                                       HF_FIELD_TENANT | HF_FIELD_PRINCIPAL | HF_FIELD_CRITICALITY |
                                       HF_FIELD_ATTEMPT | HF_FIELD_RETRIES);
  EXPECT_EQ(read.report.baggage_untrusted, 2u);
  EXPECT_EQ(read.report.tracestate_dropped, 1u);

  const Read shut = Extract(*Propagator::Create(), request);
  EXPECT_EQ(shut.context.baggage(), "");
  EXPECT_EQ(shut.context.tracestate(), "");
  const std::string_view all[] = {"*"};
  const Read open = Extract(Make({.baggage_allow = all, .tracestate_allow = all}), request);
  EXPECT_EQ(open.context.baggage(), "region=eu,role=admin,Region=x");
  EXPECT_EQ(open.context.tracestate(), "evil=1,us=2");
}

TEST(PropagationRead, ReadsADeadlineAndNeverALaterOne) {
  const Propagator http = Make({.boundary = Boundary::kInternal, .margin = Duration(5 * HF_MS)});
  const auto deadline = [&](const Request& request, hf_time now, hf_time known = 0) {
    return Extract(http, request, {.now = now, .deadline = known}).context.deadline();
  };
  EXPECT_EQ(deadline({{"holdfast-timeout", "100m"}}, 1000), 1000 + 95 * HF_MS);
  EXPECT_EQ(deadline({{"holdfast-timeout", "100m"}}, 1000, 77), 77) << "the earlier one";
  EXPECT_EQ(deadline({{"holdfast-timeout", "100m"}}, 1000, HF_S), 1000 + 95 * HF_MS);
  EXPECT_EQ(deadline({{"holdfast-timeout", "1m"}}, 10 * HF_MS), 6 * HF_MS)
      << "over before it began";
  EXPECT_EQ(deadline({{"holdfast-timeout", "0n"}}, 2), 1) << "a deadline still, and passed";
  EXPECT_EQ(deadline({{"holdfast-timeout", "99999999H"}}, HF_S), HF_INFINITE - 1 - 5 * HF_MS);
  EXPECT_EQ(deadline({{"holdfast-timeout", "1x"}}, 1), 0) << "no deadline, and noted";
  EXPECT_EQ(deadline({{"holdfast-timeout", "1S"}, {"holdfast-timeout", "2S"}}, 1),
            1 + HF_S - 5 * HF_MS);
  EXPECT_EQ(deadline({{"holdfast-timeout", "1S"}}, 0), 0) << "from nobody's now";
  EXPECT_EQ(deadline({{"grpc-timeout", "1S"}}, 1), 0) << "not over HTTP";
  const Propagator grpc = Make({.transport = Transport::kGrpc});
  EXPECT_EQ(Extract(grpc, {{"grpc-timeout", "1S"}}, {.now = 1}).context.deadline(), 1 + HF_S);
}

TEST(PropagationRead, ReadsB3OnlyWhereAskedToAndWithoutATraceparent) {
  const std::string b3 = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90";
  const std::string expected = "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01";
  const Propagator any =
      Make({.boundary = Boundary::kInternal,
            .read_formats = HF_FORMAT_W3C | HF_FORMAT_B3_SINGLE | HF_FORMAT_B3_MULTI});
  const Request multi = {{"X-B3-TraceId", "463ac35c9f6413ad48485a3953bb6124"},
                         {"X-B3-SpanId", "a2fb4a1d1a96d312"},
                         {"X-B3-ParentSpanId", "0020000000000001"},
                         {"X-B3-Sampled", "1"},
                         {"X-B3-Sampled", "0"}};
  EXPECT_EQ(Extract(any, {{"b3", b3}}).traceparent(), expected);
  EXPECT_EQ(Extract(any, {{"b3", b3}}).report.carried, HF_FIELD_B3);
  EXPECT_EQ(Extract(any, {{"b3", b3}, {"b3", "0"}}).traceparent(), expected) << "the first";
  EXPECT_EQ(Extract(any, multi).traceparent(),
            "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-01");
  EXPECT_EQ(Extract(any, multi).report.repeated, HF_FIELD_B3);
  Request both = multi;
  both.push_back({"B3", b3});
  EXPECT_EQ(Extract(any, both).traceparent(), expected) << "single wins";
  EXPECT_TRUE(Extract(any, {{"b3", b3}, {"traceparent", kValid}}).same());
  const Read broken = Extract(any, {{"b3", b3}, {"traceparent", "x"}});
  EXPECT_NE(broken.traceparent(), expected) << "a broken traceparent restarts all the same";
  EXPECT_EQ(Extract(any, {{"b3", "x"}}).report.malformed, HF_FIELD_B3);
  EXPECT_EQ(Extract(any, {{"b3", b3}, {"tracestate", "a=1"}}).context.tracestate(), "");
  EXPECT_NE(At({{"b3", b3}}).traceparent(), expected) << "not asked to";
}

TEST(PropagationRead, AB3DecisionWithoutIdsSamplesTheFreshTrace) {
  const Propagator b3 = Make(
      {.boundary = Boundary::kInternal, .read_formats = HF_FORMAT_B3_SINGLE | HF_FORMAT_B3_MULTI});
  EXPECT_EQ(Extract(b3, {{"b3", "1"}}).context.trace().flags, 3);
  EXPECT_EQ(Extract(b3, {{"b3", "d"}}).context.trace().flags, 3);
  EXPECT_EQ(Extract(b3, {{"b3", "0"}}).context.trace().flags, 2);
  EXPECT_EQ(Extract(b3, {{"x-b3-flags", "1"}}).context.trace().flags, 3);
  EXPECT_EQ(Extract(b3, {{"b3", "1"}}).report.made & HF_FIELD_TRACEPARENT, HF_FIELD_TRACEPARENT);
}

TEST(PropagationRead, LeavesOutWhatThePolicyLeavesToOthers) {
  const Propagator quiet = Make({.boundary = Boundary::kInternal,
                                 .left_out = HF_FIELD_TRACEPARENT | HF_FIELD_REQUEST_ID |
                                             HF_FIELD_BAGGAGE | HF_FIELD_TENANT});
  const Read read = Extract(quiet, {{"traceparent", kValid},
                                    {"tracestate", "a=1"},
                                    {"x-request-id", "r"},
                                    {"baggage", "a=1"},
                                    {"holdfast-tenant", "t"},
                                    {"x-causation-id", "c"}});
  EXPECT_FALSE(HasTrace(read.context.trace()));
  EXPECT_EQ(read.context.tracestate(), "");
  EXPECT_EQ(read.context.request_id(), "");
  EXPECT_EQ(read.context.baggage(), "");
  EXPECT_EQ(read.context.tenant(), "");
  EXPECT_EQ(read.context.causation_id(), "c");
  EXPECT_EQ(read.report.made, 0u);
}

}  // namespace
}  // namespace holdfast
