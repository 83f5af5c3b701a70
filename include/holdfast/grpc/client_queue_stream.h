// SPDX-License-Identifier: Apache-2.0
// StreamOnQueue: guarded streams over a completion queue that the caller drives.
//
//   CallHandle call = holdfast::grpc::StreamOnQueue(
//       pipeline, {.call = {.idempotent = true}}, queue, watcher,
//       [&](::grpc::ClientContext& context, ::grpc::CompletionQueue* queue) {
//         return stub->PrepareAsyncWatch(&context, request, queue);
//       });
//
// `watcher` is the same ClientStreamReactor (client_stream_reactor.h) as the callback API's; its reactions come in the threads
// that drive the queue. What may be made again says client_stream.h.
//
//   attempt   pending                                 next
//   opening   the start                               OnAttempt if it came about; then as streaming
//   streaming a read, a write, both, a half-close     its reaction; with nothing pending after it: ending
//   ending    the status                              the attempt is over
#ifndef HOLDFAST_GRPC_CLIENT_QUEUE_STREAM_H_
#define HOLDFAST_GRPC_CLIENT_QUEUE_STREAM_H_

#include <grpcpp/support/async_stream.h>
#include <holdfast/grpc/client_queue.h>
#include <holdfast/grpc/client_stream_reactor.h>

#include <atomic>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

template <class Request, class Response, class Open>
class QueueStream final : public StreamCall<QueueCall, Request, Response> {
  using Call = StreamCall<QueueCall, Request, Response>;
  using Wire = std::invoke_result_t<Open&, ::grpc::ClientContext&, ::grpc::CompletionQueue*>;

 public:
  template <class O>
  QueueStream(ClientStreamReactor<Request, Response>& reactor, const Pipeline& pipeline,
              const ClientOptions& options, ::grpc::CompletionQueue& queue, O&& open)
      : Call(reactor, pipeline, options, queue), open_(std::forward<O>(open)) {}

 private:
  struct Tag final : QueueTag {
    using Step = void (QueueStream::*)(bool);
    Tag(QueueStream* stream, Step step) : stream(stream), step(step) {}
    void Proceed(bool ok) override { (stream->*step)(ok); }
    QueueStream* const stream;
    const Step step;
  };
  static void* Raw(Tag& tag) { return static_cast<QueueTag*>(&tag); }

  void StartAttempt(::grpc::ClientContext& context, Attempt&) override {
    this->BeginAttempt();
    pending_.store(1);
    wire_ = open_(context, &this->queue());
    wire_->StartCall(Raw(on_start_));
  }

  void Read(Response* message) override {
    pending_.fetch_add(1);
    if constexpr (!std::is_void_v<Response>) wire_->Read(message, Raw(on_read_));
  }
  void Write(const Request* message, ::grpc::WriteOptions options) override {
    this->Sent();
    pending_.fetch_add(1);
    if constexpr (!std::is_void_v<Request>) wire_->Write(*message, options, Raw(on_write_));
  }
  void WritesDone() override {
    pending_.fetch_add(1);
    if constexpr (!std::is_void_v<Request>) wire_->WritesDone(Raw(on_writes_done_));
  }

  void OnStart(bool ok) {
    this->Publish();
    if (ok) {
      const ScopedContext attached(this->story());
      this->Attempted();
    }
    Settle();
  }
  void OnRead(bool ok) {
    this->ReadDone(ok);
    Settle();
  }
  void OnWrite(bool ok) {
    this->WriteDone(ok);
    Settle();
  }
  void OnWritesDone(bool ok) {
    this->WritesDoneDone(ok);
    Settle();
  }
  void Settle() {
    if (pending_.fetch_sub(1) == 1) wire_->Finish(&status_, Raw(on_finish_));
  }
  void OnFinish(bool) {
    wire_.reset();
    this->End(std::move(status_));
  }

  Open open_;
  Wire wire_;
  std::atomic<int> pending_{0};
  ::grpc::Status status_;
  Tag on_start_{this, &QueueStream::OnStart};
  Tag on_read_{this, &QueueStream::OnRead};
  Tag on_write_{this, &QueueStream::OnWrite};
  Tag on_writes_done_{this, &QueueStream::OnWritesDone};
  Tag on_finish_{this, &QueueStream::OnFinish};
};

}  // namespace internal

// Runs a stream under the pipeline: open(ClientContext&, CompletionQueue*) returns what the stub's PrepareAsync
// method does, once for each attempt, and must not throw; everything else is the reactor's. OnDone never comes
// within this function. Errors: as Unary (client.h), by OnDone.
template <class Request, class Response, class Open>
CallHandle StreamOnQueue(const Pipeline& pipeline, const ClientOptions& options,
                         ::grpc::CompletionQueue& queue,
                         ClientStreamReactor<Request, Response>& reactor, Open&& open) {
  using Running = internal::QueueStream<Request, Response, std::decay_t<Open>>;
  auto* const running = new Running(reactor, pipeline, options, queue, std::forward<Open>(open));
  return running->Run();
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_QUEUE_STREAM_H_
