// SPDX-License-Identifier: Apache-2.0
//
// The small formats: grpc-timeout, Idempotency-Key, opaque ids and words; and the names of headers.
#include <gtest/gtest.h>
#include <holdfast/c/uuid7.h>
#include <holdfast/idempotency_key.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/ascii.h"
#include "codec/grpc_timeout.h"
#include "codec/header_name.h"
#include "codec/request_id.h"

namespace holdfast {
namespace {

hf_duration Timeout(std::string_view value) {
  hf_duration timeout = -1;
  return codec::ParseGrpcTimeout(value, &timeout) ? timeout : -1;
}

std::string Written(hf_duration timeout) {
  char out[codec::kGrpcTimeoutSize];
  return std::string(out, codec::FormatGrpcTimeout(timeout, out));
}

TEST(GrpcTimeout, ReadsEveryUnit) {
  const std::pair<std::string_view, hf_duration> rows[] = {{"1H", 3600 * HF_S},
                                                           {"2M", 120 * HF_S},
                                                           {"3S", 3 * HF_S},
                                                           {"100m", 100 * HF_MS},
                                                           {"5u", 5 * HF_US},
                                                           {"7n", 7},
                                                           {"0n", 0},
                                                           {"00000001S", HF_S},
                                                           {" 1S ", HF_S},
                                                           {"99999999S", 99999999 * HF_S},
                                                           {"99999999H", HF_INFINITE - 1}};
  for (const auto& [value, timeout] : rows) EXPECT_EQ(Timeout(value), timeout) << value;
}

TEST(GrpcTimeout, RefusesAnythingElse) {
  for (const char* value : {"", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", "1 S", "123456789S",
                            "0x1S", "1SS", "1S,2S", "\xb9S"}) {
    EXPECT_EQ(Timeout(value), -1) << value;
  }
}

TEST(GrpcTimeout, WritesTheFinestUnitThatEightDigitsSay) {
  const std::pair<hf_duration, std::string> rows[] = {{0, "0n"},
                                                      {1, "1n"},
                                                      {99'999'999, "99999999n"},
                                                      {100'000'000, "100000u"},
                                                      {1234 * HF_MS, "1234000u"},
                                                      {100 * HF_S, "100000m"},
                                                      {100'000 * HF_S, "100000S"},
                                                      {HF_INFINITE - 1, "2562047H"}};
  for (const auto& [timeout, value] : rows) EXPECT_EQ(Written(timeout), value);
}

TEST(GrpcTimeout, NeverMakesADeadlineLater) {
  EXPECT_TRUE(rc::check([] {
    const auto timeout = *rc::gen::inRange<hf_duration>(0, HF_INFINITE);
    const hf_duration back = Timeout(Written(timeout));
    RC_ASSERT(back >= 0 && back <= timeout);
    // A larger unit where 8 digits do not hold it, and then at least 6 are left: 99999999m, 100000S.
    RC_ASSERT(timeout > 365 * 24 * 3600 * HF_S || timeout - back <= timeout / 100'000);
    RC_ASSERT(Written(back) == Written(Timeout(Written(back))));
  }));
}

TEST(IdempotencyKey, ReadsTheQuotedString) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
      {"\"a b,c;d\"", "a b,c;d"},
      {"\"a\\\"b\\\\c\"", "a\"b\\c"},
      {" \"k\" ", "k"},
      {"\"k\";p=1", "k"}};
  for (const auto& [value, key] : rows) EXPECT_EQ(ParseIdempotencyKey(value), key) << value;
}

TEST(IdempotencyKey, ReadsTheBareKeyOfManyClients) {
  EXPECT_EQ(ParseIdempotencyKey("8e03978e-40d5"), "8e03978e-40d5");
  EXPECT_EQ(ParseIdempotencyKey("\torder/17:a=b\\ "), "order/17:a=b\\");
}

TEST(IdempotencyKey, RefusesAnythingElse) {
  for (const char* value :
       {"", " ", "\"\"", "\"", "\"a", "a\"", "\"a\"b", "\"a\" \"b\"", "\"a\\n\"", "\"a\\", "a b",
        "a,b", "a;b", "\"a\",\"b\"", "\xc3\xa9", "\"\xc3\xa9\"", "\"a\nb\"", "\"a\"; \x01"}) {
    EXPECT_EQ(ParseIdempotencyKey(value), std::nullopt) << value;
  }
}

TEST(IdempotencyKey, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_EQ(FormatIdempotencyKey("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(FormatIdempotencyKey(""), std::nullopt);
  EXPECT_EQ(FormatIdempotencyKey("\xc3\xa9"), std::nullopt);
  EXPECT_EQ(FormatIdempotencyKey("a\nb"), std::nullopt);
  EXPECT_TRUE(rc::check([] {
    const auto key =
        *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127)));
    const auto value = FormatIdempotencyKey(key);
    RC_ASSERT(value.has_value());
    RC_ASSERT(ParseIdempotencyKey(*value) == key);
  }));
}

TEST(OpaqueId, IsPrintableAsciiWithoutSpaces) {
  EXPECT_FALSE(codec::IsOpaqueId("", 8));
  EXPECT_TRUE(codec::IsOpaqueId("12345678", 8));
  EXPECT_FALSE(codec::IsOpaqueId("123456789", 8));
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string id(size, '~');
        id[at] = static_cast<char>(byte);
        ASSERT_EQ(codec::IsOpaqueId(id, 20), byte > 0x20 && byte < 0x7f) << byte << " at " << at;
      }
    }
  }
}

TEST(OpaqueId, AFreshOneIsARandomUuid) {
  const std::uint8_t entropy[16] = {0, 1, 2, 3, 4, 5, 0xff, 7, 0xff, 9, 10, 11, 12, 13, 14, 15};
  std::string uuid(HF_UUID_TEXT_SIZE, '\0');
  codec::FormatRandomUuid(entropy, uuid.data());
  EXPECT_EQ(uuid, "00010203-0405-4f07-bf09-0a0b0c0d0e0f");
}

TEST(Words, OfCriticalityGoBothWays) {
  for (hf_criticality criticality = HF_CRITICAL_PLUS; criticality <= HF_SHEDDABLE; ++criticality) {
    hf_criticality back = 0;
    EXPECT_TRUE(codec::ParseCriticality(codec::FormatCriticality(criticality), &back));
    EXPECT_EQ(back, criticality);
  }
  EXPECT_EQ(codec::FormatCriticality(HF_CRITICAL_PLUS), "critical-plus");
  EXPECT_EQ(codec::FormatCriticality(HF_SHEDDABLE), "sheddable");
  hf_criticality kept = 7;
  for (const char* word : {"", "Critical", "critical ", "5", "sheddable-"}) {
    EXPECT_FALSE(codec::ParseCriticality(word, &kept)) << word;
  }
  EXPECT_EQ(kept, 7);
  EXPECT_EQ(codec::FormatCriticality(0), "");
  EXPECT_EQ(codec::FormatCriticality(5), "");
}

TEST(Words, AttemptsAndRetriesAreBounded) {
  std::uint32_t attempt = 0;
  EXPECT_TRUE(codec::ParseAttempt("0", &attempt) && attempt == 1);
  EXPECT_TRUE(codec::ParseAttempt("1001", &attempt) && attempt == 1000);
  EXPECT_FALSE(codec::ParseAttempt("-1", &attempt) || codec::ParseAttempt("99999999999", &attempt));
  std::int32_t retries = 0;
  EXPECT_TRUE(codec::ParseRetries("0", &retries) && retries == HF_NO_RETRIES);
  EXPECT_TRUE(codec::ParseRetries("2147483647", &retries) && retries == INT32_MAX);
  EXPECT_FALSE(codec::ParseRetries("-1", &retries) || codec::ParseRetries("2147483648", &retries));
  char digits[codec::kNumberSize];
  EXPECT_EQ(codec::FormatNumber(4294967295u, digits), 10u);
}

TEST(HeaderName, IsFoundInAnyCase) {
  for (std::size_t i = 0; i < codec::kHeaders; ++i) {
    const std::string name(codec::kHeaderNames[i]);
    std::string upper = name;
    for (char& byte : upper) byte = static_cast<char>(std::toupper(byte));
    EXPECT_EQ(codec::Index(codec::HeaderNamed(name)), i);
    EXPECT_EQ(codec::Index(codec::HeaderNamed(upper)), i);
  }
  EXPECT_EQ(codec::HeaderNamed("TrAcEpArEnT"), codec::Header::kTraceparent);
  EXPECT_EQ(codec::HeaderNamed("X-B3-TraceId"), codec::Header::kB3TraceId);
}

TEST(HeaderName, IsNothingElse) {
  for (const std::string_view name :
       {"", "b", "trace-parent", "trace.parent", "trace-state", "trace.state", "content-type",
        "baggage2", "aggage", "host", "x-request-ids", "holdfast-criticalityy",
        "a-name-of-more-than-twenty-four-bytes"}) {
    EXPECT_EQ(codec::HeaderNamed(name), codec::Header::kOther) << name;
  }
  // Each byte of each name counts, and only letters have two cases.
  for (const std::string_view known : codec::kHeaderNames) {
    for (std::size_t at = 0; at < known.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string name(known);
        name[at] = static_cast<char>(byte);
        const bool same = codec::EqualsLower(name, known);
        ASSERT_EQ(codec::HeaderNamed(name) == codec::HeaderNamed(known), same) << name;
      }
    }
  }
}

}  // namespace
}  // namespace holdfast
