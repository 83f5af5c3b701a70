// SPDX-License-Identifier: Apache-2.0
// Criticality: how much a request matters, in one word for every primitive that must choose.
#ifndef HOLDFAST_CRITICALITY_H_
#define HOLDFAST_CRITICALITY_H_

#include <holdfast/c/base.h>

#include <optional>
#include <string_view>

namespace holdfast::inline v0_5 {

// How much a request matters.
enum class Criticality : hf_criticality {
  kCriticalPlus = HF_CRITICAL_PLUS,
  kCritical = HF_CRITICAL,
  kSheddablePlus = HF_SHEDDABLE_PLUS,
  kSheddable = HF_SHEDDABLE,
};

// The word that headers and events have for it: "critical-plus". Static storage.
constexpr std::string_view CriticalityWord(Criticality criticality) {
  switch (criticality) {
    case Criticality::kCriticalPlus:
      return "critical-plus";
    case Criticality::kCritical:
      return "critical";
    case Criticality::kSheddablePlus:
      return "sheddable-plus";
    case Criticality::kSheddable:
      return "sheddable";
  }
  return {};
}

// nullopt: none of the words.
constexpr std::optional<Criticality> ParseCriticality(std::string_view word) {
  for (hf_criticality each = HF_CRITICAL_PLUS; each <= HF_SHEDDABLE; ++each) {
    const auto criticality = static_cast<Criticality>(each);
    if (word == CriticalityWord(criticality)) return criticality;
  }
  return std::nullopt;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CRITICALITY_H_
