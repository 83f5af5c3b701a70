// SPDX-License-Identifier: Apache-2.0
// A history that cannot be, told to people. `operations`: of one key, up to and with the answer that made it impossible.
#ifndef HOLDFAST_TESTS_CHAOS_CULPRIT_H_
#define HOLDFAST_TESTS_CHAOS_CULPRIT_H_

#include <string>
#include <vector>

#include "chaos/history.h"

namespace holdfast::chaos {

// See Violation::kind.
std::string KindOf(const std::vector<Operation>& operations);

// A line per operation, the last of a long history.
std::string Story(const std::vector<Operation>& operations);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_CULPRIT_H_
