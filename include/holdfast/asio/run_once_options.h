// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one asynchronous RunOnce: as holdfast::RunOnceOptions, and where its store may block.
#ifndef HOLDFAST_ASIO_RUN_ONCE_OPTIONS_H_
#define HOLDFAST_ASIO_RUN_ONCE_OPTIONS_H_

#include <holdfast/c/base.h>
#include <holdfast/clock.h>
#include <holdfast/idempotency.h>
#include <holdfast/status.h>
#include <holdfast/timers.h>

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace holdfast::inline v0_4::asio {

// Trivially destructible, as all options of coroutines (call_options.h). Zero is the default, everywhere. Either
// `request` or `no_fingerprint` must be given.
struct RunOnceOptions {
  // Where the store's requests run, for they block. Must outlive the operation. Null: right where the operation
  // is, which is for stores that do not block (Store::blocks), and refused for others.
  boost::asio::thread_pool* pool = nullptr;
  std::optional<std::string_view> request = std::nullopt;  // its bytes; read before this returns
  bool no_fingerprint = false;  // any request matches: only for keys derived from the request
  OnExpiry on_expiry = OnExpiry::kInDoubt;
  Duration lease{0};          // 10 ms..24 h: how long the work may take; default 30 s
  Duration ttl{0};            // lease..10 y: how long the result is kept; default 24 h
  Duration max_wait{0};       // how long to wait for another owner's result; default: not at all
  Duration timeout{0};        // for claiming and waiting, from now; default none
  hf_time deadline = 0;       // likewise, on `clock`; the earlier of the two counts
  uint32_t max_attempts = 0;  // claims before the key is poison; 1..1e6, default 10
  uint32_t max_body = 0;      // bytes stored, above it a digest; 1..8 MiB, default 64 KiB
  RunOnceReport* report = nullptr;  // filled in every case but an exception
  Clock* clock = nullptr;           // null: Clock::Steady()
  Timers* timers = nullptr;  // null: those of the executor's context. They must keep `clock`'s time

  // Those that the blocking driver knows, too.
  holdfast::RunOnceOptions Plain() const {
    return {.request = request,
            .no_fingerprint = no_fingerprint,
            .on_expiry = on_expiry,
            .lease = lease,
            .ttl = ttl,
            .max_wait = max_wait,
            .timeout = timeout,
            .deadline = deadline,
            .max_attempts = max_attempts,
            .max_body = max_body,
            .clock = clock,
            .report = report};
  }
};
static_assert(std::is_trivially_destructible_v<RunOnceOptions>);

}  // namespace holdfast::inline v0_4::asio

#endif  // HOLDFAST_ASIO_RUN_ONCE_OPTIONS_H_
