// SPDX-License-Identifier: Apache-2.0
// Journal: typed events of any number of primitives, in a bounded ring, drained by whoever listens.
//
//   auto journal = Journal::Create({.muted = EventKinds({HF_EVENT_KIND_REFUSED})});
//   ... connect primitives: their options take the journal and a number of your choice ...
//   journal->Drain([](const hf_event& event) { Log(Describe(event)); });   // now and then
//
// Nobody is called when something happens: the object writes 48 bytes into the ring under a short lock
// and goes on. Where the events go, and on which thread, is up to whoever drains.
#ifndef HOLDFAST_JOURNAL_H_
#define HOLDFAST_JOURNAL_H_

#include <absl/status/statusor.h>
#include <holdfast/c/journal.h>
#include <holdfast/event.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace holdfast::inline v0_5 {

// A set of kinds, for JournalOptions.
constexpr uint32_t EventKinds(std::initializer_list<hf_event_kind> kinds) {
  uint32_t set = 0;
  for (const hf_event_kind kind : kinds) set |= uint32_t{1} << (kind & 31);
  return set;
}

// Zero in any field is its default.
struct JournalOptions {
  uint32_t capacity =
      1024;            // events, 48 bytes each; 1..1e6. Full: the oldest is dropped and counted
  uint32_t muted = 0;  // kinds not to write at all, see EventKinds
};

struct JournalSnapshot {
  uint32_t waiting = 0;  // to be drained
  uint64_t written = 0;  // ever
  uint64_t lost = 0;     // dropped because nobody drained in time
};

// A cheap handle over a shared, thread-safe object. Connected primitives keep the object alive.
class Journal {
 public:
  using Options = JournalOptions;

  // Errors: kInvalidArgument, whose message names the field; kResourceExhausted.
  static absl::StatusOr<Journal> Create(const Options& options = {}) {
    hf_journal_options raw = HF_INIT(hf_journal_options);
    raw.capacity = options.capacity;
    raw.muted = options.muted;
    hf_journal* created = nullptr;
    hf_error error;
    if (hf_journal_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Journal(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  Journal() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Calls listen(const hf_event&) for each event that was waiting when it was called, oldest first, and
  // tells how many. Events come out 64 at a time onto the stack and `listen` runs under no lock: it may
  // use any primitive, and what it causes is for the next Drain. If it throws, the exception passes
  // through; the rest of its 64 is lost, which the sequence numbers show, and nothing else is.
  // One thread at a time sees the events in order; two share them.
  template <typename Listen>
  size_t Drain(Listen&& listen) const {
    constexpr size_t kBatch = 64;
    hf_event batch[kBatch];
    const size_t waiting = Snapshot().waiting;
    size_t drained = 0;
    while (drained < waiting) {
      size_t count = 0;
      hf_journal_drain(raw(), batch, std::min(kBatch, waiting - drained), &count);
      if (count == 0) break;  // another thread drains, too
      for (size_t i = 0; i < count; ++i) listen(static_cast<const hf_event&>(batch[i]));
      drained += count;
    }
    return drained;
  }

  JournalSnapshot Snapshot() const {
    hf_journal_snapshot now{};
    now.struct_size = sizeof(now);
    JournalSnapshot snapshot;
    if (hf_journal_read(raw(), &now) != HF_OK) return snapshot;
    snapshot.waiting = now.waiting;
    snapshot.written = now.written;
    snapshot.lost = now.lost;
    return snapshot;
  }

  // The C object, borrowed.
  hf_journal* raw() const { return handle_.get(); }

 private:
  explicit Journal(hf_journal* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  Handle<hf_journal, hf_journal_ref, hf_journal_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_JOURNAL_H_
