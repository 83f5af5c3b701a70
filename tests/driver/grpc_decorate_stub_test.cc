// SPDX-License-Identifier: Apache-2.0
// A decorated stub: retries by what the .proto or the key allows, the caller's own context kept, no context
// sent twice, and everything else passed on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/context.h>
#include <holdfast/grpc/status.h>
#include <holdfast/pipeline.h>
#include <holdfast/retry.h>

#include <deque>
#include <mutex>

#include "driver/ledger.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::seconds;

// What each attempt brought, and the codes to answer with, OK when there are no more.
struct Wire {
  std::mutex mutex;
  std::deque<StatusCode> codes;
  std::vector<std::multimap<std::string, std::string>> came;

  ::grpc::Status Take(const ::grpc::ServerContextBase& context) {
    const std::lock_guard lock(mutex);
    auto& headers = came.emplace_back();
    for (const auto& [key, value] : context.client_metadata()) {
      headers.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
    }
    if (codes.empty()) return ::grpc::Status::OK;
    const StatusCode code = codes.front();
    codes.pop_front();
    return ::grpc::Status(code, "as the test says");
  }
  std::vector<std::multimap<std::string, std::string>> Came() {
    const std::lock_guard lock(mutex);
    return came;
  }
};

class GrpcDecorateStub : public ::testing::Test {
 protected:
  GrpcDecorateStub() : service_(Scripted()), loopback_(service_) {}

  LedgerScript& Scripted() {  // before the server's threads are there
    script_.enter = [this](Kind, ::grpc::ServerContextBase& context) {
      const ::grpc::Status status = wire_.Take(context);
      context.AddTrailingMetadata("attempt", std::to_string(wire_.Came().size()));
      return status;
    };
    return script_;
  }

  void Reset(std::deque<StatusCode> codes) {
    const std::lock_guard lock(wire_.mutex);
    wire_.came.clear();
    wire_.codes = std::move(codes);
  }
  static StubOptions Options() {
    const auto retry =
        RetryPolicy::Create({.max_attempts = 3, .base = std::chrono::milliseconds(1)});
    return {.pipeline = *Pipeline::Create({.retry = *retry}), .target = "ledger"};
  }
  test::LedgerDecoratedStub Stub() { return {test::Ledger::NewStub(loopback_.Open()), Options()}; }
  static void Prepare(::grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + seconds(30));
  }
  static std::string Trailer(const ::grpc::ClientContext& context, const char* key) {
    const auto found = context.GetServerTrailingMetadata().find(key);
    if (found == context.GetServerTrailingMetadata().end()) return "";
    return std::string(found->second.data(), found->second.size());
  }

  LedgerScript script_;
  Wire wire_;
  BlockingLedger service_;
  Loopback loopback_;
};

TEST_F(GrpcDecorateStub, ACallThatSucceedsUsesTheCallersOwnContext) {
  auto stub = Stub();
  ::grpc::ClientContext context;
  Prepare(context);
  context.AddMetadata("mine", "1");
  test::Sum sum;
  ASSERT_TRUE(stub.Post(&context, test::Entry(), &sum).ok());
  const auto came = wire_.Came();
  ASSERT_EQ(came.size(), 1u);
  EXPECT_EQ(came[0].count("mine"), 1u);
  EXPECT_EQ(came[0].count("traceparent"), 1u);
  EXPECT_EQ(Trailer(context, "attempt"), "1");
}

TEST_F(GrpcDecorateStub, AMethodWithoutSideEffectsIsMadeAgainWithTheCallersMetadata) {
  Reset({StatusCode::UNAVAILABLE, StatusCode::UNAVAILABLE});
  auto stub = Stub();
  ::grpc::ClientContext context;
  Prepare(context);
  context.AddMetadata("mine", "1");
  test::Sum sum;
  EXPECT_TRUE(stub.Balance(&context, test::Entry(), &sum).ok());
  const auto came = wire_.Came();
  ASSERT_EQ(came.size(), 3u);
  for (const auto& headers : came) {
    EXPECT_EQ(headers.count("mine"), 1u);
    EXPECT_EQ(headers.count("traceparent"), 1u);
  }
  EXPECT_EQ(came[2].find("holdfast-attempt")->second, "3");
}

TEST_F(GrpcDecorateStub, OneWithSideEffectsIsNotUnlessItHasAKey) {
  auto stub = Stub();
  for (const bool keyed : {false, true}) {
    Reset({StatusCode::UNAVAILABLE});
    ::grpc::ClientContext context;
    Prepare(context);
    if (keyed) context.AddMetadata("idempotency-key", "k");
    test::Sum sum;
    EXPECT_EQ(stub.Post(&context, test::Entry(), &sum).ok(), keyed);
    const auto came = wire_.Came();
    ASSERT_EQ(came.size(), keyed ? 2u : 1u);
    EXPECT_EQ(came.back().count("idempotency-key"), keyed ? 1u : 0u);
  }
}

TEST_F(GrpcDecorateStub, ContextSentByHandIsSentOnceAndKept) {
  auto stub = Stub();
  ::grpc::ClientContext context;
  Prepare(context);
  context.AddMetadata("x-correlation-id", "by-hand");
  context.AddMetadata("mine", "1");
  test::Sum sum;
  ASSERT_TRUE(stub.Post(&context, test::Entry(), &sum).ok());
  const auto came = wire_.Came();
  EXPECT_EQ(came[0].count("x-correlation-id"), 1u);
  EXPECT_EQ(came[0].find("x-correlation-id")->second, "by-hand");
  EXPECT_EQ(came[0].count("mine"), 1u);
}

TEST_F(GrpcDecorateStub, IllegalMetadataIsRefusedAndNothingSent) {
  auto stub = Stub();
  ::grpc::ClientContext context;
  Prepare(context);
  context.AddMetadata("Upper", "a\n");
  test::Sum sum;
  EXPECT_EQ(stub.Post(&context, test::Entry(), &sum).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(wire_.Came().empty());
}

TEST_F(GrpcDecorateStub, ADeadlineThatHasPassedIsRefusedHere) {
  auto stub = Stub();
  ::grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() - seconds(1));
  test::Sum sum;
  EXPECT_EQ(stub.Post(&context, test::Entry(), &sum).error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(wire_.Came().empty());
}

TEST_F(GrpcDecorateStub, AKillSwitchKnowsTheMethodAndTheTarget) {
  const KillSwitch kill_switch = *KillSwitch::Create();
  const hf_time now = Clock::Steady().Now();
  const auto token =
      kill_switch.Arm({.match = {.operation = "/holdfast.test.Ledger/Post", .target = "ledger"},
                       .owner = "ann",
                       .reason = "why",
                       .expiry = seconds(60)},
                      now);
  ASSERT_TRUE(kill_switch.Fire(*token, now).ok());
  StubOptions options = Options();
  options.pipeline = *Pipeline::Create({.kill_switch = kill_switch});
  test::LedgerDecoratedStub stub(test::Ledger::NewStub(loopback_.Open()), options);
  ::grpc::ClientContext posts, reads;
  Prepare(posts);
  Prepare(reads);
  test::Sum sum;
  EXPECT_EQ(RejectionOf(stub.Post(&posts, test::Entry(), &sum))->reason, HF_R_KILLED);
  EXPECT_TRUE(stub.Balance(&reads, test::Entry(), &sum).ok());
}

TEST_F(GrpcDecorateStub, StreamsArePassedOnWithTheCurrentContext) {
  auto stub = Stub();
  const Context story = *Context::Start({.correlation_id = "story"});
  const ScopedContext attached(story);
  ::grpc::ClientContext context;
  Prepare(context);
  const auto reader = stub.Watch(&context, test::Entry());
  test::Sum sum;
  int sums = 0;
  while (reader->Read(&sum)) ++sums;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(sums, 3);
  EXPECT_EQ(wire_.Came()[0].find("x-correlation-id")->second, "story");
}

TEST_F(GrpcDecorateStub, WithoutAPipelineOfItsOwnItStillCalls) {
  test::LedgerDecoratedStub stub(test::Ledger::NewStub(loopback_.Open()), {});
  ::grpc::ClientContext context;
  Prepare(context);
  test::Sum sum;
  EXPECT_TRUE(stub.Post(&context, test::Entry(), &sum).ok());
}

}  // namespace
}  // namespace holdfast::grpc
