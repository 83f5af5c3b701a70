// SPDX-License-Identifier: Apache-2.0
// AsyncRun: the callback driver of hf_idem_*: does what the machine says, and goes away between. Included by
// run_once_async.h.
//
// Invariants: from Start to its end the run owns itself. Of all that goes on at most one touches it at a time. After
// Step, and after any news was told, it may be gone.
#ifndef HOLDFAST_ASYNC_RUN_H_
#define HOLDFAST_ASYNC_RUN_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/async_shot.h>
#include <holdfast/async_ticket.h>
#include <holdfast/clock.h>
#include <holdfast/idem_session.h>
#include <holdfast/key_wait.h>
#include <holdfast/run_once_options.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/run_once_result.h>
#include <holdfast/store.h>
#include <holdfast/timers.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::internal {

class AsyncRun : public StoreWaiter, public KeyWait::Owner, public AsyncShot::Target {
 public:
  virtual ~AsyncRun() = default;
  AsyncRun(const AsyncRun&) = delete;
  AsyncRun& operator=(const AsyncRun&) = delete;

  void Start(std::shared_ptr<AsyncRun> self) {
    self_ = std::move(self);
    if (!plan_.refused.ok()) return End(ReportRefusal(plan_.refused, report_));
    session_->Start(plan_.SessionOptions());
    Step();
  }

  void Cancel() {
    {
      // The timers are there only until the run is over.
      const std::lock_guard lock(mutex_);
      if (over_) return;
      cancelled_.store(true);
      if (!wait_.Halt()) return;
    }
    wait_.Halted();
  }

  void OnShot(std::optional<Answer> answer) final {
    said_ = std::move(answer);
    if (meeting_.NewsCame()) return;
    TakeWord();
    Step();
  }

 protected:
  struct Form {
    bool reconciles;  // there is a reconciler
    bool answers;     // the work ends with an Answer
  };
  AsyncRun(Store& store, Timers& timers, const Key& key, const RunOnceOptions& options, Form form)
      : store_(store),
        timers_(timers),
        report_(options.report),
        form_(form),
        plan_(key, options, ClockOf(options), {.reconcile = form.reconciles}) {
    if (report_ != nullptr) *report_ = RunOnceReport{};
    if (plan_.refused.ok() && (options.reconcile != nullptr || options.spill != nullptr)) {
      plan_.refused = BadOptions("idempotency: reconcile, spill: block, and this form does not");
    }
    session_.emplace(store, ClockOf(options), options.waiters);
  }

 private:
  virtual void StartWork(AsyncTicket& ticket, std::shared_ptr<AsyncShot> shot) = 0;
  virtual void StartReconcile(AsyncTicket& ticket, std::shared_ptr<AsyncShot> shot) = 0;
  virtual void Deliver(absl::StatusOr<RunOnceResult> result) = 0;

  static Clock& ClockOf(const RunOnceOptions& options) {
    return options.clock == nullptr ? Clock::Steady() : *options.clock;
  }

  void Step() {
    while (true) {
      const hf_action& action = session_->action();
      const bool give_up = cancelled_.load() && !session_->worked();
      const bool over = action.kind == HF_DO_FINISH && !session_->broken();
      if (leaving_ || over) return End(Conclude(*session_, answer_, form_.answers, report_));
      if (session_->broken()) {
        if (!Leave(HF_INTERNAL, HF_R_INTERNAL)) return;
      } else if (give_up) {
        if (!Leave(HF_CANCELLED, HF_R_ABORTED)) return;
      } else if (action.kind == HF_DO_RECONCILE && (!form_.reconciles || session_->running())) {
        if (!Leave(HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT)) return;
      } else if (action.kind == HF_DO_STORE) {
        if (const auto* request = session_->Request()) {
          if (!Ask(*request, session_->time_left())) return;
        }
      } else if (action.kind == HF_DO_SLEEP) {
        if (!Sleep()) return;
      } else if (!Begin(action.kind == HF_DO_RUN)) {
        return;
      }
    }
  }

  // These return true if the next step is due here and now.

  bool Ask(const hf_store_request& request, Duration timeout) {
    if (!store_.blocks()) {
      TakeReply(store_.Execute(request, timeout));
      return true;
    }
    meeting_.Start();
    if (!store_.Submit(request, timeout, *this)) {
      End(BadOptions("idempotency: this store blocks and has no Submit; use RunOnce"));
      return false;
    }
    if (!meeting_.StarterDone()) return false;
    TakeReply(std::move(reply_));
    return true;
  }

  // The session ends with this, once the store was told.
  bool Leave(hf_code code, hf_reason reason) {
    const hf_store_request* const last = session_->LastWord();
    session_->SetEnd(code, reason);
    leaving_ = true;
    return last != nullptr ? Ask(*last, Duration{0}) : true;
  }

  bool Sleep() {
    KeyWait::For what{.until = session_->action().until};
    if (session_->waits_for_key()) {
      what.stop = &cancelled_;
      if (plan_.waiters != nullptr) {
        what.until = session_->give_up_at();
        what.waiters = plan_.waiters;
        what.key = session_->key_id();
        what.epoch = session_->epoch();
      }
    }
    switch (wait_.Begin(timers_, what, *this)) {
      case Waiters::Joined::kFull:
        session_->GiveUpWaiting();
        return true;
      case Waiters::Joined::kMissed:
        session_->OnWake();
        return true;
      default:
        return false;
    }
  }

  bool Begin(bool work) {
    session_->Begin();
    working_ = work;
    ticket_.emplace(*session_, store_, plan_, cancelled_);
    meeting_.Start();
    auto shot = std::make_shared<AsyncShot>(self_);
    try {
      work ? StartWork(*ticket_, std::move(shot)) : StartReconcile(*ticket_, std::move(shot));
    } catch (...) {  // its word is lost with it
    }
    if (!meeting_.StarterDone()) return false;
    TakeWord();
    return true;
  }

  void OnReply(StoreReply reply) final {
    reply_ = std::move(reply);
    if (meeting_.NewsCame()) return;
    TakeReply(std::move(reply_));
    Step();
  }
  void TakeReply(StoreReply reply) {
    if (leaving_) return session_->OnLastReply(reply);
    session_->OnReply(std::move(reply));
  }

  void TakeWord() {
    ticket_.reset();
    if (!working_ && !said_.has_value()) return;  // the record is left to whoever comes next
    answer_ = said_.has_value() ? *std::move(said_) : WordlessAnswer();
    if (!working_) return session_->Found(answer_.outcome, answer_.body);
    ApplyMark(session_->effect(), &answer_.outcome);
    session_->End(answer_.outcome, answer_.body);
  }
  static Answer WordlessAnswer() {
    return AnswerOf(absl::UnknownError("idempotency: the work ended without a word"));
  }

  void OnWaited() final {
    wait_.woken() ? session_->OnWake() : session_->OnTime();
    Step();
  }
  // Nobody hears of it, and who still has a handle of the call has nothing but that.
  void OnTimersGone() final { const std::shared_ptr<AsyncRun> self = Close(); }

  // The session ends here, and not with the last handle: by then the store may be gone.
  std::shared_ptr<AsyncRun> Close() {
    std::shared_ptr<AsyncRun> self = std::move(self_);
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    session_.reset();
    return self;
  }

  // Ending the session tells those who wait for the key. The caller comes last: with the result in its hands it may
  // take down all that this run was given.
  void End(absl::StatusOr<RunOnceResult> result) {
    const std::shared_ptr<AsyncRun> self = Close();
    Deliver(std::move(result));
  }

  Store& store_;
  Timers& timers_;
  RunOnceReport* const report_;
  const Form form_;
  RunOncePlan plan_;  // it and the answer outlive the session, which borrows from them
  Answer answer_;
  std::optional<IdemSession> session_;
  KeyWait wait_;
  std::shared_ptr<AsyncRun> self_;
  std::optional<AsyncTicket> ticket_;  // of what runs
  Meeting meeting_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;  // of over_
  bool over_ = false;
  bool leaving_ = false;
  bool working_ = false;  // else the reconciler is
  StoreReply reply_;
  std::optional<Answer> said_;
};

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_ASYNC_RUN_H_
