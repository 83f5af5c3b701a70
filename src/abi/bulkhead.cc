// SPDX-License-Identifier: Apache-2.0
// c/bulkhead.h over engine/bulkhead.h. Here the wakers run, with no lock held.
//
// A wait is a session (abi/session.h): one that was never started, is over, was copied, or belongs to
// another bulkhead is recognised instead of followed.
#include "abi/bulkhead.h"

#include <holdfast/c/bulkhead.h>

#include <atomic>
#include <new>

#include "abi/session.h"

using holdfast::engine::BulkheadAnswer;
using holdfast::engine::Waiter;
using holdfast::engine::WakeList;
namespace abi = holdfast::abi;

namespace {

// Far from the generations of a breaker, whose permits look the same.
constexpr uint64_t kFirstIdentity = 0x62756c6b00000000;
constexpr uint64_t kWaitTag = 0x7761697465720001;

uint64_t NextIdentity() {
  static std::atomic<uint64_t> next{kFirstIdentity};
  return next.fetch_add(1, std::memory_order_relaxed);  // only uniqueness matters
}

// A step that gives something back must not fail for a strange clock.
hf_time NotNegative(hf_time now) { return now < 0 ? 0 : now; }

}  // namespace

hf_bulkhead::hf_bulkhead(const holdfast::engine::BulkheadPolicy& policy)
    : engine(policy), identity(NextIdentity()) {}

void hf_bulkhead::Wake(WakeList* waiters) {
  while (Waiter* const waiter = waiters->Pop()) {
    waiter->waker.fn(waiter->waker.data);
    engine.WakeDone(*waiter);
    wakes_ended.fetch_add(1);
    wakes_ended.notify_all();
  }
}

namespace {

struct Wait {
  uint64_t tag;
  const hf_bulkhead* owner;
  Waiter waiter;
};
static_assert(sizeof(Wait) <= sizeof(hf_bulkhead_wait) &&
              alignof(Wait) <= alignof(hf_bulkhead_wait));

// The wait if it is queued here, else NULL.
Wait* Enter(const hf_bulkhead* bulkhead, hf_bulkhead_wait* wait) {
  if (!abi::IsLive(wait, kWaitTag)) return nullptr;
  Wait* const entered = std::launder(reinterpret_cast<Wait*>(wait));
  return entered->owner == bulkhead ? entered : nullptr;
}

hf_code Grant(const hf_bulkhead* bulkhead, hf_permit* permit, hf_rejection* why) {
  *permit = bulkhead->Permit();
  return abi::Reject(why, HF_OK, HF_R_NONE);
}

hf_code TimedOut(hf_rejection* why) {
  return abi::Reject(why, HF_DEADLINE_EXCEEDED, HF_R_BULKHEAD_TIMEOUT);
}

// Asks until no wake-up is under way for this waiter. Not by spinning: notifying a thread often makes
// the scheduler run it instead of the notifier, whose end it would then be spinning for.
template <typename Ask>
BulkheadAnswer AskUntilWoken(hf_bulkhead* bulkhead, const Ask& ask) {
  for (;;) {
    // Read before asking: a wake-up that ends in between is then not slept over.
    const int ended = bulkhead->wakes_ended.load();
    const BulkheadAnswer answer = ask();
    if (answer != BulkheadAnswer::kWaking) return answer;
    bulkhead->wakes_ended.wait(ended);
  }
}

}  // namespace

hf_code hf_bulkhead_new(const hf_bulkhead_options* options, hf_bulkhead** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_bulkhead_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  holdfast::engine::BulkheadPolicy policy;
  if (given.limit != 0) policy.limit = given.limit;
  if (given.max_wait != 0) policy.max_wait = given.max_wait;
  policy.queue = given.queue;
  code = abi::CheckRange(error, "limit", static_cast<int64_t>(policy.limit), 1, 1'000'000);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "queue", static_cast<int64_t>(policy.queue), 0, 1'000'000);
  if (code != HF_OK) return code;
  code = abi::CheckRange(error, "max_wait", policy.max_wait, HF_US, 24 * 3600 * HF_S);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, policy);
}

void hf_bulkhead_ref(hf_bulkhead* bulkhead) noexcept { abi::Ref(bulkhead); }

void hf_bulkhead_unref(hf_bulkhead* bulkhead) noexcept { abi::Unref(bulkhead); }

hf_code hf_bulkhead_try_acquire(hf_bulkhead* bulkhead, hf_time now, hf_permit* permit,
                                hf_rejection* why) noexcept {
  if (permit != nullptr) *permit = hf_permit{};
  if (bulkhead == nullptr || permit == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  if (now < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  if (bulkhead->engine.TryAcquire() == BulkheadAnswer::kGranted)
    return Grant(bulkhead, permit, why);
  return abi::Reject(why, HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL);
}

hf_code hf_bulkhead_wait_start(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait, const hf_waker* waker,
                               hf_time deadline, hf_time now, hf_permit* permit, hf_time* until,
                               hf_rejection* why) noexcept {
  if (permit != nullptr) *permit = hf_permit{};
  if (wait != nullptr) abi::MarkOver(wait);
  if (bulkhead == nullptr || wait == nullptr || permit == nullptr || until == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  if (now < 0 || deadline < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  *until = 0;
  Wait* const started = ::new (static_cast<void*>(wait)) Wait{0, bulkhead, {}};
  const hf_time latest = deadline == 0 ? HF_INFINITE : deadline;
  switch (bulkhead->engine.WaitStart(started->waiter, waker != nullptr ? *waker : hf_waker{},
                                     latest, now, until)) {
    case BulkheadAnswer::kGranted:
      return Grant(bulkhead, permit, why);
    case BulkheadAnswer::kQueued:
      abi::MarkLive(wait, kWaitTag);
      return abi::Reject(why, HF_UNAVAILABLE, HF_R_NONE);
    case BulkheadAnswer::kTimedOut:
      return TimedOut(why);
    default:
      return abi::Reject(why, HF_RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL);
  }
}

hf_code hf_bulkhead_wait_poll(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait, hf_time now,
                              hf_permit* permit, hf_rejection* why) noexcept {
  if (permit != nullptr) *permit = hf_permit{};
  if (bulkhead == nullptr || wait == nullptr || permit == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  Wait* const entered = Enter(bulkhead, wait);
  if (entered == nullptr) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_BAD_STATE);
  const BulkheadAnswer answer = AskUntilWoken(
      bulkhead, [&] { return bulkhead->engine.WaitPoll(entered->waiter, NotNegative(now)); });
  if (answer == BulkheadAnswer::kQueued) return abi::Reject(why, HF_UNAVAILABLE, HF_R_NONE);
  abi::MarkOver(wait);
  return answer == BulkheadAnswer::kGranted ? Grant(bulkhead, permit, why) : TimedOut(why);
}

hf_code hf_bulkhead_wait_cancel(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait,
                                hf_time now) noexcept {
  if (bulkhead == nullptr || wait == nullptr) return HF_INVALID_ARGUMENT;
  Wait* const entered = Enter(bulkhead, wait);
  if (entered == nullptr) return HF_OK;
  WakeList others;
  AskUntilWoken(bulkhead, [&] {
    return bulkhead->engine.WaitCancel(entered->waiter, NotNegative(now), &others);
  });
  abi::MarkOver(wait);
  bulkhead->Wake(&others);
  return HF_OK;
}

hf_code hf_bulkhead_release(hf_bulkhead* bulkhead, hf_permit* permit, hf_time now) noexcept {
  if (bulkhead == nullptr || permit == nullptr) return HF_INVALID_ARGUMENT;
  if (permit->kind != HF_PERMIT_NORMAL || permit->generation != bulkhead->identity) {
    return HF_INVALID_ARGUMENT;
  }
  *permit = hf_permit{};
  return bulkhead->Release(NotNegative(now)) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_bulkhead_read(const hf_bulkhead* bulkhead, hf_bulkhead_snapshot* out) noexcept {
  if (bulkhead == nullptr) return HF_INVALID_ARGUMENT;
  hf_bulkhead_snapshot now{};
  now.in_flight = bulkhead->engine.InFlight();
  now.waiting = bulkhead->engine.Waiting();
  now.limit = bulkhead->engine.policy().limit;
  now.refused = bulkhead->engine.Refused();
  now.timed_out = bulkhead->engine.TimedOut();
  return abi::CopyOut(now, out);
}
