// SPDX-License-Identifier: Apache-2.0
// See history.h.
#include "chaos/history.h"

#include <fcntl.h>
#include <holdfast/c/idempotency.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>

namespace holdfast::chaos {
namespace {

static_assert(std::is_trivially_copyable_v<Event>);

uint64_t Word(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

std::string_view View(const hf_str& bytes) { return {bytes.data, bytes.size}; }

bool FromTheTable(hf_store_status status) { return status < HF_STORE_UNAVAILABLE; }

}  // namespace

int64_t MonotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * HF_S + now.tv_nsec;
}

uint64_t Digest(std::string_view bytes) {
  if (bytes.empty()) return 0;
  uint8_t digest[32];
  hf_idem_fingerprint(bytes.data(), bytes.size(), digest);
  return Word(digest);
}

absl::StatusOr<std::unique_ptr<HistoryLog>> HistoryLog::Create(const std::string& path,
                                                               size_t max_events) {
  const size_t bytes = max_events * sizeof(Event);
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  int file = -1;
  if (!path.empty()) {
    flags = MAP_SHARED;
    file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return absl::ErrnoToStatus(errno, path);
    if (ftruncate(file, static_cast<off_t>(bytes)) != 0) return absl::ErrnoToStatus(errno, path);
  }
  void* const map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  const int error = errno;
  if (file >= 0) close(file);
  if (map == MAP_FAILED) return absl::ErrnoToStatus(error, "mmap of a history");
  return std::unique_ptr<HistoryLog>(new HistoryLog(static_cast<Event*>(map), max_events));
}

HistoryLog::~HistoryLog() { munmap(events_, max_ * sizeof(Event)); }

bool HistoryLog::Append(const Event& event) {
  if (size_ == max_) return false;
  Event& slot = events_[size_++];
  const uint32_t kind = event.kind;
  Event unfinished = event;
  unfinished.kind = Event::kNone;
  slot = unfinished;
  std::atomic_ref<uint32_t>(slot.kind).store(kind, std::memory_order_release);
  return true;
}

std::vector<Event> HistoryLog::Events() const { return {events_, events_ + size_}; }

absl::StatusOr<std::vector<Event>> ReadHistory(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return absl::ErrnoToStatus(errno, path);
  std::vector<Event> events;
  std::vector<Event> part(1024);
  for (ssize_t got; (got = read(file, part.data(), part.size() * sizeof(Event))) > 0;) {
    const auto whole = part.begin() + got / static_cast<ssize_t>(sizeof(Event));
    const auto end = std::find_if(part.begin(), whole,
                                  [](const Event& event) { return event.kind == Event::kNone; });
    events.insert(events.end(), part.begin(), end);
    if (end != whole) break;
  }
  close(file);
  return events;
}

std::vector<Operation> OperationsOf(const std::vector<Event>& events, uint32_t log,
                                    int64_t dead_at) {
  std::vector<Operation> operations;
  std::vector<bool> happened;
  std::map<uint64_t, size_t> open;  // call -> where it is
  for (const Event& event : events) {
    if (event.kind == Event::kInvoke) {
      open[event.call] = operations.size();
      operations.push_back({.request = event, .returned = dead_at, .log = log});
      happened.push_back(true);
      continue;
    }
    const auto found = open.find(event.call);
    if (found == open.end()) continue;
    Operation& operation = operations[found->second];
    if (FromTheTable(event.status)) {
      operation.reply = event;
      operation.answered = true;
      operation.returned = event.at;
    } else if (event.status != HF_STORE_INDETERMINATE) {
      happened[found->second] = false;
    }
    open.erase(found);
  }
  size_t kept = 0;
  for (size_t i = 0; i < operations.size(); ++i) {
    if (happened[i]) operations[kept++] = operations[i];
  }
  operations.resize(kept);
  return operations;
}

uint64_t RecordingStore::Invoke(const StoreRequest& request) {
  Event event;
  event.kind = Event::kInvoke;
  event.verb = request.verb;
  event.call = ++calls_;
  event.key = Word(request.key_id);
  std::copy_n(request.nonce, event.nonce.size(), event.nonce.begin());
  event.token = request.token;
  event.body = Digest(View(request.body));
  event.code = request.code;
  event.truncated = request.truncated;
  event.fingerprint = Word(request.fingerprint);
  event.lease = request.lease;
  event.ttl = request.ttl;
  event.retry_after = request.retry_after;
  event.on_expiry = request.on_expiry;
  event.effect = request.effect;
  event.max_attempts = request.max_attempts;
  event.at = MonotonicNow();
  log_.Append(event);
  return event.call;
}

void RecordingStore::Return(uint64_t call, const StoreRequest& request, const StoreReply& reply) {
  Event event;
  event.at = MonotonicNow();
  event.kind = Event::kReturn;
  event.verb = request.verb;
  event.call = call;
  event.key = Word(request.key_id);
  std::copy_n(reply.raw.owner, event.nonce.size(), event.nonce.begin());
  event.token = reply.raw.token;
  event.body = reply.body == nullptr ? 0 : Digest(*reply.body);
  event.code = reply.raw.code;
  event.truncated = reply.raw.truncated;
  event.status = reply.raw.status;
  event.attempt = reply.raw.attempt;
  log_.Append(event);
}

StoreReply RecordingStore::Execute(const StoreRequest& request, Duration timeout) {
  const uint64_t call = Invoke(request);
  StoreReply reply = inner_.Execute(request, timeout);
  Return(call, request, reply);
  return reply;
}

std::vector<StoreReply> RecordingStore::ExecuteMany(std::span<const StoreRequest> requests,
                                                    Duration timeout) {
  std::vector<uint64_t> calls;
  for (const StoreRequest& request : requests) calls.push_back(Invoke(request));
  std::vector<StoreReply> replies = inner_.ExecuteMany(requests, timeout);
  for (size_t i = 0; i < replies.size(); ++i) Return(calls[i], requests[i], replies[i]);
  return replies;
}

const char* VerbName(hf_store_verb verb) {
  static constexpr const char* kNames[] = {"?",       "CLAIM", "RENEW",   "COMPLETE",   "FAIL",
                                           "ABANDON", "READ",  "RESOLVE", "CHECKPOINT", "RELEASE"};
  return verb > 0 && verb < static_cast<int>(std::size(kNames)) ? kNames[verb] : kNames[0];
}

const char* StatusName(hf_store_status status) {
  static constexpr const char* kTable[] = {"?",        "OK",       "WON",      "REPLAY",  "BUSY",
                                           "MISMATCH", "IN_DOUBT", "FENCED",   "BACKOFF", "ALREADY",
                                           "POISON",   "ABSENT",   "RECONCILE"};
  static constexpr const char* kStorage[] = {
      "UNAVAILABLE", "INDETERMINATE", "OVERLOADED", "CORRUPT", "FULL", "LOCKED", "ERASED"};
  if (status > 0 && status < static_cast<int>(std::size(kTable))) return kTable[status];
  const int storage = status - HF_STORE_UNAVAILABLE;
  return storage >= 0 && storage < static_cast<int>(std::size(kStorage)) ? kStorage[storage]
                                                                         : kTable[0];
}

}  // namespace holdfast::chaos
