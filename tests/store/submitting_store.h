// SPDX-License-Identifier: Apache-2.0
// SubmittingStore: a store that blocks and has Submit, and answers when the test says so.
#ifndef HOLDFAST_TESTS_STORE_SUBMITTING_STORE_H_
#define HOLDFAST_TESTS_STORE_SUBMITTING_STORE_H_

#include <holdfast/store.h>

#include <deque>
#include <mutex>
#include <utility>

namespace holdfast::testing {

class SubmittingStore final : public Store {
 public:
  enum class Answers { kAtOnce, kOnDemand };

  SubmittingStore(Store& behind, Answers answers) : behind_(behind), answers_(answers) {}

  // Blocking is what the form under test is not to do.
  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    ++executed;
    return behind_.Execute(request, timeout);
  }
  Guarantee guarantee() const override { return behind_.guarantee(); }

  bool Submit(const StoreRequest& request, Duration timeout, StoreWaiter& waiter) override {
    ++submitted;
    if (answers_ == Answers::kAtOnce) {
      waiter.OnReply(behind_.Execute(request, timeout));
      return true;
    }
    const std::lock_guard lock(mutex_);
    asked_.push_back({request, timeout, &waiter});
    return true;
  }

  size_t pending() const {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  // Answers the oldest request, if there is one.
  bool AnswerOne() {
    Asked asked;
    {
      const std::lock_guard lock(mutex_);
      if (asked_.empty()) return false;
      asked = asked_.front();
      asked_.pop_front();
    }
    asked.waiter->OnReply(behind_.Execute(asked.request, asked.timeout));
    return true;
  }
  void AnswerAll() {
    while (AnswerOne()) {
    }
  }

  int executed = 0;
  int submitted = 0;

 private:
  struct Asked {
    StoreRequest request{};
    Duration timeout{0};
    StoreWaiter* waiter = nullptr;
  };

  Store& behind_;
  const Answers answers_;
  mutable std::mutex mutex_;  // of all below
  std::deque<Asked> asked_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_SUBMITTING_STORE_H_
