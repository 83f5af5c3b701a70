// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_context, for the shell that spends its retries.
//
// The retries of a story are kept by one context, the ledger, and shared by all that were made from it.
// Memory: one block, the texts behind the struct.
#ifndef HOLDFAST_ABI_CONTEXT_H_
#define HOLDFAST_ABI_CONTEXT_H_

#include <holdfast/c/context.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "abi/guard.h"

struct hf_context final : holdfast::abi::RefCounted {
  enum Text : uint8_t {
    kCorrelationId,
    kCausationId,
    kRequestId,
    kTenant,
    kPrincipal,
    kTracestate,  // canonical, codec/tracestate.h
    kBaggage,     // canonical, codec/baggage.h
    kTexts
  };

  // With room for `capacity` bytes of text. Throws std::bad_alloc.
  static hf_context* Make(size_t capacity) {
    return ::new (::operator new(sizeof(hf_context) + capacity)) hf_context;
  }
  // Without a size: the block is larger than the struct.
  static void operator delete(void* block) { ::operator delete(block); }

  ~hf_context();

  hf_str text(Text which) const {
    return {reinterpret_cast<const char*>(this + 1) + texts[which].at, texts[which].size};
  }
  std::string_view view(Text which) const {
    return {reinterpret_cast<const char*>(this + 1) + texts[which].at, texts[which].size};
  }

  // While it is built: where the next text goes; and that it is there now, each text once.
  char* tail() { return reinterpret_cast<char*>(this + 1) + used; }
  void Claim(Text which, size_t size) {
    texts[which] = {used, static_cast<uint16_t>(size)};
    used = static_cast<uint16_t>(used + size);
  }
  void Add(Text which, std::string_view value) {
    if (value.empty()) return;
    std::memcpy(tail(), value.data(), value.size());
    Claim(which, value.size());
  }

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
  hf_criticality criticality = 0;
  struct Place {
    uint16_t at = 0, size = 0;
  };
  Place texts[kTexts];
  uint16_t used = 0;
  bool has_private_baggage = false;
};

// All texts together fit into Place.
static_assert(HF_TRACESTATE_MAX + HF_BAGGAGE_MAX + 3 * HF_CONTEXT_ID_MAX +
                  2 * HF_CONTEXT_NAME_MAX <=
              UINT16_MAX);

namespace holdfast::abi {

// Makes *out of what a caller gave. Errors: as hf_context_new.
hf_code BuildContext(const hf_context_options& options, hf_context** out, hf_error* error);

// The most bytes that a baggage header may need in canonical form: a broken escape grows.
size_t BaggageRoom(std::string_view header);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_CONTEXT_H_
