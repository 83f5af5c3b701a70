// SPDX-License-Identifier: Apache-2.0
//
// The traceparent rows of the W3C suite (github.com/w3c/trace-context, test/test.py) and of the
// OpenTelemetry C++ tests (http_text_format_test.cc), and what neither of them tests: upper-case
// hex, reserved flag bits, two values in one header.
#include "codec/traceparent.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace holdfast::codec {
namespace {

const std::string kTraceId = "12345678901234567890123456789012";
const std::string kSpanId = "1234567890123456";
const std::string kValue = "00-" + kTraceId + "-" + kSpanId + "-01";

std::string With(std::string_view version, std::string_view trace_id, std::string_view span_id,
                 std::string_view flags) {
  std::string value(version);
  for (const std::string_view part : {trace_id, span_id, flags}) value.append("-").append(part);
  return value;
}

std::string Hex(const std::uint8_t* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

std::string Format(const hf_trace& trace) {
  std::string text(HF_TRACEPARENT_SIZE, '\0');
  return FormatTraceparent(trace, text.data()) ? text : "";
}

bool SameTrace(const hf_trace& a, const hf_trace& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

void ExpectSame(const std::string& value) {
  hf_trace trace{};
  ASSERT_TRUE(ParseTraceparent(value, &trace)) << "[" << value << "]";
  EXPECT_EQ(Hex(trace.trace_id, 16), kTraceId) << value;
  EXPECT_EQ(Hex(trace.span_id, 8), kSpanId) << value;
}

void ExpectRefused(const std::string& value) {
  hf_trace before{};
  std::memset(&before, 0x5a, sizeof before);
  hf_trace trace = before;
  EXPECT_FALSE(ParseTraceparent(value, &trace)) << "[" << value << "]";
  EXPECT_TRUE(SameTrace(trace, before)) << "written although refused: " << value;
}

TEST(Traceparent, ReadsTheIdsAndTheFlagsOfTheSuite) {
  ExpectSame(kValue);
  hf_trace trace{};
  ASSERT_TRUE(ParseTraceparent(kValue, &trace));
  EXPECT_EQ(trace.flags, kTraceSampled);
  for (const std::uint8_t byte : trace.reserved0) EXPECT_EQ(byte, 0);
}

TEST(Traceparent, RefusesAnythingAfterVersionZero) {
  ExpectRefused(kValue + ".");
  ExpectRefused(kValue + "-");
  ExpectRefused(kValue + "-what-the-future-will-be-like");
}

TEST(Traceparent, ReadsAHigherVersionByItsFirstFields) {
  const std::string future = With("cc", kTraceId, kSpanId, "01");
  ExpectSame(future);
  ExpectSame(future + "-");
  ExpectSame(future + "-what-the-future-will-be-like");
  ExpectSame(With("01", kTraceId, kSpanId, "01"));
  ExpectSame(With("fe", kTraceId, kSpanId, "01"));
  ExpectRefused(future + ".what-the-future-will-be-like");
  ExpectRefused(future + "0");
}

TEST(Traceparent, WritesVersionZeroForAHigherOne) {
  hf_trace trace{};
  ASSERT_TRUE(ParseTraceparent(With("cc", kTraceId, kSpanId, "01") + "-x", &trace));
  EXPECT_EQ(Format(trace), kValue);
}

TEST(Traceparent, RefusesEveryMalformedVersion) {
  for (const char* version : {"ff", ".0", "0.", "000", "0000", "0", "", "CC", "0x", "fF", "Ff"}) {
    ExpectRefused(With(version, kTraceId, kSpanId, "01"));
  }
}

TEST(Traceparent, RefusesEveryMalformedTraceId) {
  ExpectRefused(With("00", std::string(32, '0'), kSpanId, "01"));
  ExpectRefused(With("00", "." + kTraceId.substr(1), kSpanId, "01"));
  ExpectRefused(With("00", kTraceId.substr(0, 31) + ".", kSpanId, "01"));
  ExpectRefused(With("00", kTraceId + "3", kSpanId, "01"));
  ExpectRefused(With("00", kTraceId.substr(0, 31), kSpanId, "01"));
  ExpectRefused(With("cc", kTraceId + "3", kSpanId, "01"));
}

TEST(Traceparent, RefusesEveryMalformedSpanId) {
  ExpectRefused(With("00", kTraceId, std::string(16, '0'), "01"));
  ExpectRefused(With("00", kTraceId, "." + kSpanId.substr(1), "01"));
  ExpectRefused(With("00", kTraceId, kSpanId.substr(0, 15) + ".", "01"));
  ExpectRefused(With("00", kTraceId, kSpanId + "7", "01"));
  ExpectRefused(With("00", kTraceId, kSpanId.substr(0, 15), "01"));
}

TEST(Traceparent, RefusesEveryMalformedFlags) {
  for (const char* flags : {".0", "0.", "001", "1", "", "0G", "0 "}) {
    ExpectRefused(With("00", kTraceId, kSpanId, flags));
  }
}

TEST(Traceparent, DropsOuterSpacesAndTabsAndNothingElse) {
  for (const std::string& value :
       {" " + kValue, "\t" + kValue, kValue + " ", kValue + "\t", "\t " + kValue + " \t"}) {
    ExpectSame(value);
  }
  for (const std::string& value : {"\n" + kValue, kValue + "\r", kValue + "\v", "\r\n " + kValue,
                                   kValue + std::string(1, '\0')}) {
    ExpectRefused(value);
  }
}

TEST(Traceparent, RefusesTheInvalidListOfOpenTelemetry) {
  const std::string trace_id = "0af7651916cd43dd8448eb211c80319c";
  const std::string span_id = "b9c7c989f97918e1";
  ExpectSame(kValue);  // the helper can also see a good one
  for (const std::string& value :
       {"ff-" + trace_id + "-" + span_id + "-01", "00-" + trace_id + "1-" + span_id + "-01",
        "00-" + trace_id + "-" + span_id + "1-01", "0-" + trace_id + "-" + span_id + "-01",
        "00-" + trace_id + "-" + span_id + "-0",
        "00-" + trace_id.substr(0, 30) + "-" + span_id + "-01",
        "00-" + trace_id + "-" + span_id.substr(0, 11) + "-01", std::string("00-1-1-00"),
        "00--" + span_id + "-01", "00-" + trace_id + "--01", std::string(), std::string("---")}) {
    ExpectRefused(value);
  }
}

TEST(Traceparent, RefusesUpperCaseHexAnywhere) {
  const std::string trace_id = "0af7651916cd43dd8448eb211c80319c";
  ExpectRefused(With("00", "0AF7651916cd43dd8448eb211c80319c", kSpanId, "01"));
  ExpectRefused(With("00", trace_id, "B9c7c989f97918e1", "01"));
  ExpectRefused(With("00", trace_id, "b9c7c989f97918e1", "0A"));
  ExpectRefused(With("0A", trace_id, "b9c7c989f97918e1", "01"));
}

TEST(Traceparent, DropsReservedFlagsAndKeepsSampledAndRandom) {
  const std::pair<const char*, std::uint8_t> rows[] = {{"00", 0}, {"01", 1}, {"02", 2}, {"03", 3},
                                                       {"ff", 3}, {"fc", 0}, {"fd", 1}, {"80", 0}};
  for (const auto& [flags, kept] : rows) {
    hf_trace trace{};
    ASSERT_TRUE(ParseTraceparent(With("00", kTraceId, kSpanId, flags), &trace)) << flags;
    EXPECT_EQ(trace.flags, kept) << flags;
  }
  hf_trace trace{};
  ASSERT_TRUE(ParseTraceparent(kValue, &trace));
  trace.flags = 0xff;
  EXPECT_EQ(Format(trace), With("00", kTraceId, kSpanId, "03"));
}

TEST(Traceparent, RefusesTwoValuesInOneHeader) {
  ExpectRefused(kValue + "," + kValue);
  ExpectRefused(kValue + ", " + kValue);
  const std::string future = With("cc", kTraceId, kSpanId, "01");
  ExpectRefused(future + "," + future);
  ExpectRefused(future + "-x," + future);
}

TEST(Traceparent, RefusesADashInTheWrongPlace) {
  for (const std::size_t dash : {2u, 35u, 52u}) {
    std::string value = kValue;
    value[dash] = '_';
    ExpectRefused(value);
    value[dash] = '0';
    ExpectRefused(value);
  }
}

TEST(Traceparent, RefusesEveryOtherByteInEveryPlaceOfADigit) {
  for (std::size_t at = 0; at < kValue.size(); ++at) {
    if (kValue[at] == '-') continue;
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) continue;
      std::string value = kValue;
      value[at] = c;
      // At either end a space or a tab is dropped, and the value is then one digit short.
      ExpectRefused(value);
    }
  }
}

TEST(Traceparent, FormatsNothingForAZeroId) {
  hf_trace trace{};
  EXPECT_EQ(Format(trace), "");
  trace.trace_id[15] = 1;
  EXPECT_EQ(Format(trace), "");
  trace.span_id[0] = 1;
  EXPECT_EQ(Format(trace), "00-00000000000000000000000000000001-0100000000000000-00");
  trace.trace_id[15] = 0;
  EXPECT_EQ(Format(trace), "");
}

TEST(Traceparent, ParsesWhatItFormatsForRandomValues) {
  std::mt19937_64 random(20240611);
  for (int i = 0; i < 20000; ++i) {
    hf_trace trace{};
    for (std::uint8_t& byte : trace.trace_id) byte = static_cast<std::uint8_t>(random());
    for (std::uint8_t& byte : trace.span_id) byte = static_cast<std::uint8_t>(random());
    trace.flags = random() & kTraceKnownFlags;
    const std::string text = Format(trace);
    hf_trace back{};
    ASSERT_TRUE(ParseTraceparent(text, &back)) << text;
    ASSERT_TRUE(SameTrace(trace, back)) << text;
  }
}

// Random edits of good values: whatever is accepted, formatting it is a fixed point.
TEST(Traceparent, FormatOfParseIsAFixedPointForRandomInputs) {
  std::mt19937_64 random(7);
  constexpr std::string_view kBytes = "0123456789abcdef-ABCDEF ,.\t";
  int accepted = 0, refused = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string value = random() % 2 == 0 ? kValue : With("cc", kTraceId, kSpanId, "01") + "-ext";
    for (std::uint64_t edits = random() % 4; edits > 0; --edits) {
      value[random() % value.size()] = kBytes[random() % kBytes.size()];
    }
    hf_trace trace{}, again{};
    if (!ParseTraceparent(value, &trace)) {
      ++refused;
      continue;
    }
    ++accepted;
    const std::string text = Format(trace);
    ASSERT_TRUE(ParseTraceparent(text, &again)) << value;
    ASSERT_TRUE(SameTrace(trace, again)) << value;
    ASSERT_EQ(Format(again), text) << value;
  }
  EXPECT_GT(accepted, 5000);
  EXPECT_GT(refused, 5000);
}

TEST(Traceparent, TheBoundaryRefusesNullAndAnswersAsTheCodec) {
  hf_trace trace{};
  char out[HF_TRACEPARENT_SIZE];
  EXPECT_EQ(hf_traceparent_parse(nullptr, 0, &trace), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_traceparent_parse(nullptr, 55, &trace), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_traceparent_parse(kValue.data(), kValue.size(), nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_traceparent_format(nullptr, out), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_traceparent_format(&trace, out), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_traceparent_parse("garbage", 7, &trace), HF_INVALID_ARGUMENT);
  ASSERT_EQ(hf_traceparent_parse(kValue.data(), kValue.size(), &trace), HF_OK);
  EXPECT_EQ(hf_traceparent_format(&trace, nullptr), HF_INVALID_ARGUMENT);
  ASSERT_EQ(hf_traceparent_format(&trace, out), HF_OK);
  EXPECT_EQ(std::string_view(out, sizeof out), kValue);
}

}  // namespace
}  // namespace holdfast::codec
