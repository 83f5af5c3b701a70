// SPDX-License-Identifier: Apache-2.0
// The guard for the callback API: stored bytes are sent as they are.
#include <gtest/gtest.h>
#include <holdfast/grpc/raw_unary.h>
#include <holdfast/grpc/status.h>
#include <holdfast/memory/store.h>

#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "driver/grpc_loopback.h"

// gRPC's callback objects are inline in its headers and thus instrumented here, while the queue that hands
// them from thread to thread is in its library and is not. These frames are gRPC's own; no method of a
// service runs below them.
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::internal::CallbackWithStatusTag\n"
         "race:grpc::internal::CallbackWithSuccessTag\n";
}

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;

class RawPayments final
    : public test::Payment::WithRawCallbackMethod_Charge<test::Payment::Service> {
 public:
  using Work =
      std::function<::grpc::Status(ServerCall&, const test::ChargeRequest&, test::ChargeReply&)>;
  RawPayments(GuardOptions options, Work work, Executor executor = nullptr)
      : guard_(*Guard::Create(std::move(options))),
        work_(std::move(work)),
        executor_(std::move(executor)) {}

  ::grpc::ServerUnaryReactor* Charge(::grpc::CallbackServerContext* context,
                                     const ::grpc::ByteBuffer* request,
                                     ::grpc::ByteBuffer* response) override {
    return RawUnary<test::ChargeRequest, test::ChargeReply>(guard_, context, request, response,
                                                            "payment.Charge", work_, executor_);
  }

 private:
  const Guard guard_;
  const Work work_;
  const Executor executor_;
};

// Runs each task on a thread of its own; joins them all in the end.
class Threads {
 public:
  ~Threads() {
    for (std::thread& thread : threads_) thread.join();
  }
  Executor executor() {
    return [this](std::function<void()> task) {
      const std::lock_guard lock(mutex_);
      threads_.emplace_back(std::move(task));
    };
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

class GrpcRawUnary : public ::testing::Test {
 protected:
  GuardOptions Stored() const { return {.store = store_.get()}; }

  RawPayments::Work Counting() {
    return [this](ServerCall&, const test::ChargeRequest& request, test::ChargeReply& reply) {
      ++ran_;
      reply.set_payment("pay-" + request.order());
      for (int i = 0; i < 64; ++i) (*reply.mutable_seen())["k" + std::to_string(i)] = "v";
      return ::grpc::Status::OK;
    };
  }

  const Headers key_ = {{"idempotency-key", "k"}};
  const std::unique_ptr<memory::Store> store_ = *memory::Store::Create();
  std::atomic<int> ran_{0};
};

TEST_F(GrpcRawUnary, ADuplicateGetsTheSameBytes) {
  RawPayments service(Stored(), Counting());
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const RawAnswer first = Charge(channel, RequestFor("17"), key_);
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  test::ChargeReply reply;
  ASSERT_TRUE(reply.ParseFromString(first.bytes));
  EXPECT_EQ(reply.payment(), "pay-17");
  for (int i = 0; i < 4; ++i) {
    const RawAnswer again = Charge(channel, RequestFor("17"), key_);
    EXPECT_TRUE(again.bytes == first.bytes);
    EXPECT_TRUE(again.Has("holdfast-replayed"));
  }
  EXPECT_EQ(ran_, 1);
}

TEST_F(GrpcRawUnary, BothFlavoursShareTheirKeys) {
  RawAnswer first;
  {
    RawPayments service(Stored(), Counting());
    Loopback loopback(service);
    first = Charge(loopback.Open(), RequestFor("17"), key_);
  }
  const Guard guard = *Guard::Create(Stored());
  PaymentService service([&](auto* context, const auto& request, auto* reply) {
    return guard.Handle(context, request, reply, "payment.Charge", [] {
      ADD_FAILURE() << "ran again";
      return ::grpc::Status::OK;
    });
  });
  Loopback loopback(service);
  const RawAnswer again = Charge(loopback.Open(), RequestFor("17"), key_);
  EXPECT_TRUE(again.Has("holdfast-replayed"));
  EXPECT_TRUE(again.bytes == first.bytes);
}

TEST_F(GrpcRawUnary, AnExecutorTakesTheWorkElsewhere) {
  Threads threads;
  RawPayments service(Stored(), Counting(), threads.executor());
  Loopback loopback(service);
  const auto channel = loopback.Open();
  const RawAnswer first = Charge(channel, RequestFor("17"), key_);
  EXPECT_TRUE(first.status.ok());
  EXPECT_TRUE(Charge(channel, RequestFor("17"), key_).bytes == first.bytes);
  EXPECT_EQ(ran_, 1);
}

TEST_F(GrpcRawUnary, WithoutAStoreItOnlyGuards) {
  RawPayments service({}, Counting());
  Loopback loopback(service);
  const RawAnswer answer = Charge(loopback.Open(), RequestFor("17"));
  test::ChargeReply reply;
  EXPECT_TRUE(answer.status.ok());
  EXPECT_TRUE(reply.ParseFromString(answer.bytes));
  EXPECT_EQ(reply.payment(), "pay-17");
}

TEST_F(GrpcRawUnary, AFullBulkheadRefusesWithoutTheWork) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  std::latch entered(1), leave(1);
  Threads threads;
  RawPayments service(
      {.bulkhead = bulkhead},
      [&](auto&&...) {
        if (++ran_ == 1) {
          entered.count_down();
          leave.wait();
        }
        return ::grpc::Status::OK;
      },
      threads.executor());
  Loopback loopback(service);
  const auto channel = loopback.Open();
  std::thread first([&] { EXPECT_TRUE(Charge(channel, RequestFor("1")).status.ok()); });
  entered.wait();
  const RawAnswer refused = Charge(channel, RequestFor("2"));
  EXPECT_EQ(refused.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(refused.Has("holdfast-not-started"));
  EXPECT_EQ(ran_, 1);
  leave.count_down();
  first.join();
}

TEST_F(GrpcRawUnary, WorkThatThrowsIsAnsweredAndSettled) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  RawPayments service({.bulkhead = bulkhead, .store = store_.get()},
                      [](auto&&...) -> ::grpc::Status { throw std::runtime_error("boom"); });
  Loopback loopback(service);
  const auto channel = loopback.Open();
  EXPECT_EQ(Charge(channel, RequestFor("1"), key_).status.error_code(), StatusCode::UNKNOWN);
  const RawAnswer again = Charge(channel, RequestFor("1"), key_);
  EXPECT_EQ(RejectionOf(again.status)->reason, HF_R_IDEM_IN_DOUBT);
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
}

TEST_F(GrpcRawUnary, AnExecutorThatThrowsHasRefusedTheCall) {
  RawPayments service(Stored(), Counting(),
                      [](auto&&) { throw std::runtime_error("the queue is full"); });
  {
    Loopback loopback(service);
    const RawAnswer answer = Charge(loopback.Open(), RequestFor("1"), key_);
    EXPECT_EQ(answer.status.error_code(), StatusCode::UNAVAILABLE);
    EXPECT_TRUE(answer.Has("holdfast-not-started"));
  }
  EXPECT_EQ(ran_, 0);
  EXPECT_EQ(store_->stats().records, 0u);
}

TEST_F(GrpcRawUnary, BytesThatAreNoRequestAreRefusedAndLeaveNoRecord) {
  RawPayments service(Stored(), Counting());
  Loopback loopback(service);
  const RawAnswer answer = ChargeBytes(loopback.Open(), "\xFF\xFF\xFF", key_);
  EXPECT_EQ(answer.status.error_code(), StatusCode::INTERNAL);  // as gRPC's own services answer
  EXPECT_EQ(ran_, 0);
  EXPECT_EQ(store_->stats().records, 0u);
}

}  // namespace
}  // namespace holdfast::grpc
