// SPDX-License-Identifier: Apache-2.0
// Explanation: what a pipeline does to a call at worst, and what in its configuration works against itself.
//
//   std::cout << pipeline.Explain({.deadline = 1s, .idempotent = true})->ToString();
//
//   for (const hf_warning& warning : explanation->warnings())       // in a test of your configuration
//     ADD_FAILURE() << WarningText(warning);
//
// Worked out from the configuration alone: no call is made, no guard is touched. See c/explain.h.
#ifndef HOLDFAST_EXPLAIN_H_
#define HOLDFAST_EXPLAIN_H_

#include <absl/status/statusor.h>
#include <holdfast/c/explain.h>
#include <holdfast/explain_text.h>
#include <holdfast/hedge.h>
#include <holdfast/pipeline.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace holdfast::inline v0_5 {

// What the pipeline cannot know by itself. What is not told is not judged.
struct ExplainOptions {
  Duration deadline{0};                 // what callers give; 0: none
  Duration latency{0};                  // of an attempt, the 99th percentile; 0: not known
  std::optional<bool> idempotent = {};  // how the calls are declared
  uint32_t attempts_above = 1;          // that the layers above make of one call; 1..1e6
  uint32_t attempts_below = 1;          // that the layers below make of one attempt; 1..1e6
  HedgePolicy hedge = {};               // of a call hedged by it; empty: an ordinary call
};

// A value. Durations of Duration::max() have no limit.
class Explanation {
 public:
  explicit Explanation(const hf_explanation& raw) : raw_(raw) {}

  // In the order a call meets them.
  std::span<const hf_stage> stages() const {
    return {raw_.stages, std::min<size_t>(raw_.stage_count, HF_STAGES)};
  }
  std::span<const hf_warning> warnings() const {
    return {raw_.warnings, std::min<size_t>(raw_.warning_count, HF_WARNINGS)};
  }
  // The one of this kind (HF_WARNING_*), nullptr if there is none.
  const hf_warning* Find(hf_warning_kind kind) const {
    const auto found = std::ranges::find(warnings(), kind, &hf_warning::kind);
    return found == warnings().end() ? nullptr : &*found;
  }

  uint32_t worst_attempts() const { return raw_.worst_attempts; }
  uint32_t worst_sent() const { return raw_.worst_sent; }
  uint32_t worst_breaker_waits() const { return raw_.worst_breaker_waits; }
  uint32_t slow_attempts() const { return raw_.slow_attempts; }
  Duration deadline() const { return Duration{raw_.deadline}; }
  Duration worst_time() const { return Duration{raw_.worst_time}; }
  double steady_load() const { return raw_.steady_load; }
  uint64_t layers_product() const { return raw_.layers_product; }
  uint64_t tree_attempts() const { return raw_.tree_attempts; }

  // For people: the stages with their numbers, the worst case, the warnings as sentences.
  std::string ToString() const { return ExplanationText(raw_); }

  // The C value.
  const hf_explanation& raw() const { return raw_; }

 private:
  hf_explanation raw_;
};

// Errors: kInvalidArgument, whose message names the field; "pipeline" for an empty one.
inline absl::StatusOr<Explanation> Explain(const Pipeline& pipeline,
                                           const ExplainOptions& options = {}) {
  hf_explain_options raw = HF_INIT(hf_explain_options);
  raw.deadline = options.deadline.count();
  raw.latency = options.latency.count();
  if (options.idempotent) {
    raw.flags = *options.idempotent ? HF_EXPLAIN_IDEMPOTENT : HF_EXPLAIN_NOT_IDEMPOTENT;
  }
  raw.attempts_above = options.attempts_above;
  raw.attempts_below = options.attempts_below;
  raw.hedge = options.hedge.raw();
  hf_explanation explanation{};
  explanation.struct_size = sizeof(explanation);
  hf_error error;
  const hf_code code = hf_pipeline_explain(pipeline.raw(), &raw, &explanation, &error);
  if (code != HF_OK) return MakeStatus(error);
  return Explanation(explanation);
}

inline absl::StatusOr<Explanation> Pipeline::Explain() const { return v0_5::Explain(*this); }

inline absl::StatusOr<Explanation> Pipeline::Explain(const ExplainOptions& options) const {
  return v0_5::Explain(*this, options);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EXPLAIN_H_
