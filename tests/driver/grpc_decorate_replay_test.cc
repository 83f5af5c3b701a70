// SPDX-License-Identifier: Apache-2.0
// Duplicates of unary calls to a decorated service: the first answer byte for byte, on both APIs, and what
// the record says when the inner method throws, is cancelled, or never was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/status.h>
#include <holdfast/memory/store.h>
#include <holdfast/testing/scripted_store.h>

#include <condition_variable>
#include <deque>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "driver/ledger.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;

// Two threads of its own, which it ends by finishing what it was given.
class Pool {
 public:
  Pool() {
    for (auto& thread : threads_) thread = std::thread([this] { Run(); });
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  Executor executor() {
    return [this](std::function<void()> job) {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      ++taken_;
      changed_.notify_one();
    };
  }
  int taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return over_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool over_ = false;
  int taken_ = 0;
  std::thread threads_[2];
};

enum class Flavour { kBlocking, kCallback, kCallbackOnExecutor };

std::vector<Flavour> Flavours() {
  if (HOLDFAST_TESTS_CALLBACKS == 0) return {Flavour::kBlocking};
  return {Flavour::kBlocking, Flavour::kCallback, Flavour::kCallbackOnExecutor};
}

class GrpcDecorateReplay : public ::testing::TestWithParam<Flavour> {
 protected:
  GuardOptions Stored(Store* store = nullptr) {
    return {.store = store != nullptr ? store : store_.get(), .space = "test"};
  }
  std::unique_ptr<GuardedLedger> Serve(const Guard& guard) {
    return std::make_unique<GuardedLedger>(
        GetParam() == Flavour::kBlocking ? Api::kBlocking : Api::kCallback, script_, guard,
        GetParam() == Flavour::kCallbackOnExecutor ? pool_.executor() : nullptr);
  }
  RawAnswer Post(GuardedLedger& ledger, const test::Entry& entry, const std::string& key,
                 std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    return CallBytes(ledger.Open(), "/holdfast.test.Ledger/Post", entry.SerializeAsString(),
                     {{"idempotency-key", key}}, timeout);
  }
  int ran() const { return script_.ran[0].load(); }

  const std::unique_ptr<memory::Store> store_ = *memory::Store::Create();
  LedgerScript script_;
  Pool pool_;
};

test::Entry Tagged(int amount) {
  test::Entry entry;
  entry.set_account("a");
  entry.set_amount(amount);
  for (int i = 0; i < 40; ++i) {
    (*entry.mutable_tags())["tag" + std::to_string(i)] = std::to_string(i * amount);
  }
  return entry;
}

TEST_P(GrpcDecorateReplay, ADuplicateGetsTheFirstAnswerByteForByte) {
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  for (int i = 1; i <= 20; ++i) {
    const std::string key = "k" + std::to_string(i);
    const RawAnswer first = Post(*ledger, Tagged(i), key);
    const RawAnswer again = Post(*ledger, Tagged(i), key);
    ASSERT_TRUE(first.status.ok()) << first.status.error_message();
    EXPECT_TRUE(again.status.ok()) << again.status.error_message();
    EXPECT_FALSE(first.Has("holdfast-replayed"));
    EXPECT_EQ(again.Get("holdfast-replayed"), "1");
    EXPECT_EQ(first.bytes, again.bytes);
    EXPECT_EQ(ran(), i);
  }
  if (GetParam() == Flavour::kCallbackOnExecutor) {
    EXPECT_EQ(pool_.taken(), 60) << "forty calls to ask for, twenty records to settle";
  }
}

TEST_P(GrpcDecorateReplay, ARefusalOfTheWorksOwnIsReplayedWithMessageAndDetails) {
  script_.enter = [](Kind, auto&) {
    return ::grpc::Status(StatusCode::FAILED_PRECONDITION, "closed account", "details");
  };
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  for (int i = 0; i < 2; ++i) {
    const RawAnswer answer = Post(*ledger, Tagged(1), "k");
    EXPECT_EQ(answer.status.error_code(), StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(answer.status.error_message(), "closed account");
    EXPECT_EQ(answer.status.error_details(), "details");
    EXPECT_EQ(answer.Has("holdfast-replayed"), i == 1);
  }
  EXPECT_EQ(ran(), 1);
}

TEST_P(GrpcDecorateReplay, AnotherRequestUnderTheSameKeyIsRefused) {
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  EXPECT_TRUE(Post(*ledger, Tagged(1), "k").status.ok());
  const RawAnswer other = Post(*ledger, Tagged(2), "k");
  EXPECT_EQ(other.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(RejectionOf(other.status)->reason, HF_R_IDEM_MISMATCH);
  EXPECT_EQ(ran(), 1);
}

TEST_P(GrpcDecorateReplay, OnlyMethodsWithSideEffectsNeedAKeyAndStreamsNone) {
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  for (const Kind kind : kKinds) {
    const LedgerAnswer answer = CallLedger(ledger->Open(), kind);
    EXPECT_EQ(answer.status.error_code(),
              kind == Kind::kUnary ? StatusCode::INVALID_ARGUMENT : StatusCode::OK)
        << FullName(kind);
  }
  EXPECT_EQ(ran(), 0);
}

TEST_P(GrpcDecorateReplay, TheKeyRuleOfAMethodsPolicyGoesFirst) {
  GuardOptions options = Stored();
  options.methods = {{FullName(Kind::kUnary), {.key = KeyRule::kOptional}},
                     {FullName(Kind::kRead), {.key = KeyRule::kRequired}}};
  const Guard guard = *Guard::Create(std::move(options));
  const auto ledger = Serve(guard);
  EXPECT_TRUE(CallLedger(ledger->Open(), Kind::kUnary).status.ok());
  EXPECT_FALSE(CallLedger(ledger->Open(), Kind::kRead).status.ok());
}

TEST_P(GrpcDecorateReplay, WorkThatThrowsLeavesTheRecordInDoubt) {
  script_.enter = [](Kind, auto&) -> ::grpc::Status { throw std::runtime_error("boom"); };
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  EXPECT_EQ(Post(*ledger, Tagged(1), "k").status.error_code(), StatusCode::UNKNOWN);
  const RawAnswer again = Post(*ledger, Tagged(1), "k");
  EXPECT_EQ(again.status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(RejectionOf(again.status)->reason, HF_R_IDEM_IN_DOUBT);
  EXPECT_FALSE(again.Has("holdfast-not-started"));
  EXPECT_EQ(ran(), 1);
  EXPECT_EQ(guard.in_flight(), 0u);
}

TEST_P(GrpcDecorateReplay, WorkThatIsCancelledLeavesTheRecordInDoubt) {
  std::latch entered(1);
  script_.enter = [&](Kind, ::grpc::ServerContextBase& context) {
    entered.count_down();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!context.IsCancelled() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::yield();
    }
    return ::grpc::Status(StatusCode::CANCELLED, "the caller left");
  };
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  const auto channel = ledger->Open();
  const auto stub = test::Ledger::NewStub(channel);
  ::grpc::ClientContext context;
  context.AddMetadata("idempotency-key", "k");
  std::thread caller([&] {
    test::Sum sum;
    EXPECT_EQ(stub->Post(&context, Tagged(1), &sum).error_code(), StatusCode::CANCELLED);
  });
  entered.wait();
  context.TryCancel();
  caller.join();
  // The call is over for its caller before it is for the server.
  ASSERT_TRUE(WaitUntil([&] { return guard.in_flight() == 0; }));
  const RawAnswer again = Post(*ledger, Tagged(1), "k");
  EXPECT_EQ(again.status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(RejectionOf(again.status)->reason, HF_R_IDEM_IN_DOUBT);
}

TEST_P(GrpcDecorateReplay, AStoreThatIsDownProvesThatNothingStarted) {
  testing::ScriptedStore down(*store_);
  down.Script({testing::Cue::Refuse()});
  const Guard guard = *Guard::Create(Stored(&down));
  const auto ledger = Serve(guard);
  const RawAnswer answer = Post(*ledger, Tagged(1), "k");
  EXPECT_EQ(answer.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.Get("holdfast-not-started"), "store_unavailable");
  EXPECT_EQ(ran(), 0);
  EXPECT_TRUE(Post(*ledger, Tagged(1), "k").status.ok());
}

TEST_P(GrpcDecorateReplay, AnAnswerThatCannotBeRecordedIsNeverCalledNotStarted) {
  testing::ScriptedStore broken(*store_);
  const testing::Cue lost = testing::Cue::LoseRequest();
  broken.Script({testing::Cue::Pass(), lost, lost, lost, lost});
  const Guard guard = *Guard::Create(Stored(&broken));
  const auto ledger = Serve(guard);
  const RawAnswer answer = Post(*ledger, Tagged(1), "k");
  EXPECT_EQ(answer.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(RejectionOf(answer.status)->reason, HF_R_STORE_INDETERMINATE);
  EXPECT_FALSE(answer.Has("holdfast-not-started"));
  EXPECT_EQ(ran(), 1);
}

TEST_P(GrpcDecorateReplay, AConcurrentDuplicateIsToldToComeBack) {
  std::latch entered(1), leave(1);
  script_.enter = [&](Kind, auto&) {
    entered.count_down();
    leave.wait();
    return ::grpc::Status::OK;
  };
  const Guard guard = *Guard::Create(Stored());
  const auto ledger = Serve(guard);
  std::thread first([&] { EXPECT_TRUE(Post(*ledger, Tagged(1), "k").status.ok()); });
  entered.wait();
  const RawAnswer busy = Post(*ledger, Tagged(1), "k");
  EXPECT_EQ(busy.status.error_code(), StatusCode::ABORTED);
  EXPECT_EQ(RejectionOf(busy.status)->reason, HF_R_IDEM_BUSY);
  leave.count_down();
  first.join();
}

INSTANTIATE_TEST_SUITE_P(Flavours, GrpcDecorateReplay, ::testing::ValuesIn(Flavours()),
                         [](const auto& info) {
                           switch (info.param) {
                             case Flavour::kBlocking:
                               return "Blocking";
                             case Flavour::kCallback:
                               return "Callback";
                             default:
                               return "CallbackOnExecutor";
                           }
                         });

#if HOLDFAST_TESTS_CALLBACKS

// A service that overrides nothing: its callback methods have no reactor.
TEST(GrpcDecorate, AMethodThatIsNotThereIsNotRecordedAsDone) {
  const auto store = *memory::Store::Create();
  const Guard guard = *Guard::Create({.store = store.get()});
  test::Ledger::CallbackService nothing;
  test::LedgerCallbackDecorated decorated(nothing, guard);
  Loopback loopback(decorated);
  for (int i = 0; i < 2; ++i) {
    const LedgerAnswer answer =
        CallLedger(loopback.Open(), Kind::kUnary, {{"idempotency-key", "k"}});
    EXPECT_EQ(answer.status.error_code(), StatusCode::UNIMPLEMENTED);
    EXPECT_FALSE(answer.Has("holdfast-replayed"));
  }
  for (const Kind kind : kKinds) {
    EXPECT_EQ(CallLedger(loopback.Open(), kind, {{"idempotency-key", "k"}}).status.error_code(),
              StatusCode::UNIMPLEMENTED);
  }
}

TEST(GrpcDecorate, AnExecutorThatTakesNothingEndsTheCallAsNotStarted) {
  LedgerScript script;
  const Guard guard = *Guard::Create({});
  GuardedLedger ledger(Api::kCallback, script, guard,
                       [](const auto&) { throw std::runtime_error("full"); });
  const LedgerAnswer answer = CallLedger(ledger.Open(), Kind::kUnary);
  EXPECT_EQ(answer.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.Get("holdfast-not-started"), "executor");
  EXPECT_EQ(script.total(), 0);
}

TEST(GrpcDecorate, AnExecutorThatFailsAfterTheWorkLosesNoRecord) {
  const auto store = *memory::Store::Create();
  LedgerScript script;
  std::atomic<int> taken{0};
  const Guard guard = *Guard::Create({.store = store.get()});
  GuardedLedger ledger(Api::kCallback, script, guard, [&](const std::function<void()>& job) {
    if (++taken == 2) throw std::runtime_error("full");
    job();
  });
  EXPECT_TRUE(CallLedger(ledger.Open(), Kind::kUnary, {{"idempotency-key", "k"}}).status.ok());
  EXPECT_TRUE(
      CallLedger(ledger.Open(), Kind::kUnary, {{"idempotency-key", "k"}}).Has("holdfast-replayed"));
  EXPECT_EQ(script.total(), 1);
}

#endif  // HOLDFAST_TESTS_CALLBACKS

}  // namespace
}  // namespace holdfast::grpc
