// SPDX-License-Identifier: Apache-2.0
// Is a recorded history one that a sound store could have produced? Keys are independent, so each is checked alone:
// can its operations be put in one order, each within its own interval, that the model (model.h) goes along with?
//
// Algorithm: J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (JPDC 1993), with the memory of
// configurations of G. Lowe, "Testing for Linearizability" (2016), as porcupine has it; and one shortcut of our own:
//   an operation that is possible now and leaves the state as it is may be put first without trying otherwise,
//   unless one of unknown outcome must have come before it
// A configuration is (the set of operations in the order so far, the state), remembered by a 128-bit hash.
//
// Besides, without any search, the invariants of invariants.h.
#ifndef HOLDFAST_TESTS_CHAOS_CHECKER_H_
#define HOLDFAST_TESTS_CHAOS_CHECKER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "chaos/history.h"
#include "chaos/model.h"

namespace holdfast::chaos {

struct CheckOptions {
  ModelOptions model;
  uint64_t max_configurations = 1'000'000;  // per key; beyond, the key is undecided
};

// What went wrong, in words: "double Won", "stale replay", "lost complete", "token reuse", "wrong bytes", "lost checkpoint",
// or "impossible STATUS to VERB".
struct Violation {
  uint64_t key = 0;
  std::string kind;
  std::string history;    // the shortest beginning of the key's history that cannot be, for people
  size_t operations = 0;  // in it
};

struct CheckResult {
  uint64_t operations = 0;
  uint64_t keys = 0;
  uint64_t unknown = 0;               // operations without an answer
  uint64_t configurations = 0;        // visited, all keys
  uint64_t undecided = 0;             // keys
  std::vector<Violation> violations;  // the shortest first; at most one per key

  bool sound() const { return violations.empty() && undecided == 0; }
};

CheckResult Check(std::vector<Operation> operations, const CheckOptions& options = {});

// One key's operations, sorted by invocation. For tests of the checker itself.
enum class Verdict { kPossible, kImpossible, kUndecided };
Verdict CheckKey(const std::vector<Operation>& operations, const CheckOptions& options,
                 uint64_t* configurations);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_CHECKER_H_
