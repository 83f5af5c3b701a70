// SPDX-License-Identifier: Apache-2.0
// IdemSession: one hf_idem without a way to wait; the coroutine that drives it does that. For drivers only.
//
//   until action().kind is HF_DO_FINISH:  STORE  OnReply(reply of request())    SLEEP  OnTime()
//                                         RUN    Begin(), the work, End()
//
// Invariant: however it is left, the record is not left dangling. LastWord has the request that is then still owed,
// once; whoever did not ask for it has it executed by the destructor, which blocks like the store.
#ifndef HOLDFAST_ASIO_IDEM_SESSION_H_
#define HOLDFAST_ASIO_IDEM_SESSION_H_

#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_4::asio::internal {

// Pinned, one thread at a time. What Conclude asks of a session (run_once_result.h) is here too.
class IdemSession {
 public:
  IdemSession(Store& store, Clock& clock) : store_(store), clock_(clock) {}
  ~IdemSession() {
    if (const auto last = LastWord()) store_.Execute(*last, Duration{0});
  }
  IdemSession(const IdemSession&) = delete;
  IdemSession& operator=(const IdemSession&) = delete;

  void Start(const hf_idem_options& options) { hf_idem_start(&idem_, &options, Now(), &action_); }

  // After STORE: what to execute, and for how long; nullopt ends the session.
  std::optional<hf_store_request> Request() {
    hf_store_request request;
    if (hf_idem_request(&idem_, &request) == HF_OK) return request;
    Break();
    return std::nullopt;
  }
  Duration time_left() const { return TimeLeft(action_.until); }
  void OnReply(StoreReply reply) {
    reply_ = std::move(reply);
    if (reply_.raw.status == HF_STORE_REPLAY && reply_.body == nullptr) return Break();
    Go(hf_idem_on_reply(&idem_, &reply_.raw, Now(), &action_));
  }
  void OnTime() { Go(hf_idem_on_time(&idem_, Now(), &action_)); }

  // The work begins, and ends. `body` must outlive the session.
  void Begin() {
    running_ = true;
    lease_until_ = action_.until;
  }
  void End(const hf_outcome& outcome, std::string_view body) {
    running_ = false;
    worked_ = true;
    Go(hf_idem_on_result(&idem_, &outcome, body.data(), body.size(), Now(), &action_));
  }

  // While the work runs: what to execute for a new lease, or why not; and the reply.
  hf_code Renewal(hf_store_request* request) { return hf_idem_renew(&idem_, Now(), request); }
  Duration lease_left() const { return TimeLeft(lease_until_); }
  hf_code OnRenewed(const StoreReply& reply) {
    return hf_idem_on_renewed(&idem_, &reply.raw, Now(), &lease_until_);
  }
  Duration lease_remaining() {
    return Duration{std::max<hf_duration>(0, lease_until_ - clock_.Now())};
  }

  // What becomes of the record if the work never gets to End: HF_EFFECT_*.
  void SetEffect(hf_effect effect) { effect_ = effect; }
  hf_effect effect() const { return effect_; }

  // The session ends here, and owes this to its store.
  std::optional<hf_store_request> LastWord() {
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
    if (hf_idem_abort(&idem_, now_, &last) != 1) return std::nullopt;
    return last;
  }
  // What then stands in action().
  void SetEnd(hf_code code, hf_reason reason) {
    action_ = hf_action{};
    action_.kind = HF_DO_FINISH;
    action_.code = code;
    action_.reason = reason;
  }

  // The machine refused a step: LastWord is due, and then the end is INTERNAL.
  bool broken() const { return broken_; }
  bool worked() const { return worked_; }
  const hf_action& action() const { return action_; }
  hf_idem_snapshot snapshot() const {
    hf_idem_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    hf_idem_read(&idem_, &snapshot);
    return snapshot;
  }
  const std::shared_ptr<const std::string>& replayed_body() const { return reply_.body; }
  const std::string& store_detail() const { return reply_.detail; }

 private:
  hf_time Now() { return now_ = clock_.Now(); }

  // 0 means "as the store sees fit", so no time left is the shortest time there is.
  Duration TimeLeft(hf_time until) const {
    return until == 0 ? Duration{0} : Duration{std::max<hf_duration>(1, until - now_)};
  }

  void Go(hf_code code) {
    if (code != HF_OK) Break();
  }

  // A store that answers against its contract, or an outcome that cannot be.
  void Break() { broken_ = true; }

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
  bool broken_ = false;
};

}  // namespace holdfast::inline v0_4::asio::internal

#endif  // HOLDFAST_ASIO_IDEM_SESSION_H_
