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
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v0_4 {

class RunOnceSession {
 public:
  RunOnceSession(Store& store, Clock& clock) : store_(store), clock_(clock) {}
  ~RunOnceSession() { Leave(); }
  RunOnceSession(const RunOnceSession&) = delete;
  RunOnceSession& operator=(const RunOnceSession&) = delete;

  // Refused options show in action(): FINISH, INVALID_ARGUMENT and the reason.
  void Start(const hf_idem_options& options) { hf_idem_start(&idem_, &options, Now(), &action_); }

  // Does what the machine says until it says FINISH. `run` is called at most once, and must end with
  // Finish or FinishJoined.
  template <class Run>
  void Drive(Run&& run) {
    while (Advance()) {
      run(*this);
      if (running_) Break();
    }
  }

  // Drive in parts, for work that ends elsewhere: does what the machine says until it says RUN (true) or
  // FINISH (false). After a true one the work runs, Finish or FinishJoined comes, on any thread, and then
  // Advance again, which returns false.
  bool Advance() {
    while (action_.kind != HF_DO_FINISH) {
      switch (action_.kind) {
        case HF_DO_STORE:
          Ask();
          break;
        case HF_DO_SLEEP:
          Sleep();
          break;
        case HF_DO_RUN:
          if (running_) return false;
          running_ = true;
          lease_until_ = action_.until;
          return true;
        default:
          Break();
      }
    }
    return false;
  }

  // The work is over. `body` must outlive the session.
  void Finish(const hf_outcome& outcome, std::string_view body) {
    running_ = false;
    worked_ = true;
    Go(hf_idem_on_result(&idem_, &outcome, body.data(), body.size(), Now(), &action_));
  }

  // The work is over, and its own transaction has stored `outcome`, which is final.
  void FinishJoined(const hf_outcome& outcome) {
    running_ = false;
    worked_ = true;
    Go(hf_idem_on_joined(&idem_, &outcome, Now(), &action_));
  }

  // While the work runs: a new lease. See hf_idem_on_renewed for the codes.
  hf_code Renew() {
    hf_store_request request;
    const hf_code refused = hf_idem_renew(&idem_, Now(), &request);
    if (refused != HF_OK) return refused;
    const StoreReply reply = store_.Execute(request, TimeLeft(lease_until_));
    return hf_idem_on_renewed(&idem_, &reply.raw, Now(), &lease_until_);
  }

  // On the session's clock: until when the work may run. Not the deadline, the lease.
  hf_time lease_until() const { return lease_until_; }
  Duration lease_remaining() {
    return Duration{std::max<hf_duration>(0, lease_until_ - clock_.Now())};
  }

  // What becomes of the record if the work never gets to Finish: HF_EFFECT_*, ambiguous by default.
  void SetEffect(hf_effect effect) { effect_ = effect; }
  hf_effect effect() const { return effect_; }

  // The work was called, and came to an end.
  bool worked() const { return worked_; }

  const hf_action& action() const { return action_; }
  hf_idem_snapshot snapshot() const {
    hf_idem_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    hf_idem_read(&idem_, &snapshot);
    return snapshot;
  }

  // The stored result if snapshot().replayed, else null. Shared with the store.
  const std::shared_ptr<const std::string>& replayed_body() const { return reply_.body; }
  // What the store said of its last failure, for people.
  const std::string& store_detail() const { return reply_.detail; }

 private:
  hf_time Now() { return now_ = clock_.Now(); }

  // 0 means "as the store sees fit", so no time left is the shortest time there is.
  Duration TimeLeft(hf_time until) const {
    return until == 0 ? Duration{0} : Duration{std::max<hf_duration>(1, until - now_)};
  }

  void Ask() {
    hf_store_request request;
    if (hf_idem_request(&idem_, &request) != HF_OK) return Break();
    reply_ = store_.Execute(request, TimeLeft(action_.until));
    if (reply_.raw.status == HF_STORE_REPLAY && reply_.body == nullptr) return Break();
    Go(hf_idem_on_reply(&idem_, &reply_.raw, Now(), &action_));
  }

  void Sleep() {
    Wakeup nobody;
    clock_.WaitUntil(action_.until, nobody);
    Go(hf_idem_on_time(&idem_, Now(), &action_));
  }

  void Go(hf_code code) {
    if (code != HF_OK) Break();
  }

  // A store that answers against its contract, an outcome that cannot be, work without an end.
  void Break() {
    Leave();
    action_ = hf_action{};
    action_.kind = HF_DO_FINISH;
    action_.code = HF_INTERNAL;
    action_.reason = HF_R_INTERNAL;
  }

  void Leave() {
    if (running_ && effect_ != HF_EFFECT_DERIVE) {
      hf_outcome outcome{};
      outcome.code = HF_CANCELLED;
      outcome.effect = effect_;
      hf_idem_on_result(&idem_, &outcome, nullptr, 0, Now(), &action_);
    }
    running_ = false;
    hf_store_request last;
    if (hf_idem_abort(&idem_, now_, &last) == 1) store_.Execute(last, Duration{0});
  }

  Store& store_;
  Clock& clock_;
  hf_idem idem_{};
  hf_action action_{};
  StoreReply reply_;
  hf_time now_ = 0;
  hf_time lease_until_ = 0;
  hf_effect effect_ = HF_EFFECT_DERIVE;
  bool running_ = false;
  bool worked_ = false;
};

}  // namespace holdfast::inline v0_4

#endif  // HOLDFAST_RUN_ONCE_H_
