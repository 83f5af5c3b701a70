// SPDX-License-Identifier: Apache-2.0
// How users' results are read, and how refusals become results.
#include <gtest/gtest.h>
#include <holdfast/outcome.h>

#include <string>
#include <variant>

// A result type of somebody else's, taught to holdfast beside its declaration.
namespace shop {
struct Reply {
  int http = 0;
};
hf_outcome HoldfastOutcome(const Reply& reply) {
  hf_outcome outcome{};
  outcome.code = reply.http == 200 ? HF_OK : HF_UNAVAILABLE;
  if (reply.http == 503) outcome.effect = HF_EFFECT_NOT_STARTED;
  return outcome;
}
Reply HoldfastRejection(const holdfast::Rejection&, std::type_identity<Reply>) { return {599}; }
}  // namespace shop

namespace holdfast {
namespace {

constexpr Rejection kRejection{.code = absl::StatusCode::kUnavailable,
                               .reason = HF_R_BREAKER_OPEN,
                               .retry_after = std::chrono::seconds(2)};

// The shape of std::expected, which C++20 does not have.
template <typename E>
struct Unexpected {
  explicit Unexpected(E given) : error(given) {}
  E error;
};
template <typename V, typename E>
class Expected {
 public:
  using value_type = V;
  using error_type = E;
  using unexpected_type = Unexpected<E>;
  explicit Expected(V value) : holds_(value) {}
  Expected(Unexpected<E> unexpected) : holds_(unexpected.error) {}
  bool has_value() const { return holds_.index() == 0; }
  const E& error() const { return std::get<1>(holds_); }

 private:
  std::variant<V, E> holds_;
};

TEST(OutcomeTraits, AStatusIsItsCode) {
  using Traits = OutcomeTraits<absl::Status>;
  EXPECT_EQ(Traits::Classify(absl::OkStatus()).code, HF_OK);
  const hf_outcome outcome = Traits::Classify(absl::NotFoundError("x"));
  EXPECT_EQ(outcome.code, HF_NOT_FOUND);
  EXPECT_EQ(outcome.verdict, HF_VERDICT_DERIVE);
  EXPECT_EQ(outcome.effect, HF_EFFECT_DERIVE);
}

TEST(OutcomeTraits, ARefusalFurtherDownSaysWhenToComeBack) {
  const absl::Status status = OutcomeTraits<absl::Status>::FromRejection(kRejection);
  EXPECT_EQ(OutcomeTraits<absl::Status>::Classify(status).retry_after, 2 * HF_S);
}

TEST(OutcomeTraits, ARejectedStatusCarriesTheRejection) {
  const absl::Status status = OutcomeTraits<absl::Status>::FromRejection(kRejection);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(RejectionOf(status).has_value());
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(RejectionOf(status)->retry_after, std::chrono::seconds(2));
}

TEST(OutcomeTraits, AnAnnotatedErrorKeepsItsCodeAndText) {
  using Traits = OutcomeTraits<absl::Status>;
  const absl::Status status =
      Traits::Annotate(absl::InternalError("the disk"), HF_R_BUDGET_EXHAUSTED, Duration{5});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "the disk");
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_BUDGET_EXHAUSTED);
  EXPECT_TRUE(Traits::Annotate(absl::OkStatus(), HF_R_DEADLINE, Duration{0}).ok());
}

TEST(OutcomeTraits, TheReasonNearestToTheCauseStays) {
  using Traits = OutcomeTraits<absl::Status>;
  const absl::Status inner = Traits::FromRejection(kRejection);
  const absl::Status outer = Traits::Annotate(inner, HF_R_ATTEMPTS_EXHAUSTED, Duration{0});
  EXPECT_EQ(RejectionOf(outer)->reason, HF_R_BREAKER_OPEN);
}

TEST(OutcomeTraits, AStatusOrIsItsValueOrItsStatus) {
  using Traits = OutcomeTraits<absl::StatusOr<std::string>>;
  EXPECT_EQ(Traits::Classify(std::string("v")).code, HF_OK);
  EXPECT_EQ(Traits::Classify(absl::AbortedError("")).code, HF_ABORTED);
  EXPECT_EQ(RejectionOf(Traits::FromRejection(kRejection).status())->reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(*Traits::Annotate(std::string("v"), HF_R_DEADLINE, Duration{0}), "v");
}

TEST(OutcomeTraits, AnErrorCodeIsItsNearestCanonicalCode) {
  using Traits = OutcomeTraits<std::error_code>;
  EXPECT_EQ(Traits::Classify(std::error_code{}).code, HF_OK);
  const auto code = [](std::errc error) {
    return Traits::Classify(std::make_error_code(error)).code;
  };
  EXPECT_EQ(code(std::errc::connection_reset), HF_UNAVAILABLE);
  EXPECT_EQ(code(std::errc::timed_out), HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(code(std::errc::operation_canceled), HF_CANCELLED);
  EXPECT_EQ(code(std::errc::permission_denied), HF_PERMISSION_DENIED);
  EXPECT_EQ(code(std::errc::cross_device_link), HF_UNKNOWN);
}

TEST(OutcomeTraits, ARejectedErrorCodeReadsBackAsTheSameCode) {
  using Traits = OutcomeTraits<std::error_code>;
  for (const absl::StatusCode code :
       {absl::StatusCode::kCancelled, absl::StatusCode::kDeadlineExceeded,
        absl::StatusCode::kUnavailable, absl::StatusCode::kInvalidArgument}) {
    const std::error_code error = Traits::FromRejection({.code = code});
    EXPECT_EQ(Traits::Classify(error).code, static_cast<hf_code>(code)) << error.message();
  }
  EXPECT_TRUE(Traits::FromRejection({.code = absl::StatusCode::kResourceExhausted}));
}

TEST(OutcomeTraits, AnExpectedIsReadByItsError) {
  using Result = Expected<int, std::error_code>;
  using Traits = OutcomeTraits<Result>;
  EXPECT_EQ(Traits::Classify(Result(7)).code, HF_OK);
  const std::error_code reset = std::make_error_code(std::errc::connection_reset);
  EXPECT_EQ(Traits::Classify(Result(Unexpected(reset))).code, HF_UNAVAILABLE);
  const Result refused = Traits::FromRejection(kRejection);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(OutcomeTraits<std::error_code>::Classify(refused.error()).code, HF_UNAVAILABLE);
}

TEST(OutcomeTraits, ATypeOfOnesOwnIsTaughtBesideItsDeclaration) {
  using Traits = OutcomeTraits<shop::Reply>;
  EXPECT_EQ(Traits::Classify(shop::Reply{200}).code, HF_OK);
  EXPECT_EQ(Traits::Classify(shop::Reply{503}).effect, HF_EFFECT_NOT_STARTED);
  EXPECT_EQ(Traits::FromRejection(kRejection).http, 599);
}

template <typename T>
concept Readable = requires(const T& value) { OutcomeTraits<T>::Classify(value); };

TEST(OutcomeTraits, NobodyGuessesWhatABoolOrAnIntMeans) {
  EXPECT_FALSE(Readable<bool>);
  EXPECT_FALSE(Readable<int>);
  EXPECT_TRUE(Readable<absl::Status>);
}

}  // namespace
}  // namespace holdfast
