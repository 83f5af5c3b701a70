// SPDX-License-Identifier: Apache-2.0
//
// B3 by the text of openzipkin/b3-propagation, and the vectors of OpenTelemetry's b3 tests.
#include "codec/b3.h"

#include <gtest/gtest.h>
#include <holdfast/trace.h>
#include <rapidcheck.h>

#include <string>

namespace holdfast {
namespace {

const std::string kTrace = "80f198ee56343ba864fe8b2a57d3eff7";
const std::string kSpan = "e457b5a2e4d86bd1";
const std::string kParent = "05e3ac9a4f6e3b90";

std::string W3c(const std::optional<hf_trace>& trace) {
  return trace ? FormatTraceparent(*trace) : "refused";
}

TEST(B3, ReadsTheSingleHeader) {
  const std::string ids = kTrace + "-" + kSpan;
  EXPECT_EQ(W3c(ParseB3(ids + "-1-" + kParent)), "00-" + ids + "-01");
  EXPECT_EQ(W3c(ParseB3(ids + "-1")), "00-" + ids + "-01");
  EXPECT_EQ(W3c(ParseB3(ids + "-0")), "00-" + ids + "-00");
  EXPECT_EQ(W3c(ParseB3(ids + "-d")), "00-" + ids + "-01") << "debug is sampled";
  EXPECT_EQ(W3c(ParseB3(ids)), "00-" + ids + "-00") << "no decision";
  EXPECT_EQ(W3c(ParseB3(" \t" + ids + "-1 ")), "00-" + ids + "-01");
}

TEST(B3, AShortTraceIdGetsZerosOnItsLeft) {
  EXPECT_EQ(W3c(ParseB3("80f198ee56343ba8-" + kSpan + "-1-" + kParent)),
            "00-000000000000000080f198ee56343ba8-" + kSpan + "-01");
}

TEST(B3, RefusesAnythingElse) {
  const std::string ids = kTrace + "-" + kSpan;
  const std::string zeros(32, '0');
  for (const std::string& value : {std::string(),
                                   std::string("-"),
                                   std::string("0"),
                                   std::string("1"),
                                   std::string("d"),
                                   kTrace,
                                   kTrace + "-",
                                   "-" + kSpan,
                                   ids + "-",
                                   ids + "-2",
                                   ids + "-D",
                                   ids + "-1-",
                                   ids + "-11",
                                   ids + "--" + kParent,
                                   ids + "-1-" + kParent.substr(1),
                                   ids + "-1-" + kParent + "-x",
                                   zeros + "-" + kSpan + "-1",
                                   kTrace + "-" + zeros.substr(16) + "-1",
                                   "0000000zzz3eff7a-" + kSpan + "-1",
                                   "80F198EE56343BA864FE8B2A57D3EFF7-" + kSpan,
                                   kTrace.substr(1) + "-" + kSpan,
                                   kTrace + "0-" + kSpan,
                                   kTrace + "-" + kSpan + "0",
                                   ids + "," + ids,
                                   ids + "-1," + ids + "-1"}) {
    EXPECT_EQ(ParseB3(value), std::nullopt) << value;
  }
}

TEST(B3, ADecisionAloneIsToldApart) {
  codec::B3 read;
  ASSERT_TRUE(codec::ParseB3("0", &read));
  EXPECT_TRUE(!read.has_ids && read.has_decision && read.trace.flags == 0);
  ASSERT_TRUE(codec::ParseB3("d", &read));
  EXPECT_TRUE(!read.has_ids && read.has_decision && read.trace.flags == 1);
  EXPECT_FALSE(codec::ParseB3("2", &read));
}

TEST(B3, ReadsTheMultiHeaders) {
  using codec::B3Fields;
  const auto read = [](const B3Fields& fields) {
    codec::B3 b3;
    return codec::ParseB3(fields, &b3) && b3.has_ids ? FormatTraceparent(b3.trace) : "refused";
  };
  const std::string ids = "00-" + kTrace + "-" + kSpan;
  EXPECT_EQ(read({kTrace, kSpan, kParent, "1", ""}), ids + "-01");
  EXPECT_EQ(read({kTrace, kSpan, "", "0", ""}), ids + "-00");
  EXPECT_EQ(read({kTrace, kSpan, "", "true", ""}), ids + "-01");
  EXPECT_EQ(read({kTrace, kSpan, "", "False", ""}), ids + "-00");
  EXPECT_EQ(read({kTrace, kSpan, "", "", ""}), ids + "-00");
  EXPECT_EQ(read({kTrace, kSpan, "", "", "1"}), ids + "-01") << "debug";
  EXPECT_EQ(read({kTrace, kSpan, "", "0", "1"}), ids + "-01") << "debug wins";
  EXPECT_EQ(read({kTrace, kSpan, "", "0", "0"}), ids + "-00");
  EXPECT_EQ(read({kTrace, "", "", "1", ""}), "refused");
  EXPECT_EQ(read({"", kSpan, "", "1", ""}), "refused");
  EXPECT_EQ(read({kTrace, kSpan, "x", "1", ""}), "refused");
  EXPECT_EQ(read({kTrace, kSpan, "", "maybe", ""}), "refused");
  codec::B3 decision;
  ASSERT_TRUE(codec::ParseB3(B3Fields{.sampled = "1"}, &decision));
  EXPECT_TRUE(!decision.has_ids && decision.trace.flags == 1);
  EXPECT_FALSE(codec::ParseB3(B3Fields{}, &decision));
}

TEST(B3, WritesTheSingleHeader) {
  const hf_trace trace = ParseTraceparent("00-" + kTrace + "-" + kSpan + "-03").value();
  EXPECT_EQ(FormatB3(trace), kTrace + "-" + kSpan + "-1");
  EXPECT_EQ(FormatB3(hf_trace{}), "");
}

TEST(B3, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_TRUE(rc::check([](const std::array<std::uint8_t, 16>& trace_id,
                           const std::array<std::uint8_t, 8>& span_id, bool sampled) {
    hf_trace trace{};
    std::memcpy(trace.trace_id, trace_id.data(), 16);
    std::memcpy(trace.span_id, span_id.data(), 8);
    trace.flags = sampled ? 1 : 0;
    RC_PRE(HasTrace(trace));
    const std::string value = FormatB3(trace);
    RC_ASSERT(W3c(ParseB3(value)) == FormatTraceparent(trace));
    RC_ASSERT(FormatB3(ParseB3(value).value()) == value);
  }));
}

}  // namespace
}  // namespace holdfast
