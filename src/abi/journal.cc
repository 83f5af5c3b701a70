// SPDX-License-Identifier: Apache-2.0
// c/journal.h: checks around the ring.
#include "abi/journal.h"

namespace abi = holdfast::abi;

hf_code hf_journal_new(const hf_journal_options* options, hf_journal** out,
                       hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_journal_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  const uint32_t capacity = given.capacity != 0 ? given.capacity : 1024;
  code = abi::CheckRange(error, "capacity", capacity, 1, 1'000'000);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, capacity, given.muted);
}

void hf_journal_ref(hf_journal* journal) noexcept { abi::Ref(journal); }
void hf_journal_unref(hf_journal* journal) noexcept { abi::Unref(journal); }

hf_code hf_journal_drain(hf_journal* journal, hf_event* out, size_t capacity,
                         size_t* count) noexcept {
  if (count != nullptr) *count = 0;
  if (journal == nullptr || count == nullptr || (out == nullptr && capacity != 0)) {
    return HF_INVALID_ARGUMENT;
  }
  *count = journal->Drain(out, capacity);
  return HF_OK;
}

hf_code hf_journal_read(const hf_journal* journal, hf_journal_snapshot* out) noexcept {
  if (journal == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(journal->Read(), out);
}

const char* hf_event_kind_name(hf_event_kind kind) noexcept {
  switch (kind) {
    case HF_EVENT_KIND_STATE:
      return "state";
    case HF_EVENT_KIND_REFUSED:
      return "refused";
    case HF_EVENT_KIND_LOST:
      return "lost";
    case HF_EVENT_KIND_LIMIT:
      return "limit";
    case HF_EVENT_KIND_UPDATED:
      return "updated";
    case HF_EVENT_KIND_SWITCHED:
      return "switched";
    case HF_EVENT_KIND_FAULT:
      return "fault";
    case HF_EVENT_KIND_EVICTED:
      return "evicted";
    case HF_EVENT_KIND_HEDGED:
      return "hedged";
    case HF_EVENT_KIND_RETRIED:
      return "retried";
    case HF_EVENT_KIND_OVERRIDDEN:
      return "overridden";
    default:
      return "event_?";
  }
}
