// SPDX-License-Identifier: Apache-2.0
// Pause: how an operation waits for a time, for the library's waker, or for its own cancellation, whichever
// comes first. For drivers only.
//
// The alarm is what they compete for: whoever takes it off the timers is the one who ends the pause, once.
//
//   state      Set done      alarm taken by   then
//   ARMING     -             -                Begin is under way; the taker leaves it to Begin to go on
//   WAITING    yes           -                the taker goes on
//   TAKEN      -             one of them      nobody else touches it until the next Begin
//
// A waker that comes before the alarm is set leaves `woken_`, which Begin finds. After WAITING is published
// Begin touches nothing: the operation may already run on, and end, in another thread.
#ifndef HOLDFAST_ASIO_PAUSE_H_
#define HOLDFAST_ASIO_PAUSE_H_

#include <holdfast/c/base.h>
#include <holdfast/timers.h>

#include <atomic>

namespace holdfast::inline v0_5::asio::internal {

// What goes on after a pause. It owns itself while the pause lasts.
class Continuation {
 public:
  // Posts the rest of the operation to its executor. In any thread.
  virtual void GoOn() = 0;
  // The timers have ended: destroys the operation, which never completes.
  virtual void Drop() = 0;

 protected:
  ~Continuation() = default;
};

// One at a time; Begin, Stop and Leave on the operation's executor. Pinned.
class Pause final : public Alarm {
 public:
  Pause() = default;

  // For the session; to be called in any thread.
  hf_waker waker() { return {&Pause::OnWake, this}; }

  // The last thing that an operation does before it waits. HF_INFINITE: for the waker alone.
  void Begin(Timers& timers, hf_time until, Continuation& then) {
    then_ = &then;
    state_.store(State::kArming);
    timers_.store(&timers);
    timers.Set(*this, until);
    if (woken_.load() && timers.Cancel(*this)) return then.GoOn();
    if (state_.exchange(State::kWaiting) == State::kTaken) then.GoOn();
  }

  // Ends it early. Fine if it has ended.
  void Stop() { TryEnd(); }

  // Ends it, and nothing goes on: true. False: it has ended already, and what goes on is on its way.
  bool Withdraw() {
    Timers* const timers = timers_.load();
    return timers != nullptr && timers->Cancel(*this);
  }

  // It is over, and the session has not been told yet: from here on a wake-up is for the next one.
  void Leave() { woken_.store(false); }

 private:
  enum class State { kArming, kWaiting, kTaken };

  static void OnWake(void* data) {
    auto* const self = static_cast<Pause*>(data);
    self->woken_.store(true);
    self->TryEnd();
  }

  void TryEnd() {
    Timers* const timers = timers_.load();
    if (timers != nullptr && timers->Cancel(*this)) End();
  }

  void OnTime() override { End(); }
  void OnEnd() override {
    timers_.store(nullptr);  // a waker may still come, from what else goes
    then_->Drop();
  }

  // Whoever took the alarm off, once.
  void End() {
    Continuation* const then = then_;
    if (state_.exchange(State::kTaken) == State::kWaiting) then->GoOn();
  }

  std::atomic<State> state_{State::kTaken};
  std::atomic<bool> woken_{false};
  std::atomic<Timers*> timers_{nullptr};  // of the last Begin; null: there was none
  Continuation* then_ = nullptr;          // written before the alarm is set
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_PAUSE_H_
