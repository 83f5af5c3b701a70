// SPDX-License-Identifier: Apache-2.0
// Waiters: those of this process who wait for busy keys of one store, and the one thread that looks after the keys.
//
//   auto waiters = holdfast::Waiters::Create(*store).value();
//   RunOnce(*store, key, {.request = bytes, .max_wait = 5s, .waiters = waiters.get()}, work);
//
// Without it every call that waits asks the store by itself. With it ten thousand of them cost the store one READ
// a look, and whoever settles a key in this process wakes the others at once:
//   settled          all get the answer
//   lease over       the longest waiting one is woken and may take over, the others go on waiting
//   more than max    BUSY at once, with retry-after
// A waiter that gives up or is cancelled leaves; the owner of the key never notices. Looks: 5 ms after the
// first one came, then twice as long each time up to 250 ms, with jitter; see waiter_book.h.
#ifndef HOLDFAST_WAITERS_H_
#define HOLDFAST_WAITERS_H_

#include <absl/status/statusor.h>
#include <holdfast/clock.h>
#include <holdfast/entropy.h>
#include <holdfast/status.h>
#include <holdfast/store.h>
#include <holdfast/waiter_book.h>
#include <holdfast/waiters_options.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

// Thread-safe. Must outlive every call that was given it, and the store must outlive it.
class Waiters {
 public:
  using Joined = WaiterBook::Joined;

  // Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE naming the option; RESOURCE_EXHAUSTED HF_R_NO_MEMORY: no thread.
  static absl::StatusOr<std::unique_ptr<Waiters>> Create(Store& store, WaitersOptions options = {});

  // Whoever still waits will not be woken by it any more.
  ~Waiters() {
    if (!thread_.joinable()) return;
    stopping_.store(true);
    rouse_.Wake();
    thread_.join();
  }
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  WaitersStats stats() const {
    const std::lock_guard lock(mutex_);
    WaitersStats stats = stats_;
    stats.waiting = book_.size();
    stats.keys = book_.keys();
    return stats;
  }

  // Looks after the keys that are due. Blocks like the store. Returns when to look again; HF_INFINITE: nobody waits.
  // Only one thread at a time. For an event loop of your own; by default a thread of this object does it.
  hf_time Look();

  // For drivers: see waiter_book.h. kFull if there is no memory, too.
  uint32_t EpochOf(const WaitKey& key) const { return book_.EpochOf(key); }
  Joined Join(KeyWaiter& waiter, const WaitKey& key, uint32_t epoch);
  bool Leave(KeyWaiter& waiter) {
    const std::lock_guard lock(mutex_);
    return book_.Leave(waiter);
  }
  // Whoever settled a key says so. Wakes in this thread.
  void OnSettled(const WaitKey& key, Freed freed) {
    const hf_time now = clock_.Now();
    Wake([&] { return book_.OnSettled(key, freed, now); });
  }

 private:
  Waiters(Store& store, const WaitersOptions& options)
      : store_(store),
        clock_(*options.clock),
        timeout_(options.timeout),
        book_({.max_waiting = options.max_waiting,
               .first = options.first_look.count(),
               .longest = options.longest_look.count(),
               .seed = FreshSeed()}) {
    herds_.reserve(16);
  }

  // `take` runs under the lock, waking does not. A herd is woken by this thread and the looker together.
  template <class Take>
  void Wake(Take take) {
    std::unique_lock lock(mutex_);
    const size_t before = book_.size();
    WokenWaiters woken = take();
    const size_t count = before - book_.size();
    stats_.woken += count;
    const bool alone = count <= kHerd || !thread_.joinable() || herds_.size() == herds_.capacity();
    if (!alone) herds_.push_back(std::move(woken));
    lock.unlock();
    if (alone) {
      woken.WakeAll();
      return;
    }
    rouse_.Wake();
    WakeHerds();
  }

  void WakeHerds() {
    while (true) {
      std::unique_lock lock(mutex_);
      if (herds_.empty()) return;
      WokenWaiters some = herds_.back().TakeSome(kHerd);
      if (herds_.back().empty()) herds_.pop_back();
      lock.unlock();
      some.WakeAll();
    }
  }

  void Run() {
    while (!stopping_.load()) {
      WakeHerds();
      const hf_time next = Look();
      clock_.WaitUntil(next, rouse_);
    }
  }

  static constexpr size_t kKeysPerLook = 256;
  static constexpr size_t kHerd = 64;

  Store& store_;
  Clock& clock_;
  const Duration timeout_;
  mutable std::mutex mutex_;  // of the next four
  WaiterBook book_;
  WaitersStats stats_;
  std::vector<WokenWaiters> herds_;  // taken out of the book, and still to be woken
  hf_time asleep_until_ = 0;         // 0: the looker is awake, and will see what is due
  std::vector<WaitKey> due_;         // the looker's own
  std::atomic<bool> stopping_{false};
  Wakeup rouse_;
  std::thread thread_;
};

// What a settled record means for those who wait for it; kNobody if the request settled nothing.
inline Freed FreedBy(const hf_store_request& request, const hf_store_reply& reply) {
  const bool settles = request.verb == HF_STORE_COMPLETE || request.verb == HF_STORE_FAIL ||
                       request.verb == HF_STORE_ABANDON;
  const bool done = reply.status == HF_STORE_OK || reply.status == HF_STORE_ALREADY;
  if (!settles || !done) return Freed::kNobody;
  const bool at_once = request.verb != HF_STORE_FAIL || request.retry_after == 0;
  switch (reply.state) {
    case HF_RECORD_ABSENT:
      return Freed::kForOne;
    case HF_RECORD_RETRYABLE:
      return at_once ? Freed::kForOne : Freed::kForAll;  // all are told to come back later
    case HF_RECORD_IN_PROGRESS:                          // to be reconciled
      return at_once ? Freed::kForOne : Freed::kNobody;
    default:
      return Freed::kForAll;
  }
}

inline absl::StatusOr<std::unique_ptr<Waiters>> Waiters::Create(Store& store,
                                                                WaitersOptions options) {
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  const auto refuse = [](const char* text) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
  };
  if (options.max_waiting == 0) options.max_waiting = 16384;
  if (options.first_look == Duration{0}) options.first_look = milliseconds(5);
  if (options.longest_look == Duration{0}) {
    options.longest_look = std::max<Duration>(options.first_look, milliseconds(250));
  }
  if (options.clock == nullptr) options.clock = &Clock::Steady();
  if (options.max_waiting > 1000000) return refuse("waiters: max_waiting: more than 1e6");
  if (options.first_look < milliseconds(1) || options.first_look > minutes(1)) {
    return refuse("waiters: first_look: not in 1 ms..1 min");
  }
  if (options.longest_look < options.first_look || options.longest_look > minutes(10)) {
    return refuse("waiters: longest_look: not in first_look..10 min");
  }
  if (options.timeout < Duration{0}) return refuse("waiters: timeout: negative");
  std::unique_ptr<Waiters> waiters(new Waiters(store, options));
  if (!options.own_thread) return waiters;
  try {
    waiters->thread_ = std::thread([self = waiters.get()] { self->Run(); });
  } catch (const std::system_error&) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_NO_MEMORY, "waiters: no thread to be had");
  }
  return waiters;
}

inline Waiters::Joined Waiters::Join(KeyWaiter& waiter, const WaitKey& key, uint32_t epoch) {
  const hf_time now = clock_.Now();
  bool rouse = false;
  Joined joined = Joined::kFull;
  {
    const std::lock_guard lock(mutex_);
    try {
      joined = book_.Join(waiter, key, epoch, now);
    } catch (const std::bad_alloc&) {
      joined = Joined::kFull;
    }
    stats_.joined += joined == Joined::kWaiting ? 1 : 0;
    stats_.refused += joined == Joined::kFull ? 1 : 0;
    if (book_.NextLook() < asleep_until_) {
      asleep_until_ = 0;
      rouse = true;
    }
  }
  if (rouse) rouse_.Wake();
  return joined;
}

inline hf_time Waiters::Look() {
  due_.clear();
  {
    const std::lock_guard lock(mutex_);
    book_.TakeDue(clock_.Now(), kKeysPerLook, &due_);
    asleep_until_ = due_.empty() ? book_.NextLook() : 0;
    if (due_.empty()) return asleep_until_;
    ++stats_.looks;
  }
  std::vector<StoreRequest> reads(due_.size());
  for (size_t i = 0; i < due_.size(); ++i) {
    reads[i] = StoreRequest{};
    reads[i].verb = HF_STORE_READ;
    std::copy(due_[i].begin(), due_[i].end(), reads[i].key_id);
  }
  const std::vector<StoreReply> replies = store_.ExecuteMany(reads, timeout_);
  for (size_t i = 0; i < due_.size(); ++i) {
    const hf_store_reply silent{};
    const hf_store_reply& reply = i < replies.size() ? replies[i].raw : silent;
    const hf_time now = clock_.Now();
    Wake([&] { return book_.OnRead(due_[i], reply.status, reply.retry_after, now); });
  }
  const std::lock_guard lock(mutex_);
  return asleep_until_ = book_.NextLook();
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_WAITERS_H_
