// SPDX-License-Identifier: Apache-2.0
// RunOnceSession: the blocking driver of hf_idem_*, for those who build a RunOnce of their own (work that
// completes its record inside its own transaction, for one). Everyone else wants idempotency.h.
//
//   RunOnceSession session(store, Clock::Steady());
//   session.Start(options);
//   session.Drive([&](RunOnceSession& s) { s.Finish(outcome, body); });  // or s.FinishJoined(outcome)
//   session.action(), session.snapshot(), session.replayed_body()
//
// Invariant: however Drive is left, by an exception of the work too, the record is not left dangling: the
// destructor makes the last request that the session still owes, once, whatever comes of it.
// Not thread-safe, not movable.
#ifndef HOLDFAST_RUN_ONCE_H_
#define HOLDFAST_RUN_ONCE_H_

#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/idem_session.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/waiters.h>

#include <string_view>

namespace holdfast::inline v0_5 {

class RunOnceSession : public internal::IdemSession {
 public:
  // `waiters` null: waits by itself. All must outlive the session.
  RunOnceSession(Store& store, Clock& clock, Waiters* waiters = nullptr)
      : IdemSession(store, clock, waiters), store_(store), clock_(clock), waiters_(waiters) {}

  // Does what the machine says until it says FINISH. `run` is called at most once, and must end with
  // Finish or FinishJoined; `reconcile` likewise, before it, with Found or FoundSpilled.
  template <class Run, class Reconcile>
  void Drive(Run&& run, Reconcile&& reconcile) {
    while (Step()) {
      if (action().kind == HF_DO_RUN) {
        run(*this);
      } else {
        reconcile(*this);
      }
      if (running()) Fail();
    }
  }
  // Without a reconciler: a record that needs one is left to whoever has it.
  template <class Run>
  void Drive(Run&& run) {
    while (Advance()) {
      run(*this);
      if (running()) Fail();
    }
  }

  // Drive in parts, for work that ends elsewhere: does what the machine says until it says RUN (true) or
  // FINISH (false). After a true one the work runs, Finish or FinishJoined comes, on any thread, and then
  // Advance again, which returns false.
  bool Advance() {
    if (!Step()) return false;
    if (action().kind == HF_DO_RUN) return true;
    LeaveUnreconciled();
    return false;
  }

  // The work is over. `body` must outlive the session.
  void Finish(const hf_outcome& outcome, std::string_view body) { End(outcome, body); }

  // The work is over, and its own transaction has stored `outcome`, which is final.
  void FinishJoined(const hf_outcome& outcome) { EndJoined(outcome); }

  // There is nobody to find out what happened: in doubt, and the next one may know more.
  void LeaveUnreconciled() {
    Leave();
    SetEnd(HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT);
  }

  // While the work runs: a new lease. See hf_idem_on_renewed for the codes.
  hf_code Renew() {
    hf_store_request request;
    const hf_code refused = Renewal(&request);
    return refused != HF_OK ? refused : OnRenewed(store_.Execute(request, lease_left()));
  }
  // Likewise: a checkpoint. See hf_idem_on_checkpointed.
  hf_code Checkpoint(std::string_view bytes) {
    hf_store_request request;
    const hf_code refused = IdemSession::Checkpoint(bytes, &request);
    return refused != HF_OK ? refused : OnCheckpointed(store_.Execute(request, lease_left()));
  }

 private:
  class Sleeper final : public KeyWaiter {
   public:
    void OnWake() override { wakeup.Wake(); }
    Wakeup wakeup;
  };

  // To RUN or RECONCILE: true; FINISH: false.
  bool Step() {
    while (true) {
      if (broken()) Fail();
      if (action().kind == HF_DO_FINISH) return false;
      if (action().kind == HF_DO_STORE) {
        if (const auto* request = Request()) OnReply(store_.Execute(*request, time_left()));
      } else if (action().kind == HF_DO_SLEEP) {
        Sleep();
      } else {
        if (running()) return false;
        Begin();
        return true;
      }
    }
  }

  void Sleep() {
    Sleeper self;
    if (waiters_ == nullptr || !waits_for_key()) {
      clock_.WaitUntil(action().until, self.wakeup);
      return OnTime();
    }
    switch (waiters_->Join(self, key_id(), epoch())) {
      case Waiters::Joined::kFull:
        return GiveUpWaiting();
      case Waiters::Joined::kMissed:
        return OnWake();
      case Waiters::Joined::kWaiting:
        break;
    }
    if (clock_.WaitUntil(give_up_at(), self.wakeup)) return OnWake();
    if (waiters_->Leave(self)) return OnTime();
    clock_.WaitUntil(HF_INFINITE, self.wakeup);  // its wake-up is on the way
    OnWake();
  }

  // A store that answers against its contract, an outcome that cannot be, work without an end.
  void Fail() {
    Leave();
    SetEnd(HF_INTERNAL, HF_R_INTERNAL);
  }

  void Leave() {
    if (const auto* last = LastWord()) OnLastReply(store_.Execute(*last, Duration{0}));
  }

  Store& store_;
  Clock& clock_;
  Waiters* const waiters_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RUN_ONCE_H_
