// SPDX-License-Identifier: Apache-2.0
// The Ledger service for the tests of decorators: one script for both APIs, and calls of all kinds that keep
// status, trailers and what came back.
#ifndef HOLDFAST_TESTS_DRIVER_LEDGER_H_
#define HOLDFAST_TESTS_DRIVER_LEDGER_H_

#include <grpcpp/client_context.h>
#include <ledger.holdfast.pb.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {

enum class Kind { kUnary, kRead, kServerStream, kClientStream, kBidi };
inline constexpr Kind kKinds[] = {Kind::kUnary, Kind::kRead, Kind::kServerStream,
                                  Kind::kClientStream, Kind::kBidi};

inline std::string FullName(Kind kind) {
  constexpr const char* kNames[] = {"Post", "Balance", "Watch", "Import", "Reconcile"};
  return std::string("/holdfast.test.Ledger/") + kNames[static_cast<int>(kind)];
}

// What every method does, told by kind; streams write or read until it is done.
struct LedgerScript {
  // Before anything else; what is not OK ends the call.
  std::function<::grpc::Status(Kind, ::grpc::ServerContextBase&)> enter = {};
  std::atomic<int> ran[5] = {};

  ::grpc::Status Enter(Kind kind, ::grpc::ServerContextBase& context) {
    ran[static_cast<int>(kind)].fetch_add(1);
    return enter ? enter(kind, context) : ::grpc::Status::OK;
  }
  int total() const {
    int sum = 0;
    for (const auto& count : ran) sum += count.load();
    return sum;
  }
};

inline void Answer(const test::Entry& entry, test::Sum* sum) {
  sum->set_total(sum->total() + entry.amount());
  for (const auto& [key, value] : entry.tags()) (*sum->mutable_seen())[key] = value;
}

class BlockingLedger final : public test::Ledger::Service {
 public:
  explicit BlockingLedger(LedgerScript& script) : script_(script) {}

  ::grpc::Status Post(::grpc::ServerContext* context, const test::Entry* entry,
                      test::Sum* sum) override {
    return One(Kind::kUnary, *context, *entry, sum);
  }
  ::grpc::Status Balance(::grpc::ServerContext* context, const test::Entry* entry,
                         test::Sum* sum) override {
    return One(Kind::kRead, *context, *entry, sum);
  }
  ::grpc::Status Watch(::grpc::ServerContext* context, const test::Entry* entry,
                       ::grpc::ServerWriter<test::Sum>* writer) override {
    ::grpc::Status status = script_.Enter(Kind::kServerStream, *context);
    test::Sum sum;
    for (int i = 0; status.ok() && i < 3; ++i) {
      Answer(*entry, &sum);
      writer->Write(sum);
    }
    return status;
  }
  ::grpc::Status Import(::grpc::ServerContext* context, ::grpc::ServerReader<test::Entry>* reader,
                        test::Sum* sum) override {
    ::grpc::Status status = script_.Enter(Kind::kClientStream, *context);
    test::Entry entry;
    while (status.ok() && reader->Read(&entry)) Answer(entry, sum);
    return status;
  }
  ::grpc::Status Reconcile(::grpc::ServerContext* context,
                           ::grpc::ServerReaderWriter<test::Sum, test::Entry>* stream) override {
    ::grpc::Status status = script_.Enter(Kind::kBidi, *context);
    test::Entry entry;
    test::Sum sum;
    while (status.ok() && stream->Read(&entry)) {
      Answer(entry, &sum);
      stream->Write(sum);
    }
    return status;
  }

 private:
  ::grpc::Status One(Kind kind, ::grpc::ServerContext& context, const test::Entry& entry,
                     test::Sum* sum) {
    ::grpc::Status status = script_.Enter(kind, context);
    if (status.ok()) Answer(entry, sum);
    return status;
  }
  LedgerScript& script_;
};

class CallbackLedger final : public test::Ledger::CallbackService {
 public:
  explicit CallbackLedger(LedgerScript& script) : script_(script) {}

  ::grpc::ServerUnaryReactor* Post(::grpc::CallbackServerContext* context, const test::Entry* entry,
                                   test::Sum* sum) override {
    return One(Kind::kUnary, context, *entry, sum);
  }
  ::grpc::ServerUnaryReactor* Balance(::grpc::CallbackServerContext* context,
                                      const test::Entry* entry, test::Sum* sum) override {
    return One(Kind::kRead, context, *entry, sum);
  }
  ::grpc::ServerWriteReactor<test::Sum>* Watch(::grpc::CallbackServerContext* context,
                                               const test::Entry* entry) override {
    return new Writer(script_.Enter(Kind::kServerStream, *context), *entry);
  }
  ::grpc::ServerReadReactor<test::Entry>* Import(::grpc::CallbackServerContext* context,
                                                 test::Sum* sum) override {
    return new Reader(script_.Enter(Kind::kClientStream, *context), sum);
  }
  ::grpc::ServerBidiReactor<test::Entry, test::Sum>* Reconcile(
      ::grpc::CallbackServerContext* context) override {
    return new Both(script_.Enter(Kind::kBidi, *context));
  }

 private:
  ::grpc::ServerUnaryReactor* One(Kind kind, ::grpc::CallbackServerContext* context,
                                  const test::Entry& entry, test::Sum* sum) {
    const ::grpc::Status status = script_.Enter(kind, *context);
    if (status.ok()) Answer(entry, sum);
    ::grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  class Writer final : public ::grpc::ServerWriteReactor<test::Sum> {
   public:
    Writer(const ::grpc::Status& status, test::Entry entry) : entry_(std::move(entry)) {
      status.ok() ? Next() : Finish(status);
    }
    void OnWriteDone(bool ok) override { ok&& written_ < 3 ? Next() : Finish(::grpc::Status::OK); }
    void OnDone() override { delete this; }

   private:
    void Next() {
      ++written_;
      Answer(entry_, &sum_);
      StartWrite(&sum_);
    }
    const test::Entry entry_;
    test::Sum sum_;
    int written_ = 0;
  };

  class Reader final : public ::grpc::ServerReadReactor<test::Entry> {
   public:
    Reader(const ::grpc::Status& status, test::Sum* sum) : sum_(sum) {
      status.ok() ? StartRead(&entry_) : Finish(status);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(::grpc::Status::OK);
      Answer(entry_, sum_);
      StartRead(&entry_);
    }
    void OnDone() override { delete this; }

   private:
    test::Sum* const sum_;
    test::Entry entry_;
  };

  class Both final : public ::grpc::ServerBidiReactor<test::Entry, test::Sum> {
   public:
    explicit Both(const ::grpc::Status& status) {
      status.ok() ? StartRead(&entry_) : Finish(status);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(::grpc::Status::OK);
      Answer(entry_, &sum_);
      StartWrite(&sum_);
    }
    void OnWriteDone(bool) override { StartRead(&entry_); }
    void OnDone() override { delete this; }

   private:
    test::Entry entry_;
    test::Sum sum_;
  };

  LedgerScript& script_;
};

// Whether it came to be, within 20 s of real time.
template <class Condition>
bool WaitUntil(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

enum class Api { kBlocking, kCallback };

// gRPC's callback classes are templates, so ThreadSanitizer sees their objects and not the locks, in gRPC's
// library, that hand them from thread to thread. What is ours of them it sees in grpc_decorate_threads_test.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOLDFAST_TESTS_CALLBACKS 0
#endif
#endif
#ifndef HOLDFAST_TESTS_CALLBACKS
#define HOLDFAST_TESTS_CALLBACKS 1
#endif

inline std::vector<Api> Apis() {
  if (HOLDFAST_TESTS_CALLBACKS == 0) return {Api::kBlocking};
  return {Api::kBlocking, Api::kCallback};
}
inline std::string ApiName(const ::testing::TestParamInfo<Api>& info) {
  return info.param == Api::kBlocking ? "Blocking" : "Callback";
}

// A ledger of either API behind a guard, on a server.
class GuardedLedger {
 public:
  GuardedLedger(Api api, LedgerScript& script, const Guard& guard, Executor executor = nullptr)
      : blocking_(script),
        callback_(script),
        blocking_guarded_(blocking_, guard),
        callback_guarded_(callback_, guard, std::move(executor)),
        loopback_(api == Api::kBlocking ? static_cast<::grpc::Service&>(blocking_guarded_)
                                        : static_cast<::grpc::Service&>(callback_guarded_)) {}

  Loopback& server() { return loopback_; }
  std::shared_ptr<::grpc::Channel> Open() const { return loopback_.Open(); }

 private:
  BlockingLedger blocking_;
  CallbackLedger callback_;
  test::LedgerDecorated blocking_guarded_;
  test::LedgerCallbackDecorated callback_guarded_;
  Loopback loopback_;
};

struct LedgerAnswer {
  ::grpc::Status status;
  std::vector<test::Sum> sums;  // what came
  std::multimap<std::string, std::string> trailers;

  bool Has(const std::string& trailer) const { return trailers.count(trailer) > 0; }
  std::string Get(const std::string& trailer) const {
    const auto found = trailers.find(trailer);
    return found == trailers.end() ? "" : found->second;
  }
};

// One call of a kind, with the same three entries for those that take several. Blocking; bounded by 30 s,
// unless `timeout` says otherwise.
inline LedgerAnswer CallLedger(const std::shared_ptr<::grpc::Channel>& channel, Kind kind,
                               const Headers& headers = {},
                               std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  const auto stub = test::Ledger::NewStub(channel);
  ::grpc::ClientContext context;
  for (const auto& [key, value] : headers) context.AddMetadata(key, value);
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  context.set_wait_for_ready(true);
  test::Entry entry;
  entry.set_account("a");
  entry.set_amount(7);
  LedgerAnswer answer;
  test::Sum sum;
  switch (kind) {
    case Kind::kUnary:
      answer.status = stub->Post(&context, entry, &sum);
      if (answer.status.ok()) answer.sums.push_back(sum);
      break;
    case Kind::kRead:
      answer.status = stub->Balance(&context, entry, &sum);
      if (answer.status.ok()) answer.sums.push_back(sum);
      break;
    case Kind::kServerStream: {
      const auto reader = stub->Watch(&context, entry);
      while (reader->Read(&sum)) answer.sums.push_back(sum);
      answer.status = reader->Finish();
      break;
    }
    case Kind::kClientStream: {
      const auto writer = stub->Import(&context, &sum);
      for (int i = 0; i < 3 && writer->Write(entry); ++i) {
      }
      writer->WritesDone();
      answer.status = writer->Finish();
      if (answer.status.ok()) answer.sums.push_back(sum);
      break;
    }
    case Kind::kBidi: {
      const auto stream = stub->Reconcile(&context);
      for (int i = 0; i < 3 && stream->Write(entry) && stream->Read(&sum); ++i) {
        answer.sums.push_back(sum);
      }
      stream->WritesDone();
      answer.status = stream->Finish();
      break;
    }
  }
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    answer.trailers.emplace(std::string(key.data(), key.size()),
                            std::string(value.data(), value.size()));
  }
  return answer;
}

}  // namespace holdfast::grpc

#endif  // HOLDFAST_TESTS_DRIVER_LEDGER_H_
