// SPDX-License-Identifier: Apache-2.0
// RunOncePlan: what a call was asked for, checked and read while the caller's views are there. For drivers.
#ifndef HOLDFAST_RUN_ONCE_PLAN_H_
#define HOLDFAST_RUN_ONCE_PLAN_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/entropy.h>
#include <holdfast/process_owner.h>
#include <holdfast/record_label.h>
#include <holdfast/run_once_options.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

namespace internal {

inline absl::Status BadOptions(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, text);
}

inline absl::Status FillKeyId(const Key& key, hf_idem_options* raw) {
  const hf_str parts[] = {{key.space.data(), key.space.size()},
                          {key.tenant.data(), key.tenant.size()},
                          {key.operation.data(), key.operation.size()},
                          {key.key.data(), key.key.size()}};
  if (hf_idem_key_id(&parts[0], &parts[1], &parts[2], &parts[3], raw->key_id) == HF_OK) return {};
  if (key.key.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_MISSING, "idempotency: the key is empty");
  }
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE,
                    "idempotency: key above 1024 bytes, or space, tenant or operation above 256");
}

inline absl::Status FillFingerprint(const RunOnceOptions& options, hf_idem_options* raw) {
  if (options.no_fingerprint) {
    if (options.request.has_value()) {
      return BadOptions("idempotency: request and no_fingerprint exclude each other");
    }
    if (!options.fingerprint_secret.empty()) {
      return BadOptions("idempotency: fingerprint_secret: is of no use with no_fingerprint");
    }
    raw->flags |= HF_IDEM_NO_FINGERPRINT;
    return {};
  }
  if (!options.request.has_value()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_FINGERPRINT_MISSING,
                      "idempotency: neither request nor no_fingerprint is given");
  }
  const std::string_view request = *options.request;
  if (options.max_request != 0 && request.size() > options.max_request) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_IDEM_OVERSIZE,
                      "idempotency: the request is above max_request; nothing was asked");
  }
  const std::string_view secret = options.fingerprint_secret;
  if (secret.empty()) {
    hf_idem_fingerprint(request.data(), request.size(), raw->fingerprint);
  } else if (hf_idem_fingerprint_keyed(secret.data(), secret.size(), request.data(), request.size(),
                                       raw->fingerprint) != HF_OK) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                      "idempotency: fingerprint_secret: not 16..64 bytes");
  }
  return {};
}

inline void FillEntropy(hf_idem_options* raw) {
  raw->seed = FreshSeed();
  FillRandom(raw->nonce);
}

inline void FillLimits(const RunOnceOptions& options, Clock& clock, hf_idem_options* raw) {
  raw->deadline = options.deadline;
  if (options.timeout != Duration{0}) {
    const hf_time limit = std::max<hf_time>(1, AddTime(clock.Now(), options.timeout));
    raw->deadline = raw->deadline == 0 ? limit : std::min(raw->deadline, limit);
  }
  raw->lease = options.lease.count();
  raw->ttl = options.ttl.count();
  raw->max_wait = options.max_wait.count();
  raw->max_attempts = options.max_attempts;
  raw->max_body = options.max_body;
  raw->on_expiry = static_cast<hf_on_expiry>(options.on_expiry);
}

// The label, for operators.
inline absl::StatusOr<std::string> LabelOf(const Key& key, const RunOnceOptions& options) {
  std::string sealed;
  const std::string owner = ProcessOwner();
  RecordLabelParts parts{.tenant = key.tenant,
                         .operation = key.operation,
                         .owner = owner,
                         .space = key.space,
                         .key_form = options.key_form,
                         .key = key.key};
  if (options.key_form == KeyForm::kSealed) {
    if (options.seal_key == nullptr || !*options.seal_key) {
      return BadOptions("idempotency: seal_key: is needed with key_form kSealed");
    }
    absl::StatusOr<std::string> bytes = (*options.seal_key)(key.tenant, key.key);
    if (!bytes.ok()) return bytes.status();
    sealed = *std::move(bytes);
    parts.key = sealed;
  }
  return EncodeRecordLabel(parts);
}

}  // namespace internal

// Movable.
struct RunOncePlan {
  static constexpr uint32_t kDefaultMaxBody = 64 * 1024;
  static constexpr Duration kDefaultTtl = std::chrono::hours(24);

  // Whether the form of the call at hand has these functions.
  struct Functions {
    bool reconcile = false;
    bool spill = false;
  };

  RunOncePlan(const Key& key, const RunOnceOptions& options, Clock& clock)
      : RunOncePlan(
            key, options, clock,
            {.reconcile = options.reconcile != nullptr, .spill = options.spill != nullptr}) {}
  RunOncePlan(const Key& key, const RunOnceOptions& options, Clock& clock, Functions functions)
      : refused(Check(options, functions)),
        operation(key.operation),
        max_body(options.max_body == 0 ? kDefaultMaxBody : options.max_body),
        spills(functions.spill),
        waiters(options.waiters) {
    if (options.oversize == Oversize::kRefuse) result_limit = max_body;
    if (refused.ok()) refused = internal::FillKeyId(key, &raw);
    if (refused.ok()) refused = internal::FillFingerprint(options, &raw);
    if (refused.ok() && options.max_result > result_limit) {
      refused = MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_IDEM_OVERSIZE,
                           "idempotency: max_result is above max_body; nothing was asked");
    }
    if (!refused.ok()) return;
    absl::StatusOr<std::string> bytes = internal::LabelOf(key, options);
    if (!bytes.ok()) {
      refused = bytes.status();
      return;
    }
    label = *std::move(bytes);
    internal::FillEntropy(&raw);
    internal::FillLimits(options, clock, &raw);
  }

  // For the session. Views into this plan, which must stay where it is until FINISH.
  hf_idem_options SessionOptions() const {
    hf_idem_options options = raw;
    options.label = {label.data(), label.size()};
    return options;
  }

  // A result that belongs elsewhere.
  bool Spills(const Answer& answer) const {
    if (!spills || answer.body.size() <= max_body) return false;
    hf_outcome outcome = answer.outcome;
    return hf_outcome_derive(&outcome) == HF_OK && outcome.effect == HF_EFFECT_FINAL;
  }

  absl::Status refused;  // not OK: the session must not be started
  hf_idem_options raw = HF_INIT(hf_idem_options);
  std::string label;
  std::string operation;
  uint32_t max_body;
  uint64_t result_limit = std::numeric_limits<uint64_t>::max();  // of Ticket::Reserve
  bool spills;
  Waiters* waiters;

 private:
  static absl::Status Check(const RunOnceOptions& options, Functions functions) {
    if (options.on_expiry == OnExpiry::kReconcile && !functions.reconcile) {
      return internal::BadOptions("idempotency: reconcile: is needed with on_expiry kReconcile");
    }
    if ((options.oversize == Oversize::kSpill) != functions.spill) {
      return internal::BadOptions("idempotency: spill: goes with oversize kSpill, and only there");
    }
    if (options.max_result != 0 && options.oversize != Oversize::kRefuse) {
      return internal::BadOptions("idempotency: max_result: is for oversize kRefuse");
    }
    return {};
  }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RUN_ONCE_PLAN_H_
