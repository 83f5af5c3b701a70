// SPDX-License-Identifier: Apache-2.0
// GuardOptions: what a guard is made of, and what one method may have of its own. See server.h.
#ifndef HOLDFAST_GRPC_GUARD_OPTIONS_H_
#define HOLDFAST_GRPC_GUARD_OPTIONS_H_

#include <grpcpp/server_context.h>
#include <holdfast/bulkhead.h>
#include <holdfast/clock.h>
#include <holdfast/idempotency.h>
#include <holdfast/kill_switch.h>
#include <holdfast/limiter.h>
#include <holdfast/propagation.h>
#include <holdfast/store.h>
#include <holdfast/waiters.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace holdfast::inline v0_5::grpc {

// What a guard with a store does with a unary call's idempotency key. Streams have no replay, and theirs
// is not looked at.
enum class KeyRule {
  kAsGuard =
      0,  // GuardOptions::require_key; kIgnored for a method that the .proto says has no side effects
  kRequired,  // a call without a key is refused
  kOptional,  // a call without a key runs unguarded
  kIgnored,   // duplicates run again: for reads
};

// What one method has instead of the guard's. Zero and empty: the guard's.
struct MethodPolicy {
  Bulkhead bulkhead = {};
  RateLimiter limiter = {};
  KeyRule key = KeyRule::kAsGuard;
  std::optional<Criticality> criticality = {};  // whatever the caller says
  Duration retry_after{0};
};

// Zero is the default, everywhere.
struct GuardOptions {
  Bulkhead bulkhead = {};  // empty: no limit. With a queue, a call waits in it on its server thread
  Store* store = nullptr;  // must outlive the guard; null: duplicates run again
  bool require_key =
      true;  // with a store: a call without a key is refused; false: it runs unguarded
  std::string space = {};  // of the keys: the service; up to 256 bytes
  // Whose call this is, from who the caller has proved to be, never from what it says; up to 256 bytes.
  // Keys are kept apart by it, kill switches and the bulkhead's user_share know it. Called once for each
  // call. Null: all callers share one space.
  std::function<std::string(const ::grpc::ServerContextBase&)> tenant = {};

  OnExpiry on_expiry = OnExpiry::kInDoubt;  // kReconcile is refused: a guard has nobody to ask
  Duration lease{0};                        // these as in RunOnceOptions
  Duration ttl{0};
  Duration max_wait{0};
  Waiters* waiters = nullptr;  // of `store`: duplicates wait together; must outlive the guard
  std::uint32_t max_attempts = 0;
  std::uint32_t max_body = 0;

  Duration deadline_margin{0};  // time for the way back: the work gets that much less
  // What a caller is told where whoever refuses does not know better: the bulkhead, the drain.
  Duration retry_after = std::chrono::milliseconds(50);
  Clock* clock = nullptr;  // default Clock::Steady()

  // Asked before everything else; facts: the method as operation, `space` as target, correlation id, tenant (who
  // the context says where `tenant` does not know).
  KillSwitch kill_switch = {};
  RateLimiter limiter = {};
  // How much a call matters, which decides who is shed when the bulkhead is full (criticality_share, order).
  // Null: as the context says, kCritical if it says nothing.
  std::function<Criticality(const ::grpc::ServerContextBase&)> criticality = {};
  // Reads the context. Default: as ExtractContext, which trusts its peers. Who serves strangers gives one with
  // Boundary::kIngress, and Transport::kGrpc; a stranger's criticality then counts for nothing.
  std::optional<Propagator> propagator = {};
  // By the method's full name ("/pay.Payment/Charge"), or the operation given to Handle.
  std::map<std::string, MethodPolicy, std::less<>> methods = {};
};

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_GUARD_OPTIONS_H_
