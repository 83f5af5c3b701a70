// SPDX-License-Identifier: Apache-2.0
// KeyWaiter: somebody who waits for a busy key; see waiters.h. For drivers.
#ifndef HOLDFAST_KEY_WAITER_H_
#define HOLDFAST_KEY_WAITER_H_

#include <array>
#include <cstdint>

namespace holdfast::inline v0_4 {

using WaitKey = std::array<uint8_t, 32>;  // a key id

// For whom a settled key is.
enum class Freed {
  kNobody,  // still held
  kForOne,  // who claims it, wins it
  kForAll,  // there is an answer for everyone
};

// Somebody who waits for a key. Must outlive its waiting: until Leave returned true, or OnWake was called.
class KeyWaiter {
 public:
  KeyWaiter() = default;
  KeyWaiter(const KeyWaiter&) = delete;
  KeyWaiter& operator=(const KeyWaiter&) = delete;
  // Once, unless it left; in any thread, with no lock held; may destroy this object. It holds up other waiters:
  // hand over, do not block. Must not throw.
  virtual void OnWake() = 0;

 protected:
  ~KeyWaiter() = default;

 private:
  friend class WaiterBook;
  void* place_ = nullptr;  // the key's entry; null: it does not wait
  KeyWaiter* previous_ = nullptr;
  KeyWaiter* next_ = nullptr;
};

}  // namespace holdfast::inline v0_4

#endif  // HOLDFAST_KEY_WAITER_H_
