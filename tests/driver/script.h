// SPDX-License-Identifier: Apache-2.0
// What an action script can say: of the world, of the call, and of what happens to both.
#ifndef HOLDFAST_TESTS_DRIVER_SCRIPT_H_
#define HOLDFAST_TESTS_DRIVER_SCRIPT_H_

#include <holdfast/bulkhead_options.h>
#include <holdfast/call_options.h>
#include <holdfast/fault.h>
#include <holdfast/retry.h>
#include <holdfast/testing/scripted.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace holdfast::driver_test {

using namespace std::chrono_literals;  // NOLINT: durations are the vocabulary of scripts
using testing::Beat;

// A guard that gives something out, of which others have taken some before the call.
struct Gate {
  uint32_t limit = 0;  // 0: there is no such guard
  uint32_t queue = 0;  // of a bulkhead
  Duration max_wait{0};
  uint32_t taken = 0;      // by others, before the call
  Duration comes_back{0};  // of a bulkhead: one of them, this long after the start; 0: never
  // Of a bulkhead only:
  uint32_t ahead = 0;    // others who wait when the call comes; each then holds for comes_back
  Duration rival_at{0};  // one more comes so long after the start, likewise; 0: none
  Duration latency{0};   // of earlier calls, which it then expects of this one; 0: it does not look
  double last_share = 1;  // of its places, what the least critical may see in use
  BulkheadOrder order = BulkheadOrder::kFifo;
};

// What has become of the breaker before the call.
enum class BreakerIs { kClosed, kOpen, kProbing, kForcedOpen, kRamping };

// What the caller did wrong.
enum class Flaw { kNone, kNoPipeline, kDeadline, kRequestSize, kRequestLevel, kRequestPartition };

struct Script {
  std::string name;
  std::vector<Beat> beats;
  std::string actions;  // ActionLog::text()
  Duration elapsed{0};
  hf_events events = 0;  // those that must have been seen
  std::optional<uint32_t> attempts =
      {};  // reported, where they are not the beats: a fault took their place

  // The pipeline; what is 0 is left out.
  uint32_t max_attempts = 3;
  Duration max_elapsed{0};
  double budget_tokens = 0;
  Duration breaker_open_for{0};  // opens at 2 failures in a row, closes after one probe
  BreakerIs breaker_is = BreakerIs::kClosed;
  Gate bulkhead = {};
  Gate call_bulkhead = {};
  Gate limiter = {};  // tokens a second, saved up to as many
  Gate call_limiter = {};
  std::optional<FaultRule> fault = {};  // once, at the first attempt
  bool killed = false;                  // what the call does is stopped
  Duration killed_after{0};             // the same, this long after the start
  Duration attempt_timeout{0};
  // The call.
  Duration timeout{0};
  bool idempotent = true;
  int32_t retries_left = 0;  // to it by the layers above, as a context says; 0: not told

  // What the generated scripts add.
  Jitter jitter = Jitter::kNone;
  uint32_t faults = 1;          // how many attempts get one
  bool throttled = false;       // the dependency has failed for a while
  bool hedged = false;          // which only another kind of call can do
  Duration call_timeout{0};     // the call's own, besides the pipeline's
  Duration deadline_after{0};   // the same as a point in time
  bool least_critical = false;  // who asks of the bulkheads
  uint32_t cost = 1;            // tokens of each rate limit
  uint64_t seed = 0;            // 0: any
  Flaw flaw = Flaw::kNone;
  std::optional<Duration> cancelled_after = {};  // the caller wants no more; 0: before it begins
  bool heeds_cancel = false;                     // attempts end then, with CANCELLED
  bool minds_time = false;  // attempts end when their time is up, with DEADLINE_EXCEEDED
};

inline std::ostream& operator<<(std::ostream& out, const Script& script) {
  return out << script.name;
}

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_SCRIPT_H_
