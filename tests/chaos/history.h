// SPDX-License-Identifier: Apache-2.0
// What workers asked of a store and what they were told, in a form that outlives them.
//
// A log is a shared mapping of a file: an event costs a copy, and survives SIGKILL of who wrote it. One thread
// writes one log. `kind` is stored last, so a reader finds whole events and then nothing.
//
// An operation is an invocation and, if it came, its answer:
//   an answer of the table       it took effect at one moment between the two
//   UNAVAILABLE and the like     the store says that nothing happened, and is held to it
//   INDETERMINATE, or no answer  it took effect once or never, at any time from its invocation on
#ifndef HOLDFAST_TESTS_CHAOS_HISTORY_H_
#define HOLDFAST_TESTS_CHAOS_HISTORY_H_

#include <absl/status/statusor.h>
#include <holdfast/store.h>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::chaos {

// CLOCK_MONOTONIC, nanoseconds: one clock for all processes of a machine, which nobody sets.
int64_t MonotonicNow();

// The first eight bytes of a SHA-256. Names bodies and fingerprints in a log without keeping them.
uint64_t Digest(std::string_view bytes);

inline constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

struct Event {
  enum Kind : uint32_t { kNone = 0, kInvoke = 1, kReturn = 2 };
  uint32_t kind = kNone;
  hf_store_verb verb = 0;
  uint64_t call = 0;  // what an invocation and its return have in common, within one log
  int64_t at = 0;
  uint64_t key = 0;  // the first eight bytes of the key id

  // kInvoke: the request's. kReturn: the reply's, where it has such a field.
  std::array<uint8_t, 16> nonce{};  // kReturn: the owner
  uint64_t token = 0;
  uint64_t body = 0;  // Digest; 0: no body
  hf_code code = 0;
  uint32_t truncated = 0;

  // kInvoke
  uint64_t fingerprint = 0;  // 0: matches any
  hf_duration lease = 0;
  hf_duration ttl = 0;
  hf_duration retry_after = 0;
  hf_on_expiry on_expiry = 0;
  hf_effect effect = 0;
  uint32_t max_attempts = 0;

  // kReturn
  hf_store_status status = 0;
  uint32_t attempt = 0;
  uint32_t reserved = 0;
};

class HistoryLog {
 public:
  // An empty path: in this process's memory only. Pages are taken as they are written to.
  static absl::StatusOr<std::unique_ptr<HistoryLog>> Create(const std::string& path,
                                                            size_t max_events);
  ~HistoryLog();
  HistoryLog(const HistoryLog&) = delete;
  HistoryLog& operator=(const HistoryLog&) = delete;

  // False: the log is full, and the event is not in it. Leave room for the return before an invocation.
  bool Append(const Event& event);
  bool HasRoomFor(size_t events) const { return size_ + events <= max_; }

  std::vector<Event> Events() const;

 private:
  HistoryLog(Event* events, size_t max) : events_(events), max_(max) {}
  Event* const events_;
  const size_t max_;
  size_t size_ = 0;
};

// The events of a file that a HistoryLog wrote.
absl::StatusOr<std::vector<Event>> ReadHistory(const std::string& path);

struct Operation {
  Event request;
  Event reply{};                // only if `answered`
  bool answered = false;        // by the table: `reply` says how
  int64_t returned = kForever;  // latest moment at which it may have taken effect
  uint32_t log = 0;             // which log it is from, for people
};

// The operations of one log. What the store says did not happen is left out. `dead_at`: from then on nothing that
// the log's writer had sent can take effect (a local store and its process is gone); kForever: nobody knows.
std::vector<Operation> OperationsOf(const std::vector<Event>& events, uint32_t log,
                                    int64_t dead_at = kForever);

// Writes down what passes through. One per thread, as its log; `inner` may be shared.
class RecordingStore final : public Store {
 public:
  RecordingStore(Store& inner, HistoryLog& log) : inner_(inner), log_(log) {}
  StoreReply Execute(const StoreRequest& request, Duration timeout) override;
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override;
  Guarantee guarantee() const override { return inner_.guarantee(); }
  bool blocks() const override { return inner_.blocks(); }

  // In halves, for a completion that is part of another transaction. An invocation is only to be made while there is Room.
  uint64_t Invoke(const StoreRequest& request);
  void Return(uint64_t call, const StoreRequest& request, const StoreReply& reply);
  bool Room() const { return log_.HasRoomFor(1024); }

 private:
  Store& inner_;
  HistoryLog& log_;
  uint64_t calls_ = 0;
};

// "CLAIM", "WON", ... for people.
const char* VerbName(hf_store_verb verb);
const char* StatusName(hf_store_status status);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_HISTORY_H_
