// SPDX-License-Identifier: Apache-2.0
// What a caller may say of one call, and what it is told of it. Every driver's calls take these.
#ifndef HOLDFAST_CALL_OPTIONS_H_
#define HOLDFAST_CALL_OPTIONS_H_

#include <absl/status/status.h>
#include <holdfast/c/call.h>
#include <holdfast/clock.h>
#include <holdfast/match.h>
#include <holdfast/status.h>

#include <cstdint>
#include <stop_token>
#include <utility>

namespace holdfast::inline v0_5 {

// How a call went, whatever its result type can carry.
struct CallReport {
  absl::StatusCode code = absl::StatusCode::kOk;  // of the last attempt, or of the refusal
  hf_reason reason = HF_R_NONE;                   // who stopped the call; HF_R_NONE on success
  Duration retry_after{0};                        // when to come back; 0: unknown
  uint32_t attempts = 0;                          // made
  uint32_t retries = 0;                           // made here and by the layers below
  hf_events events = 0;                           // HF_EVENT_*, of all its steps
  uint64_t seed = 0;                              // with the outcomes, replays the call
};

// Sees every action of a call, in its thread, before it is done. Must not throw.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnAction(const hf_action& action) = 0;
};

struct CallOptions {
  Duration timeout{0};      // for the whole call; 0: none; negative: no time is left
  hf_time deadline = 0;     // the same as a point on the clock; 0: none. The earlier one holds
  bool idempotent = false;  // an attempt that may have happened may be made again
  hf_context* context = nullptr;  // keeps the allowance of retries; null: the thread's current one
  const Facts* facts = nullptr;   // what kill switches and faults match; borrowed until the end
  const hf_bulkhead_request* request = nullptr;  // who asks of the bulkheads; likewise
  uint32_t cost = 1;                             // tokens of each rate limit
  std::stop_token stop = {};     // ends sleeps and waits; attempts see it in Attempt
  CallReport* report = nullptr;  // filled in the end, unless the function throws
  CallObserver* observer = nullptr;
  Clock* clock = nullptr;  // null: Clock::Steady()
  uint64_t seed = 0;       // 0: fresh from the operating system. For tests and replays only
};

// A function that may be repeated although it may have happened before, by what it does and not by who
// calls it: the promise travels with the operation, and Call needs no flag.
//   auto get = holdfast::Idempotent([&](Attempt& attempt) { return client.Get(id, attempt.remaining()); });
template <typename Fn>
struct Idempotent : Fn {
  explicit Idempotent(Fn fn) : Fn(std::move(fn)) {}
  using Fn::operator();
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CALL_OPTIONS_H_
