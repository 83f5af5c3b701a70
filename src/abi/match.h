// SPDX-License-Identifier: Apache-2.0
// The check of a rule's patterns, for the shells that take one.
#ifndef HOLDFAST_ABI_MATCH_H_
#define HOLDFAST_ABI_MATCH_H_

#include "abi/guard.h"
#include "engine/match.h"

namespace holdfast::abi {

// Compiles the patterns into *out. INVALID_ARGUMENT with the pattern's name otherwise.
hf_code CheckMatch(hf_error* error, const hf_match& match, engine::Match* out) noexcept;

// What is known of a call of which nothing is known.
inline constexpr hf_facts kNoFacts = {};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_MATCH_H_
