// SPDX-License-Identifier: Apache-2.0
// ActionLog: the story of a call in one line.
//
//   ActionLog log(clock);
//   Call(pipeline, {.observer = &log, .clock = &clock}, dependency);
//   EXPECT_EQ(log.text(), "ATTEMPT 1; SLEEP 120ms; ATTEMPT 2; FINISH OK");
//
// ATTEMPT shows the canned result that an injected fault asks for ("ATTEMPT 1 fault 7"), SLEEP and WAIT how
// long, FINISH the code and, where it is not a success, who stopped the call. Not thread-safe: one call at a
// time.
#ifndef HOLDFAST_TESTING_ACTION_LOG_H_
#define HOLDFAST_TESTING_ACTION_LOG_H_

#include <holdfast/c/call.h>
#include <holdfast/call.h>
#include <holdfast/clock.h>

#include <ostream>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::testing {

// "1500ms", "20us", "7ns", "2s": the largest unit that needs no fraction.
inline std::string Text(Duration duration) {
  static constexpr struct {
    int64_t size;
    const char* name;
  } kUnits[] = {{HF_S, "s"}, {HF_MS, "ms"}, {HF_US, "us"}};
  for (const auto& unit : kUnits) {
    if (duration.count() != 0 && duration.count() % unit.size == 0) {
      return std::to_string(duration.count() / unit.size) + unit.name;
    }
  }
  return duration.count() == 0 ? "0" : std::to_string(duration.count()) + "ns";
}

// One action as it was at `now`.
inline std::string Text(const hf_action& action, hf_time now) {
  switch (action.kind) {
    case HF_DO_ATTEMPT:
      return "ATTEMPT " + std::to_string(action.attempt) +
             (action.fault != 0 ? " fault " + std::to_string(action.fault) : "");
    case HF_DO_SLEEP:
      return "SLEEP " + Text(Duration{action.until - now});
    case HF_DO_WAIT:
      return "WAIT " + Text(Duration{action.until - now});
    case HF_DO_FINISH: {
      std::string text = std::string("FINISH ") + hf_code_name(action.code);
      if (action.reason != HF_R_NONE) text += std::string(" ") + hf_reason_name(action.reason);
      return text;
    }
    default:
      return "ACTION " + std::to_string(action.kind);
  }
}

class ActionLog final : public CallObserver {
 public:
  // The clock of the calls that are logged; must outlive the log.
  explicit ActionLog(Clock& clock) : clock_(clock) {}

  void OnAction(const hf_action& action) override {
    lines_.push_back(Text(action, clock_.Now()));
    events_ |= action.events;
  }

  const std::vector<std::string>& lines() const { return lines_; }
  hf_events events() const { return events_; }
  std::string text() const {
    std::string joined;
    for (const std::string& line : lines_) joined += (joined.empty() ? "" : "; ") + line;
    return joined;
  }
  void Clear() {
    lines_.clear();
    events_ = 0;
  }

  friend std::ostream& operator<<(std::ostream& out, const ActionLog& log) {
    return out << log.text();
  }

 private:
  Clock& clock_;
  std::vector<std::string> lines_;
  hf_events events_ = 0;
};

}  // namespace holdfast::inline v0_5::testing

#endif  // HOLDFAST_TESTING_ACTION_LOG_H_
