// SPDX-License-Identifier: Apache-2.0
// Match: which calls a rule means. Facts: what is known of a call.
//
//   Match{.operation = "charge", .tenant = "acme*"}      a trailing '*' is a prefix, empty means any
//
// Both borrow their texts: rules are copied when they are used, facts are only compared.
// The rules in full: c/match.h.
#ifndef HOLDFAST_MATCH_H_
#define HOLDFAST_MATCH_H_

#include <absl/status/statusor.h>
#include <holdfast/c/match.h>
#include <holdfast/status.h>

#include <string_view>

namespace holdfast::inline v0_5 {

// Patterns of at most 128 bytes each; all four must fit.
struct Match {
  std::string_view operation = {};
  std::string_view tenant = {};
  std::string_view correlation_id = {};
  std::string_view target = {};  // the peer, address or dependency that the call goes to
};

struct Facts {
  std::string_view operation = {};
  std::string_view tenant = {};
  std::string_view correlation_id = {};
  std::string_view target = {};
};

// The same bytes, borrowed.
inline hf_str ToStr(std::string_view text) { return {text.data(), text.size()}; }
inline hf_match ToMatch(const Match& match) {
  return {ToStr(match.operation), ToStr(match.tenant), ToStr(match.correlation_id),
          ToStr(match.target)};
}
inline hf_facts ToFacts(const Facts& facts) {
  return {ToStr(facts.operation), ToStr(facts.tenant), ToStr(facts.correlation_id),
          ToStr(facts.target)};
}

// Whether a rule means a call: to try a rule before it is used. Errors: kInvalidArgument, whose message
// names the pattern.
inline absl::StatusOr<bool> Fits(const Match& match, const Facts& facts) {
  const hf_match patterns = ToMatch(match);
  const hf_facts known = ToFacts(facts);
  hf_error error;
  const hf_code code = hf_match_fits(&patterns, &known, &error);
  if (code == HF_INVALID_ARGUMENT) return MakeStatus(error);
  return code == HF_OK;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_MATCH_H_
