// SPDX-License-Identifier: Apache-2.0
// Throttle: leaves an overloaded dependency alone, by chance, in proportion to how much it fails.
//
// A cheap handle over a shared, thread-safe object: one per dependency, copied to whoever calls it.
//
//   if (auto status = throttle.Admit(FreshSeed(), now); !status.ok()) return status;
//   throttle.Record(Send() ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE, later);
//
// Formula, and why refused calls count: c/throttle.h.
#ifndef HOLDFAST_THROTTLE_H_
#define HOLDFAST_THROTTLE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/throttle.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>

namespace holdfast::inline v0_5 {

// Zero in any field is its default.
struct ThrottleOptions {
  Duration window = std::chrono::seconds(30);  // 10 ms..1 h
  uint32_t buckets = 10;                       // 1..64, the steps it moves in
  double success_rate = 0.5;                   // refuses nothing at or above this rate: 0.01..1
  double aggression = 1;                       // above 1: refuses more at the same rate; 0.1..100
  double max_rejection = 0.9;  // 0.01..0.99: the rest always goes through, to find recovery
  double min_rate = 5;         // calls per second over the window, below which nothing is refused
  hf_journal* journal = nullptr;  // borrowed; a reference is taken. Create only
  uint64_t object = 0;            // this throttle's number in the journal. Create only
};

struct ThrottleSnapshot {
  double rejection = 0;   // how likely a call is refused
  uint64_t requests = 0;  // in the window: results recorded, and calls refused
  uint64_t accepts = 0;   // in the window: successes
  uint64_t refused = 0;   // ever
};

// Thread-safe; admitting and recording never allocate unless the call is refused.
class Throttle {
 public:
  using Options = ThrottleOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<Throttle> Create(const Options& options = {}) {
    const hf_throttle_options given = ToC(options);
    hf_throttle* created = nullptr;
    hf_error error;
    if (hf_throttle_new(&given, &created, &error) != HF_OK) return MakeStatus(error);
    return Throttle(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  Throttle() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Whether to send one call; `seed` is a fresh random number per attempt, not 0.
  // Errors: kUnavailable with a Rejection, HF_R_THROTTLED: nothing was sent, and when the window moves;
  // kInvalidArgument for seed 0.
  absl::Status Admit(uint64_t seed, hf_time now) const {
    hf_rejection why{};
    if (hf_throttle_admit(raw(), seed, now, &why) == HF_OK) return absl::OkStatus();
    const char* const text =
        why.reason == HF_R_ZERO_SEED ? "seed: must not be 0" : "refused by the throttle";
    return MakeStatus(why.code, why.reason, text, Duration{why.retry_after});
  }

  // What an admitted call showed; SLOW counts as a success, IGNORED as nothing. A verdict outside the set
  // counts as nothing, too.
  void Record(hf_verdict verdict, hf_time now) const { hf_throttle_record(raw(), verdict, now); }

  // Keeps the counts. Errors: kInvalidArgument, whose message names the field; then nothing has changed.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_throttle_options given = ToC(options);
    hf_error error;
    hf_throttle_update(raw(), &given, now, &error);
    return MakeStatus(error);
  }

  ThrottleSnapshot Snapshot(hf_time now) const {
    hf_throttle_snapshot read{};
    read.struct_size = sizeof(read);
    if (hf_throttle_read(raw(), now, &read) != HF_OK) return {};
    return {read.rejection, read.requests, read.accepts, read.refused};
  }

  // The C object, borrowed.
  hf_throttle* raw() const { return handle_.get(); }

 private:
  explicit Throttle(hf_throttle* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_throttle_options ToC(const Options& options) {
    hf_throttle_options raw = HF_INIT(hf_throttle_options);
    raw.window = options.window.count();
    raw.buckets = options.buckets;
    raw.success_rate = options.success_rate;
    raw.aggression = options.aggression;
    raw.max_rejection = options.max_rejection;
    raw.min_rate = options.min_rate;
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  Handle<hf_throttle, hf_throttle_ref, hf_throttle_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_THROTTLE_H_
