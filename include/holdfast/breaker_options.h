// SPDX-License-Identifier: Apache-2.0
// What a CircuitBreaker is configured with, and what it shows of itself.
#ifndef HOLDFAST_BREAKER_OPTIONS_H_
#define HOLDFAST_BREAKER_OPTIONS_H_

#include <holdfast/c/breaker.h>
#include <holdfast/entropy.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace holdfast::inline v0_5 {

// Which results a failure rate is taken of.
enum class BreakerWindow : hf_window {
  kCount = HF_WINDOW_COUNT,  // the last window_calls
  kTime = HF_WINDOW_TIME,    // those of the last window_time
};

enum class BreakerState : hf_breaker_state {
  kClosed = HF_BREAKER_CLOSED,
  kOpen = HF_BREAKER_OPEN,
  kHalfOpen = HF_BREAKER_HALF_OPEN,
  kForcedOpen = HF_BREAKER_FORCED_OPEN,    // refuses all until forced otherwise
  kDisabled = HF_BREAKER_DISABLED,         // admits all, counts nothing
  kMetricsOnly = HF_BREAKER_METRICS_ONLY,  // admits all and counts, but never opens
};

// What becomes of half-open probes that do not come back within the lease.
enum class LostProbe : hf_lost_probe {
  kRefund = HF_LOST_PROBE_REFUND,    // a new round, as if they had never been
  kFailure = HF_LOST_PROBE_FAILURE,  // each of them failed
};

// Zero in any field is its default.
struct CircuitBreakerOptions {
  BreakerWindow window = BreakerWindow::kCount;
  uint32_t window_calls = 100;                      // count window: 1..4096
  Duration window_time = std::chrono::seconds(10);  // time window: 10 ms..1 h
  uint32_t window_buckets = 10;                     // time window: 1..64, the steps it moves in
  uint32_t minimum_calls = 20;  // results before a rate counts: 1..1e6, at most the count window
  double failure_rate = 0.5;    // opens at this rate or above: above 0, at most 1
  uint32_t consecutive_failures = 0;  // opens at this many in a row, whatever the rate; 0: off
  uint32_t probes = 3;                // results half-open asks for: 1..1000
  Duration open_for = std::chrono::seconds(5);      // 1 ms..24 h
  Duration probe_lease = std::chrono::seconds(30);  // 1 ms..24 h: a probe not back by then is lost
  LostProbe lost_probe = LostProbe::kRefund;
  // Closes if at least this share of the probes neither failed nor was slow: above 0, at most 1. 0: if their
  // rates are below failure_rate and slow_rate.
  double probe_success_rate = 0;

  // Slow from here on, while it hangs as when it comes back: 1 ms..1 h. 0: if its verdict says so.
  Duration slow_after{0};
  double slow_rate = 0;  // opens at this share of slow ones; 0: 0.5, or off without slow_after

  double open_multiplier = 1;  // of open_for, per trip in a row: 1..100
  Duration open_cap{0};        // open_for..24 h; 0: 10 min, at least open_for
  Duration healthy_for =
      std::chrono::minutes(1);  // closed for so long, the next trip is a first one
  double open_jitter = 0;       // share of the open time that may be drawn off it: 0..1
  uint64_t seed = 0;            // of the jitter; 0: fresh entropy

  Duration ramp_for{0};    // from ramp_from to all calls after closing: 1 ms..24 h; 0: all at once
  double ramp_from = 0.1;  // above 0, at most 1

  uint32_t peers = 0;       // whose counts Merge can hold: 0..1000
  uint32_t veto_calls = 0;  // own results that outweigh the fleet; 0: minimum_calls / 4
  double veto_rate = 0;     // if their failure rate is below this; 0: failure_rate / 2
  Duration peer_ttl = std::chrono::seconds(10);  // counts of a peer are forgotten after this

  uint32_t shards = 0;            // 1..16 copies of what every result writes; 0: 8
  hf_journal* journal = nullptr;  // kept by reference
  uint64_t object = 0;            // this breaker's number in the journal
};

struct BreakerSnapshot {
  BreakerState state = BreakerState::kClosed;
  uint64_t generation = 0;            // one more at each change of state
  uint32_t calls = 0;                 // in the window
  uint32_t failures = 0;              // in the window
  uint32_t consecutive_failures = 0;  // in a row, until now
  uint32_t probes_out = 0;
  std::optional<hf_time> open_until;  // while open
  uint64_t opened = 0;                // how often it has opened
  uint64_t refused = 0;               // how many calls it has refused
  uint32_t slow = 0;                  // in the window
  uint32_t overdue = 0;               // under way for slow_after or longer, not yet in the window
  uint32_t in_flight = 0;             // known only with slow_after
  uint32_t trips = 0;                 // in a row
  double admitted = 1;                // share of calls admitted now
};

namespace internal {

inline hf_breaker_options ToC(const CircuitBreakerOptions& options) {
  hf_breaker_options raw = HF_INIT(hf_breaker_options);
  raw.window = static_cast<hf_window>(options.window);
  raw.window_calls = options.window_calls;
  raw.window_time = options.window_time.count();
  raw.window_buckets = options.window_buckets;
  raw.minimum_calls = options.minimum_calls;
  raw.failure_rate = options.failure_rate;
  raw.consecutive_failures = options.consecutive_failures;
  raw.probes = options.probes;
  raw.open_for = options.open_for.count();
  raw.probe_lease = options.probe_lease.count();
  raw.slow_after = options.slow_after.count();
  raw.slow_rate = options.slow_rate;
  raw.probe_success_rate = options.probe_success_rate;
  raw.lost_probe = static_cast<hf_lost_probe>(options.lost_probe);
  raw.shards = options.shards;
  raw.open_multiplier = options.open_multiplier;
  raw.open_cap = options.open_cap.count();
  raw.healthy_for = options.healthy_for.count();
  raw.open_jitter = options.open_jitter;
  raw.seed = options.seed != 0 || options.open_jitter == 0 ? options.seed : FreshSeed();
  raw.ramp_for = options.ramp_for.count();
  raw.ramp_from = options.ramp_from;
  raw.peers = options.peers;
  raw.veto_calls = options.veto_calls;
  raw.veto_rate = options.veto_rate;
  raw.peer_ttl = options.peer_ttl.count();
  raw.journal = options.journal;
  raw.object = options.object;
  return raw;
}

}  // namespace internal

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_BREAKER_OPTIONS_H_
