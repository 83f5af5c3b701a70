// SPDX-License-Identifier: Apache-2.0
//
// A library of one engine, for tests/abi/race_test.py: over plain cells it races by construction, over
// atomic ones it must not.
#include "abi/atomic_cells.h"
#include "engine/budget.h"
#include "engine/cells.h"

using Budget = holdfast::engine::Budget<HF_CANARY_CELLS>;

extern "C" __attribute__((visibility("default"))) void canary_step(int steps) {
  static Budget budget{holdfast::engine::BudgetPolicy{}};
  for (int i = 0; i < steps; ++i) {
    budget.OnFailure();
    budget.OnSuccess();
  }
}
