// SPDX-License-Identifier: Apache-2.0
// After the storm: every key is read once more, and what the store says is held against what the world holds.
//
//   once       at most one effect; exactly one if completed with a value
//   takeover   at least one effect if completed with a value; more are the price of that policy, and counted
//   reconcile  at most one effect (the world is fenced); exactly one if completed
//   joined     exactly one row if completed, else none
#ifndef HOLDFAST_TESTS_CHAOS_AUDIT_H_
#define HOLDFAST_TESTS_CHAOS_AUDIT_H_

#include <holdfast/store.h>

#include <cstdint>
#include <string>
#include <vector>

#include "chaos/board.h"
#include "chaos/effect_ledger.h"
#include "chaos/open_store.h"

namespace holdfast::chaos {

struct AuditResult {
  uint64_t keys = 0;
  uint64_t completed = 0;
  uint64_t in_doubt = 0;
  uint64_t effects = 0;  // all families
  uint64_t duplicates =
      0;              // effects beyond the first of a key of once, reconcile or joined: must be 0
  uint64_t lost = 0;  // completed with a value, and no effect: must be 0
  uint64_t repeats = 0;                 // effects beyond the first of a takeover key
  uint64_t unread = 0;                  // keys that the store would not tell about: must be 0
  std::vector<std::string> complaints;  // a line each, the first few
};

// Of the keys whose number modulo `slices` is `slice`. `store` writes down what passes through: the audit is part
// of the history.
AuditResult Audit(Store& store, EffectLedger& ledger, JoinedWorld* joined, const Board& board,
                  uint64_t slice, uint64_t slices);

void Add(const AuditResult& part, AuditResult* sum);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_AUDIT_H_
