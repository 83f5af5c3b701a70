// SPDX-License-Identifier: Apache-2.0
// FaultInjector: errors, delays and canned results on purpose, inside limits, and the same again from the
// same seeds.
//
//   const FaultRule rules[] = {{.match = {.operation = "charge"}, .kind = FaultKind::kError, .rate = 0.1,
//                               .code = absl::StatusCode::kUnavailable}};
//   auto faults = FaultInjector::Create({.rules = rules, .expiry = 10min});
//   faults->Start(now);                                     // nothing is injected without
//   InjectedFault fault = faults->Draw(seed, attempt, facts, now);
//   if (fault) ...                                          // wait until fault.delay_until(), then
//   if (!fault.attempt_is_made()) return fault.status();    // or the canned result
//
// A cheap handle over a shared, thread-safe object. States and promises: c/fault.h. Never leave one in a
// build whose operators do not know of it: what it injects says so (HF_R_FAULT_INJECTED).
#ifndef HOLDFAST_FAULT_H_
#define HOLDFAST_FAULT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/fault.h>
#include <holdfast/entropy.h>
#include <holdfast/handle.h>
#include <holdfast/match.h>
#include <holdfast/status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace holdfast::inline v0_5 {

enum class FaultKind : hf_fault_kind {
  kNone = HF_FAULT_NONE,    // in a decision only
  kError = HF_FAULT_ERROR,  // the attempt is not made, and fails with `code`
  kDelay = HF_FAULT_DELAY,  // the attempt is made, later
  kResult =
      HF_FAULT_RESULT,  // the attempt is not made, and is answered by what you keep as `result`
};

// Rate is required, and a code or a delay as the kind says.
struct FaultRule {
  Match match = {};
  FaultKind kind = FaultKind::kError;
  double rate = 0;        // of the attempts it means: above 0, at most 1
  uint64_t seed = 0;      // 0: from the injector's seed and the rule's place
  Duration delay_min{0};  // 0..1 h; errors and results may come late, too
  Duration delay_max{0};  // delay_min..1 h, uniform in between; 0: delay_min
  absl::StatusCode code = absl::StatusCode::kOk;
  hf_verdict verdict = HF_VERDICT_DERIVE;  // DERIVE: as if the code had really come
  hf_effect effect = HF_EFFECT_DERIVE;
  Duration retry_after{0};
  uint64_t result = 0;  // kResult: your own number, not 0
};

// Rules and expiry are required. Zero in any other field is its default.
struct FaultOptions {
  std::span<const FaultRule> rules = {};  // 1..16, in order; copied
  Duration expiry{0};                     // how long a run lasts at most: 1 s..7 days
  uint64_t seed = 0;                      // 0: fresh, or the present one in Update; see Snapshot
  uint64_t max_total = 0;         // faults in the injector's life; 0: no limit but the expiry
  uint32_t max_active = 16;       // delays at once: 1..1e6
  hf_journal* journal = nullptr;  // shared; ignored by Update
  uint64_t object = 0;            // its number there; ignored by Update
};

struct FaultSnapshot {
  bool running = false;
  uint64_t seed = 0;  // with the seeds of the calls, all it takes to repeat a run
  Duration left{0};
  uint64_t errors = 0, delays = 0, results = 0;  // injected
  uint64_t skipped_active = 0, skipped_total = 0;
  uint64_t starts = 0, updates = 0;
  uint32_t active = 0;
  hf_reason stop_reason = HF_R_NONE;  // of the last stop; HF_R_DEADLINE: it expired
};

using FaultHandle = Handle<hf_fault, hf_fault_ref, hf_fault_unref>;

// What is to be done to one attempt, or nothing. Counts as active until Done or its end. Move-only.
class InjectedFault {
 public:
  InjectedFault(InjectedFault&& other) noexcept
      : handle_(std::move(other.handle_)),
        decision_(std::exchange(other.decision_, hf_fault_decision{})) {}
  InjectedFault& operator=(InjectedFault other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(decision_, other.decision_);
    return *this;
  }
  ~InjectedFault() { Done(); }

  explicit operator bool() const { return decision_.kind != HF_FAULT_NONE; }
  FaultKind kind() const { return static_cast<FaultKind>(decision_.kind); }
  // Wait until then first; 0: at once.
  hf_time delay_until() const { return decision_.delay_until; }
  bool attempt_is_made() const { return kind() == FaultKind::kNone || kind() == FaultKind::kDelay; }
  // Of the attempt that is not made. The status carries a Rejection with HF_R_FAULT_INJECTED.
  const hf_outcome& outcome() const { return decision_.outcome; }
  absl::Status status() const {
    return MakeStatus(decision_.outcome.code, decision_.reason, "a fault injected on purpose",
                      Duration{decision_.outcome.retry_after});
  }
  uint64_t result() const { return decision_.result; }
  // The rule's place, from 0.
  uint32_t rule() const { return decision_.rule; }

  // The delay is over, or given up. Idempotent.
  void Done() {
    if (decision_.ticket != 0) hf_fault_done(handle_.get(), &decision_);
  }

 private:
  friend class FaultInjector;
  InjectedFault() = default;

  FaultHandle handle_;  // empty unless there is something to give back
  hf_fault_decision decision_{};
};

// Thread-safe. Drawing never allocates.
class FaultInjector {
 public:
  using Options = FaultOptions;

  // Stopped. Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<FaultInjector> Create(const Options& options) {
    RawRules rules;
    const hf_fault_options given =
        Raw(options, options.seed != 0 ? options.seed : FreshSeed(), rules);
    hf_fault* created = nullptr;
    hf_error error;
    if (hf_fault_new(&given, &created, &error) != HF_OK) return MakeStatus(error);
    return FaultInjector(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  FaultInjector() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // New rules, seed and limits at once; counts, active faults and the run under way stay.
  // Errors: as Create, and nothing is changed.
  absl::Status Update(const Options& options, hf_time now) const {
    RawRules rules;
    const uint64_t seed = options.seed != 0 ? options.seed : Snapshot(now).seed;
    const hf_fault_options given = Raw(options, seed, rules);
    hf_error error;
    if (hf_fault_update(raw(), &given, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // Begins a run, or moves its end. Errors: kInvalidArgument.
  absl::Status Start(hf_time now) const {
    hf_error error;
    if (hf_fault_start(raw(), now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // Ends the run for a reason but HF_R_NONE; the first is kept. Cheap: call it on every sign of trouble.
  void Stop(hf_reason reason, hf_time now) const { hf_fault_stop(raw(), reason, now); }

  // What to do to attempt `attempt` (from 1) of the call with `seed` (not 0). Nothing for bad arguments.
  InjectedFault Draw(uint64_t seed, uint32_t attempt, const Facts& facts, hf_time now) const {
    const hf_facts known = ToFacts(facts);
    InjectedFault fault;
    hf_fault_draw(raw(), seed, attempt, &known, now, &fault.decision_);
    if (fault.decision_.ticket != 0) fault.handle_ = handle_;
    return fault;
  }

  // What Draw would say, running or not, with no limits and no counts: for a replay.
  InjectedFault Preview(uint64_t seed, uint32_t attempt, const Facts& facts, hf_time now) const {
    const hf_facts known = ToFacts(facts);
    InjectedFault fault;
    hf_fault_preview(raw(), seed, attempt, &known, now, &fault.decision_);
    return fault;
  }

  FaultSnapshot Snapshot(hf_time now) const {
    hf_fault_snapshot read{};
    read.struct_size = sizeof(read);
    FaultSnapshot snapshot;
    if (hf_fault_read(raw(), now, &read) != HF_OK) return snapshot;
    snapshot.running = read.state == HF_FAULT_RUNNING;
    snapshot.seed = read.seed;
    snapshot.left = Duration{read.left};
    snapshot.errors = read.errors;
    snapshot.delays = read.delays;
    snapshot.results = read.results;
    snapshot.skipped_active = read.skipped_active;
    snapshot.skipped_total = read.skipped_total;
    snapshot.starts = read.starts;
    snapshot.updates = read.updates;
    snapshot.active = read.active;
    snapshot.stop_reason = read.stop_reason;
    return snapshot;
  }

  // The C object, borrowed.
  hf_fault* raw() const { return handle_.get(); }

 private:
  using RawRules = std::array<hf_fault_rule, 16>;

  explicit FaultInjector(hf_fault* owned) : handle_(FaultHandle::Adopt(owned)) {}

  static hf_fault_rule Raw(const FaultRule& rule) {
    hf_fault_rule given{};
    given.match = ToMatch(rule.match);
    given.kind = static_cast<hf_fault_kind>(rule.kind);
    given.rate = rule.rate;
    given.seed = rule.seed;
    given.delay_min = rule.delay_min.count();
    given.delay_max = rule.delay_max.count();
    given.outcome.code = static_cast<hf_code>(rule.code);
    given.outcome.verdict = rule.verdict;
    given.outcome.effect = rule.effect;
    given.outcome.retry_after = rule.retry_after.count();
    given.result = rule.result;
    return given;
  }

  // Too many rules are counted, and refused by that, but not copied.
  static hf_fault_options Raw(const Options& options, uint64_t seed, RawRules& rules) {
    for (size_t i = 0; i < options.rules.size() && i < rules.size(); ++i) {
      rules[i] = Raw(options.rules[i]);
    }
    hf_fault_options given = HF_INIT(hf_fault_options);
    given.rules = rules.data();
    given.rule_count = static_cast<uint32_t>(options.rules.size());
    given.rule_size = sizeof(hf_fault_rule);
    given.seed = seed;
    given.expiry = options.expiry.count();
    given.max_total = options.max_total;
    given.max_active = options.max_active;
    given.journal = options.journal;
    given.object = options.object;
    return given;
  }

  FaultHandle handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_FAULT_H_
