// SPDX-License-Identifier: Apache-2.0
// Ticket: what work that runs once knows, and can say while it runs. TicketBase is what all forms of it share.
#ifndef HOLDFAST_TICKET_H_
#define HOLDFAST_TICKET_H_

#include <absl/status/status.h>
#include <holdfast/idem_session.h>
#include <holdfast/run_once.h>
#include <holdfast/run_once_plan.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

namespace internal {

inline std::string DownstreamKey(const uint8_t* key_id, std::string_view operation,
                                 std::string_view step) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string key;
  key.reserve(64 + 2 + operation.size() + step.size());
  for (int i = 0; i < 32; ++i) {
    key += kDigits[key_id[i] >> 4];
    key += kDigits[key_id[i] & 15];
  }
  key.append("/").append(operation).append("-").append(step);
  return key;
}

// Of hf_idem_on_renewed and hf_idem_on_checkpointed.
inline hf_reason LeaseReason(hf_code code) {
  switch (code) {
    case HF_ABORTED:
      return HF_R_IDEM_FENCED;
    case HF_UNAVAILABLE:
      return HF_R_STORE_UNAVAILABLE;
    case HF_RESOURCE_EXHAUSTED:
      return HF_R_STORE_FULL;
    case HF_UNKNOWN:
      return HF_R_STORE_INDETERMINATE;
    case HF_DATA_LOSS:
      return HF_R_STORE_CORRUPT;
    default:
      return HF_R_INTERNAL;
  }
}

inline absl::Status RenewalStatus(hf_code code) {
  return MakeStatus(code, LeaseReason(code), "idempotency: the lease was not renewed");
}
inline absl::Status CheckpointStatus(hf_code code) {
  return MakeStatus(code, LeaseReason(code), "idempotency: the checkpoint was not stored");
}
// OK if hf_idem_checkpoint can be asked.
inline absl::Status CheckCheckpoint(std::string_view bytes) {
  if (bytes.size() <= HF_IDEM_CHECKPOINT_MAX) return {};
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                    "idempotency: a checkpoint is above 65536 bytes");
}

}  // namespace internal

// Not thread-safe, but lease_remaining and the constants.
class TicketBase {
 public:
  // The fencing token: rises for ever per key. A resource that remembers the highest one it saw can
  // refuse whoever comes late.
  uint64_t token() const { return token_; }
  // Claims of this key so far, this one included. Above 1: an earlier attempt may have left traces.
  uint32_t attempt() const { return attempt_; }
  // Zero: the lease is over, another may own the key. Write nothing any more.
  Duration lease_remaining() const { return session_.lease_remaining(); }
  bool stop_requested() const { return lease_remaining() == Duration{0}; }
  // How far an earlier attempt said that it got, with Checkpoint; empty if it said nothing.
  std::string_view checkpoint() const { return session_.checkpoint(); }

  // A key for a service further down: the same for every attempt of this key, another for each step.
  std::string DownstreamKey(std::string_view step) const {
    return internal::DownstreamKey(key_id_, operation_, step);
  }

  // How far the work got, if it fails or throws from here on: HF_EFFECT_NOT_STARTED, _RETRYABLE or
  // _AMBIGUOUS; HF_EFFECT_DERIVE: by its code. A value returned is always final.
  void SetEffect(hf_effect effect) { session_.SetEffect(effect); }

  // Under Oversize::kRefuse, before the effect: the result will have at most that many bytes.
  // RESOURCE_EXHAUSTED IDEM_OVERSIZE: more than max_body. Return that: the key is then as if nobody had asked. Or ask
  // again for less.
  // A result that comes out larger all the same is kept as its digest, for then it has happened.
  absl::Status Reserve(uint64_t bytes) {
    const bool fits = bytes <= result_limit_;
    session_.SetOversize(!fits);
    if (fits) return {};
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_IDEM_OVERSIZE,
                      "idempotency: the result would be above max_body; nothing has happened");
  }

  TicketBase(const TicketBase&) = delete;
  TicketBase& operator=(const TicketBase&) = delete;

 protected:
  // The key id must outlive the ticket.
  TicketBase(internal::IdemSession& session, const uint8_t* key_id, std::string_view operation,
             uint64_t result_limit)
      : session_(session), key_id_(key_id), operation_(operation), result_limit_(result_limit) {
    const hf_idem_snapshot snapshot = session.snapshot();
    token_ = snapshot.token;
    attempt_ = snapshot.attempt;
  }
  ~TicketBase() = default;

  internal::IdemSession& session_;

 private:
  const uint8_t* key_id_;
  const std::string operation_;  // a copy: the work may change what the key was made of
  const uint64_t result_limit_;
  uint64_t token_ = 0;
  uint32_t attempt_ = 0;
};

// Of blocking work.
class Ticket : public TicketBase {
 public:
  // Asks the store for a new lease from now. Blocks like the store.
  // Errors: ABORTED IDEM_FENCED: lost, stop. UNAVAILABLE, UNKNOWN, DATA_LOSS: the old lease holds.
  absl::Status Renew() { return internal::RenewalStatus(blocking_.Renew()); }

  // Stores how far the work got, up to 65536 bytes, in place of what was stored before; whoever takes over finds it
  // in checkpoint(). Blocks like the store, and leaves the lease as it is.
  // Errors: ABORTED IDEM_FENCED: lost, stop. RESOURCE_EXHAUSTED, UNAVAILABLE, DATA_LOSS: nothing happened.
  // UNKNOWN: this one may stand, or the one before. INVALID_ARGUMENT HF_R_OUT_OF_RANGE: too large.
  absl::Status Checkpoint(std::string_view bytes) {
    if (absl::Status status = internal::CheckCheckpoint(bytes); !status.ok()) return status;
    return internal::CheckpointStatus(blocking_.Checkpoint(bytes));
  }

  // For drivers.
  Ticket(RunOnceSession& session, const RunOncePlan& plan)
      : TicketBase(session, plan.raw.key_id, plan.operation, plan.result_limit),
        blocking_(session) {}

 private:
  RunOnceSession& blocking_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_TICKET_H_
