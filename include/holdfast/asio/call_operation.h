// SPDX-License-Identifier: Apache-2.0
// The callback driver of hf_call_*: does what the machine says, as one composed operation. Included by call.h.
//
//   the operation is owned by             until                       then
//   the handler of the attempt            the attempt ends            EndAttempt, Run
//   the pause                             time, waker, cancellation   GoOn, Run
//   a posted Resume                       the executor runs it        Run
//
// An owner that is destroyed unused destroys the operation with it: a context that goes leaves nothing behind.
// Attempts that end while they are being started are met by their starter, so that nothing recurses.
#ifndef HOLDFAST_ASIO_CALL_OPERATION_H_
#define HOLDFAST_ASIO_CALL_OPERATION_H_

#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_start.h>
#include <holdfast/asio/attempt_stop.h>
#include <holdfast/asio/attempt_timer.h>
#include <holdfast/asio/call_options.h>
#include <holdfast/asio/completion.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/timers.h>
#include <holdfast/attempt.h>
#include <holdfast/call_session.h>
#include <holdfast/pipeline.h>

#include <atomic>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

using holdfast::internal::CallSession;

template <class Handler, class IoExecutor, class Fn>
class CallOperation final : public Continuation {
 public:
  using Executor = TrackedExecutor<Handler, IoExecutor>;
  using Kind = AttemptKind<AttemptResult<Fn>>;
  using Result = typename Kind::Result;

  // What the attempt is started with.
  class AttemptHandler : public AttemptHandlerOf<CallOperation> {
   public:
    using AttemptHandlerOf<CallOperation>::AttemptHandlerOf;
    template <class... Args>
    void operator()(Args&&... args) {
      this->owner_.Release().OnAttempt(std::forward<Args>(args)...);
    }
  };

  CallOperation(Handler&& handler, const IoExecutor& executor, const Pipeline& pipeline,
                const CallOptions& options, Fn&& fn)
      : handler_(std::move(handler)),
        executor_(TrackedExecutorOf(handler_, executor)),
        pipeline_(pipeline),
        options_(options),
        fn_(std::move(fn)),
        timers_(options.timers != nullptr ? *options.timers : TimersOf(executor_)),
        timer_(executor_, stop_),
        session_(options_, kDeclaredIdempotent<Fn>) {}

  void Start() {
    AssignSlot(handler_, [this](boost::asio::cancellation_type type) { OnCancel(type); });
    session_.Start(pipeline_, pause_.waker());
    Run();
  }

  Executor get_executor() const { return executor_; }
  auto get_allocator() const { return AllocatorOf(handler_); }
  Stop& stop() { return stop_; }

  // Its owner is gone. While the attempt is being started, the starter still needs it.
  void Abandon() {
    if (phase_.exchange(Phase::kAbandoned) != Phase::kStarting) Drop();
  }

  void GoOn() override { boost::asio::post(executor_, Resume<CallOperation>(*this)); }
  void Drop() override { DeleteOperation(this, get_allocator()); }

  // The pause is over.
  void OnResume() {
    inside_initiation_ = false;
    pause_.Leave();
    if (!cancelled_) session_.GoOn();
    Run();
  }

 private:
  enum class Phase { kIdle, kStarting, kRunning, kEnded, kAbandoned };

  // Wherever this returns to, the operation may be gone.
  void Run() {
    while (session_.action().kind != HF_DO_FINISH) {
      const hf_action& action = session_.action();
      if (cancelled_) {
        session_.GiveUp();
      } else if (action.kind == HF_DO_ATTEMPT) {
        if (!StartAttempt()) return;
      } else {
        return pause_.Begin(timers_, action.until == 0 ? HF_INFINITE : action.until, *this);
      }
    }
    Complete(nullptr);
  }

  // True if it has ended already, and the call goes on.
  bool StartAttempt() {
    const hf_time until = session_.action().until;
    attempt_.emplace(session_.action(), session_.clock(), kNoStopToken);
    thrown_ = nullptr;
    if (!kKnowsItsAttempt<Fn> && attempt_->fault() != 0) {
      ended_.Set(OutcomeTraits<Result>::FromRejection(kNoCannedResult));
      return EndAttempt();
    }
    phase_.store(Phase::kStarting);
    if (until != 0) timer_.Arm(timers_, until);
    try {
      Kind::Start(RunAttempt(fn_, *attempt_), AttemptHandler(*this));
    } catch (...) {
      thrown_ = std::current_exception();
      return EndAttempt();
    }
    switch (phase_.exchange(Phase::kRunning)) {
      case Phase::kEnded:
        return EndAttempt();
      case Phase::kAbandoned:
        Drop();
        return false;
      default:
        return false;
    }
  }

  template <class... Args>
  void OnAttempt(Args&&... args) {
    try {
      ended_.Set(Kind::Of(attempt_->outcome(), std::forward<Args>(args)...));
    } catch (...) {
      thrown_ = std::current_exception();
    }
    if (phase_.exchange(Phase::kEnded) == Phase::kStarting) return;
    inside_initiation_ = false;
    if (EndAttempt()) Run();
  }

  // False if the call has ended with it.
  bool EndAttempt() {
    phase_.store(Phase::kIdle);
    timer_.Disarm();
    stop_.Reset();
    const Cut cut{.timed_out = timer_.rang(), .caller = cancelled_};
    if (thrown_ && !ended_.Catch(thrown_, cut)) {
      Complete(thrown_);
      return false;
    }
    try {
      session_.Settle(ended_.Judge(attempt_->outcome(), cut));
    } catch (...) {  // a classification of the user's own
      Complete(std::current_exception());
      return false;
    }
    return true;
  }

  // On the executor. Nothing may follow what it does: the operation can end there.
  void OnCancel(boost::asio::cancellation_type type) {
    cancelled_ = true;
    if (phase_.load() == Phase::kIdle) return pause_.Stop();
    stop_.Tell(type);
  }

  // The handler is called with the operation gone, and never from inside the initiating function.
  void Complete(std::exception_ptr thrown) {
    Result result =
        thrown ? OutcomeTraits<Result>::FromRejection({}) : ended_.Finish(session_.Finish());
    const Executor executor = std::move(executor_);
    const bool post = inside_initiation_;
    Handler handler = std::move(handler_);
    DeleteOperation(this, AllocatorOf(handler));
    CallHandler(executor, post, std::move(handler), std::move(thrown), std::move(result));
  }

  Handler handler_;
  Executor executor_;
  const Pipeline pipeline_;
  const CallOptions options_;
  Fn fn_;
  Timers& timers_;
  Pause pause_;
  Stop stop_;  // of the attempt
  AttemptTimer<Executor> timer_;
  std::optional<Attempt> attempt_;
  std::exception_ptr thrown_;
  Ended<Result> ended_;
  std::atomic<Phase> phase_{Phase::kIdle};
  bool cancelled_ = false;
  bool inside_initiation_ = true;
  CallSession<CallOptions> session_;  // last: its end waits for a wake-up of the pause
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_CALL_OPERATION_H_
