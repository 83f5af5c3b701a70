// SPDX-License-Identifier: Apache-2.0
// Criticality: how much a request matters, in one word for every primitive that must choose.
#ifndef HOLDFAST_CRITICALITY_H_
#define HOLDFAST_CRITICALITY_H_

#include <holdfast/c/base.h>

namespace holdfast::inline v0_5 {

// How much a request matters.
enum class Criticality : hf_criticality {
  kCriticalPlus = HF_CRITICAL_PLUS,
  kCritical = HF_CRITICAL,
  kSheddablePlus = HF_SHEDDABLE_PLUS,
  kSheddable = HF_SHEDDABLE,
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CRITICALITY_H_
