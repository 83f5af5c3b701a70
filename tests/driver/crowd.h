// SPDX-License-Identifier: Apache-2.0
// The others at a bulkhead: those who hold its permits when the call comes, who wait already, and who
// come later.
//
//   event                        what they do
//   a permit is given to one     holds it for `comes_back`, then gives it back; for ever if that is 0
//   nobody gives one             waits, as long as the bulkhead lets it
#ifndef HOLDFAST_TESTS_DRIVER_CROWD_H_
#define HOLDFAST_TESTS_DRIVER_CROWD_H_

#include <holdfast/bulkhead.h>
#include <holdfast/testing/virtual_clock.h>

#include <memory>
#include <vector>

#include "driver/script.h"

namespace holdfast::driver_test {

// Everything happens in the thread that moves the clock. Must not outlive the clock's last move.
class Crowd {
 public:
  Crowd(const Gate& gate, testing::VirtualClock& clock) : gate_(gate), clock_(clock) {
    if (gate.limit == 0) return;
    bulkhead_ = Bulkhead::Create({.limit = gate.limit,
                                  .queue = gate.queue,
                                  .max_wait = gate.max_wait,
                                  .order = gate.order,
                                  .refuse_no_time = gate.latency.count() > 0,
                                  .criticality_share = {1, 1, 1, gate.last_share}})
                    .value();
    for (int i = 0; i < kCallsToLearnFrom && gate.latency.count() > 0; ++i) TeachLatency();
    // Of those who are in already only one comes back.
    for (uint32_t i = 0; i < gate.taken; ++i) Come(i == 0 ? gate.comes_back : Duration{0});
    for (uint32_t i = 0; i < gate.ahead; ++i) Come(gate.comes_back);
    ExpectRival();
  }
  ~Crowd() {
    for (const auto& one : all_) hf_bulkhead_wait_cancel(bulkhead_.raw(), &one->wait, clock_.Now());
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  const Bulkhead& bulkhead() const { return bulkhead_; }
  // Who is in and will not come back.
  uint32_t stays() const {
    return gate_.taken - (gate_.taken > 0 && gate_.comes_back.count() > 0 ? 1 : 0);
  }

 private:
  static constexpr int kCallsToLearnFrom = 8;
  static constexpr int kVisits = 6;  // of the rival

  struct One {
    Crowd* crowd;
    Duration holds;
    bool is_rival = false;
    hf_bulkhead_wait wait{};
    hf_permit permit{};
  };

  void TeachLatency() {
    hf_permit permit{};
    const hf_time began = clock_.Now() - gate_.latency.count();
    hf_bulkhead_try_acquire(bulkhead_.raw(), began, &permit, nullptr);
    hf_bulkhead_settle(bulkhead_.raw(), &permit, began, HF_VERDICT_SUCCESS, clock_.Now());
  }

  void ExpectRival() {
    if (gate_.rival_at.count() == 0 || rivals_++ == kVisits) return;
    clock_.After(gate_.rival_at, [this] { Come(gate_.comes_back).is_rival = true; });
  }

  One& Come(Duration holds) {
    One& one = *all_.emplace_back(std::make_unique<One>(One{.crowd = this, .holds = holds}));
    const hf_waker waker{&Crowd::OnWake, &one};
    hf_time until = 0;
    hf_rejection why{};
    const hf_code code = hf_bulkhead_wait_start(bulkhead_.raw(), &one.wait, &waker, 0, clock_.Now(),
                                                &one.permit, &until, &why);
    if (code == HF_OK) Hold(one);
    if (code == HF_UNAVAILABLE) clock_.At(until, [this, &one] { Ask(one); });
    return one;
  }

  // Called out of the bulkhead, which must not be called back: the answer is asked for when it is needed.
  static void OnWake(void* data) {
    One& one = *static_cast<One*>(data);
    one.crowd->Hold(one);
  }

  void Hold(One& one) {
    if (one.holds.count() > 0) clock_.After(one.holds, [this, &one] { GoAway(one); });
  }

  // What became of the wait; nothing if that is known.
  void Ask(One& one) {
    hf_rejection why{};
    if (one.permit.kind == HF_PERMIT_NONE) {
      hf_bulkhead_wait_poll(bulkhead_.raw(), &one.wait, clock_.Now(), &one.permit, &why);
    }
  }

  void GoAway(One& one) {
    Ask(one);
    if (one.permit.kind == HF_PERMIT_NONE) return;  // dropped, or too late
    hf_bulkhead_release(bulkhead_.raw(), &one.permit, clock_.Now());
    if (one.is_rival) ExpectRival();
  }

  const Gate gate_;
  testing::VirtualClock& clock_;
  Bulkhead bulkhead_;
  int rivals_ = 0;
  std::vector<std::unique_ptr<One>> all_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_CROWD_H_
