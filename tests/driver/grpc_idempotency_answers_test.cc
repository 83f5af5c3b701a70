// SPDX-License-Identifier: Apache-2.0
// What a client of any language hears for each thing a store can say of its key: code, reason, RetryInfo and trailers,
// as docs/primitives/idempotent_http.md has them for HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/server.h>
#include <holdfast/grpc/status.h>
#include <holdfast/store.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

// Says the same of every key.
class AnswerStore final : public Store {
 public:
  StoreReply Execute(const StoreRequest& /*request*/, Duration /*timeout*/) override {
    const std::lock_guard lock(mutex_);
    return reply_;
  }
  Guarantee guarantee() const override { return {GuaranteeLevel::kProcess, "a test's"}; }
  bool blocks() const override { return false; }

  void Answer(StoreReply reply) {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
  }

 private:
  std::mutex mutex_;
  StoreReply reply_;
};

struct Row {
  hf_store_status status;
  Duration wait;  // that the store tells
  StatusCode code;
  hf_reason reason;
  bool not_started;  // the trailer that lets any client try again
};

class GrpcIdempotencyAnswers : public ::testing::Test {
 protected:
  GrpcIdempotencyAnswers()
      : service_([this](auto* context, const auto& request, auto* reply) {
          return guard_.Handle(context, request, reply, "payment.Charge", [&](ServerCall&) {
            ++ran_;
            return ::grpc::Status::OK;
          });
        }) {}

  RawAnswer Ask() {
    test::ChargeRequest request;
    request.set_order("MARKER-body");
    return Charge(channel_, request, {{"idempotency-key", "MARKER-key"}});
  }

  AnswerStore store_;
  Guard guard_ = *Guard::Create({.store = &store_, .space = "test"});
  int ran_ = 0;
  PaymentService service_;
  Loopback loopback_{service_};
  std::shared_ptr<::grpc::Channel> channel_ = loopback_.Open();
};

TEST_F(GrpcIdempotencyAnswers, EachHasItsCodeItsReasonAndItsTime) {
  for (const Row& row :
       {Row{HF_STORE_BUSY, 2500ms, StatusCode::ABORTED, HF_R_IDEM_BUSY, false},
        Row{HF_STORE_MISMATCH, 0ms, StatusCode::INVALID_ARGUMENT, HF_R_IDEM_MISMATCH, false},
        Row{HF_STORE_IN_DOUBT, 0ms, StatusCode::FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT, false},
        Row{HF_STORE_POISON, 0ms, StatusCode::FAILED_PRECONDITION, HF_R_IDEM_POISON, false},
        Row{HF_STORE_BACKOFF, 90s, StatusCode::UNAVAILABLE, HF_R_IDEM_BACKOFF, false},
        Row{HF_STORE_ERASED, 0ms, StatusCode::FAILED_PRECONDITION, HF_R_STORE_ERASED, false},
        Row{HF_STORE_CORRUPT, 0ms, StatusCode::DATA_LOSS, HF_R_STORE_CORRUPT, false},
        Row{HF_STORE_UNAVAILABLE, 1s, StatusCode::UNAVAILABLE, HF_R_STORE_UNAVAILABLE, true},
        Row{HF_STORE_LOCKED, 0ms, StatusCode::UNAVAILABLE, HF_R_STORE_LOCKED, true},
        Row{HF_STORE_OVERLOADED, 0ms, StatusCode::RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, true},
        Row{HF_STORE_FULL, 0ms, StatusCode::RESOURCE_EXHAUSTED, HF_R_STORE_FULL, true},
        Row{HF_STORE_INDETERMINATE, 0ms, StatusCode::UNKNOWN, HF_R_STORE_INDETERMINATE, false}}) {
    StoreReply reply;
    reply.raw.status = row.status;
    reply.raw.retry_after = row.wait.count();
    store_.Answer(std::move(reply));
    const RawAnswer answer = Ask();
    EXPECT_EQ(answer.status.error_code(), row.code) << row.status;
    ASSERT_TRUE(RejectionOf(answer.status).has_value()) << row.status;
    EXPECT_EQ(RejectionOf(answer.status)->reason, row.reason) << row.status;
    EXPECT_EQ(DetailOf(answer.status).retry_after, row.wait) << row.status;
    EXPECT_EQ(answer.Has("grpc-retry-pushback-ms"), row.wait > 0ms) << row.status;
    EXPECT_EQ(answer.Has("holdfast-not-started"), row.not_started) << row.status;
    EXPECT_FALSE(answer.Has("holdfast-replayed")) << row.status;
    EXPECT_THAT(answer.status.error_message(), Not(HasSubstr("MARKER"))) << row.status;
    EXPECT_THAT(answer.status.error_details(), Not(HasSubstr("MARKER"))) << row.status;
  }
  EXPECT_EQ(ran_, 0);
}

TEST_F(GrpcIdempotencyAnswers, AReplayIsMarkedAndAMissingKeyIsTheCallersMistake) {
  test::ChargeReply first;
  first.set_payment("pay-1");
  StoreReply stored;
  stored.raw.status = HF_STORE_REPLAY;
  stored.raw.state = HF_RECORD_COMPLETED;
  stored.body = std::make_shared<const std::string>(first.SerializeAsString());
  stored.raw.body = {stored.body->data(), stored.body->size()};
  store_.Answer(stored);
  const RawAnswer replay = Ask();
  EXPECT_TRUE(replay.status.ok());
  EXPECT_EQ(replay.bytes, *stored.body);
  EXPECT_EQ(replay.Get("holdfast-replayed"), "1");
  const RawAnswer missing = Charge(channel_, test::ChargeRequest(), {});
  EXPECT_EQ(missing.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(RejectionOf(missing.status)->reason, HF_R_KEY_MISSING);
  EXPECT_EQ(ran_, 0);
}

}  // namespace
}  // namespace holdfast::grpc
