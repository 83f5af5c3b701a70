// SPDX-License-Identifier: Apache-2.0
// Why an event is refused, and where.
#ifndef HOLDFAST_CODEC_ENVELOPE_FAULT_H_
#define HOLDFAST_CODEC_ENVELOPE_FAULT_H_

#include <holdfast/c/base.h>

#include <cstddef>
#include <string_view>

namespace holdfast::codec {

// The field of what is wrong with a name: the name itself is shown only if it is one.
inline constexpr std::string_view kNameField = "attribute name";

struct EnvelopeFault {
  hf_code code = HF_OK;
  hf_reason reason = HF_R_NONE;
  std::string_view field;    // "id", "data", an attribute's name; empty: the event itself
  const char* at = nullptr;  // the byte at fault; null: none of them alone
  const char* base =
      nullptr;  // where counting begins; null: it has no number that tells anybody anything
  std::string_view rule;  // what goes on after the field: "is given twice"; static
};

// Fills *fault and returns false.
[[gnu::cold]] inline bool Refuse(EnvelopeFault* fault, std::string_view field, const char* at,
                                 std::string_view rule, hf_reason reason = HF_R_MALFORMED,
                                 hf_code code = HF_INVALID_ARGUMENT) {
  *fault = {code, reason, field, at, nullptr, rule};
  return false;
}

// Likewise, beyond a limit.
[[gnu::cold]] inline bool RefuseOver(EnvelopeFault* fault, std::string_view field, const char* at,
                                     std::string_view rule) {
  return Refuse(fault, field, at, rule, HF_R_OUT_OF_RANGE, HF_RESOURCE_EXHAUSTED);
}

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_FAULT_H_
