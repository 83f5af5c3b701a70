// SPDX-License-Identifier: Apache-2.0
// RunOnce: runs your work at most once per key, and gives duplicates the first result, byte for byte.
//
//   absl::StatusOr<holdfast::RunOnceResult> result = holdfast::RunOnce(
//       store, {.operation = "charge", .key = request.id()}, {.request = bytes},
//       [&](holdfast::Ticket& ticket) { return Charge(request, ticket.DownstreamKey("card")); });
//
// What the work returns decides what is kept (c/idempotency.h has the table):
//   a value, or an error that is final (INVALID_ARGUMENT, ...)    stored, and replayed to duplicates
//   RESOURCE_EXHAUSTED, ABORTED, or marked RETRYABLE              may run again after its retry-after
//   UNAVAILABLE, DEADLINE_EXCEEDED, UNKNOWN, ...; an exception    may have happened: in doubt
//   marked NOT_STARTED                                            forgotten; a duplicate runs
//
// Algorithm and states: c/record.h, after the IETF draft idempotency-key-header and P. Helland,
// "Idempotence Is Not a Medical Condition" (ACM Queue, 2012).
#ifndef HOLDFAST_IDEMPOTENCY_H_
#define HOLDFAST_IDEMPOTENCY_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/outcome.h>
#include <holdfast/run_once.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>
#include <holdfast/store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_4 {

// Who is asking for what. Parts are bytes, compared as they are; only `key` must not be empty.
struct Key {
  std::string_view space{};      // up to 256 bytes: a service, an environment
  std::string_view tenant{};     // up to 256 bytes: whose keys these are; never leave it to the key
  std::string_view operation{};  // up to 256 bytes
  std::string_view key{};  // 1..1024 bytes: chosen by the caller, the same for each repetition
};

// When a lease runs out, did the work happen? Nobody knows. What then?
enum class OnExpiry : hf_on_expiry {
  kInDoubt = HF_ON_EXPIRY_IN_DOUBT,   // stop, and let someone find out: at most once
  kTakeover = HF_ON_EXPIRY_TAKEOVER,  // run again: for work that is idempotent downstream
};

// Zero is the default, everywhere. Either `request` or `no_fingerprint` must be given.
struct RunOnceOptions {
  // The request's bytes: the same key with other bytes is a mistake (IDEM_MISMATCH), not a duplicate.
  std::optional<std::string_view> request = std::nullopt;
  bool no_fingerprint = false;  // any request matches: only for keys derived from the request
  OnExpiry on_expiry = OnExpiry::kInDoubt;
  Duration lease{0};          // 10 ms..24 h: how long the work may take; default 30 s
  Duration ttl{0};            // lease..10 y: how long the result is kept; default 24 h
  Duration max_wait{0};       // how long to wait for another owner's result; default: not at all
  Duration timeout{0};        // for claiming and waiting, from now; default none
  hf_time deadline = 0;       // likewise, on `clock`; the earlier of the two counts
  uint32_t max_attempts = 0;  // claims before the key is poison; 1..1e6, default 10
  uint32_t max_body = 0;      // bytes stored, above it a digest; 1..8 MiB, default 64 KiB
  Clock* clock = nullptr;     // default Clock::Steady()
  RunOnceReport* report = nullptr;  // filled in every case
};

// What the work knows and can say while it runs. Not thread-safe, but lease_remaining and the constants.
class Ticket {
 public:
  // The fencing token: rises for ever per key. A resource that remembers the highest one it saw can
  // refuse whoever comes late.
  uint64_t token() const { return token_; }
  // Claims of this key so far, this one included. Above 1: an earlier attempt may have left traces.
  uint32_t attempt() const { return attempt_; }
  // Zero: the lease is over, another may own the key. Write nothing any more.
  Duration lease_remaining() const { return session_.lease_remaining(); }
  bool stop_requested() const { return lease_remaining() == Duration{0}; }

  // Asks the store for a new lease from now. Blocks like the store.
  // Errors: ABORTED IDEM_FENCED: lost, stop. UNAVAILABLE, UNKNOWN, DATA_LOSS: the old lease holds.
  absl::Status Renew() {
    const hf_code code = session_.Renew();
    return MakeStatus(code, internal::RenewReason(code), "idempotency: the lease was not renewed");
  }

  // A key for a service further down: the same for every attempt of this key, another for each step.
  std::string DownstreamKey(std::string_view step) const {
    return internal::DownstreamKey(key_id_, operation_, step);
  }

  // How far the work got, if it fails or throws from here on: HF_EFFECT_NOT_STARTED, _RETRYABLE or
  // _AMBIGUOUS; HF_EFFECT_DERIVE: by its code. A value returned is always final.
  void SetEffect(hf_effect effect) { session_.SetEffect(effect); }

  Ticket(RunOnceSession& session, const uint8_t* key_id, std::string_view operation)
      : session_(session), key_id_(key_id), operation_(operation) {
    const hf_idem_snapshot snapshot = session.snapshot();
    token_ = snapshot.token;
    attempt_ = snapshot.attempt;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

 private:
  RunOnceSession& session_;
  const uint8_t* key_id_;
  const std::string operation_;  // a copy: the work may change what the key was made of
  uint64_t token_ = 0;
  uint32_t attempt_ = 0;
};

// The options as the session takes them, entropy included. For drivers.
// Errors: INVALID_ARGUMENT with HF_R_KEY_*, HF_R_FINGERPRINT_MISSING or HF_R_BAD_OPTIONS.
inline absl::StatusOr<hf_idem_options> ToSessionOptions(const Key& key,
                                                        const RunOnceOptions& options,
                                                        Clock& clock) {
  hf_idem_options raw = HF_INIT(hf_idem_options);
  if (absl::Status status =
          internal::FillKeyId(key.space, key.tenant, key.operation, key.key, &raw);
      !status.ok()) {
    return status;
  }
  if (absl::Status status =
          internal::FillFingerprint(options.request, options.no_fingerprint, &raw);
      !status.ok()) {
    return status;
  }
  internal::FillEntropy(&raw);
  raw.deadline = options.deadline;
  if (options.timeout != Duration{0}) {
    const hf_time limit = std::max<hf_time>(1, AddTime(clock.Now(), options.timeout));
    raw.deadline = raw.deadline == 0 ? limit : std::min(raw.deadline, limit);
  }
  raw.lease = options.lease.count();
  raw.ttl = options.ttl.count();
  raw.max_wait = options.max_wait.count();
  raw.max_attempts = options.max_attempts;
  raw.max_body = options.max_body;
  raw.on_expiry = static_cast<hf_on_expiry>(options.on_expiry);
  return raw;
}

// Runs fn(Ticket&) unless the key has run before. Blocks; `store` may be shared by any number of calls.
//
// fn returns absl::StatusOr<std::string> (or what converts to it), absl::Status, or an Answer. The result:
//   OK            the value, of this run or replayed
//   the work's    its own code and message, of this run or replayed; the reason says what was stored
//   others        holdfast's: RejectionOf(status) has reason and retry-after, report->ran whether the
//                 work ran. UNKNOWN STORE_INDETERMINATE with ran: it happened, but may not be recorded.
// An Answer that is final is a result even if its code is not OK: see RunOnceResult::code.
// What fn throws passes through, after the record was failed as the ticket says (ambiguous by default).
template <class Fn>
absl::StatusOr<RunOnceResult> RunOnce(Store& store, const Key& key, const RunOnceOptions& options,
                                      Fn&& fn) {
  using Returned = std::remove_cvref_t<std::invoke_result_t<Fn&, Ticket&>>;
  constexpr bool kAnswers = std::is_same_v<Returned, Answer>;
  Clock& clock = options.clock == nullptr ? Clock::Steady() : *options.clock;
  if (options.report != nullptr) *options.report = RunOnceReport{};
  const absl::StatusOr<hf_idem_options> raw = ToSessionOptions(key, options, clock);
  if (!raw.ok()) return raw.status();
  Answer answer;  // outlives the session, which borrows its body
  RunOnceSession session(store, clock);
  session.Start(*raw);
  session.Drive([&](RunOnceSession&) {
    Ticket ticket(session, raw->key_id, key.operation);
    if constexpr (kAnswers) {
      answer = fn(ticket);
    } else if constexpr (std::is_same_v<Returned, absl::Status>) {
      answer = internal::AnswerOf(fn(ticket));
    } else {
      answer = internal::AnswerOf(absl::StatusOr<std::string>(fn(ticket)));
    }
    internal::ApplyMark(session.effect(), &answer.outcome);
    session.Finish(answer.outcome, answer.body);
  });
  return internal::Conclude(session, answer, kAnswers, options.report);
}

}  // namespace holdfast::inline v0_4

#endif  // HOLDFAST_IDEMPOTENCY_H_
