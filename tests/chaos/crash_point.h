// SPDX-License-Identifier: Apache-2.0
// Points at which a worker kills itself, HF_CRASH_AT=name, or stops itself, HF_STOP_AT=name, until somebody sends
// SIGCONT; or name:n, the n-th time it comes there.
//
//   before_claim     the claim is not sent
//   after_claim      the claim is answered, and nothing done yet
//   after_effect     the work is over, and its completion, failure or abandonment not sent
//   inside_complete  the completion is under way, and not answered
//   after_complete   the completion is answered, and nobody told
//
// CrashingStore stands between a worker and its store, so that any driver of the store goes through all of them.
#ifndef HOLDFAST_TESTS_CHAOS_CRASH_POINT_H_
#define HOLDFAST_TESTS_CHAOS_CRASH_POINT_H_

#include <holdfast/store.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace holdfast::chaos {

inline constexpr std::array<const char*, 5> kCrashPoints = {
    "before_claim", "after_claim", "after_effect", "inside_complete", "after_complete"};

class CrashPoint {
 public:
  // From the environment; none if that says nothing.
  CrashPoint() {
    const char* given = std::getenv("HF_CRASH_AT");
    if (given == nullptr) {
      given = std::getenv("HF_STOP_AT");
      signal_ = SIGSTOP;
    }
    if (given == nullptr) return;
    const std::string_view text = given;
    const size_t colon = text.find(':');
    name_ = text.substr(0, colon);
    if (colon != text.npos) left_ = std::atoll(given + colon + 1);
  }

  bool Strikes(std::string_view name) { return name == name_ && left_.fetch_sub(1) == 1; }
  void Pass(std::string_view name) {
    if (Strikes(name)) kill(getpid(), signal_);
  }
  [[noreturn]] static void Die() {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }

 private:
  std::string name_;
  int signal_ = SIGKILL;
  std::atomic<int64_t> left_{1};
};

class CrashingStore final : public Store {
 public:
  CrashingStore(Store& inner, CrashPoint& point) : inner_(inner), point_(point) {}

  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    if (request.verb == HF_STORE_CLAIM) point_.Pass("before_claim");
    const bool completes = request.verb == HF_STORE_COMPLETE;
    if (completes || request.verb == HF_STORE_FAIL || request.verb == HF_STORE_ABANDON) {
      point_.Pass("after_effect");
    }
    if (completes && point_.Strikes("inside_complete")) DieDuring(request);
    StoreReply reply = inner_.Execute(request, timeout);
    const hf_store_status status = reply.raw.status;
    if (status == HF_STORE_WON || status == HF_STORE_RECONCILE) point_.Pass("after_claim");
    if (completes) point_.Pass("after_complete");
    return reply;
  }
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override {
    return inner_.ExecuteMany(requests, timeout);
  }
  Guarantee guarantee() const override { return inner_.guarantee(); }
  bool blocks() const override { return inner_.blocks(); }

 private:
  // Anywhere between handing it over and its answer: the token serves as a die.
  [[noreturn]] void DieDuring(const StoreRequest& request) {
    std::thread([&] { inner_.Execute(request, Duration{0}); }).detach();
    std::this_thread::sleep_for(std::chrono::microseconds(request.token % 1500));
    CrashPoint::Die();
  }

  Store& inner_;
  CrashPoint& point_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_CRASH_POINT_H_
