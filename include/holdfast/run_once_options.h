// SPDX-License-Identifier: Apache-2.0
// What a caller says of one RunOnce: the key, and the options. Included by idempotency.h.
#ifndef HOLDFAST_RUN_ONCE_OPTIONS_H_
#define HOLDFAST_RUN_ONCE_OPTIONS_H_

#include <absl/status/statusor.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/clock.h>
#include <holdfast/finding.h>
#include <holdfast/record_label.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

class Ticket;
class Waiters;

// Who is asking for what. Parts are bytes, compared as they are; only `key` must not be empty.
struct Key {
  std::string_view space{};      // up to 256 bytes: a service, an environment
  std::string_view tenant{};     // up to 256 bytes: whose keys these are; never leave it to the key
  std::string_view operation{};  // up to 256 bytes
  std::string_view key{};  // 1..1024 bytes: chosen by the caller, the same for each repetition
};

// When a lease runs out, did the work happen? Nobody knows. What then?
enum class OnExpiry : hf_on_expiry {
  kInDoubt = HF_ON_EXPIRY_IN_DOUBT,     // stop, and let someone find out: at most once
  kTakeover = HF_ON_EXPIRY_TAKEOVER,    // run again: for work that is idempotent downstream
  kReconcile = HF_ON_EXPIRY_RECONCILE,  // whoever comes next asks `reconcile` before it runs
};

// The same choice, said by what the work is: RunOnce(store, key, {.on_expiry = kExternalEffect}, ...)
inline constexpr OnExpiry kTransactional = OnExpiry::kTakeover;  // effect and record commit as one
inline constexpr OnExpiry kIdempotentDownstream = OnExpiry::kTakeover;  // honours token or key
inline constexpr OnExpiry kExternalEffect = OnExpiry::kInDoubt;         // a card, a mail, a machine

// What becomes of a result above max_body.
enum class Oversize {
  kDigest,  // its SHA-256 is stored, and is what duplicates get
  kSpill,  // `spill` puts it elsewhere, and duplicates get the reference; the digest where that fails
  kRefuse,  // the work does not begin, or is told by Ticket::Reserve before its effect
};

// Zero is the default, everywhere. Either `request` or `no_fingerprint` must be given.
struct RunOnceOptions {
  // The request's bytes: the same key with other bytes is a mistake (IDEM_MISMATCH), not a duplicate.
  std::optional<std::string_view> request = std::nullopt;
  bool no_fingerprint = false;  // any request matches: only for keys derived from the request
  // 16..64 bytes that the store does not know: who steals a store cannot try out what a request may have been.
  // Another secret is another fingerprint: a key in flight over a change of it is a mismatch. Default: none.
  std::string_view fingerprint_secret{};
  uint64_t max_request = 0;  // bytes; above it INVALID_ARGUMENT IDEM_OVERSIZE; default: no limit
  OnExpiry on_expiry = OnExpiry::kInDoubt;
  // Finds out whether the attempt before this one happened, within the lease. The ticket is that of the new
  // attempt; checkpoint() tells how far the old one got. Needed for kReconcile; a record whose owner
  // chose that asks it under any on_expiry, and is left alone, in doubt, where there is none.
  std::function<Finding(Ticket&)> reconcile = nullptr;
  Duration lease{0};           // 10 ms..24 h: how long the work may take; default 30 s
  Duration ttl{0};             // lease..10 y: how long the result is kept; default 24 h
  Duration max_wait{0};        // how long to wait for another owner's result; default: not at all
  Waiters* waiters = nullptr;  // waits together with others (waiters.h); default: by itself
  Duration timeout{0};         // for claiming and waiting, from now; default none
  hf_time deadline = 0;        // likewise, on `clock`; the earlier of the two counts
  uint32_t max_attempts = 0;   // claims before the key is poison; 1..1e6, default 10
  uint32_t max_body = 0;       // bytes stored of a result; 1..8 MiB, default 64 KiB
  Oversize oversize = Oversize::kDigest;
  // kSpill: stores the bytes and returns where, in 1..max_body bytes. The work is done by then: an error or an
  // exception costs duplicates the result, not the caller the call.
  std::function<absl::StatusOr<std::string>(Ticket&, std::string_view)> spill = nullptr;
  uint64_t max_result = 0;  // kRefuse: what the work may return; above max_body nothing begins
  KeyForm key_form = KeyForm::kHash;  // what the record's label tells of the key (record_label.h)
  const SealKey* seal_key = nullptr;  // for kSealed; must outlive the call
  Clock* clock = nullptr;             // default Clock::Steady()
  RunOnceReport* report = nullptr;    // filled in every case
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RUN_ONCE_OPTIONS_H_
