// SPDX-License-Identifier: Apache-2.0
// The defaults of JsonLimits.
#ifndef HOLDFAST_ADAPTERS_JSON_LIMITS_H_
#define HOLDFAST_ADAPTERS_JSON_LIMITS_H_

#include <holdfast/json/envelope.h>

#include <cstdint>

namespace holdfast::inline v0_5::json {

inline std::uint32_t MaxDepth(const JsonLimits& limits) {
  return limits.max_depth == 0 ? 64 : limits.max_depth;
}
inline std::uint32_t MaxEvents(const JsonLimits& limits) {
  return limits.max_events == 0 ? 1000 : limits.max_events;
}
inline std::uint64_t MaxSize(const JsonLimits& limits) {
  return limits.event.max_size == 0 ? std::uint64_t{1} << 20 : limits.event.max_size;
}

}  // namespace holdfast::inline v0_5::json

#endif  // HOLDFAST_ADAPTERS_JSON_LIMITS_H_
