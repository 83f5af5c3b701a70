// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one asynchronous RunOnce: as holdfast::RunOnceOptions, and where its store may block.
// What is not explained here is as there.
#ifndef HOLDFAST_ASIO_RUN_ONCE_OPTIONS_H_
#define HOLDFAST_ASIO_RUN_ONCE_OPTIONS_H_

#include <holdfast/c/base.h>
#include <holdfast/clock.h>
#include <holdfast/idempotency.h>
#include <holdfast/status.h>
#include <holdfast/timers.h>
#include <holdfast/waiters.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace holdfast::inline v0_5::asio {

class Ticket;

// As RunOnceOptions::reconcile and ::spill; to be kept somewhere while the operation lasts, for the options only point
// there:
//   const asio::Reconcile ask = [&](asio::Ticket& ticket) -> awaitable<Finding> { ... };
using Reconcile = std::function<boost::asio::awaitable<Finding>(Ticket&)>;
using Spill =
    std::function<boost::asio::awaitable<absl::StatusOr<std::string>>(Ticket&, std::string_view)>;

// Trivially destructible, as all options of coroutines (call_options.h). Zero is the default, everywhere. Either
// `request` or `no_fingerprint` must be given.
struct RunOnceOptions {
  // Where the requests run of a store that blocks and has no Submit. Must outlive the operation. Null: refused
  // for such a store; others need none.
  boost::asio::thread_pool* pool = nullptr;
  std::optional<std::string_view> request = std::nullopt;  // its bytes; read before this returns
  bool no_fingerprint = false;  // any request matches: only for keys derived from the request
  std::string_view fingerprint_secret{};  // 16..64 bytes; read before this returns
  uint64_t max_request = 0;               // bytes; default: no limit
  OnExpiry on_expiry = OnExpiry::kInDoubt;
  const Reconcile* reconcile = nullptr;  // needed for kReconcile
  Duration lease{0};                     // 10 ms..24 h: how long the work may take; default 30 s
  Duration ttl{0};                       // lease..10 y: how long the result is kept; default 24 h
  Duration max_wait{0};        // how long to wait for another owner's result; default: not at all
  Waiters* waiters = nullptr;  // waits together with others (waiters.h); default: by itself
  Duration timeout{0};         // for claiming and waiting, from now; default none
  hf_time deadline = 0;        // likewise, on `clock`; the earlier of the two counts
  uint32_t max_attempts = 0;   // claims before the key is poison; 1..1e6, default 10
  uint32_t max_body = 0;       // bytes stored of a result; 1..8 MiB, default 64 KiB
  Oversize oversize = Oversize::kDigest;
  const Spill* spill = nullptr;  // needed for kSpill
  uint64_t max_result = 0;       // kRefuse: what the work may return
  KeyForm key_form = KeyForm::kHash;
  const SealKey* seal_key = nullptr;  // needed for kSealed; called before this returns
  RunOnceReport* report = nullptr;    // filled in every case but an exception
  Clock* clock = nullptr;             // null: Clock::Steady()
  Timers* timers = nullptr;  // null: those of the executor's context. They must keep `clock`'s time

  // Those that the blocking driver knows, too.
  holdfast::RunOnceOptions Plain() const {
    return {.request = request,
            .no_fingerprint = no_fingerprint,
            .fingerprint_secret = fingerprint_secret,
            .max_request = max_request,
            .on_expiry = on_expiry,
            .lease = lease,
            .ttl = ttl,
            .max_wait = max_wait,
            .waiters = waiters,
            .timeout = timeout,
            .deadline = deadline,
            .max_attempts = max_attempts,
            .max_body = max_body,
            .oversize = oversize,
            .max_result = max_result,
            .key_form = key_form,
            .seal_key = seal_key,
            .clock = clock,
            .report = report};
  }
};
static_assert(std::is_trivially_destructible_v<RunOnceOptions>);

}  // namespace holdfast::inline v0_5::asio

#endif  // HOLDFAST_ASIO_RUN_ONCE_OPTIONS_H_
