// SPDX-License-Identifier: Apache-2.0
#include "event_log.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <holdfast/context.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace checkout {
namespace {

constexpr const char* kProcesses[] = {"supervisor", "client", "order", "payment"};

std::string FileOf(const std::string& folder, std::string_view process) {
  return folder + "/" + std::string(process) + ".events";
}

int64_t MonotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace

absl::StatusOr<EventLog> EventLog::Open(const std::string& folder, std::string_view process) {
  const std::string file = FileOf(folder, process);
  const int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, file);
  return EventLog(fd, std::string(process));
}

EventLog::EventLog(EventLog&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), process_(std::move(other.process_)) {}

EventLog::~EventLog() {
  if (fd_ >= 0) close(fd_);
}

void EventLog::Write(uint32_t order, std::string_view text, bool fault) const {
  const holdfast::Context context = holdfast::Context::Current();
  const std::string_view correlation = context.correlation_id();
  const nlohmann::json line = {{"t", MonotonicNow()},
                               {"process", process_},
                               {"correlation", correlation.empty() ? "-" : correlation},
                               {"order", order},
                               {"event", text},
                               {"fault", fault}};
  const std::string bytes = line.dump() + "\n";
  // A line that cannot be written is a gap in the story, not in the books.
  if (write(fd_, bytes.data(), bytes.size()) < 0) return;
}

std::string Brief(std::string_view message) {
  if (message.find("connect") == std::string_view::npos) return std::string(message);
  const size_t colon = message.rfind(": ");
  return std::string(colon == std::string_view::npos ? message : message.substr(colon + 2));
}

std::vector<Event> ReadEvents(const std::string& folder) {
  std::vector<Event> events;
  for (const char* process : kProcesses) {
    std::ifstream in(FileOf(folder, process));
    for (std::string line; std::getline(in, line);) {
      const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
      if (json.is_discarded()) continue;
      events.push_back({.t = json["t"],
                        .process = json["process"],
                        .correlation = json["correlation"],
                        .order = json["order"],
                        .text = json["event"],
                        .fault = json["fault"]});
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.t < b.t; });
  return events;
}

}  // namespace checkout
