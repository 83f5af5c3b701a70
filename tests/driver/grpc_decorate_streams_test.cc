// SPDX-License-Identifier: Apache-2.0
// A decorated service while its calls run: places and permits are held until a stream is over, a drain waits
// for it, cancellation and deadline reach the inner method, and the caller's context is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/grpc/status.h>

#include <latch>
#include <thread>

#include "driver/ledger.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::seconds;

using BidiStream = ::grpc::ClientReaderWriter<test::Entry, test::Sum>;

class GrpcDecorateStreams : public ::testing::TestWithParam<Api> {
 protected:
  // A conversation that has begun: the inner method has read one entry and answered it.
  std::unique_ptr<BidiStream> Converse(test::Ledger::Stub& stub, ::grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + seconds(30));
    auto stream = stub.Reconcile(&context);
    test::Sum sum;
    EXPECT_TRUE(stream->Write(test::Entry()));
    EXPECT_TRUE(stream->Read(&sum));
    return stream;
  }

  LedgerScript script_;
};

TEST_P(GrpcDecorateStreams, APermitIsHeldUntilTheStreamIsOver) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  GuardedLedger ledger(GetParam(), script_, guard);
  const auto stub = test::Ledger::NewStub(ledger.Open());
  ::grpc::ClientContext context;
  const auto stream = Converse(*stub, context);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u);
  for (const Kind kind : kKinds) {
    EXPECT_EQ(CallLedger(ledger.Open(), kind).status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_TRUE(WaitUntil([&] { return bulkhead.Snapshot().in_flight == 0; }));
  EXPECT_TRUE(CallLedger(ledger.Open(), Kind::kServerStream).status.ok());
}

TEST_P(GrpcDecorateStreams, ADrainLetsStreamsEndAndWaitsForThem) {
  const Guard guard = *Guard::Create({});
  GuardedLedger ledger(GetParam(), script_, guard);
  const auto stub = test::Ledger::NewStub(ledger.Open());
  ::grpc::ClientContext first_context, second_context;
  const auto first = Converse(*stub, first_context);
  const auto second = Converse(*stub, second_context);
  EXPECT_FALSE(guard.WaitIdle(Duration{0})) << "nobody drains yet";
  guard.Drain();
  EXPECT_TRUE(guard.draining());
  EXPECT_EQ(guard.in_flight(), 2u);
  EXPECT_FALSE(guard.WaitIdle(std::chrono::milliseconds(1)));
  EXPECT_EQ(CallLedger(ledger.Open(), Kind::kBidi).status.error_code(), StatusCode::UNAVAILABLE);
  for (const auto* stream : {&first, &second}) {
    test::Sum sum;
    EXPECT_TRUE((*stream)->Write(test::Entry())) << "a running stream goes on";
    EXPECT_TRUE((*stream)->Read(&sum));
    (*stream)->WritesDone();
    EXPECT_TRUE((*stream)->Finish().ok());
  }
  EXPECT_TRUE(guard.WaitIdle(seconds(20)));
  EXPECT_EQ(guard.in_flight(), 0u);
}

TEST_P(GrpcDecorateStreams, ACancelledStreamGivesItsPermitBack) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  GuardedLedger ledger(GetParam(), script_, guard);
  const auto stub = test::Ledger::NewStub(ledger.Open());
  for (int i = 0; i < 20; ++i) {
    ::grpc::ClientContext context;
    const auto stream = Converse(*stub, context);
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), StatusCode::CANCELLED);
    ASSERT_TRUE(WaitUntil([&] { return guard.in_flight() == 0; }));
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  }
}

TEST_P(GrpcDecorateStreams, AServerThatStopsGivesEverythingBack) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 2});
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  GuardedLedger ledger(GetParam(), script_, guard);
  const auto stub = test::Ledger::NewStub(ledger.Open());
  ::grpc::ClientContext context;
  const auto stream = Converse(*stub, context);
  ledger.server().Stop();
  EXPECT_FALSE(stream->Finish().ok());
  EXPECT_EQ(guard.in_flight(), 0u);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_P(GrpcDecorateStreams, TheInnerMethodSeesTheCallersContextAndItsDeadline) {
  std::atomic<int> seen{0};
  script_.enter = [&](Kind, auto&) {
    const Context context = Context::Current();
    const hf_time now = Clock::Steady().Now();
    const bool timed = context.deadline() > now && context.deadline() < now + 25 * HF_S;
    if (context.correlation_id() == "story" && timed) ++seen;
    return ::grpc::Status::OK;
  };
  const Guard guard = *Guard::Create({.deadline_margin = seconds(6)});
  GuardedLedger ledger(GetParam(), script_, guard);
  for (const Kind kind : kKinds) {
    EXPECT_TRUE(
        CallLedger(ledger.Open(), kind, {{"x-correlation-id", "story"}}, seconds(30)).status.ok());
  }
  EXPECT_EQ(seen, 5);
}

TEST_P(GrpcDecorateStreams, WhatAMethodThrowsIsUnknownAndGivesThePermitBack) {
  script_.enter = [](Kind, auto&) -> ::grpc::Status { throw 1; };
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  GuardedLedger ledger(GetParam(), script_, guard);
  for (const Kind kind : kKinds) {
    EXPECT_EQ(CallLedger(ledger.Open(), kind).status.error_code(), StatusCode::UNKNOWN);
    ASSERT_TRUE(WaitUntil([&] { return guard.in_flight() == 0; }));
  }
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_P(GrpcDecorateStreams, ManyCallsAtOnceNeverExceedTheLimitAndReturnEveryPermit) {
  constexpr int kThreads = 8, kRounds = 25, kLimit = 3;
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = kLimit});
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  std::atomic<int> most{0};
  script_.enter = [&](Kind, auto&) {
    const int now = static_cast<int>(bulkhead.Snapshot().in_flight);
    int seen = most.load();
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
    return ::grpc::Status::OK;
  };
  GuardedLedger ledger(GetParam(), script_, guard);
  const auto channel = ledger.Open();
  std::atomic<int> done{0}, refused{0}, other{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const StatusCode code = CallLedger(channel, kKinds[(t + i) % 5]).status.error_code();
        (code == StatusCode::OK                   ? done
         : code == StatusCode::RESOURCE_EXHAUSTED ? refused
                                                  : other)++;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  guard.Drain();
  ASSERT_TRUE(guard.WaitIdle(seconds(20)));
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  EXPECT_LE(most, kLimit);
  EXPECT_EQ(done + refused, kThreads * kRounds);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(script_.total(), done);
}

INSTANTIATE_TEST_SUITE_P(Apis, GrpcDecorateStreams, ::testing::ValuesIn(Apis()), ApiName);

}  // namespace
}  // namespace holdfast::grpc
