// SPDX-License-Identifier: Apache-2.0
// c/match.h over engine/match.h.
#include "abi/match.h"

namespace holdfast::abi {

hf_code CheckMatch(hf_error* error, const hf_match& match, engine::Match* out) noexcept {
  const engine::MatchVerdict verdict = engine::CompileMatch(match, out);
  const std::string_view field = engine::kMatchFields[verdict.at];
  switch (verdict.fault) {
    case engine::MatchFault::kNoData:
      return FailNull(error, field);
    case engine::MatchFault::kTooLong:
      return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field,
                       "the pattern is longer than 128 bytes");
    case engine::MatchFault::kStar:
      return FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED, field,
                       "a '*' may stand at the end of the pattern only");
    default:
      return HF_OK;
  }
}

}  // namespace holdfast::abi

hf_code hf_match_fits(const hf_match* match, const hf_facts* facts, hf_error* error) noexcept {
  using namespace holdfast;
  if (match == nullptr) return abi::FailNull(error, "match");
  if (facts == nullptr) return abi::FailNull(error, "facts");
  if (!engine::FactsAreValid(*facts)) return abi::FailNull(error, "facts: data");
  engine::Match compiled;
  const hf_code code = abi::CheckMatch(error, *match, &compiled);
  if (code != HF_OK) return code;
  if (compiled.Fits(*facts)) return abi::Succeed(error);
  return abi::Fail(error, HF_NOT_FOUND, HF_R_NONE, "the rule does not mean this call");
}
