// SPDX-License-Identifier: Apache-2.0
// Statuses, details and trailers as outcomes, hostile ones included. No connection needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/status.h>
#include <holdfast/v1/refusal.pb.h>

#include <chrono>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

// Trailers as gRPC hands them over; the literals outlive the references.
PeerAdvice Read(std::initializer_list<std::pair<const char*, const char*>> trailers) {
  std::multimap<::grpc::string_ref, ::grpc::string_ref> map;
  for (const auto& [key, value] : trailers) map.emplace(key, value);
  return ReadTrailers(map);
}

// As the library sees it, verdict and effect filled in.
hf_outcome Derived(StatusCode code, const PeerAdvice& advice = {}) {
  hf_outcome outcome = OutcomeOf(::grpc::Status(code, ""), advice);
  EXPECT_EQ(hf_outcome_derive(&outcome), HF_OK);
  return outcome;
}

TEST(GrpcStatus, OnlyTheCodeDecidesWhereThePeerSaysNothing) {
  EXPECT_EQ(Derived(StatusCode::OK).effect, HF_EFFECT_FINAL);
  EXPECT_EQ(Derived(StatusCode::UNAVAILABLE).effect, HF_EFFECT_AMBIGUOUS);
  EXPECT_EQ(Derived(StatusCode::DEADLINE_EXCEEDED).effect, HF_EFFECT_AMBIGUOUS);
  EXPECT_EQ(Derived(StatusCode::RESOURCE_EXHAUSTED).effect, HF_EFFECT_RETRYABLE);
  EXPECT_EQ(Derived(StatusCode::ABORTED).effect, HF_EFFECT_RETRYABLE);
  EXPECT_EQ(Derived(StatusCode::FAILED_PRECONDITION).effect, HF_EFFECT_FINAL);
  EXPECT_EQ(Derived(StatusCode::CANCELLED).verdict, HF_VERDICT_IGNORED);
}

TEST(GrpcStatus, EveryCodeIsOneTheLibraryTakes) {
  for (int code = -3; code < 32; ++code) {  // what the enumeration can hold
    const hf_outcome outcome = Derived(static_cast<StatusCode>(code));
    EXPECT_EQ(outcome.code, code >= 0 && code <= 16 ? code : HF_UNKNOWN);
  }
}

TEST(GrpcStatus, NotStartedMakesAnAmbiguousErrorRepeatable) {
  const PeerAdvice advice = Read({{"holdfast-not-started", "bulkhead_full"}});
  EXPECT_EQ(Derived(StatusCode::UNAVAILABLE, advice).effect, HF_EFFECT_NOT_STARTED);
  EXPECT_EQ(Derived(StatusCode::DEADLINE_EXCEEDED, advice).effect, HF_EFFECT_NOT_STARTED);
}

TEST(GrpcStatus, NotStartedDoesNotReopenWhatIsFinal) {
  const PeerAdvice advice = Read({{"holdfast-not-started", "lie"}});
  EXPECT_EQ(Derived(StatusCode::OK, advice).effect, HF_EFFECT_FINAL);
  EXPECT_EQ(Derived(StatusCode::INVALID_ARGUMENT, advice).effect, HF_EFFECT_FINAL);
}

TEST(GrpcStatus, RetryAfterIsReadInMilliseconds) {
  EXPECT_EQ(Read({{"holdfast-retry-after-ms", "250"}}).retry_after, milliseconds(250));
  EXPECT_EQ(Read({{"grpc-retry-pushback-ms", "70"}}).retry_after, milliseconds(70));
  EXPECT_EQ(Read({{"holdfast-retry-after-ms", "5"}, {"grpc-retry-pushback-ms", "7"}}).retry_after,
            milliseconds(7));
  const PeerAdvice zero = Read({{"grpc-retry-pushback-ms", "0"}});
  EXPECT_EQ(zero.retry_after, Duration{0});
  EXPECT_FALSE(zero.do_not_retry);
}

TEST(GrpcStatus, AbsurdRetryAfterIsIgnoredOrBounded) {
  for (const char* value :
       {"", "-5", "1e9", "0x10", "12 ", " 12", "soon", "99999999999999999999"}) {
    EXPECT_EQ(Read({{"holdfast-retry-after-ms", value}}).retry_after, Duration{0}) << value;
    EXPECT_FALSE(Read({{"holdfast-retry-after-ms", value}}).do_not_retry) << value;
  }
  EXPECT_EQ(Read({{"holdfast-retry-after-ms", "9223372036854775807"}}).retry_after,
            std::chrono::hours(24));
  EXPECT_EQ(Read({{"grpc-retry-pushback-ms", "2147483647"}}).retry_after, std::chrono::hours(24));
}

TEST(GrpcStatus, PushbackThatIsNegativeOrUnreadableStopsRetries) {
  for (const char* value : {"-1", "-2147483648", "", "soon", "1.5", "2147483648", "5ms"}) {
    const PeerAdvice advice = Read({{"grpc-retry-pushback-ms", value}});
    EXPECT_TRUE(advice.do_not_retry) << value;
    EXPECT_EQ(Derived(StatusCode::UNAVAILABLE, advice).effect, HF_EFFECT_FINAL) << value;
    EXPECT_EQ(Derived(StatusCode::UNAVAILABLE, advice).verdict, HF_VERDICT_FAILURE) << value;
  }
  EXPECT_TRUE(
      Read({{"grpc-retry-pushback-ms", "1"}, {"grpc-retry-pushback-ms", "2"}}).do_not_retry);
}

TEST(GrpcStatus, ARefusalKeepsReasonAndRetryAfterThroughDetails) {
  const Rejection rejection{absl::StatusCode::kUnavailable, HF_R_BREAKER_OPEN, milliseconds(1500)};
  const ::grpc::Status status = RefusalStatus(rejection, "no attempt was made");
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "no attempt was made (holdfast: breaker_open)");
  const auto back = RejectionOf(status);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(back->retry_after, milliseconds(1500));
  EXPECT_EQ(back->code, absl::StatusCode::kUnavailable);
}

TEST(GrpcStatus, DetailsFollowTheCommonErrorModel) {
  const ::grpc::Status status =
      RefusalStatus({absl::StatusCode::kUnavailable, HF_R_BREAKER_OPEN, milliseconds(1500)}, "t");
  v1::RpcStatus parsed;
  ASSERT_TRUE(parsed.ParseFromString(status.error_details()));
  ASSERT_EQ(parsed.details_size(), 2);
  EXPECT_EQ(parsed.code(), 14);
  EXPECT_EQ(parsed.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  v1::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(parsed.details(0).value()));
  EXPECT_EQ(info.reason(), "BREAKER_OPEN");
  EXPECT_EQ(info.domain(), "holdfast");
  v1::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(parsed.details(1).value()));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500000000);
}

TEST(GrpcStatus, AbslStatusesGoThereAndBack) {
  const absl::Status status = MakeStatus(HF_ABORTED, HF_R_IDEM_BUSY, "at work", milliseconds(20));
  const absl::Status back = ToAbsl(FromAbsl(status));
  EXPECT_EQ(back.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(holdfast::RejectionOf(back)->reason, HF_R_IDEM_BUSY);
  EXPECT_EQ(holdfast::RejectionOf(back)->retry_after, milliseconds(20));
  EXPECT_EQ(ToAbsl(FromAbsl(absl::NotFoundError("plain"))), absl::NotFoundError("plain"));
  EXPECT_TRUE(FromAbsl(absl::OkStatus()).ok());
  EXPECT_EQ(ToAbsl(::grpc::Status(static_cast<StatusCode>(31), "x")).code(),
            absl::StatusCode::kUnknown);
}

TEST(GrpcStatus, ForeignOrBrokenDetailsSayNothing) {
  EXPECT_FALSE(RejectionOf(::grpc::Status(StatusCode::ABORTED, "m", "\xFF\xFFgarbage")));
  EXPECT_FALSE(RejectionOf(::grpc::Status(StatusCode::ABORTED, "m")));
  v1::RpcStatus foreign;
  v1::ErrorInfo info;
  info.set_domain("example.com");
  (*info.mutable_metadata())["code"] = "203";
  auto* any = foreign.add_details();
  any->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  any->set_value(info.SerializeAsString());
  EXPECT_FALSE(RejectionOf(::grpc::Status(StatusCode::ABORTED, "m", foreign.SerializeAsString())));
}

TEST(GrpcStatus, AbsurdDelaysInDetailsAreBounded) {
  const std::pair<std::int64_t, std::int32_t> delays[] = {
      {INT64_MAX, 0}, {INT64_MIN, 0}, {-1, 0}, {0, -1}, {86399, INT32_MAX}, {INT64_MAX, INT32_MAX}};
  for (const auto& [seconds, nanos] : delays) {
    v1::RpcStatus status;
    ASSERT_TRUE(status.ParseFromString(
        RefusalStatus({absl::StatusCode::kAborted, HF_R_IDEM_BUSY}, "t").error_details()));
    v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(seconds);
    retry.mutable_retry_delay()->set_nanos(nanos);
    auto* any = status.add_details();
    any->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
    any->set_value(retry.SerializeAsString());
    const auto read =
        RejectionOf(::grpc::Status(StatusCode::ABORTED, "m", status.SerializeAsString()));
    ASSERT_TRUE(read.has_value());
    EXPECT_GE(read->retry_after, Duration{0});
    EXPECT_LE(read->retry_after, std::chrono::hours(24));
  }
}

TEST(GrpcStatus, AnyBytesAsDetailsAreRead) {
  std::mt19937 random(7);
  const std::string good =
      RefusalStatus({absl::StatusCode::kAborted, HF_R_IDEM_BUSY, milliseconds(5)}, "t")
          .error_details();
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int flips = random() % 4; flips >= 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto read = RejectionOf(::grpc::Status(StatusCode::ABORTED, "m", bytes));
    EXPECT_LE(read ? read->retry_after : Duration{0}, std::chrono::hours(24));
  }
}

TEST(GrpcStatus, ATextThatIsNotUtf8DoesNotBreakTheDetails) {
  const ::grpc::Status status =
      RefusalStatus({absl::StatusCode::kAborted, HF_R_IDEM_BUSY}, "caf\xE9");
  EXPECT_THAT(status.error_message(), HasSubstr("caf\xE9"));
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_IDEM_BUSY);
}

}  // namespace
}  // namespace holdfast::grpc
