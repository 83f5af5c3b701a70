// SPDX-License-Identifier: Apache-2.0
// One call, and all that can be seen of it: each action as the driver was given it, each attempt as the
// driver told it what it is, when everything happened, what the caller heard, and what became of the guards.
//
//   Recording recording(script);
//   <a driver makes its call with recording.Options(), and attempts through Begin and End>
//   recording.Text() == the reference's
//
// One thread.
#ifndef HOLDFAST_TESTS_DRIVER_RECORDING_H_
#define HOLDFAST_TESTS_DRIVER_RECORDING_H_

#include <holdfast/attempt.h>
#include <holdfast/call_options.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "driver/recording_text.h"
#include "driver/script.h"
#include "driver/stage.h"

namespace holdfast::driver_test {

class Recording final : public CallObserver {
 public:
  explicit Recording(const Script& script) : stage(script), start_(stage.clock.Now()) {
    if (!script.cancelled_after) return;
    const auto cancel = [this] { stop.request_stop(); };
    if (script.cancelled_after->count() == 0) {
      cancel();
    } else {
      stage.clock.After(*script.cancelled_after, cancel);
    }
  }

  // The call that the script means, for any driver.
  CallOptions Options() {
    CallOptions options = stage.Options(&report);
    options.observer = this;
    if (stage.script().cancelled_after) options.stop = stop.get_token();
    return options;
  }

  void OnAction(const hf_action& action) override {
    Note(driver_test::Text(action, start_));
    events_ |= action.events;
    if (++actions_ > kMostActions) {
      std::fprintf(stderr, "%s never ends: %s", stage.script().name.c_str(), text_.c_str());
      std::abort();
    }
  }

  // Fills the report for a driver that has none.
  void ReportBy(const hf_action& finish) {
    report = {.code = static_cast<absl::StatusCode>(finish.code),
              .reason = finish.reason,
              .retry_after = Duration{finish.retry_after},
              .attempts = finish.attempt,
              .retries = finish.retries,
              .events = events_,
              .seed = stage.script().seed};
  }

  // What a driver tells an attempt.
  struct Told {
    uint32_t number = 0;
    hf_time until = 0;  // HF_INFINITE: no limit
    uint32_t retries_left = 0;
    uint64_t fault = 0;

    static Told Of(const Attempt& attempt) {
      return {attempt.number(), attempt.deadline(), attempt.retries_left(), attempt.fault()};
    }
    static Told Of(const hf_action& action) {
      return {action.attempt, action.until == 0 ? HF_INFINITE : action.until, action.retries,
              action.fault};
    }
  };

  // What ends an attempt.
  enum class By { kItself, kItsTime, kCancellation };

  // An attempt begins. Returns when it ends by itself.
  hf_time Begin(const Told& told) {
    std::string text = "  begins " + std::to_string(told.number);
    if (told.until != HF_INFINITE) text += " until " + TimeText(told.until - start_);
    text += " retries " + std::to_string(told.retries_left);
    if (told.fault != 0) text += " fault " + std::to_string(told.fault);
    Note(text);
    const auto& beats = stage.script().beats;
    beat_ = played_ < beats.size() ? beats[played_] : testing::Fails(HF_FAILED_PRECONDITION);
    ++played_;
    return AddTime(stage.clock.Now(), beat_.takes);
  }
  // Whether it ends when it is cancelled, and when its time is up.
  bool heeds_cancel() const { return stage.script().heeds_cancel; }
  bool minds_time() const { return stage.script().minds_time; }
  hf_outcome End(By by) {
    const hf_outcome outcome = by == By::kItself    ? beat_.outcome
                               : by == By::kItsTime ? OutcomeOfCode(HF_DEADLINE_EXCEEDED)
                                                    : OutcomeOfCode(HF_CANCELLED);
    Note("  ends " + driver_test::Text(outcome));
    return outcome;
  }

  // The same in one, in this thread, for who is told of a cancellation by `stop`.
  hf_outcome Play(const Told& told, const std::stop_token& stop_token) {
    const hf_time own_end = Begin(told);
    const hf_time end = minds_time() ? std::min(own_end, told.until) : own_end;
    Wakeup wakeup;
    const std::stop_callback on_stop(stop_token, [&] {
      if (heeds_cancel()) wakeup.Wake();
    });
    if (stage.clock.WaitUntil(end, wakeup)) return End(By::kCancellation);
    return End(minds_time() && end == told.until ? By::kItsTime : By::kItself);
  }

  // All of it. At the very moment at which the caller hears that the call is over.
  std::string Text() {
    const std::string now = TimeText(stage.clock.Now() - start_);
    return text_ + now + " told " + driver_test::Text(report) + "\nleft" + WorldText(stage) + "\n";
  }

  // The others go home, and whatever a driver has left behind would happen now.
  void CheckNothingIsHeld() {
    const size_t before = text_.size();
    stage.clock.Advance(24h);
    EXPECT_EQ(text_.size(), before) << text_;
    stage.CheckNothingIsHeld();
  }

  Stage stage;
  std::stop_source stop;
  CallReport report;
  // What the caller's own result says, where the driver has one; the reason only if it carries one.
  std::optional<Rejection> returned;

 private:
  void Note(const std::string& what) {
    text_ += TimeText(stage.clock.Now() - start_) + " " + what + "\n";
  }

  static constexpr int kMostActions = 100;

  const hf_time start_;
  std::string text_;
  int actions_ = 0;
  hf_events events_ = 0;
  Beat beat_;
  size_t played_ = 0;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_RECORDING_H_
