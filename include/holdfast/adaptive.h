// SPDX-License-Identifier: Apache-2.0
// AdaptiveLimit: finds out how many calls at once a dependency takes.
//
// A cheap handle over a shared, thread-safe object. It holds no permits; it tells a semaphore how wide to be:
//
//   const uint32_t limit = adaptive.OnSample(rtt, in_flight, Drop::kNo, now);
//
// Algorithms, and the guard against drift: c/adaptive.h; which one when: docs/primitives/adaptive.md.
#ifndef HOLDFAST_ADAPTIVE_H_
#define HOLDFAST_ADAPTIVE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/adaptive.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>

namespace holdfast::inline v0_5 {

enum class AdaptiveAlgorithm : hf_adaptive_algorithm {
  kTrend = HF_ADAPTIVE_TREND,          // recent rtt against a short average; the default
  kGradient2 = HF_ADAPTIVE_GRADIENT2,  // rtt against a slow average
  kVegas = HF_ADAPTIVE_VEGAS,          // rtt against the least ever seen
  kAimd = HF_ADAPTIVE_AIMD,            // drops and timeouts alone
};

// Zero in any field is its default.
struct AdaptiveLimitOptions {
  AdaptiveAlgorithm algorithm = AdaptiveAlgorithm::kTrend;
  bool guarded = true;                                // false: the algorithm alone, drift and all
  uint32_t min_limit = 0;                             // 1..1e6; default 1, kGradient2 and kAimd 20
  uint32_t max_limit = 0;                             // min_limit..1e6; default 200, kVegas 1000
  uint32_t initial_limit = 0;                         // default 20, or the bound nearest to it
  uint32_t min_samples = 10;                          // a window lasts until it has as many: 1..1e6
  Duration window = std::chrono::seconds(1);          // 1 ms..60 s
  Duration min_rtt = std::chrono::microseconds(100);  // faster samples are ignored: 1 ns..1 s
  double smoothing = 0;                        // above 0, at most 1; default 1, kGradient2 0.2
  double drop_rate = 0.01;                     // a window with more is overload: above 0, below 1
  double backoff = 0.9;                        // kAimd: above 0, below 1
  Duration timeout = std::chrono::seconds(5);  // kAimd: 1 us..1 h
  double tolerance = 1.5;                      // kGradient2: 1..10
  double max_factor = 5;                       // kTrend: 1..1000
  uint32_t queue_size = 4;                     // kGradient2: 1..1e6
  uint32_t long_window = 600;                  // kGradient2, windows: 1..1e6
  uint32_t baseline_windows = 10;              // kTrend: 1..1e6
  uint32_t probe_multiplier = 30;              // kVegas: 1..1e6
  uint32_t guard_windows = 20;                 // the guard's memory: 10..64
  hf_journal* journal = nullptr;               // borrowed; a reference is taken. Create only
  uint64_t object = 0;                         // this limit's number in the journal. Create only
};

struct AdaptiveLimitSnapshot {
  uint32_t limit = 0;
  Duration baseline{0};  // 0: none yet, or kAimd
  Duration rtt{0};       // the mean of the newest window
  uint64_t samples = 0;  // in windows judged or set aside, drops included
  uint64_t drops = 0;
  uint64_t windows = 0;    // judged
  uint64_t set_aside = 0;  // too few samples in too long a time
  uint64_t guarded = 0;    // windows in which the guard took the limit down
  uint32_t in_flight = 0;  // the highest of the newest window
  bool saturated = false;  // the guard holds that more load brings nothing
};

// Whether a call was refused for overload or timed out. Not a bool, which would read as success.
enum class Drop : uint32_t { kNo = 0, kYes = 1 };

// Thread-safe; a sample never allocates.
class AdaptiveLimit {
 public:
  using Options = AdaptiveLimitOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<AdaptiveLimit> Create(const Options& options = {}) {
    const hf_adaptive_options given = ToC(options);
    hf_adaptive* created = nullptr;
    hf_error error;
    if (hf_adaptive_new(&given, &created, &error) != HF_OK) return MakeStatus(error);
    return AdaptiveLimit(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  AdaptiveLimit() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // What one call showed: how long it took, and how many were under way when it began, itself included.
  // Returns the limit to enforce from now on. Leave out a call that its caller gave up. A negative rtt is
  // read as 0.
  uint32_t OnSample(Duration rtt, uint32_t in_flight, Drop drop, hf_time now) const {
    uint32_t limit = 0;
    const hf_duration took = rtt.count() < 0 ? 0 : rtt.count();
    hf_adaptive_on_sample(raw(), took, in_flight, static_cast<uint32_t>(drop), now, &limit);
    return limit;
  }

  // Keeps the limit, the baselines and the open window; the limit moves into the new bounds.
  // Errors: kInvalidArgument, whose message names the field; then nothing has changed.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_adaptive_options given = ToC(options);
    hf_error error;
    hf_adaptive_update(raw(), &given, now, &error);
    return MakeStatus(error);
  }

  AdaptiveLimitSnapshot Snapshot() const {
    hf_adaptive_snapshot now{};
    now.struct_size = sizeof(now);
    AdaptiveLimitSnapshot snapshot;
    if (hf_adaptive_read(raw(), &now) != HF_OK) return snapshot;
    snapshot.limit = now.limit;
    snapshot.baseline = Duration{now.baseline};
    snapshot.rtt = Duration{now.rtt};
    snapshot.samples = now.samples;
    snapshot.drops = now.drops;
    snapshot.windows = now.windows;
    snapshot.set_aside = now.set_aside;
    snapshot.guarded = now.guarded;
    snapshot.in_flight = now.in_flight;
    snapshot.saturated = now.saturated != 0;
    return snapshot;
  }

  // The C object, borrowed.
  hf_adaptive* raw() const { return handle_.get(); }

 private:
  explicit AdaptiveLimit(hf_adaptive* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_adaptive_options ToC(const Options& options) {
    hf_adaptive_options raw = HF_INIT(hf_adaptive_options);
    raw.algorithm = static_cast<hf_adaptive_algorithm>(options.algorithm);
    raw.flags = options.guarded ? 0 : HF_ADAPTIVE_NO_GUARD;
    raw.min_limit = options.min_limit;
    raw.max_limit = options.max_limit;
    raw.initial_limit = options.initial_limit;
    raw.min_samples = options.min_samples;
    raw.window = options.window.count();
    raw.min_rtt = options.min_rtt.count();
    raw.smoothing = options.smoothing;
    raw.drop_rate = options.drop_rate;
    raw.backoff = options.backoff;
    raw.timeout = options.timeout.count();
    raw.tolerance = options.tolerance;
    raw.max_factor = options.max_factor;
    raw.queue_size = options.queue_size;
    raw.long_window = options.long_window;
    raw.baseline_windows = options.baseline_windows;
    raw.probe_multiplier = options.probe_multiplier;
    raw.guard_windows = options.guard_windows;
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  Handle<hf_adaptive, hf_adaptive_ref, hf_adaptive_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ADAPTIVE_H_
