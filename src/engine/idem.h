// SPDX-License-Identifier: Apache-2.0
// The worker's side of run-once: which request to make, when to run, what each answer means.
//
//   phase      asks for                 event               next phase
//   kFinished  -                        Start               kClaiming, or kFinished past the deadline
//   kClaiming  STORE claim              won                 kRunning; kRenewing if the lease is old
//                                       won to reconcile    kReconciling; likewise
//                                       busy, may wait      kWaiting
//                                       indeterminate       kClaiming, twice under the same nonce
//                                       any other answer    kFinished
//   kWaiting   SLEEP                    time, wake          kClaiming; kFinished at the deadline
//   kRenewing  STORE renew              OK                  kRunning, kReconciling
//                                       fenced              kFinished
//                                       failed              kSettling (give back: nothing ran)
//   kReconciling RECONCILE              did not happen      kRunning; kRenewing if the lease is old
//                                       happened, in doubt, kSettling
//                                       ask again later
//   kRunning   RUN                      result              kSettling
//                                       joined              kFinished
//   kSettling  STORE complete, fail     OK, already, fenced kFinished
//              or abandon               indeterminate       kSettling, twice
//                                       unavailable         kPausing, kSettlePauses times
//   kPausing   SLEEP                    time                kSettling
//
//   Besides, in kRunning and kReconciling: one renewal or one checkpoint is out, or none.
//
//   give back            is stored by
//   before reconciling   FAIL as AMBIGUOUS: whoever comes next is told to reconcile too
//   with a checkpoint    FAIL as RETRYABLE: ABANDON would forget how far the work got
//   else                 ABANDON
//
// Invariants:
//  - RUN is asked for only with a token, and only while the lease holds by the caller's own clock,
//    counted from before the claim that gave it was asked for.
//  - "Nothing happened" and "it may have happened" are never merged: a claim that may stand is not
//    reported as unavailable, whatever is answered to its repetition.
//  - What may have happened before this session is forgotten only on the reconciler's word.
//  - After the effect only the store's answers end the session, never the deadline.
//
// Locking: none, one thread at a time. Memory: the session itself; bodies are the caller's.
#ifndef HOLDFAST_ENGINE_IDEM_H_
#define HOLDFAST_ENGINE_IDEM_H_

#include <holdfast/c/idempotency.h>

#include <cstdint>
#include <optional>

namespace holdfast::engine {

inline constexpr uint32_t kStoreReasks = 2;
inline constexpr uint32_t kSettlePauses = 6;

// Options as the session keeps them: checked, no defaults left.
struct IdemConfig {
  uint8_t key_id[32];
  uint8_t fingerprint[32];
  uint8_t nonce[16];
  uint64_t seed;
  hf_time deadline;  // HF_INFINITE: none
  hf_duration lease;
  hf_duration ttl;
  hf_duration max_wait;
  uint32_t max_attempts;
  hf_on_expiry on_expiry;
  hf_str label;
};

// What the driver hands in as a result.
struct IdemBody {
  hf_str bytes;
  uint32_t kind;  // HF_BODY_*
};

enum class IdemPhase : uint32_t {
  kFinished = 0,
  kClaiming,
  kWaiting,
  kRenewing,
  kReconciling,
  kRunning,
  kSettling,
  kPausing,
};

class IdemSession {
 public:
  explicit IdemSession(const IdemConfig& config) : config_(config) {}

  hf_action Start(hf_time now);

  bool AwaitsReply() const;
  hf_store_request Request() const;  // needs AwaitsReply
  // Needs AwaitsReply. Nothing if no store can answer so; the session is then as it was.
  std::optional<hf_action> OnReply(const hf_store_reply& reply, hf_time now);

  bool Sleeps() const { return phase_ == IdemPhase::kWaiting || phase_ == IdemPhase::kPausing; }
  hf_action OnTime(hf_time now);  // needs Sleeps
  hf_action OnWake(hf_time now);  // needs Sleeps

  bool Runs() const { return phase_ == IdemPhase::kRunning; }
  bool Reconciles() const { return phase_ == IdemPhase::kReconciling; }
  // The outcome is derived; one that is OK is FINAL.
  hf_action OnResult(const hf_outcome& outcome, const IdemBody& body, hf_time now);  // needs Runs
  hf_action OnJoined(const hf_outcome& outcome, hf_time now);                        // needs Runs
  hf_action OnReconciled(const hf_outcome& outcome, const IdemBody& body,
                         hf_time now);  // needs Reconciles

  // May one more request be out, and which is: 0, HF_STORE_RENEW or HF_STORE_CHECKPOINT.
  bool MayAskBesides() const { return (Runs() || Reconciles()) && besides_ == 0; }
  hf_store_verb besides() const { return besides_; }
  hf_store_request Renew(hf_time now);                     // needs MayAskBesides
  hf_store_request Checkpoint(hf_str bytes, hf_time now);  // needs MayAskBesides
  // Need that request out. INVALID_ARGUMENT if no store can answer so.
  hf_code OnRenewed(const hf_store_reply& reply, hf_time now);
  hf_code OnCheckpointed(const hf_store_reply& reply, hf_time now);

  // True if *request should still be executed.
  bool Abort(hf_store_request* request);

  hf_idem_snapshot Snapshot() const;
  hf_time lease_until() const { return lease_until_; }

 private:
  hf_action Claim();
  hf_action ReaskClaim();
  std::optional<hf_action> OnClaimed(const hf_store_reply& reply);
  hf_action OnClaimFailed(hf_store_status status, hf_duration retry_after);
  hf_action OnWon(const hf_store_reply& reply);
  hf_action OnBusy(const hf_store_reply& reply);
  std::optional<hf_action> OnReplay(const hf_store_reply& reply);
  std::optional<hf_action> OnRenewedBeforeRun(const hf_store_reply& reply);
  hf_action ClaimUnlessLate();
  hf_action BeginOrRenew();
  hf_action BeginOrGiveBack();
  hf_action GiveBack(const hf_rejection& why);
  void PlanGiveBack(hf_code why);
  void PlanComplete(const hf_outcome& outcome, const IdemBody& body);
  void PlanFail(hf_code code, hf_effect effect, hf_duration retry_after);
  hf_action Settle();
  std::optional<hf_action> OnSettled(const hf_store_reply& reply);
  hf_action OnSettleFenced(const hf_store_reply& reply);
  hf_action OnSettleFailed(hf_store_status status);
  hf_action Store(hf_time until);
  hf_action Sleep(IdemPhase phase, hf_time until);
  hf_action Finish(const hf_rejection& verdict);
  hf_action Action(hf_do kind) const;

  void Observe(hf_time now);
  hf_time LeaseFrom(hf_time asked) const;
  void LoseLease();
  hf_duration Jittered(hf_duration first, hf_duration cap, uint32_t round);
  hf_store_request RequestFor(hf_store_verb verb) const;

  IdemConfig config_;
  IdemPhase phase_ = IdemPhase::kFinished;
  uint32_t reasks_ = 0;  // of the request that is out
  uint32_t rounds_ = 0;  // of waiting or pausing
  uint32_t draws_ = 0;
  bool may_stand_ = false;   // an earlier asking of this request was INDETERMINATE
  bool keeps_base_ = false;  // ... or of any claim of this session: the lease may date from it
  bool ask_first_ = false;   // won, but the attempt before may have happened
  bool has_checkpoint_ = false;
  bool ran_ = false;
  bool replayed_ = false;
  bool at_stake_ = false;  // what is being settled is news: the store must be heard
  uint32_t body_kind_ = HF_BODY_WHOLE;
  hf_store_verb besides_ = 0;
  hf_time now_ = 0;  // never steps back
  hf_time wait_until_ = 0;
  hf_time until_ = 0;       // of the sleep
  hf_time lease_base_ = 0;  // when the claim was asked for
  hf_time renew_asked_ = 0;
  hf_time lease_until_ = 0;  // 0: none held
  uint64_t token_ = 0;
  uint32_t attempt_ = 0;
  hf_code result_code_ = HF_OK;
  hf_store_verb settle_verb_ = 0;
  hf_effect settle_effect_ = HF_EFFECT_DERIVE;
  hf_on_expiry settle_on_expiry_ = 0;
  hf_duration settle_retry_after_ = 0;
  hf_str body_ = {};
  hf_rejection verdict_ = {};  // what FINISH says once settled
  hf_duration busy_for_ = 0;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_IDEM_H_
