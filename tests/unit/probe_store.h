// SPDX-License-Identifier: Apache-2.0
// A store that a test looks into: it counts what it is asked, and lets the test bend requests and replies.
#ifndef HOLDFAST_TESTS_UNIT_PROBE_STORE_H_
#define HOLDFAST_TESTS_UNIT_PROBE_STORE_H_

#include <holdfast/store.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace holdfast::testing {

class ProbeStore final : public Store {
 public:
  explicit ProbeStore(std::unique_ptr<Store> inner) : inner_(std::move(inner)) {}

  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    ++asked_;
    if (before) before(request);
    StoreReply reply = inner_->Execute(request, timeout);
    if (const auto now = after) now(request, reply);  // a copy: it may replace itself
    return reply;
  }

  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override {
    if (submits) waiter.OnReply(Execute(request, timeout));
    return submits;
  }

  Guarantee guarantee() const override { return inner_->guarantee(); }
  bool blocks() const override { return inner_->blocks(); }

  uint64_t asked() const { return asked_; }
  Store& inner() { return *inner_; }

  std::function<void(const StoreRequest&)> before;
  std::function<void(const StoreRequest&, StoreReply&)> after;
  bool submits = true;

 private:
  const std::unique_ptr<Store> inner_;
  std::atomic<uint64_t> asked_{0};
};

// Keeps what it hears.
struct KeptReply final : StoreWaiter {
  void OnReply(StoreReply reply) override { replies.push_back(std::move(reply)); }
  std::vector<StoreReply> replies;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_UNIT_PROBE_STORE_H_
