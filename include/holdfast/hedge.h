// SPDX-License-Identifier: Apache-2.0
// HedgePolicy: when a slow attempt gets a rival. HedgeCall: one call with several attempts in flight, for
// those who write a driver.
//
//   HedgeCall call(policy, pipeline, {.deadline = now + 200 * HF_MS, .idempotent = true}, now);
//   while (call.next().kind != HF_DO_FINISH) {
//     ... cancel what call.next().cancel says; then, by its kind:
//     ... ATTEMPT: start it, call.OnTime(now)
//     ... WAIT: until an attempt ends, call.OnOutcome(n, outcome, now), or until, call.OnTime(now)
//   }
//
// The policy is a cheap handle over a shared, thread-safe object: one per operation of a dependency, since
// it learns how long an attempt takes. A pipeline with a budget makes hedges and retries share it.
// Algorithms: c/hedge.h. The quantile as in J. Dean and L. A. Barroso, "The Tail at Scale" (CACM 2013);
// failures, pushback and throttling as in gRPC's hedging (proposal A6).
#ifndef HOLDFAST_HEDGE_H_
#define HOLDFAST_HEDGE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/hedge.h>
#include <holdfast/handle.h>
#include <holdfast/match.h>
#include <holdfast/pipeline.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace holdfast::inline v0_5 {

// How long to wait for an attempt before the next one is sent.
enum class HedgeMode : hf_hedge_mode {
  kQuantile = HF_HEDGE_QUANTILE,  // a quantile of recent latencies
  kFixed = HF_HEDGE_FIXED,        // `delay`
};

// Zero in any field is its default.
struct HedgeOptions {
  HedgeMode mode = HedgeMode::kQuantile;
  uint32_t max_attempts = 2;   // the first included; 2..8
  double quantile = 0.95;      // 0.5..0.999
  uint32_t min_samples = 100;  // latencies known before the quantile counts; 1..1e6
  // kFixed: required. kQuantile: until min_samples are known; 0: no hedge until then. 1 us..1 h
  Duration delay{0};
  Duration min_delay = std::chrono::milliseconds(1);  // kQuantile: no shorter; 1 us..1 h
  Duration max_delay = std::chrono::hours(1);         // kQuantile: no longer; min_delay..1 h
  Duration window = std::chrono::seconds(30);  // 100 ms..10 min: the last one to two windows count
  double max_rate = 0.05;                      // hedges per call; 0.001..7
  uint32_t burst = 10;                         // hedges beyond that at once; 1..1000
  hf_journal* journal = nullptr;  // gets events, if any; shared. Update leaves it as it was
  uint64_t object = 0;            // the policy's number in the journal
};

struct HedgeSnapshot {
  uint32_t updates = 0;
  uint64_t calls = 0;   // whose first attempt was sent
  uint64_t hedges = 0;  // attempts sent after the first
  uint64_t won = 0;     // calls that succeeded by another attempt than the first
  // Hedges not sent: by max_rate, by the budget, by a guard, with too little time left, or because the
  // peer asked for more than 5 s.
  uint64_t capped = 0;
  uint64_t over_budget = 0;
  uint64_t refused = 0;
  uint64_t too_late = 0;
  uint64_t pushed_back = 0;
  uint64_t samples = 0;  // latencies in the windows
  Duration delay{0};     // that a call begins with now; 0: it would not hedge
  Duration expected{0};  // the median; 0: unknown
};

class HedgePolicy {
 public:
  using Options = HedgeOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<HedgePolicy> Create(const Options& options = {}) {
    const hf_hedge_options raw = Raw(options);
    hf_hedge* created = nullptr;
    hf_error error;
    if (hf_hedge_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return HedgePolicy(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  HedgePolicy() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Replaces the configuration: latencies and counts stay, calls keep what they began with.
  // Errors: kInvalidArgument, whose message names the field; then nothing has changed.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_hedge_options raw_options = Raw(options);
    hf_error error;
    if (hf_hedge_update(raw(), &raw_options, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  HedgeSnapshot Snapshot(hf_time now) const {
    hf_hedge_snapshot read{};
    read.struct_size = sizeof(read);
    HedgeSnapshot snapshot;
    if (hf_hedge_read(raw(), now, &read) != HF_OK) return snapshot;
    snapshot.updates = read.updates;
    snapshot.calls = read.calls;
    snapshot.hedges = read.hedges;
    snapshot.won = read.won;
    snapshot.capped = read.capped;
    snapshot.over_budget = read.over_budget;
    snapshot.refused = read.refused;
    snapshot.too_late = read.too_late;
    snapshot.pushed_back = read.pushed_back;
    snapshot.samples = read.samples;
    snapshot.delay = Duration{read.delay};
    snapshot.expected = Duration{read.expected};
    return snapshot;
  }

  // The C object, borrowed.
  hf_hedge* raw() const { return handle_.get(); }

 private:
  explicit HedgePolicy(hf_hedge* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_hedge_options Raw(const Options& options) {
    hf_hedge_options raw = HF_INIT(hf_hedge_options);
    raw.mode = static_cast<hf_hedge_mode>(options.mode);
    raw.max_attempts = options.max_attempts;
    raw.min_samples = options.min_samples;
    raw.burst = options.burst;
    raw.quantile = options.quantile;
    raw.delay = options.delay.count();
    raw.min_delay = options.min_delay.count();
    raw.max_delay = options.max_delay.count();
    raw.window = options.window.count();
    raw.max_rate = options.max_rate;
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  Handle<hf_hedge, hf_hedge_ref, hf_hedge_unref> handle_;
};

struct HedgeCallOptions {
  hf_time deadline = 0;          // 0: none
  bool idempotent = false;       // false: it may not be done twice, so one attempt is made
  const Facts* facts = nullptr;  // what kill switches match; borrowed until the end
};

// A session. Decides only: starting, cancelling and waiting are its owner's. One thread at a time, and it
// stays where it is: it holds permits, which its destructor gives back, whatever is in flight. `now` is the
// owner's clock; the destructor takes the latest one that it was given.
class HedgeCall {
 public:
  // Begins. An empty pipeline: no guards. Bad arguments: FINISH with INVALID_ARGUMENT and a reason.
  HedgeCall(const HedgePolicy& policy, const Pipeline& pipeline, const HedgeCallOptions& options,
            hf_time now)
      : now_(now) {
    hf_hedge_call_options raw = HF_INIT(hf_hedge_call_options);
    raw.deadline = options.deadline;
    raw.flags = options.idempotent ? HF_CALL_IDEMPOTENT : 0;
    if (options.facts != nullptr) {
      facts_ = ToFacts(*options.facts);
      raw.facts = &facts_;
    }
    hf_hedge_call_start(&call_, policy.raw(), pipeline.raw(), &raw, now, &next_);
  }
  ~HedgeCall() { Abort(now_); }
  HedgeCall(const HedgeCall&) = delete;
  HedgeCall& operator=(const HedgeCall&) = delete;

  // What to do now; see c/hedge.h.
  const hf_hedge_action& next() const { return next_; }
  bool IsOver() const { return next_.kind == HF_DO_FINISH; }

  // Attempt `attempt` has ended. Errors: kInvalidArgument, and nothing has changed: a bad outcome, an
  // attempt that was never sent or has reported before, a call that is over.
  absl::Status OnOutcome(uint32_t attempt, const hf_outcome& outcome, hf_time now) {
    if (IsOver()) return Over();
    now_ = now;
    return Note(hf_hedge_call_on_outcome(&call_, attempt, &outcome, now, &next_));
  }
  // The attempt of next() was started, or time has passed. Errors: kInvalidArgument: it is over.
  absl::Status OnTime(hf_time now) {
    if (IsOver()) return Over();
    now_ = now;
    return Note(hf_hedge_call_on_time(&call_, now, &next_));
  }
  // Ends it early; the owner cancels what it has in flight.
  void Abort(hf_time now) {
    if (IsOver()) return;
    hf_hedge_call_abort(&call_, now);
    next_ = hf_hedge_action{};
    next_.kind = HF_DO_FINISH;
    next_.code = HF_CANCELLED;
    next_.reason = HF_R_ABORTED;
  }

  // The result of next() once it is FINISH, where no attempt's own stands for it.
  absl::Status Status() const {
    return MakeStatus(next_.code, next_.reason, "hedged call", Duration{next_.retry_after});
  }

 private:
  static absl::Status Over() {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_STATE, "hedged call: it is over");
  }
  absl::Status Note(hf_code code) const {
    if (code == HF_OK) return absl::OkStatus();
    return MakeStatus(code, next_.reason, "hedged call: the step was refused");
  }

  hf_hedge_call call_;
  hf_facts facts_{};
  hf_hedge_action next_{};
  hf_time now_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_HEDGE_H_
