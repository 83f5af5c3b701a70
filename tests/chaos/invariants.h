// SPDX-License-Identifier: Apache-2.0
// What holds for one key in every history, whatever the order of concurrent operations and whatever the clocks do.
// Found by looking once, without a model: a second opinion on the search of checker.h.
//
//   token reuse    a token is told to one winner only, and exceeds each token that anybody was told before the
//                  winner asked
//   wrong bytes    a replayed result is one that somebody gave; all replays under one token are the same
#ifndef HOLDFAST_TESTS_CHAOS_INVARIANTS_H_
#define HOLDFAST_TESTS_CHAOS_INVARIANTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chaos/history.h"

namespace holdfast::chaos {

struct Breach {
  std::string kind;
  int64_t at = 0;  // the return that shows it
};

// The earliest to show. `operations`: of one key.
std::optional<Breach> FirstBreach(const std::vector<Operation>& operations);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_INVARIANTS_H_
