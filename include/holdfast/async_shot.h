// SPDX-License-Identifier: Apache-2.0
// How news meets whoever waits for it, in the callback form of RunOnce (run_once_async.h). For drivers.
//
// Whatever is started (a request, the work, the reconciler) may answer before the function that started it has
// returned, or in another thread, or never. So starter and news meet at one word:
//
//   word        starter returns     the news comes
//   kStarting   -> kAway: returns   -> kCame: the starter goes on
//   kCame       goes on             -
//   kAway       -                   -> kCame: goes on
//
// so that a chain of answers that come at once is a loop and no recursion.
#ifndef HOLDFAST_ASYNC_SHOT_H_
#define HOLDFAST_ASYNC_SHOT_H_

#include <holdfast/run_once_result.h>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::internal {

// One pair at a time. Each of the two writes what it has before it comes, and the other sees it.
class Meeting {
 public:
  void Start() { word_.store(Word::kStarting); }
  // True: the starter is still on its way, and will find it.
  bool NewsCame() { return word_.exchange(Word::kCame) == Word::kStarting; }
  // True: the news is there.
  bool StarterDone() { return word_.exchange(Word::kAway) == Word::kCame; }

 private:
  enum class Word { kStarting, kAway, kCame };
  std::atomic<Word> word_{Word::kAway};
};

// The one word that work or reconciler has. Shared by all copies of what it was given.
class AsyncShot {
 public:
  class Target {
   public:
    // Once. Null: there is nobody left to say a word.
    virtual void OnShot(std::optional<Answer> answer) = 0;

   protected:
    ~Target() = default;
  };

  explicit AsyncShot(std::shared_ptr<Target> target) : target_(std::move(target)) {}
  ~AsyncShot() {
    if (!fired_.load()) target_->OnShot(std::nullopt);
  }
  AsyncShot(const AsyncShot&) = delete;
  AsyncShot& operator=(const AsyncShot&) = delete;

  void Fire(Answer answer) {
    if (!fired_.exchange(true)) target_->OnShot(std::move(answer));
  }

 private:
  const std::shared_ptr<Target> target_;
  std::atomic<bool> fired_{false};
};

}  // namespace holdfast::inline v0_5::internal

#endif  // HOLDFAST_ASYNC_SHOT_H_
