// SPDX-License-Identifier: Apache-2.0
// KeyWaiter: somebody who waits for a busy key; see waiters.h. For drivers.
#ifndef HOLDFAST_KEY_WAITER_H_
#define HOLDFAST_KEY_WAITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace holdfast::inline v0_5 {

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
  friend class WokenWaiters;
  void* place_ = nullptr;  // the key's entry; null: it does not wait
  KeyWaiter* previous_ = nullptr;
  KeyWaiter* next_ = nullptr;
};

// Those who are to be woken, by whoever got them. Move-only; no lock may be held while they are.
class WokenWaiters {
 public:
  explicit WokenWaiters(KeyWaiter* first = nullptr) : first_(first) {}
  WokenWaiters(WokenWaiters&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
  WokenWaiters& operator=(WokenWaiters&& other) noexcept {
    first_ = std::exchange(other.first_, nullptr);
    return *this;
  }

  // The first `most`, 1 or more, of them; these keep the rest.
  WokenWaiters TakeSome(size_t most) {
    KeyWaiter* const first = first_;
    KeyWaiter** end = &first_;
    while (most > 0 && *end != nullptr) {
      end = &(*end)->next_;
      --most;
    }
    KeyWaiter* const rest = std::exchange(*end, nullptr);
    first_ = rest;
    return WokenWaiters(first);
  }
  bool empty() const { return first_ == nullptr; }

  // Returns how many. A waiter that frees another key, or the same one again, while it is woken leaves those to the loop
  // that is under way in this thread: a key that is handed on a thousand times is no recursion.
  size_t WakeAll() {
    static thread_local constinit Loop loop;
    if (loop.runs) return loop.Append(std::exchange(first_, nullptr));
    loop.runs = true;
    size_t count = 0;
    for (KeyWaiter* one = std::exchange(first_, nullptr); one != nullptr; ++count) {
      KeyWaiter* const next = one->next_;
      one->OnWake();
      one = next != nullptr ? next : loop.Take();
    }
    loop.runs = false;
    return count;
  }

 private:
  struct Loop {
    size_t Append(KeyWaiter* one) {
      size_t count = 0;
      for (; one != nullptr; ++count) {
        (last != nullptr ? last->next_ : first) = one;
        last = one;
        one = one->next_;
      }
      return count;
    }
    // All that were appended so far.
    KeyWaiter* Take() {
      last = nullptr;
      return std::exchange(first, nullptr);
    }

    KeyWaiter* first = nullptr;
    KeyWaiter* last = nullptr;
    bool runs = false;
  };

  KeyWaiter* first_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_KEY_WAITER_H_
