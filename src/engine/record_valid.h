// SPDX-License-Identifier: Apache-2.0
// What the transition table (record.h) takes for a request, and what for a record.
#ifndef HOLDFAST_ENGINE_RECORD_VALID_H_
#define HOLDFAST_ENGINE_RECORD_VALID_H_

#include <holdfast/c/record.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace holdfast::engine {

inline bool IsZero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

bool ValidRequest(const hf_store_request& request);

// Could this table have written it? A record that fails here is damage, and acting on damage runs
// work twice.
bool PossibleRecord(const hf_record& record);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_RECORD_VALID_H_
