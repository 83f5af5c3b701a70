// SPDX-License-Identifier: Apache-2.0
// The event log: one line of JSON per event, {t, process, correlation, order, event, fault}.
//
// Each process appends to its own file, one write per line, so that a SIGKILL loses no line that was
// written. `t` is the machine's monotonic clock: the files of all processes merge by it.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_EVENT_LOG_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_EVENT_LOG_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace checkout {

struct Event {
  int64_t t = 0;  // nanoseconds
  std::string process;
  std::string correlation;
  uint32_t order = 0;  // 0: about the process itself
  std::string text;
  bool fault = false;  // something the fault plan did
};

// Thread-safe.
class EventLog {
 public:
  static absl::StatusOr<EventLog> Open(const std::string& folder, std::string_view process);

  EventLog(EventLog&& other) noexcept;
  EventLog& operator=(EventLog&&) = delete;
  ~EventLog();

  // Under the correlation id of the calling thread's holdfast context; "-" where there is none.
  void Note(uint32_t order, std::string_view text) const { Write(order, text, false); }
  void Fault(uint32_t order, std::string_view text) const { Write(order, text, true); }

 private:
  EventLog(int fd, std::string process) : fd_(fd), process_(std::move(process)) {}
  void Write(uint32_t order, std::string_view text, bool fault) const;

  int fd_;
  std::string process_;
};

// A gRPC message in few words: of a connection that failed, only how.
std::string Brief(std::string_view message);

// All events of a run's folder, by time.
std::vector<Event> ReadEvents(const std::string& folder);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_EVENT_LOG_H_
