// SPDX-License-Identifier: Apache-2.0
// What a waiting thread of a test listens to.
#ifndef HOLDFAST_TESTS_UNIT_BELL_H_
#define HOLDFAST_TESTS_UNIT_BELL_H_

#include <condition_variable>
#include <mutex>

namespace holdfast {

// The waker is {&Bell::Ring, &bell}.
struct Bell {
  static void Ring(void* data) {
    Bell* const bell = static_cast<Bell*>(data);
    const std::lock_guard lock(bell->mutex);
    bell->rung = true;
    bell->changed.notify_one();
  }
  void Await() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return rung; });
    rung = false;
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool rung = false;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UNIT_BELL_H_
