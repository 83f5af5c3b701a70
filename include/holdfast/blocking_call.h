// SPDX-License-Identifier: Apache-2.0
// BlockingCall: the blocking driver's half that does not depend on the function. For Call (call.h) only.
#ifndef HOLDFAST_BLOCKING_CALL_H_
#define HOLDFAST_BLOCKING_CALL_H_

#include <holdfast/call_options.h>
#include <holdfast/call_session.h>
#include <holdfast/clock.h>
#include <holdfast/pipeline.h>

#include <atomic>
#include <stop_token>

namespace holdfast::inline v0_5::internal {

// One call in this thread: a session, and what it waits with.
class BlockingCall {
 public:
  BlockingCall(const Pipeline& pipeline, const CallOptions& options, bool idempotent)
      : stop_(options.stop), session_(options, idempotent) {
    session_.Start(pipeline, hf_waker{&BlockingCall::OnWake, this});
  }
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;

  // The next attempt is due (true), or the call is over. Sleeps and waits in between.
  bool AwaitAttempt() {
    const hf_action& action = session_.action();
    while (action.kind == HF_DO_SLEEP || action.kind == HF_DO_WAIT) Pause();
    if (action.kind == HF_DO_ATTEMPT && stop_.stop_requested()) session_.GiveUp();
    return action.kind == HF_DO_ATTEMPT;
  }

  Attempt MakeAttempt() const { return session_.MakeAttempt(stop_); }
  void Settle(const hf_outcome& outcome) { session_.Settle(outcome); }
  Rejection Finish() const { return session_.Finish(); }

 private:
  // An exception of the clock ends the call while there still is something to wake.
  struct Pausing {
    CallSession<CallOptions>& session;
    bool broken_off = true;
    ~Pausing() {
      if (broken_off) session.Abort();
    }
  };

  // Most calls never wait, so what they would wait with is made only here. It must outlive the step
  // that ends the wait: until then a wake-up may be under way, which that step waits for.
  void Pause() {
    Wakeup wakeup;
    Pausing pausing{session_};
    void* nobody = nullptr;
    if (sleeper_.compare_exchange_strong(nobody, &wakeup)) {
      const std::stop_callback on_stop(stop_, [&wakeup] { wakeup.Wake(); });
      const hf_time until = session_.action().until;
      session_.clock().WaitUntil(until == 0 ? HF_INFINITE : until, wakeup);
    }
    sleeper_.store(nullptr);
    pausing.broken_off = false;
    if (stop_.stop_requested()) return session_.GiveUp();
    session_.GoOn();
  }

  // In any thread. Before the wait has begun it leaves a mark instead.
  static void OnWake(void* data) {
    auto* const self = static_cast<BlockingCall*>(data);
    void* const sleeper = self->sleeper_.exchange(self);
    if (sleeper != nullptr && sleeper != self) static_cast<Wakeup*>(sleeper)->Wake();
  }

  const std::stop_token& stop_;
  std::atomic<void*> sleeper_{nullptr};  // a Wakeup, or null, or `this`: woken before the wait
  CallSession<CallOptions> session_;     // last: its end waits for a wake-up that is under way
};

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_BLOCKING_CALL_H_
