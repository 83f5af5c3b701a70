// SPDX-License-Identifier: Apache-2.0
#include "story.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

#include "books.h"
#include "event_log.h"

namespace checkout {
namespace {

constexpr unsigned kLongest = 26;  // lines

// What an order went through.
struct Luck {
  std::set<std::string> kinds;  // of fault
  unsigned deaths = 0;
  unsigned lines = 0;
  bool replayed = false;

  // A death counts most, then that a stored answer saved it, then how many kinds of fault there were. A
  // story that is too long to be read is none.
  int score() const {
    const int worth = static_cast<int>(deaths * 3 + (replayed ? 3 : 0) + kinds.size());
    return lines > kLongest ? worth - 100 : worth;
  }
};

unsigned Unluckiest(const std::vector<Event>& events) {
  std::map<unsigned, Luck> orders;
  for (const Event& event : events) {
    if (event.order == 0) continue;
    Luck& luck = orders[event.order];
    luck.lines += 1;
    luck.replayed |= event.process == "payment" && event.text.find("replays") != std::string::npos;
    if (!event.fault) continue;
    // "request 2: FAULT: ..." is of the same kind as "request 5: FAULT: ..." of that process.
    luck.kinds.insert(event.process + event.text.substr(event.text.find("FAULT")));
    luck.deaths += event.text.find("SIGKILL") != std::string::npos;
  }
  unsigned chosen = 0;
  for (const auto& [order, luck] : orders) {
    if (luck.kinds.empty()) continue;
    if (chosen == 0 || luck.score() > orders[chosen].score()) chosen = order;
  }
  return chosen;
}

}  // namespace

Story TellUnluckiest(const std::string& folder) {
  const std::vector<Event> events = ReadEvents(folder);
  Story story;
  story.order = Unluckiest(events);
  if (story.order == 0) return story;
  const Event* first = nullptr;
  int64_t last = 0;
  for (const Event& event : events) {
    if (event.order != story.order) continue;
    if (first == nullptr) first = &event;
    last = event.t;
  }
  story.correlation = first->correlation;
  for (const Event& event : events) {
    // Restarts belong to every story they happen in.
    const bool restart = event.order == 0 && event.t > first->t && event.t < last;
    if (event.correlation != story.correlation && !restart) continue;
    if (event.order != story.order && !restart) continue;
    story.text +=
        fmt::format("  {:>8.1f} ms  {:<10} {}\n", static_cast<double>(event.t - first->t) / 1e6,
                    event.process, event.text);
  }
  return story;
}

std::string TellInShort(const std::string& folder, unsigned order) {
  const absl::StatusOr<Database> payments = OpenDatabase(folder + "/payments.db");
  const absl::StatusOr<Database> orders = OpenDatabase(folder + "/orders.db");
  if (!payments.ok() || !orders.ok()) return "unknown";
  const auto charges = ReadPayments(payments->get());
  const auto state = ReadOrderState(orders->get(), order);
  if (!charges.ok() || !state.ok()) return "unknown";
  const auto found = charges->find(order);
  const unsigned count = found == charges->end() ? 0 : found->second.count;
  return fmt::format("{}, charged {} time{}", OrderState_Name(*state), count,
                     count == 1 ? "" : "s");
}

}  // namespace checkout
