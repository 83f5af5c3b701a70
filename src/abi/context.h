// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_context, for the shell that spends its retries.
//
// The retries of a story are kept by one context, the ledger, and shared by all that were made from it.
#ifndef HOLDFAST_ABI_CONTEXT_H_
#define HOLDFAST_ABI_CONTEXT_H_

#include <holdfast/c/context.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "abi/guard.h"

struct hf_context final : holdfast::abi::RefCounted {
  ~hf_context();

  // Takes one, if there is one; true if nobody told how many there are.
  bool TakeRetry() {
    if (ledger->retries_told) {
      int32_t left = ledger->retries_left.load();
      do {
        if (left <= 0) return false;
      } while (!ledger->retries_left.compare_exchange_weak(left, left - 1));
    }
    ledger->retried.fetch_add(1);
    return true;
  }

  // What layers below have taken, without asking.
  void NoteRetried(uint32_t count) {
    const auto taken = static_cast<int32_t>(std::min<uint32_t>(count, kMostNoted));
    int32_t left = ledger->retries_left.load();
    while (!ledger->retries_left.compare_exchange_weak(left, std::max(left - taken, 0))) {
    }
    ledger->retried.fetch_add(static_cast<uint32_t>(taken));
  }

  // As hf_context_options has it.
  int32_t RetriesForPeople() const {
    if (!ledger->retries_told) return 0;
    const int32_t left = ledger->retries_left.load();
    return left > 0 ? left : HF_NO_RETRIES;
  }

  static constexpr uint32_t kMostNoted = 1'000'000;  // a peer may say anything

  hf_trace trace{};
  hf_time deadline = 0;
  hf_context* ledger = this;  // a reference is held unless it is this one
  bool retries_told = false;
  uint32_t attempt = 0;
  std::atomic<int32_t> retries_left{0};
  std::atomic<uint32_t> retried{0};
  uint32_t correlation_size = 0;
  uint32_t causation_size = 0;
  char correlation_id[HF_CONTEXT_ID_MAX];
  char causation_id[HF_CONTEXT_ID_MAX];
};

#endif  // HOLDFAST_ABI_CONTEXT_H_
