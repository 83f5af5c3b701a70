// SPDX-License-Identifier: Apache-2.0
// RunOnce end to end in virtual time: the driver, the session and the memory store, scripted.
#ifndef HOLDFAST_TESTS_UNIT_RUN_ONCE_WORLD_H_
#define HOLDFAST_TESTS_UNIT_RUN_ONCE_WORLD_H_

#include <gtest/gtest.h>
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>
#include <holdfast/testing/scripted_store.h>

#include <algorithm>
#include <memory>
#include <string>

#include "store/requests.h"

namespace holdfast::testing {

// Waiting takes no time, but the time it was asked to take.
class HandClock final : public Clock {
 public:
  hf_time Now() override { return now_; }
  bool WaitUntil(hf_time until, Wakeup&) override {
    now_ = std::max(now_, until);
    return false;
  }
  void Advance(Duration by) { now_ += by.count(); }

 private:
  hf_time now_ = 1000 * HF_S;
};

class RunOnceWorld : public ::testing::Test {
 protected:
  RunOnceWorld()
      : memory_(memory::Store::Create({.clock = store_clock_.Function()}).value()),
        store_(*memory_) {}

  RunOnceOptions Options() {
    RunOnceOptions options{.request = "request"};
    options.clock = &clock_;
    options.report = &report_;
    return options;
  }

  template <class Fn>
  absl::StatusOr<RunOnceResult> Run(const RunOnceOptions& options, Fn fn) {
    return RunOnce(store_, {.tenant = "acme", .operation = "charge", .key = key_}, options,
                   [&](Ticket& ticket) {
                     ++runs_;
                     return fn(ticket);
                   });
  }
  template <class Fn>
  absl::StatusOr<RunOnceResult> Run(Fn fn) {
    return Run(Options(), fn);
  }
  absl::StatusOr<RunOnceResult> RunOk(std::string body = "answer") {
    return Run([&](Ticket&) -> absl::StatusOr<std::string> { return body; });
  }
  static hf_reason ReasonOf(const absl::StatusOr<RunOnceResult>& result) {
    const auto rejection = RejectionOf(result.status());
    return rejection.has_value() ? rejection->reason : HF_R_NONE;
  }
  // Both clocks, as time passes for everyone.
  void Pass(Duration by) {
    clock_.Advance(by);
    store_clock_.Advance(by.count());
  }

  std::string key_ = "order-1";
  HandClock clock_;
  StoreClock store_clock_;
  std::unique_ptr<memory::Store> memory_;
  ScriptedStore store_;
  RunOnceReport report_;
  int runs_ = 0;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_UNIT_RUN_ONCE_WORLD_H_
