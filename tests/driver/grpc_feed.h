// SPDX-License-Identifier: Apache-2.0
// A server with all four kinds of methods, that breaks as it is told and comes back on the same port.
#ifndef HOLDFAST_TESTS_DRIVER_GRPC_FEED_H_
#define HOLDFAST_TESTS_DRIVER_GRPC_FEED_H_

#include <feed.grpc.pb.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace holdfast::grpc {

using test::Item;

// What happens to one request.
enum class Fault {
  kNone,
  kRefused,     // before anything, by trailers alone, and proved
  kDropped,     // it is done, then the server dies without a word
  kSlow,        // it is done, and the answer does not come in time
  kHalf,        // it is done, headers and half of an answer come, then a failure
  kHalfDropped  // the same, but the server dies
};

// What a method does between its messages.
struct Steps {
  std::function<void()> send_headers;
  std::function<void()> send_one;  // message of an answer; empty: the kind has none
};

// All servers of a test, one after the other.
class FeedWorld {
 public:
  // `faults(n)`: of the n-th request, from 1.
  explicit FeedWorld(std::function<Fault(int)> faults) : faults_(std::move(faults)) {}

  int requests() const { return requests_.load(); }
  int applied() const { return applied_.load(); }

  // Bounded: until a request is done whose answer does not come.
  void AwaitStuck() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [this] { return stuck_ > 0; }));
  }
  // Bounded: until no request is.
  void AwaitUnstuck() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(10), [this] { return stuck_ == 0; }));
  }
  // In-flight requests that wait, wait no longer.
  void Release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  // The same for each kind. `read` takes all messages of the request.
  ::grpc::Status Serve(::grpc::ServerContext& context, const std::function<void()>& read,
                       const Steps& steps) {
    const Fault fault = faults_(requests_.fetch_add(1) + 1);
    if (fault == Fault::kRefused) {
      context.AddTrailingMetadata("holdfast-not-started", "draining");
      return {::grpc::StatusCode::UNAVAILABLE, "refused"};
    }
    read();
    applied_.fetch_add(1);
    if (fault == Fault::kDropped || fault == Fault::kSlow) {
      Stick(context);
      if (context.IsCancelled()) return ::grpc::Status::CANCELLED;
    }
    if (fault == Fault::kHalf || fault == Fault::kHalfDropped) {
      steps.send_headers();
      if (steps.send_one) steps.send_one();
      if (fault == Fault::kHalfDropped) Stick(context);
      return {::grpc::StatusCode::UNAVAILABLE, "half"};
    }
    for (int i = 0; steps.send_one && i < 2; ++i) steps.send_one();
    return ::grpc::Status::OK;
  }

 private:
  void Stick(::grpc::ServerContext& context) {
    std::unique_lock lock(mutex_);
    ++stuck_;
    changed_.notify_all();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!released_ && !context.IsCancelled() && std::chrono::steady_clock::now() < end) {
      changed_.wait_for(lock, std::chrono::milliseconds(2));
    }
    --stuck_;
    changed_.notify_all();
  }

  const std::function<Fault(int)> faults_;
  std::atomic<int> requests_{0};
  std::atomic<int> applied_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  int stuck_ = 0;
  bool released_ = false;
};

class FeedService final : public test::Feed::Service {
 public:
  explicit FeedService(FeedWorld& world) : world_(world) {}

  ::grpc::Status Put(::grpc::ServerContext* context, const Item* request, Item* reply) override {
    const ::grpc::Status status = world_.Serve(
        *context, [] {},
        {[&] { context->AddInitialMetadata("x-half", "1"); },  // or they would come with the status
         {}});
    reply->set_order("re " + request->order());
    return status;
  }

  ::grpc::Status Watch(::grpc::ServerContext* context, const Item* request,
                       ::grpc::ServerWriter<Item>* stream) override {
    return world_.Serve(*context, [] {},
                        {[&] { stream->SendInitialMetadata(); }, [&] { stream->Write(*request); }});
  }

  ::grpc::Status Load(::grpc::ServerContext* context, ::grpc::ServerReader<Item>* stream,
                      Item* reply) override {
    return world_.Serve(*context,
                        [&] {
                          for (Item item; stream->Read(&item);)
                            reply->set_amount(reply->amount() + item.amount());
                        },
                        {[&] { stream->SendInitialMetadata(); }, {}});
  }

  ::grpc::Status Trade(::grpc::ServerContext* context,
                       ::grpc::ServerReaderWriter<Item, Item>* stream) override {
    Item last;
    return world_.Serve(*context,
                        [&] {
                          while (stream->Read(&last)) {
                          }
                        },
                        {[&] { stream->SendInitialMetadata(); }, [&] { stream->Write(last); }});
  }

 private:
  FeedWorld& world_;
};

class FeedServer {
 public:
  using Make = std::function<std::unique_ptr<::grpc::Service>()>;
  explicit FeedServer(FeedWorld& world)
      : FeedServer([&world] { return std::make_unique<FeedService>(world); }) {}
  explicit FeedServer(Make make) : make_(std::move(make)) { Start(); }
  ~FeedServer() { Stop(); }

  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

  // At once: connections break, whatever is under way.
  void Stop() { StopBy(std::chrono::system_clock::now()); }
  // Says GOAWAY, and waits for what is under way.
  void Drain() { StopBy(std::chrono::system_clock::now() + std::chrono::seconds(20)); }

  // Again, on the same port.
  void Start() {
    service_ = make_();  // gRPC takes one for one server only
    ::grpc::ServerBuilder builder;
    builder.AddListeningPort(port_ == 0 ? "127.0.0.1:0" : target(),
                             ::grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

 private:
  void StopBy(std::chrono::system_clock::time_point deadline) {
    if (server_ == nullptr) return;
    server_->Shutdown(deadline);
    server_->Wait();
    server_.reset();
    service_.reset();
  }

  const Make make_;
  int port_ = 0;
  std::unique_ptr<::grpc::Service> service_;
  std::unique_ptr<::grpc::Server> server_;
};

}  // namespace holdfast::grpc

#endif  // HOLDFAST_TESTS_DRIVER_GRPC_FEED_H_
