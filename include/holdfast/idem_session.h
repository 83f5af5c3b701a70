// SPDX-License-Identifier: Apache-2.0
// IdemSession: one hf_idem without a way to wait or to reach its store; whoever drives it does that. For drivers
// only: run_once.h blocks, run_once_async.h and asio/run_once.h do not.
//
//   until action().kind is HF_DO_FINISH:
//     STORE      OnReply(what the store answered to Request())
//     SLEEP      OnTime() or OnWake(); where waits_for_key() is true also GiveUpWaiting()
//     RUN        Begin(), the work, End(), EndSpilled() or EndJoined()
//     RECONCILE  Begin(), the reconciler, Found(), FoundSpilled() or GiveUpReconciling()
//
// Invariants: however it is left, the record is not left dangling: LastWord has the request that is then still owed,
// once; whoever did not ask for it has it executed by the destructor, which blocks like the store. Once the
// key is settled, those of this process who wait for it hear of it at the latest from the destructor.
#ifndef HOLDFAST_IDEM_SESSION_H_
#define HOLDFAST_IDEM_SESSION_H_

#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/waiters.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::internal {

// Pinned, one thread at a time.
class IdemSession {
 public:
  // `waiters` null: nobody is told, and every wait polls for itself.
  IdemSession(Store& store, Clock& clock, Waiters* waiters)
      : store_(store), clock_(clock), waiters_(waiters) {}
  ~IdemSession() {
    if (const auto* last = LastWord()) OnLastReply(store_.Execute(*last, Duration{0}));
    if (free_ != Freed::kNobody && waiters_ != nullptr) waiters_->OnSettled(key_id_, free_);
  }
  IdemSession(const IdemSession&) = delete;
  IdemSession& operator=(const IdemSession&) = delete;

  // Refused options show in action(): FINISH, INVALID_ARGUMENT and the reason.
  void Start(const hf_idem_options& options) {
    std::copy(std::begin(options.key_id), std::end(options.key_id), key_id_.begin());
    hf_idem_start(&idem_, &options, Now(), &action_);
    give_up_at_ = AddTime(now_, Duration{std::max<hf_duration>(0, options.max_wait)});
    if (options.deadline > 0) give_up_at_ = std::min(give_up_at_, options.deadline);
  }

  // After STORE: what to execute, and for how long; null ends the session. Good until the reply is in.
  const hf_store_request* Request() {
    if (hf_idem_request(&idem_, &asked_) == HF_OK) {
      if (waiters_ != nullptr) epoch_ = waiters_->EpochOf(key_id_);
      return &asked_;
    }
    Break();
    return nullptr;
  }
  Duration time_left() const { return TimeLeft(action_.until); }
  void OnReply(StoreReply reply) {
    reply_ = std::move(reply);
    if (reply_.raw.status == HF_STORE_REPLAY && reply_.body == nullptr) return Break();
    if (reply_.raw.status == HF_STORE_WON || reply_.raw.status == HF_STORE_RECONCILE) {
      checkpoint_ = reply_.body;
      if (checkpoint_ == nullptr) reply_.raw.body = {};
    }
    free_ = FreedBy(asked_, reply_.raw);
    Go(hf_idem_on_reply(&idem_, &reply_.raw, Now(), &action_));
  }

  void OnTime() { Go(hf_idem_on_time(&idem_, Now(), &action_)); }
  void OnWake() { Go(hf_idem_on_wake(&idem_, Now(), &action_)); }
  // The sleep is for a busy key; the alternative is a store that needs a rest.
  bool waits_for_key() const {
    return action_.kind == HF_DO_SLEEP && asked_.verb == HF_STORE_CLAIM;
  }
  // When who waits for the key has waited enough. Not the machine's next look, which is action().until.
  hf_time give_up_at() const { return give_up_at_; }
  const WaitKey& key_id() const { return key_id_; }
  uint32_t epoch() const { return epoch_; }  // of the last claim, for Waiters::Join
  void GiveUpWaiting() {
    SetEnd(HF_ABORTED, HF_R_IDEM_BUSY);
    action_.retry_after = reply_.raw.retry_after;
  }

  // The work, or the reconciler, begins. What the reconciler said of itself is no word on the work.
  void Begin() {
    running_ = true;
    SetEffect(HF_EFFECT_DERIVE);
    SetOversize(false);
    lease_until_ = action_.until;
  }
  // The work is over. `body` must outlive the session.
  void End(const hf_outcome& outcome, std::string_view body) {
    Worked();
    hf_outcome told = outcome;
    if (oversize_ && effect_ == HF_EFFECT_DERIVE && told.code == HF_RESOURCE_EXHAUSTED) {
      told.effect = HF_EFFECT_NOT_STARTED;
    }
    Go(hf_idem_on_result(&idem_, &told, body.data(), body.size(), Now(), &action_));
  }
  // Likewise; its body is also at `where`, which must outlive the session. Empty, or no good: it is not.
  void EndSpilled(const hf_outcome& outcome, std::string_view body, std::string_view where) {
    Worked();
    if (where.empty() || !Spilled(outcome, where)) End(outcome, body);
  }
  // Likewise, and its own transaction has stored `outcome`, which is final.
  void EndJoined(const hf_outcome& outcome) {
    Worked();
    free_ = Freed::kForAll;
    Go(hf_idem_on_joined(&idem_, &outcome, Now(), &action_));
  }

  // What the reconciler found: c/idempotency.h has its effects. `body` as for End.
  void Found(const hf_outcome& outcome, std::string_view body) {
    running_ = false;
    reconciled_ = outcome.effect == HF_EFFECT_FINAL;
    Go(hf_idem_on_reconciled(&idem_, &outcome, body.data(), body.size(), Now(), &action_));
  }
  void FoundSpilled(const hf_outcome& outcome, std::string_view body, std::string_view where) {
    running_ = false;
    reconciled_ = outcome.effect == HF_EFFECT_FINAL;
    if (where.empty() || !Spilled(outcome, where)) Found(outcome, body);
  }

  // While either is at work: what to execute for a new lease or for a checkpoint, or why not; and the reply.
  hf_code Renewal(hf_store_request* request) { return hf_idem_renew(&idem_, Now(), request); }
  hf_code OnRenewed(const StoreReply& reply) {
    hf_time until = lease_until_;
    const hf_code code = hf_idem_on_renewed(&idem_, &reply.raw, Now(), &until);
    lease_until_ = until;
    return code;
  }
  hf_code Checkpoint(std::string_view bytes, hf_store_request* request) {
    return hf_idem_checkpoint(&idem_, bytes.data(), bytes.size(), Now(), request);
  }
  hf_code OnCheckpointed(const StoreReply& reply) {
    return hf_idem_on_checkpointed(&idem_, &reply.raw, Now());
  }
  Duration lease_left() const { return TimeLeft(lease_until_); }
  Duration lease_remaining() const {
    return Duration{std::max<hf_duration>(0, lease_until_ - clock_.Now())};
  }
  std::string_view checkpoint() const {
    return checkpoint_ == nullptr ? std::string_view{} : std::string_view(*checkpoint_);
  }

  // What becomes of the record if the work never gets to End: HF_EFFECT_*, ambiguous by default.
  void SetEffect(hf_effect effect) { effect_ = effect; }
  hf_effect effect() const { return effect_; }
  // The work was told that its result will be too large: if it ends with that refusal, nothing has happened.
  void SetOversize(bool refused) { oversize_ = refused; }
  bool refused_oversize() const { return oversize_; }

  // The session ends here, and owes this to its store; null: nothing.
  const hf_store_request* LastWord() {
    // Won, and not begun: nothing can have happened.
    const hf_effect effect = running_ ? effect_ : HF_EFFECT_NOT_STARTED;
    running_ = false;
    if (action_.kind == HF_DO_RUN && effect != HF_EFFECT_DERIVE) {
      hf_outcome outcome{};
      outcome.code = HF_CANCELLED;
      outcome.effect = effect;
      hf_idem_on_result(&idem_, &outcome, nullptr, 0, Now(), &action_);
    }
    hf_store_request last;
    if (hf_idem_abort(&idem_, now_, &last) != 1) return nullptr;
    asked_ = last;
    return &asked_;
  }
  void OnLastReply(const StoreReply& reply) { free_ = FreedBy(asked_, reply.raw); }
  // What then stands in action().
  void SetEnd(hf_code code, hf_reason reason) {
    action_ = hf_action{};
    action_.kind = HF_DO_FINISH;
    action_.code = code;
    action_.reason = reason;
  }

  // The machine refused a step: LastWord is due, and then the end is INTERNAL.
  bool broken() const { return broken_; }
  bool running() const { return running_; }
  bool worked() const { return worked_; }  // the work was called, and came to an end
  bool reconciled() const { return reconciled_; }
  const hf_action& action() const { return action_; }
  hf_idem_snapshot snapshot() const {
    hf_idem_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    hf_idem_read(&idem_, &snapshot);
    return snapshot;
  }
  const std::shared_ptr<const std::string>& replayed_body() const { return reply_.body; }
  const std::string& store_detail() const { return reply_.detail; }  // of its last failure

 private:
  hf_time Now() { return now_ = clock_.Now(); }

  // 0 means "as the store sees fit", so no time left is the shortest time there is.
  Duration TimeLeft(hf_time until) const {
    return until == 0 ? Duration{0} : Duration{std::max<hf_duration>(1, until - now_)};
  }

  void Worked() {
    running_ = false;
    worked_ = true;
  }

  bool Spilled(const hf_outcome& outcome, std::string_view where) {
    hf_action next{};
    if (hf_idem_on_spilled(&idem_, &outcome, where.data(), where.size(), Now(), &next) != HF_OK) {
      return false;
    }
    action_ = next;
    return true;
  }

  // A store that answers against its contract, or an outcome that cannot be.
  void Break() { broken_ = true; }
  void Go(hf_code code) { broken_ = broken_ || code != HF_OK; }

  Store& store_;
  Clock& clock_;
  Waiters* const waiters_;
  hf_idem idem_{};
  hf_action action_{};
  hf_store_request asked_{};
  StoreReply reply_;
  std::shared_ptr<const std::string> checkpoint_;
  WaitKey key_id_{};
  uint32_t epoch_ = 0;
  hf_time now_ = 0;
  hf_time give_up_at_ = 0;
  std::atomic<hf_time> lease_until_{0};  // who works may look from any thread
  hf_effect effect_ = HF_EFFECT_DERIVE;
  Freed free_ = Freed::kNobody;
  bool running_ = false;
  bool worked_ = false;
  bool reconciled_ = false;
  bool broken_ = false;
  bool oversize_ = false;
};

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_IDEM_SESSION_H_
