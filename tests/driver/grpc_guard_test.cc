// SPDX-License-Identifier: Apache-2.0
// The server's guard, over a real connection, seen by a client that knows nothing of holdfast.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/server.h>
#include <holdfast/grpc/status.h>
#include <holdfast/memory/store.h>
#include <holdfast/testing/scripted_store.h>

#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<memory::Store> NewStore() { return *memory::Store::Create(); }

Guard NewGuard(GuardOptions options) {
  options.space = "test";
  return *Guard::Create(std::move(options));
}

Bulkhead NewBulkhead(uint32_t limit) { return *Bulkhead::Create({.limit = limit}); }

// A method behind a guard, whose work is `work`.
template <class Work>
PaymentService::Method Guarded(const Guard& guard, Work work) {
  return [guard, work](::grpc::ServerContext* context, const test::ChargeRequest& request,
                       test::ChargeReply* reply) {
    return guard.Handle(context, request, reply, "payment.Charge",
                        [&](ServerCall& call) { return work(call, request, reply); });
  };
}

::grpc::Status Pay(ServerCall&, const test::ChargeRequest& request, test::ChargeReply* reply) {
  reply->set_payment("pay-" + request.order());
  reply->set_charged(request.amount());
  return ::grpc::Status::OK;
}

Headers Keyed(const std::string& key) { return {{"idempotency-key", key}}; }

TEST(GrpcGuard, ADuplicateGetsTheSameBytesAndTheWorkRunsOnce) {
  const auto store = NewStore();
  std::atomic<int> ran{0};
  PaymentService service(
      Guarded(NewGuard({.store = store.get()}), [&](ServerCall&, const auto& request, auto* reply) {
        reply->set_payment(request.order());
        reply->set_charged(++ran);
        for (int i = 0; i < 64; ++i) {
          (*reply->mutable_seen())["k" + std::to_string(i)] = "v";
        }
        return ::grpc::Status::OK;
      }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const RawAnswer first = Charge(channel, RequestFor("17"), Keyed("order-17"));
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_FALSE(first.Has("holdfast-replayed"));
  // A map of 64 entries, parsed and serialised again, would come out in another order.
  for (int i = 0; i < 8; ++i) {
    const RawAnswer again = Charge(channel, RequestFor("17"), Keyed("order-17"));
    ASSERT_TRUE(again.status.ok()) << again.status.error_message();
    EXPECT_EQ(again.Get("holdfast-replayed"), "1");
    EXPECT_TRUE(again.bytes == first.bytes);
  }
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(service.calls(), 9);
}

TEST(GrpcGuard, ARefusalForGoodIsReplayedWithMessageAndDetails) {
  const auto store = NewStore();
  std::atomic<int> ran{0};
  PaymentService service(Guarded(NewGuard({.store = store.get()}), [&](ServerCall&, const auto&,
                                                                       auto*) {
    ++ran;
    return ::grpc::Status(StatusCode::FAILED_PRECONDITION, "card declined\n\xC3\xA9", "details");
  }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  for (int i = 0; i < 2; ++i) {
    const RawAnswer answer = Charge(channel, RequestFor("17"), Keyed("k"));
    EXPECT_EQ(answer.status.error_code(), StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(answer.status.error_message(), "card declined\n\xC3\xA9");
    EXPECT_EQ(answer.status.error_details(), "details");
    EXPECT_EQ(answer.Has("holdfast-replayed"), i == 1);
    EXPECT_FALSE(answer.Has("holdfast-not-started"));
  }
  EXPECT_EQ(ran, 1);
}

TEST(GrpcGuard, AKeyUsedForAnotherRequestIsRefused) {
  const auto store = NewStore();
  PaymentService service(Guarded(NewGuard({.store = store.get()}), Pay));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  EXPECT_TRUE(Charge(channel, RequestFor("17", 100), Keyed("k")).status.ok());
  const RawAnswer answer = Charge(channel, RequestFor("17", 999), Keyed("k"));
  EXPECT_EQ(answer.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(RejectionOf(answer.status)->reason, HF_R_IDEM_MISMATCH);
  EXPECT_EQ(answer.bytes, "");
}

TEST(GrpcGuard, MapsInTheRequestDoNotMakeItAnotherRequest) {
  const auto store = NewStore();
  PaymentService service(Guarded(NewGuard({.store = store.get()}), Pay));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  for (int round = 0; round < 4; ++round) {
    test::ChargeRequest request = RequestFor("17");
    for (int i = 0; i < 64; ++i) {
      const int label = round % 2 == 0 ? i : 63 - i;
      (*request.mutable_labels())["label" + std::to_string(label)] = "v";
    }
    EXPECT_TRUE(Charge(channel, request, Keyed("k")).status.ok());
  }
}

TEST(GrpcGuard, BadKeysAreRefusedBeforeTheWork) {
  const auto store = NewStore();
  std::atomic<int> ran{0};
  PaymentService service(Guarded(NewGuard({.store = store.get()}), [&](auto&&...) {
    ++ran;
    return ::grpc::Status::OK;
  }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const std::pair<Headers, hf_reason> cases[] = {
      {{}, HF_R_KEY_MISSING},
      {Keyed(""), HF_R_KEY_MISSING},
      {Keyed(std::string(1025, 'k')), HF_R_KEY_OVERSIZE},
      {{{"idempotency-key", "a"}, {"idempotency-key", "b"}}, HF_R_MALFORMED},
      {{{"idempotency-key", "a"}, {"idempotency-key-bin", "a"}}, HF_R_MALFORMED},
  };
  for (const auto& [headers, reason] : cases) {
    const RawAnswer answer = Charge(channel, RequestFor("17"), headers);
    EXPECT_EQ(answer.status.error_code(), StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(RejectionOf(answer.status)->reason, reason);
    EXPECT_FALSE(answer.Has("holdfast-not-started")) << "would be asked again";
  }
  EXPECT_EQ(ran, 0);
  // Larger than any header may be: gRPC's own limit comes first, and nothing but that connection dies.
  const std::string huge(1 << 20, 'k');
  EXPECT_FALSE(Charge(loopback.Open(), RequestFor("17"), Keyed(huge)).status.ok());
  EXPECT_TRUE(Charge(channel, RequestFor("17"), Keyed(std::string(1024, 'k'))).status.ok());
  EXPECT_TRUE(
      Charge(channel, RequestFor("17"), {{"idempotency-key-bin", std::string("\0\n\xFF", 3)}})
          .status.ok());
  EXPECT_EQ(ran, 2);
}

TEST(GrpcGuard, AnOptionalKeyLetsTheCallRunUnguarded) {
  const auto store = NewStore();
  PaymentService service(Guarded(NewGuard({.store = store.get(), .require_key = false}),
                                 [](ServerCall& call, const auto&, auto*) {
                                   EXPECT_EQ(call.ticket(), nullptr);
                                   return ::grpc::Status::OK;
                                 }));
  Loopback loopback(service);
  EXPECT_TRUE(Charge(loopback.Open(), RequestFor("17")).status.ok());
  EXPECT_EQ(store->stats().records, 0u);
}

TEST(GrpcGuard, TenantsDoNotShareKeys) {
  const auto store = NewStore();
  GuardOptions options{.store = store.get()};
  options.tenant = [](const ::grpc::ServerContextBase& context) {
    const auto found = context.client_metadata().find("test-tenant");
    return std::string(found->second.data(), found->second.size());
  };
  PaymentService service(Guarded(NewGuard(options), Pay));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  for (const char* tenant : {"a", "b"}) {
    Headers headers = Keyed("k");
    headers.emplace_back("test-tenant", tenant);
    EXPECT_FALSE(Charge(channel, RequestFor(tenant), headers).Has("holdfast-replayed"));
  }
}

TEST(GrpcGuard, AFullBulkheadRefusesWithoutRunningTheWork) {
  const Bulkhead bulkhead = NewBulkhead(1);
  std::latch entered(1), leave(1);
  std::atomic<int> ran{0};
  PaymentService service(Guarded(NewGuard({.bulkhead = bulkhead}), [&](auto&&...) {
    if (++ran == 1) {
      entered.count_down();
      leave.wait();
    }
    return ::grpc::Status::OK;
  }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  std::thread first([&] { EXPECT_TRUE(Charge(channel, RequestFor("1")).status.ok()); });
  entered.wait();
  const RawAnswer refused = Charge(channel, RequestFor("2"));
  EXPECT_EQ(refused.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(RejectionOf(refused.status)->reason, HF_R_BULKHEAD_FULL);
  EXPECT_EQ(refused.Get("holdfast-not-started"), "bulkhead_full");
  EXPECT_EQ(refused.Get("holdfast-retry-after-ms"), "50");
  EXPECT_EQ(refused.Get("grpc-retry-pushback-ms"), "50");
  EXPECT_EQ(ran, 1);
  leave.count_down();
  first.join();
  EXPECT_TRUE(Charge(channel, RequestFor("3")).status.ok());
  EXPECT_EQ(ran, 2);
}

TEST(GrpcGuard, ADeadlineWithinTheMarginIsRefusedBeforeTheWork) {
  PaymentService service(
      Guarded(NewGuard({.deadline_margin = std::chrono::hours(1)}), [](auto&&...) {
        ADD_FAILURE() << "the work ran";
        return ::grpc::Status::OK;
      }));
  Loopback loopback(service);
  const RawAnswer answer = Charge(loopback.Open(), RequestFor("1"));
  EXPECT_EQ(answer.status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(answer.Get("holdfast-not-started"), "deadline");
}

TEST(GrpcGuard, TheDeadlineArrivesWithoutItsMargin) {
  PaymentService service(Guarded(NewGuard({.deadline_margin = std::chrono::seconds(500)}),
                                 [](ServerCall& call, const auto&, auto*) {
                                   // gRPC rounds what it sends up to three digits.
                                   EXPECT_LE(call.remaining(), std::chrono::seconds(510));
                                   EXPECT_GT(call.remaining(), std::chrono::seconds(400));
                                   EXPECT_EQ(Context::Current().deadline(),
                                             call.context().deadline());
                                   return ::grpc::Status::OK;
                                 }));
  Loopback loopback(service);
  EXPECT_TRUE(Charge(loopback.Open(), RequestFor("1"), {}, std::chrono::seconds(1000)).status.ok());
  EXPECT_EQ(service.calls(), 1);
}

TEST(GrpcGuard, WorkThatThrowsGivesItsPermitBackAndLeavesTheRecordInDoubt) {
  const auto store = NewStore();
  const Bulkhead bulkhead = NewBulkhead(1);
  PaymentService service(
      Guarded(NewGuard({.bulkhead = bulkhead, .store = store.get()}),
              [](auto&&...) -> ::grpc::Status { throw std::runtime_error("boom"); }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  EXPECT_EQ(Charge(channel, RequestFor("1"), Keyed("k")).status.error_code(), StatusCode::UNKNOWN);
  const RawAnswer again = Charge(channel, RequestFor("1"), Keyed("k"));
  EXPECT_EQ(again.status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(RejectionOf(again.status)->reason, HF_R_IDEM_IN_DOUBT);
  EXPECT_FALSE(again.Has("holdfast-not-started"));
}

TEST(GrpcGuard, WorkThatSaysItDidNotStartIsForgottenAndTheCallerIsTold) {
  const auto store = NewStore();
  std::atomic<int> ran{0};
  PaymentService service(
      Guarded(NewGuard({.store = store.get()}), [&](ServerCall& call, const auto&, auto*) {
        if (++ran > 1) return ::grpc::Status::OK;
        call.SetEffect(HF_EFFECT_NOT_STARTED);
        return ::grpc::Status(StatusCode::UNAVAILABLE, "warming up");
      }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const RawAnswer first = Charge(channel, RequestFor("1"), Keyed("k"));
  EXPECT_EQ(first.status.error_message(), "warming up");
  EXPECT_TRUE(first.Has("holdfast-not-started"));
  EXPECT_TRUE(Charge(channel, RequestFor("1"), Keyed("k")).status.ok());
  EXPECT_EQ(ran, 2);
}

TEST(GrpcGuard, AConcurrentDuplicateIsToldToComeBack) {
  const auto store = NewStore();
  std::latch entered(1), leave(1);
  PaymentService service(Guarded(NewGuard({.store = store.get()}), [&](auto&&...) {
    entered.count_down();
    leave.wait();
    return ::grpc::Status::OK;
  }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  std::thread first([&] { EXPECT_TRUE(Charge(channel, RequestFor("1"), Keyed("k")).status.ok()); });
  entered.wait();
  const RawAnswer busy = Charge(channel, RequestFor("1"), Keyed("k"));
  EXPECT_EQ(busy.status.error_code(), StatusCode::ABORTED);
  EXPECT_EQ(RejectionOf(busy.status)->reason, HF_R_IDEM_BUSY);
  EXPECT_TRUE(busy.Has("grpc-retry-pushback-ms"));
  EXPECT_FALSE(busy.Has("holdfast-not-started")) << "it did start, elsewhere";
  leave.count_down();
  first.join();
}

TEST(GrpcGuard, AConcurrentDuplicateThatMayWaitGetsTheAnswerOfTheFirst) {
  const auto memory = NewStore();
  testing::ScriptedStore store(*memory);
  std::latch entered(1), asked(2), leave(1);
  const testing::Cue claim = testing::Cue::After([&] { asked.count_down(); });
  store.Script({claim, claim});
  PaymentService service(Guarded(NewGuard({.store = &store, .max_wait = std::chrono::seconds(20)}),
                                 [&](ServerCall& call, const auto& request, auto* reply) {
                                   entered.count_down();
                                   leave.wait();
                                   return Pay(call, request, reply);
                                 }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  RawAnswer answers[2];
  std::thread first([&] { answers[0] = Charge(channel, RequestFor("1"), Keyed("k")); });
  entered.wait();
  std::thread second([&] { answers[1] = Charge(channel, RequestFor("1"), Keyed("k")); });
  asked.wait();
  leave.count_down();
  first.join();
  second.join();
  EXPECT_TRUE(answers[0].status.ok() && answers[1].status.ok());
  EXPECT_EQ(answers[0].bytes, answers[1].bytes);
  EXPECT_TRUE(answers[1].Has("holdfast-replayed"));
}

TEST(GrpcGuard, AStoreThatIsDownProvesThatNothingStarted) {
  const auto memory = NewStore();
  testing::ScriptedStore store(*memory);
  store.Script({testing::Cue::Refuse()});
  std::atomic<int> ran{0};
  PaymentService service(Guarded(NewGuard({.store = &store}), [&](auto&&...) {
    ++ran;
    return ::grpc::Status::OK;
  }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const RawAnswer answer = Charge(channel, RequestFor("1"), Keyed("k"));
  EXPECT_EQ(answer.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.Get("holdfast-not-started"), "store_unavailable");
  EXPECT_EQ(ran, 0);
  EXPECT_TRUE(Charge(channel, RequestFor("1"), Keyed("k")).status.ok());
}

TEST(GrpcGuard, AnAnswerThatCannotBeRecordedIsNeverCalledNotStarted) {
  const auto memory = NewStore();
  testing::ScriptedStore store(*memory);
  const testing::Cue lost = testing::Cue::LoseRequest();
  store.Script({testing::Cue::Pass(), lost, lost, lost, lost});
  PaymentService service(Guarded(NewGuard({.store = &store}), Pay));
  Loopback loopback(service);
  const RawAnswer answer = Charge(loopback.Open(), RequestFor("1"), Keyed("k"));
  EXPECT_EQ(answer.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(RejectionOf(answer.status)->reason, HF_R_STORE_INDETERMINATE);
  EXPECT_FALSE(answer.Has("holdfast-not-started"));
}

TEST(GrpcGuard, AnAnswerTooLargeToKeepIsNotRunAgain) {
  const auto store = NewStore();
  std::atomic<int> ran{0};
  PaymentService service(Guarded(NewGuard({.store = store.get(), .max_body = 16}),
                                 [&](ServerCall&, const auto&, auto* reply) {
                                   ++ran;
                                   reply->set_payment(std::string(100, 'p'));
                                   return ::grpc::Status::OK;
                                 }));
  Loopback loopback(service);
  const auto channel = loopback.Open();
  EXPECT_TRUE(Charge(channel, RequestFor("1"), Keyed("k")).status.ok());
  const RawAnswer again = Charge(channel, RequestFor("1"), Keyed("k"));
  EXPECT_EQ(again.status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(RejectionOf(again.status)->reason, HF_R_IDEM_OVERSIZE);
  EXPECT_EQ(ran, 1);
}

TEST(GrpcGuard, ARunnerOfOnesOwnReachesTheWork) {
  const auto store = NewStore();
  const Guard guard = NewGuard({});
  const auto runner = [&](const Key& key, const RunOnceOptions& options, auto&& work) {
    EXPECT_EQ(key.operation, "payment.Charge");
    EXPECT_EQ(key.space, "test");
    return RunOnce(*store, key, options, [&](Ticket& ticket) { return work(ticket, 42); });
  };
  PaymentService service([&](auto* context, const auto& request, auto* reply) {
    return guard.HandleWith(runner, context, request, reply, "payment.Charge",
                            [&](ServerCall& call, int more) {
                              EXPECT_NE(call.ticket(), nullptr);
                              reply->set_charged(more);
                              return ::grpc::Status::OK;
                            });
  });
  Loopback loopback(service);
  const auto channel = loopback.Open();
  EXPECT_EQ(Charge(channel, RequestFor("1")).status.error_code(), StatusCode::INVALID_ARGUMENT);
  const RawAnswer first = Charge(channel, RequestFor("1"), Keyed("k"));
  EXPECT_TRUE(first.status.ok());
  EXPECT_EQ(Charge(channel, RequestFor("1"), Keyed("k")).bytes, first.bytes);
}

TEST(GrpcGuard, ARunnerThatKeepsPlainStatusesReplaysCodeAndMessage) {
  const auto store = NewStore();
  const Guard guard = NewGuard({});
  const auto runner = [&](const Key& key, const RunOnceOptions& options, auto&& work) {
    return RunOnce(*store, key, options, [&](Ticket& ticket) { return BodyOf(work(ticket)); });
  };
  std::atomic<int> ran{0};
  PaymentService service([&](auto* context, const auto& request, auto* reply) {
    return guard.HandleWith(runner, context, request, reply, "payment.Charge", [&] {
      ++ran;
      return ::grpc::Status(StatusCode::FAILED_PRECONDITION, "card declined");
    });
  });
  Loopback loopback(service);
  const auto channel = loopback.Open();
  for (int i = 0; i < 2; ++i) {
    const RawAnswer answer = Charge(channel, RequestFor("1"), Keyed("k"));
    EXPECT_EQ(answer.status.error_code(), StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(answer.status.error_message(), "card declined");
    EXPECT_EQ(answer.Has("holdfast-replayed"), i == 1);
  }
  EXPECT_EQ(ran, 1);
}

TEST(GrpcGuard, OptionsOutOfRangeAreNamed) {
  const auto error = [](GuardOptions options) {
    return std::string(Guard::Create(std::move(options)).status().message());
  };
  EXPECT_THAT(error({.space = std::string(257, 's')}), HasSubstr("space"));
  EXPECT_THAT(error({.lease = std::chrono::seconds(-1)}), HasSubstr("lease"));
  EXPECT_THAT(error({.max_body = HF_IDEM_BODY_MAX + 1}), HasSubstr("max_body"));
  EXPECT_THAT(error({.deadline_margin = Duration{-1}}), HasSubstr("deadline_margin"));
  EXPECT_THAT(error({.on_expiry = OnExpiry::kReconcile}), HasSubstr("on_expiry"));
  EXPECT_EQ(error({.space = std::string(256, 's')}), "");
}

}  // namespace
}  // namespace holdfast::grpc
