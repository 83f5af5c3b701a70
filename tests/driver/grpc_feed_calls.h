// SPDX-License-Identifier: Apache-2.0
// One guarded call of each kind over each API, to its end, with the same requests and the same answer.
#ifndef HOLDFAST_TESTS_DRIVER_GRPC_FEED_CALLS_H_
#define HOLDFAST_TESTS_DRIVER_GRPC_FEED_CALLS_H_

#include <gtest/gtest.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/client_callback.h>
#include <holdfast/grpc/client_callback_stream.h>
#include <holdfast/grpc/client_queue.h>
#include <holdfast/grpc/client_queue_stream.h>
#include <holdfast/grpc/client_stream.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "driver/grpc_feed.h"

namespace holdfast::grpc {

enum class Kind { kUnary, kRead, kWrite, kBidi };
enum class Api { kSync, kCallback, kQueue };

inline std::string NameOf(Kind kind) {
  const char* const names[] = {"Unary", "ServerStream", "ClientStream", "Bidi"};
  return names[static_cast<int>(kind)];
}
inline std::string NameOf(Api api) {
  const char* const names[] = {"Sync", "Callback", "Queue"};
  return names[static_cast<int>(api)];
}

// Where a call that nobody waits for leaves its end.
class Ending {
 public:
  void Set(::grpc::Status status) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(status_.has_value()) << "it ended twice";
    status_ = std::move(status);
    ended_.notify_all();
  }
  ::grpc::Status Await() {
    std::unique_lock lock(mutex_);
    const auto is_there = [this] { return status_.has_value(); };
    if (!ended_.wait_for(lock, std::chrono::seconds(60), is_there)) {
      ADD_FAILURE() << "the call never ended";
      std::abort();  // its memory is about to go
    }
    return *status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<::grpc::Status> status_;
};

// A queue and the thread that drives it.
class DrivenQueue {
 public:
  DrivenQueue() : thread_([this] { Drive(queue_); }) {}
  ~DrivenQueue() {
    queue_.Shutdown();
    thread_.join();
  }
  ::grpc::CompletionQueue& get() { return queue_; }

 private:
  ::grpc::CompletionQueue queue_;
  std::thread thread_;
};

// Reads all messages, writes two, as far as the kind has them.
template <class Request, class Response>
class Trader final : public ClientStreamReactor<Request, Response> {
 public:
  Trader(Item request, Ending& ending) : request_(std::move(request)), ending_(ending) {}

  void OnAttempt(const Attempt&) override {
    attempts_.fetch_add(1);
    received_.store(0);
    written_.store(0);
    if constexpr (!std::is_void_v<Response>) this->StartRead(&item_);
    if constexpr (!std::is_void_v<Request>) this->StartWrite(&request_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    received_.fetch_add(1);
    if constexpr (!std::is_void_v<Response>) this->StartRead(&item_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return;
    if constexpr (!std::is_void_v<Request>) {
      written_.fetch_add(1) == 0 ? this->StartWrite(&request_) : this->StartWritesDone();
    }
  }
  void OnDone(const ::grpc::Status& status) override { ending_.Set(status); }

  int received() const { return received_.load(); }

 private:
  const Item request_;
  Item item_;
  Ending& ending_;
  std::atomic<int> attempts_{0};
  std::atomic<int> received_{0};
  std::atomic<int> written_{0};
};

struct FeedAnswer {
  ::grpc::Status status;
  int received = 0;  // messages
};

// What a call needs to be made. `on_start` gets the handle of an asynchronous one.
struct FeedCall {
  test::Feed::Stub& stub;
  const Pipeline& pipeline;
  const ClientOptions& options;
  std::function<void(CallHandle)> on_start = {};

  void Started(CallHandle handle) const {
    if (on_start) on_start(std::move(handle));
  }
};

inline Item FeedRequest() {
  Item item;
  item.set_order("17");
  item.set_amount(50);
  return item;
}

inline FeedAnswer MakeSync(const FeedCall& call, Kind kind) {
  using Context = ::grpc::ClientContext;
  const Item request = FeedRequest();
  Item reply;
  FeedAnswer answer;
  const auto write = [&](auto& stream) { stream.Write(request) && stream.Write(request); };
  const auto read = [&](auto& stream) {
    answer.received = 0;
    while (stream.Read(&reply)) ++answer.received;
  };
  const auto& [stub, pipeline, options, on_start] = call;
  switch (kind) {
    case Kind::kUnary:
      answer.status = Unary(pipeline, options, [&stub = stub, &request, &reply](Context& context) {
        return stub.Put(&context, request, &reply);
      });
      answer.received = answer.status.ok() ? 1 : 0;
      break;
    case Kind::kRead:
      answer.status = Stream(
          pipeline, options,
          [&stub = stub, &request](Context& context) { return stub.Watch(&context, request); },
          read);
      break;
    case Kind::kWrite:
      answer.status = Stream(
          pipeline, options,
          [&stub = stub, &reply](Context& context) {
            reply.Clear();
            return stub.Load(&context, &reply);
          },
          write);
      answer.received = reply.amount() == 100 ? 1 : 0;
      break;
    case Kind::kBidi:
      answer.status = Stream(
          pipeline, options, [&stub = stub](Context& context) { return stub.Trade(&context); },
          [&](auto& stream) {
            write(stream);
            stream.WritesDone();
            read(stream);
          });
      break;
  }
  return answer;
}

inline FeedAnswer MakeCallback(const FeedCall& call, Kind kind) {
  using Context = ::grpc::ClientContext;
  const Item request = FeedRequest();
  Item reply;
  Ending ending;
  auto* const stub = call.stub.async();
  if (kind == Kind::kUnary) {
    call.Started(UnaryAsync(
        call.pipeline, call.options,
        [&](Context& context, Attempt&, auto done) {
          stub->Put(&context, &request, &reply, std::move(done));
        },
        [&](::grpc::Status status) { ending.Set(std::move(status)); }));
    const ::grpc::Status status = ending.Await();
    return {status, status.ok() ? 1 : 0};
  }
  if (kind == Kind::kRead) {
    Trader<void, Item> reactor(request, ending);
    call.Started(
        StreamAsync(call.pipeline, call.options, reactor,
                    [&](Context& context, auto* wire) { stub->Watch(&context, &request, wire); }));
    return {ending.Await(), reactor.received()};
  }
  if (kind == Kind::kWrite) {
    Trader<Item, void> reactor(request, ending);
    call.Started(
        StreamAsync(call.pipeline, call.options, reactor,
                    [&](Context& context, auto* wire) { stub->Load(&context, &reply, wire); }));
    const ::grpc::Status status = ending.Await();
    return {status, reply.amount() == 100 ? 1 : 0};
  }
  Trader<Item, Item> reactor(request, ending);
  call.Started(StreamAsync(call.pipeline, call.options, reactor,
                           [&](Context& context, auto* wire) { stub->Trade(&context, wire); }));
  return {ending.Await(), reactor.received()};
}

inline FeedAnswer MakeOnQueue(const FeedCall& call, Kind kind) {
  using Context = ::grpc::ClientContext;
  using Queue = ::grpc::CompletionQueue;
  const Item request = FeedRequest();
  Item reply;
  Ending ending;
  DrivenQueue queue;
  auto& stub = call.stub;
  if (kind == Kind::kUnary) {
    call.Started(UnaryOnQueue(
        call.pipeline, call.options, queue.get(), &reply,
        [&](Context& context, Queue* on) { return stub.AsyncPut(&context, request, on); },
        [&](::grpc::Status status) { ending.Set(std::move(status)); }));
    const ::grpc::Status status = ending.Await();
    return {status, status.ok() ? 1 : 0};
  }
  if (kind == Kind::kRead) {
    Trader<void, Item> reactor(request, ending);
    call.Started(StreamOnQueue(call.pipeline, call.options, queue.get(), reactor,
                               [&](Context& context, Queue* on) {
                                 return stub.PrepareAsyncWatch(&context, request, on);
                               }));
    return {ending.Await(), reactor.received()};
  }
  if (kind == Kind::kWrite) {
    Trader<Item, void> reactor(request, ending);
    call.Started(StreamOnQueue(
        call.pipeline, call.options, queue.get(), reactor,
        [&](Context& context, Queue* on) { return stub.PrepareAsyncLoad(&context, &reply, on); }));
    const ::grpc::Status status = ending.Await();
    return {status, reply.amount() == 100 ? 1 : 0};
  }
  Trader<Item, Item> reactor(request, ending);
  call.Started(StreamOnQueue(
      call.pipeline, call.options, queue.get(), reactor,
      [&](Context& context, Queue* on) { return stub.PrepareAsyncTrade(&context, on); }));
  return {ending.Await(), reactor.received()};
}

inline FeedAnswer Make(const FeedCall& call, Api api, Kind kind) {
  if (api == Api::kSync) return MakeSync(call, kind);
  return api == Api::kCallback ? MakeCallback(call, kind) : MakeOnQueue(call, kind);
}

}  // namespace holdfast::grpc

#endif  // HOLDFAST_TESTS_DRIVER_GRPC_FEED_CALLS_H_
