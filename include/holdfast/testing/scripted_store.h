// SPDX-License-Identifier: Apache-2.0
// ScriptedStore: a store that fails on cue and remembers what it was asked.
//
//   ScriptedStore store(behind);                     // any store; memory::Store is a good one
//   store.Script({Cue::Pass(), Cue::LoseReply()});   // the completion's reply gets lost
//   RunOnce(store, ...);
//   store.log()[1].request.verb == HF_STORE_COMPLETE
//
// One cue per request, in order; when the script is over, requests pass. Thread-safe.
#ifndef HOLDFAST_TESTING_SCRIPTED_STORE_H_
#define HOLDFAST_TESTING_SCRIPTED_STORE_H_

#include <holdfast/store.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::testing {

// What happens to one request.
struct Cue {
  bool reaches_the_store = true;
  hf_store_status answer = 0;         // instead of the store's; 0: the store's
  std::function<void()> before = {};  // runs first: move a clock, let a rival in

  // As if nothing stood between.
  static Cue Pass() { return {}; }
  // Refused by the storage: nothing happened, and the caller knows. Any status of HF_STORE_*.
  static Cue Refuse(hf_store_status status = HF_STORE_UNAVAILABLE) {
    return {.reaches_the_store = false, .answer = status};
  }
  // Lost on the way there: nothing happened, and the caller cannot know.
  static Cue LoseRequest() { return Refuse(HF_STORE_INDETERMINATE); }
  // Lost on the way back: it happened, and the caller cannot know.
  static Cue LoseReply() { return {.reaches_the_store = true, .answer = HF_STORE_INDETERMINATE}; }
  // `action` runs, then the request passes.
  static Cue After(std::function<void()> action) { return {.before = std::move(action)}; }
};

class ScriptedStore final : public Store {
 public:
  struct Exchange {
    StoreRequest request{};  // its body and label point into `body` and `label`
    std::string body, label;
    Duration timeout{0};
    bool reached_the_store = false;
    hf_store_status status = 0;  // as answered
  };

  // `behind` must outlive this.
  explicit ScriptedStore(Store& behind) : behind_(behind) {}

  // Appends to the script.
  void Script(std::vector<Cue> cues) {
    const std::lock_guard lock(mutex_);
    for (Cue& cue : cues) script_.push_back(std::move(cue));
  }

  // A copy of what was asked so far.
  std::deque<Exchange> log() const {
    const std::lock_guard lock(mutex_);
    std::deque<Exchange> copy = log_;
    for (Exchange& exchange : copy) {
      exchange.request.body = {exchange.body.data(), exchange.body.size()};
      exchange.request.label = {exchange.label.data(), exchange.label.size()};
    }
    return copy;
  }

  // "claim complete": the verbs asked so far.
  std::string verbs() const {
    constexpr const char* kNames[] = {"?",       "claim", "renew",   "complete",   "fail",
                                      "abandon", "read",  "resolve", "checkpoint", "release"};
    std::string text;
    for (const Exchange& exchange : log()) {
      const hf_store_verb verb = exchange.request.verb;
      text.append(text.empty() ? "" : " ").append(verb >= 1 && verb <= 9 ? kNames[verb] : "?");
    }
    return text;
  }

  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    const Cue cue = NextCue();
    if (cue.before) cue.before();
    StoreReply reply;
    if (cue.reaches_the_store) reply = behind_.Execute(request, timeout);
    if (cue.answer != 0) reply = StorageReply(cue.answer, "as scripted");
    Remember(request, timeout, cue.reaches_the_store, reply.raw.status);
    return reply;
  }

  // By the script too, and inside the call: as long as the store behind waits for nobody.
  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override {
    if (behind_.blocks()) return false;
    waiter.OnReply(Execute(request, timeout));
    return true;
  }

  Guarantee guarantee() const override { return behind_.guarantee(); }
  bool blocks() const override { return behind_.blocks(); }

 private:
  Cue NextCue() {
    const std::lock_guard lock(mutex_);
    if (script_.empty()) return Cue::Pass();
    Cue cue = std::move(script_.front());
    script_.pop_front();
    return cue;
  }

  void Remember(const StoreRequest& request, Duration timeout, bool reached,
                hf_store_status status) {
    Exchange exchange{.request = request,
                      .body = {},
                      .label = {},
                      .timeout = timeout,
                      .reached_the_store = reached,
                      .status = status};
    if (request.body.size > 0) exchange.body.assign(request.body.data, request.body.size);
    if (request.label.size > 0) exchange.label.assign(request.label.data, request.label.size);
    const std::lock_guard lock(mutex_);
    log_.push_back(std::move(exchange));
  }

  Store& behind_;
  mutable std::mutex mutex_;
  std::deque<Cue> script_;
  std::deque<Exchange> log_;
};

}  // namespace holdfast::inline v0_5::testing

#endif  // HOLDFAST_TESTING_SCRIPTED_STORE_H_
