// SPDX-License-Identifier: Apache-2.0
// hf_record_apply: pointer checks around the transition table of engine/record.h.
#include "engine/record.h"

#include <holdfast/c/record.h>

hf_code hf_record_apply(const hf_record* old, const hf_store_request* request, int64_t store_now,
                        uint64_t token_floor, hf_record* next, hf_record_change* change,
                        hf_store_reply* reply) noexcept {
  if (change != nullptr) *change = HF_RECORD_KEEP;
  if (request == nullptr || next == nullptr || change == nullptr || reply == nullptr) {
    if (reply != nullptr) *reply = hf_store_reply{};
    return HF_INVALID_ARGUMENT;
  }
  return holdfast::engine::ApplyRecord(old, *request, store_now, token_floor, next, change, reply);
}
