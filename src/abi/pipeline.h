// SPDX-License-Identifier: Apache-2.0
// The pipeline as a handle: the guards of a call and the rules among them. Immutable once made.
#ifndef HOLDFAST_ABI_PIPELINE_H_
#define HOLDFAST_ABI_PIPELINE_H_

#include <holdfast/c/call.h>

#include "abi/guard.h"
#include "engine/call_state.h"

struct hf_pipeline final : holdfast::abi::RefCounted {
  hf_pipeline(const holdfast::engine::CallRules& call_rules, const hf_pipeline_options& options);
  ~hf_pipeline();

  const holdfast::engine::CallRules rules;
  hf_budget* const budget;  // each nullable, one reference held
  hf_breaker* const breaker;
  hf_bulkhead* const bulkhead;
};

#endif  // HOLDFAST_ABI_PIPELINE_H_
