// SPDX-License-Identifier: Apache-2.0
// What in a pipeline's configuration works against itself (c/explain.h).
//
// Each check compares two numbers that are both there: what is not configured, or not told, is not judged.
// Memory: values. Locking: none.
#ifndef HOLDFAST_ENGINE_EXPLAIN_WARNINGS_H_
#define HOLDFAST_ENGINE_EXPLAIN_WARNINGS_H_

#include <holdfast/c/explain.h>

#include <algorithm>

#include "engine/budget.h"
#include "engine/explain.h"
#include "engine/hedge.h"

namespace holdfast::engine {

// A retry needs more than half of the tokens after its own charge, so two are too few even when full.
inline constexpr MilliTokens kTooFewTokens = 2 * kOneToken;
inline bool BudgetAllowsNone(const BudgetPolicy& budget) { return budget.max <= kTooFewTokens; }

// Before which no hedge is sent to a call that is merely slow.
inline hf_duration ShortestDelay(const HedgeRules& hedge) {
  return hedge.mode == HF_HEDGE_FIXED ? hedge.delay : hedge.min_delay;
}

// Needs the figures of *out.
void AddWarnings(const PipelinePolicies& pipeline, const CallFacts& facts, hf_explanation* out);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_EXPLAIN_WARNINGS_H_
