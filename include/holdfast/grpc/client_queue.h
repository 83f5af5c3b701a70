// SPDX-License-Identifier: Apache-2.0
// UnaryOnQueue: one guarded call over a completion queue that the caller drives.
//
//   CallHandle call = holdfast::grpc::UnaryOnQueue(
//       pipeline, {.call = {.timeout = 800ms}}, queue, &reply,
//       [&](::grpc::ClientContext& context, ::grpc::CompletionQueue* queue) {
//         return stub->AsyncCharge(&context, request, queue);
//       },
//       [](::grpc::Status status) { ... });
//   ... queue.Next(&tag, &ok); static_cast<holdfast::grpc::QueueTag*>(tag)->Proceed(ok); ... or Drive(queue)
//
// Everything happens in the threads that drive the queue, pauses included, which are alarms of the queue
// (unless options.timers says otherwise). Everything that Unary (client.h) says of attempts, statuses and errors
// holds. Do not shut the queue down before every call on it has told its end.
#ifndef HOLDFAST_GRPC_CLIENT_QUEUE_H_
#define HOLDFAST_GRPC_CLIENT_QUEUE_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>
#include <holdfast/grpc/async_call.h>

#include <optional>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

// What holdfast's tags in a completion queue are.
class QueueTag {
 public:
  // The event is here: go on.
  virtual void Proceed(bool ok) = 0;

 protected:
  ~QueueTag() = default;
};

// Proceeds with every event, until the queue is shut down and empty. All its tags must be holdfast's.
inline void Drive(::grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  for (bool ok = false; queue.Next(&tag, &ok);) static_cast<QueueTag*>(tag)->Proceed(ok);
}

namespace internal {

// A call whose pauses are alarms of its queue.
class QueueCall : public AsyncCall {
 protected:
  QueueCall(const Pipeline& pipeline, const ClientOptions& options, ::grpc::CompletionQueue& queue)
      : AsyncCall(pipeline, options), queue_(queue), on_alarm_(*this) {}

  ::grpc::CompletionQueue& queue() { return queue_; }

 private:
  struct AlarmTag final : QueueTag {
    explicit AlarmTag(QueueCall& call) : call(call) {}
    void Proceed(bool) override { call.Ring(); }
    QueueCall& call;
  };

  void ArmPause(hf_time until) final;
  void HurryPause() final;

  ::grpc::CompletionQueue& queue_;
  AlarmTag on_alarm_;
  std::optional<::grpc::Alarm> alarm_;  // most calls never pause
};

template <class Response, class Start, class Done>
class QueueUnary final : public QueueCall, private QueueTag {
 public:
  template <class S, class D>
  QueueUnary(const Pipeline& pipeline, const ClientOptions& options, ::grpc::CompletionQueue& queue,
             Response* reply, S&& start, D&& done)
      : QueueCall(pipeline, options, queue),
        reply_(reply),
        start_(std::forward<S>(start)),
        done_(std::forward<D>(done)) {}

  CallHandle Run() {
    CallHandle handle(this);
    Begin();
    return handle;
  }

 private:
  void StartAttempt(::grpc::ClientContext& context, Attempt&) override {
    reader_ = start_(context, &queue());
    reader_->Finish(reply_, &status_, static_cast<QueueTag*>(this));
  }
  void Proceed(bool) override { End(std::move(status_)); }
  void Deliver(::grpc::Status status) override { done_(std::move(status)); }

  Response* const reply_;
  Start start_;
  Done done_;
  std::invoke_result_t<Start&, ::grpc::ClientContext&, ::grpc::CompletionQueue*> reader_;
  ::grpc::Status status_;
};

}  // namespace internal

// Runs start(ClientContext&, CompletionQueue*), which returns what the stub's Async method does, until the
// pipeline is content or gives up, then done(::grpc::Status): once, never within this function. Neither may
// block or throw. Request, reply and queue must live until `done`. Errors: as Unary; CANCELLED HF_R_ABORTED:
// cancelled before any attempt.
template <class Response, class Start, class Done>
CallHandle UnaryOnQueue(const Pipeline& pipeline, const ClientOptions& options,
                        ::grpc::CompletionQueue& queue, Response* reply, Start&& start,
                        Done&& done) {
  using Running = internal::QueueUnary<Response, std::decay_t<Start>, std::decay_t<Done>>;
  auto* const running = new Running(pipeline, options, queue, reply, std::forward<Start>(start),
                                    std::forward<Done>(done));
  return running->Run();
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CLIENT_QUEUE_H_
