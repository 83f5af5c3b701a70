// SPDX-License-Identifier: Apache-2.0
// Decorated callback calls, driven by hand as gRPC drives them: bound, cancelled, finished and done on
// threads of the test's own. ThreadSanitizer can follow these, which it cannot in gRPC's library; and a
// thread may come at the worst moment more often than a network makes it.
#include <grpcpp/test/server_context_test_spouse.h>
#include <gtest/gtest.h>
#include <holdfast/memory/store.h>

#include <latch>
#include <thread>

#include "driver/ledger.h"

namespace holdfast::grpc {
namespace {

constexpr int kRounds = 300;

// What the inner reactors report.
struct Heard {
  std::atomic<int> cancelled{0}, done{0};
};

template <class Base>
class Inner final : public Base {
 public:
  explicit Inner(Heard& heard) : heard_(heard) {}
  void OnCancel() override { heard_.cancelled.fetch_add(1); }
  void OnDone() override {
    heard_.done.fetch_add(1);
    delete this;
  }

 private:
  Heard& heard_;
};

using InnerUnary = Inner<::grpc::ServerUnaryReactor>;
using InnerBidi = Inner<::grpc::ServerBidiReactor<test::Entry, test::Sum>>;

// Hands its inner reactors out to the test.
class HandLedger final : public test::Ledger::CallbackService {
 public:
  explicit HandLedger(Heard& heard) : heard_(heard) {}

  ::grpc::ServerUnaryReactor* Post(::grpc::CallbackServerContext*, const test::Entry*,
                                   test::Sum* sum) override {
    sum->set_total(7);
    unary = new InnerUnary(heard_);
    if (finish_at_once) unary->Finish(::grpc::Status::OK);
    return unary;
  }
  ::grpc::ServerBidiReactor<test::Entry, test::Sum>* Reconcile(
      ::grpc::CallbackServerContext*) override {
    return bidi = new InnerBidi(heard_);
  }

  bool finish_at_once = false;
  InnerUnary* unary = nullptr;
  InnerBidi* bidi = nullptr;

 private:
  Heard& heard_;
};

// gRPC's side of a call. The latch opens when the decorator has finished it.
template <class Base>
class HandCall : public Base {
 public:
  template <class Reactor>
  void Bind(Reactor* reactor) {
    this->BindReactor(reactor);
  }
  void Finish(::grpc::Status status) override {
    status_ = std::move(status);
    EXPECT_EQ(finishes_.fetch_add(1), 0);
    finished.count_down();
  }
  void SendInitialMetadata() override {}
  const ::grpc::Status& status() const { return status_; }

  std::latch finished{1};

 private:
  ::grpc::internal::ServerReactor* reactor() override { return nullptr; }
  void CallOnDone() override {}
  ::grpc::Status status_;
  std::atomic<int> finishes_{0};
};

using HandUnary = HandCall<::grpc::ServerCallbackUnary>;

class HandBidi final : public HandCall<::grpc::ServerCallbackReaderWriter<test::Entry, test::Sum>> {
  void Read(test::Entry*) override {}
  void Write(const test::Sum*, ::grpc::WriteOptions) override {}
  void WriteAndFinish(const test::Sum*, ::grpc::WriteOptions, ::grpc::Status status) override {
    Finish(std::move(status));
  }
};

// A context with an idempotency key. gRPC has the door to its metadata for blocking contexts only; both are
// their common base and nothing else.
class KeyedContext {
 public:
  explicit KeyedContext(int key) : spouse_(reinterpret_cast<::grpc::ServerContext*>(&context_)) {
    spouse_.AddClientMetadata("idempotency-key", std::to_string(key));
  }
  ::grpc::CallbackServerContext* get() { return &context_; }

 private:
  ::grpc::CallbackServerContext context_;
  ::grpc::testing::ServerContextTestSpouse spouse_;
};

TEST(GrpcDecorateThreads, CancelAndFinishOfAUnaryCallMayMeetAnywhere) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const auto store = *memory::Store::Create();
  const Guard guard = *Guard::Create({.bulkhead = bulkhead, .store = store.get()});
  Heard heard;
  HandLedger inner(heard);
  test::LedgerCallbackDecorated decorated(inner, guard);
  const test::Entry entry;
  for (int i = 0; i < kRounds; ++i) {
    KeyedContext context(i);
    test::Sum sum;
    HandUnary call;
    ::grpc::ServerUnaryReactor* const reactor = decorated.Post(context.get(), &entry, &sum);
    std::latch go(2);
    call.Bind(reactor);
    std::thread canceller([&] {
      go.arrive_and_wait();
      reactor->OnCancel();
    });
    std::thread finisher([&] {
      go.arrive_and_wait();
      inner.unary->Finish(::grpc::Status::OK);
    });
    call.finished.wait();
    canceller.join();  // gRPC calls OnDone after all other reactions
    EXPECT_TRUE(call.status().ok()) << call.status().error_message();
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
    std::thread([&] { reactor->OnDone(); }).join();
    finisher.join();
    ASSERT_EQ(heard.cancelled, i + 1);
    ASSERT_EQ(heard.done, i + 1);
  }
  EXPECT_EQ(guard.in_flight(), 0u);
}

TEST(GrpcDecorateThreads, ACancelMayComeBeforeTheExecutorHasBegun) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const auto store = *memory::Store::Create();
  const Guard guard = *Guard::Create({.bulkhead = bulkhead, .store = store.get()});
  Heard heard;
  HandLedger inner(heard);
  inner.finish_at_once = true;
  std::vector<std::thread> jobs;  // one thread for each
  std::mutex jobs_mutex;
  const Executor executor = [&](std::function<void()> job) {
    const std::lock_guard lock(jobs_mutex);
    jobs.emplace_back(std::move(job));
  };
  test::LedgerCallbackDecorated decorated(inner, guard, executor);
  const test::Entry entry;
  for (int i = 0; i < kRounds; ++i) {
    KeyedContext context(i);
    test::Sum sum;
    HandUnary call;
    ::grpc::ServerUnaryReactor* const reactor = decorated.Post(context.get(), &entry, &sum);
    call.Bind(reactor);
    std::thread canceller([&] { reactor->OnCancel(); });
    call.finished.wait();
    canceller.join();
    // Done while the executor's threads may still be on their way out of the call.
    std::thread([&] { reactor->OnDone(); }).join();
    std::vector<std::thread> over;
    {
      const std::lock_guard lock(jobs_mutex);
      over.swap(jobs);
    }
    for (auto& thread : over) thread.join();
    ASSERT_EQ(heard.done, i + 1);
    ASSERT_LE(heard.cancelled, i + 1);
  }
  EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
  EXPECT_EQ(guard.in_flight(), 0u);
}

TEST(GrpcDecorateThreads, CancelAndFinishOfAStreamMayMeetAnywhere) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  Heard heard;
  HandLedger inner(heard);
  test::LedgerCallbackDecorated decorated(inner, guard);
  for (int i = 0; i < kRounds; ++i) {
    ::grpc::CallbackServerContext context;
    HandBidi call;
    auto* const reactor = decorated.Reconcile(&context);
    call.Bind(reactor);
    std::latch go(2);
    std::thread canceller([&] {
      go.arrive_and_wait();
      reactor->OnCancel();
    });
    std::thread finisher([&] {
      go.arrive_and_wait();
      test::Entry entry;
      inner.bidi->StartRead(&entry);
      inner.bidi->Finish(::grpc::Status::OK);
    });
    call.finished.wait();
    canceller.join();
    finisher.join();
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 1u) << "held until OnDone";
    std::thread([&] { reactor->OnDone(); }).join();
    EXPECT_EQ(bulkhead.Snapshot().in_flight, 0u);
    ASSERT_EQ(heard.cancelled, i + 1);
    ASSERT_EQ(heard.done, i + 1);
  }
  EXPECT_EQ(guard.in_flight(), 0u);
}

TEST(GrpcDecorateThreads, ADrainSeesEveryCallOutWhoeverLeavesLast) {
  for (int round = 0; round < 100; ++round) {
    const Guard guard = *Guard::Create({});
    LedgerScript script;
    BlockingLedger inner(script);
    test::LedgerDecorated decorated(inner, guard);
    std::latch go(3);
    std::atomic<int> let_in{0}, refused{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 2; ++t) {
      callers.emplace_back([&] {
        go.arrive_and_wait();
        for (int i = 0; i < 20; ++i) {
          ::grpc::ServerContext context;
          test::Entry entry;
          test::Sum sum;
          decorated.Post(&context, &entry, &sum).ok() ? ++let_in : ++refused;
        }
      });
    }
    go.arrive_and_wait();
    guard.Drain();
    EXPECT_TRUE(guard.WaitIdle(std::chrono::seconds(20)));
    const int at_idle = script.total();
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(script.total(), at_idle) << "nothing runs after the drain";
    EXPECT_EQ(let_in, at_idle);
    EXPECT_EQ(let_in + refused, 40);
  }
}

}  // namespace
}  // namespace holdfast::grpc
