// SPDX-License-Identifier: Apache-2.0
// ClientStreamReactor: the user's half of an asynchronous guarded stream, of the callback API (client_callback_stream.h)
// and of completion queues (client_queue_stream.h) alike.
//
//   class Watcher final : public holdfast::grpc::ReadReactor<Item> {
//     void OnAttempt(const Attempt&) override { StartRead(&item_); }
//     void OnReadDone(bool ok) override {
//       if (!ok) return;
//       Take(item_);
//       StartRead(&item_);
//     }
//     void OnDone(const ::grpc::Status& status) override { ... }
//   };
//
// As gRPC's own reactors, with one more reaction: OnAttempt begins each attempt, and with it everything: the
// messages are written and read from the first one on, and what was under way of a failed attempt is forgotten
// without a word. So a failure is kept back until it is known to be the last. Once headers or a message came no
// attempt follows (context_factory.h), and failures are told as they come.
#ifndef HOLDFAST_GRPC_CLIENT_STREAM_REACTOR_H_
#define HOLDFAST_GRPC_CLIENT_STREAM_REACTOR_H_

#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>
#include <holdfast/attempt.h>
#include <holdfast/context.h>
#include <holdfast/grpc/async_call.h>
#include <holdfast/grpc/stream_attempt.h>

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

// What a reactor writes to and reads from; `void` is a direction that a kind of stream has not.
template <class Request, class Response>
class StreamWire {
 public:
  virtual void Read(Response* message) = 0;
  virtual void Write(const Request* message, ::grpc::WriteOptions options) = 0;
  virtual void WritesDone() = 0;

 protected:
  ~StreamWire() = default;
};

template <class Base, class Request, class Response>
class StreamCall;

}  // namespace internal

// Reactions come one at a time for each direction, in any thread, under the call's context, and must not block.
// Start* may be called from reactions only, one at a time for each direction. The reactor must live until
// OnDone, which comes once and last, and may delete it.
template <class Request, class Response>
class ClientStreamReactor {
 public:
  virtual ~ClientStreamReactor() = default;

  virtual void OnAttempt(const Attempt&) {}
  virtual void OnReadDone(bool /*ok*/) {}
  virtual void OnWriteDone(bool /*ok*/) {}
  virtual void OnWritesDoneDone(bool /*ok*/) {}
  virtual void OnDone(const ::grpc::Status& status) = 0;

  void StartRead(Response* message)
    requires(!std::is_void_v<Response>)
  {
    wire_->Read(message);
  }
  void StartWrite(const Request* message, ::grpc::WriteOptions options = {})
    requires(!std::is_void_v<Request>)
  {
    wire_->Write(message, options);
  }
  // The last one, and no more follow.
  void StartWriteLast(const Request* message)
    requires(!std::is_void_v<Request>)
  {
    wire_->Write(message, ::grpc::WriteOptions().set_last_message());
  }
  void StartWritesDone()
    requires(!std::is_void_v<Request>)
  {
    wire_->WritesDone();
  }

 private:
  template <class, class, class>
  friend class internal::StreamCall;

  internal::StreamWire<Request, Response>* wire_ = nullptr;
};

template <class Response>
using ReadReactor = ClientStreamReactor<void, Response>;  // server-streaming
template <class Request>
using WriteReactor = ClientStreamReactor<Request, void>;  // client-streaming
template <class Request, class Response>
using BidiReactor = ClientStreamReactor<Request, Response>;

namespace internal {

// One stream with its reactor, over a wire that a derived class is. `Base`: AsyncCall, or one of its kinds.
template <class Base, class Request, class Response>
class StreamCall : public Base, protected StreamWire<Request, Response> {
 public:
  CallHandle Run() {
    CallHandle handle(this);
    this->Begin();
    return handle;
  }

 protected:
  template <class... Args>
  explicit StreamCall(ClientStreamReactor<Request, Response>& reactor, Args&&... args)
      : Base(std::forward<Args>(args)...), reactor_(reactor) {
    reactor_.wire_ = this;
  }

  // The wire's words. BeginAttempt before the others of an attempt.
  void BeginAttempt() {
    state_.Reset();
    held_back_.store(0, std::memory_order_relaxed);
  }
  void Attempted() { reactor_.OnAttempt(this->attempt()); }
  void Sent() { state_.OnSent(); }
  void HeadersDone(bool ok) {
    if (ok) state_.OnHeaders();
  }
  void ReadDone(bool ok) {
    if (ok) state_.OnMessage();
    React(kRead, ok);
  }
  void WriteDone(bool ok) { React(kWrite, ok); }
  void WritesDoneDone(bool ok) { React(kWritesDone, ok); }

 private:
  static constexpr uint32_t kRead = 1;
  static constexpr uint32_t kWrite = 2;
  static constexpr uint32_t kWritesDone = 4;

  void React(uint32_t which, bool ok) {
    this->Publish();
    if (!ok && !state_.committed()) {
      held_back_.fetch_or(which, std::memory_order_relaxed);
      return;
    }
    const ScopedContext attached(this->story());
    Tell(which, ok);
    this->Publish();
  }

  void Tell(uint32_t which, bool ok) {
    if ((which & kRead) != 0) reactor_.OnReadDone(ok);
    if ((which & kWrite) != 0) reactor_.OnWriteDone(ok);
    if ((which & kWritesDone) != 0) reactor_.OnWritesDoneDone(ok);
  }

  hf_outcome Judge(const hf_outcome& outcome) final {
    return state_.Judge(outcome, this->options().resend);
  }

  void Deliver(::grpc::Status status) final {
    Tell(held_back_.load(std::memory_order_relaxed), false);
    reactor_.OnDone(status);
  }

  ClientStreamReactor<Request, Response>& reactor_;
  StreamAttempt state_;
  std::atomic<uint32_t> held_back_{0};  // reactions to a failure that may not be the last
};

}  // namespace internal

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_STREAM_REACTOR_H_
