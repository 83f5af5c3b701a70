// SPDX-License-Identifier: Apache-2.0
// c/bulkhead.h over engine/bulkhead.h. Here the wakers run, with no lock held.
//
// A wait is a session (abi/session.h): one that was never started, is over, was copied, or belongs to
// another bulkhead is recognised instead of followed.
#include "abi/bulkhead.h"

#include <holdfast/c/bulkhead.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "abi/session.h"

using holdfast::engine::BulkheadAnswer;
using holdfast::engine::BulkheadPolicy;
using holdfast::engine::BulkheadRequest;
using holdfast::engine::BulkheadTerms;
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

hf_bulkhead::hf_bulkhead(const BulkheadPolicy& policy, const hf_bulkhead_options& options)
    : engine(policy), identity(NextIdentity()), adaptive(options.adaptive) {
  engine.journal().Connect(options.journal, options.object);
}

void hf_bulkhead::Adapt(uint32_t stamp, hf_time started, hf_verdict verdict, hf_time now) {
  const uint32_t in_flight = holdfast::engine::Claim::InFlight(stamp);
  const bool dropped = verdict == HF_VERDICT_FAILURE;
  const hf_duration took = std::max<hf_duration>(now - started, 0);
  uint32_t limit = 0;
  adaptive->Add(took, in_flight, dropped, now, &limit);
  // Until it is so, and not only if this sample changed it: an update may have, and of two threads that bring
  // what they were told the one that was told first may come last.
  for (limit = adaptive->Limit(); limit != engine.Limit(); limit = adaptive->Limit()) {
    WakeList waiters;
    engine.SetLimit(limit, now, &waiters);
    Wake(&waiters);
  }
}

[[gnu::cold, gnu::noinline]] bool hf_bulkhead::FinishEnter(Engine::Entry entry, hf_time now,
                                                           hf_permit* permit) {
  WakeList waiters;
  uint32_t stamp = 0;
  const bool taken = engine.FinishEnter(entry, now, &stamp, &waiters);
  if (taken) *permit = Permit(stamp);
  Wake(&waiters);
  return taken;
}

[[gnu::cold, gnu::noinline]] bool hf_bulkhead::FinishLeave(uint32_t stamp, Engine::Word before,
                                                           hf_time now) {
  WakeList waiters;
  const bool any = engine.FinishLeave(stamp, before, now, &waiters);
  Wake(&waiters);
  return any;
}

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

hf_code CodeOf(BulkheadAnswer answer) {
  switch (answer) {
    case BulkheadAnswer::kGranted:
      return HF_OK;
    case BulkheadAnswer::kQueued:
      return HF_UNAVAILABLE;
    case BulkheadAnswer::kTimedOut:
    case BulkheadAnswer::kNoTime:
      return HF_DEADLINE_EXCEEDED;
    case BulkheadAnswer::kNoPartition:
      return HF_INVALID_ARGUMENT;
    default:
      return HF_RESOURCE_EXHAUSTED;
  }
}

hf_code Answer(const hf_bulkhead& bulkhead, BulkheadAnswer answer, const BulkheadTerms& terms,
               hf_permit* permit, hf_rejection* why) {
  *permit = answer == BulkheadAnswer::kGranted ? bulkhead.Permit(terms.stamp) : hf_permit{};
  return abi::Reject(why, CodeOf(answer), ReasonOf(answer), terms.retry_after);
}

// What follows TakeFree. wait is nullable: then there is nothing to queue with.
[[gnu::cold, gnu::noinline]] hf_code AcquireOrQueue(hf_bulkhead* bulkhead,
                                                    const BulkheadRequest& request,
                                                    hf_bulkhead_wait* wait, const hf_waker* waker,
                                                    hf_time now, hf_permit* permit, hf_time* until,
                                                    hf_rejection* why) {
  Waiter* place = nullptr;
  if (wait != nullptr) {
    abi::MarkOver(wait);
    auto* const entered = ::new (static_cast<void*>(wait)) Wait{0, bulkhead, {}};
    place = &entered->waiter;
  }
  BulkheadTerms terms;
  const BulkheadAnswer answer =
      bulkhead->engine.Acquire(request, place, waker != nullptr ? *waker : hf_waker{}, now, &terms);
  if (answer == BulkheadAnswer::kQueued) {
    abi::MarkLive(wait, kWaitTag);
    *until = terms.until;
    terms.retry_after = 0;
  }
  return Answer(*bulkhead, answer, terms, permit, why);
}

// INVALID_ARGUMENT: one of the two is NULL, else a time is out of range.
[[gnu::cold, gnu::noinline]] hf_code RefuseArguments(const hf_bulkhead* bulkhead, hf_permit* permit,
                                                     hf_rejection* why) {
  if (permit != nullptr) *permit = hf_permit{};
  const bool null = bulkhead == nullptr || permit == nullptr;
  return abi::Reject(why, HF_INVALID_ARGUMENT, null ? HF_R_NULL_ARGUMENT : HF_R_OUT_OF_RANGE);
}

// The rest of hf_bulkhead_try_acquire, in one call, which keeps its beginning short.
[[gnu::cold, gnu::noinline]] hf_code FinishTry(hf_bulkhead* bulkhead,
                                               hf_bulkhead::Engine::Entry entry, hf_time now,
                                               hf_permit* permit, hf_rejection* why) {
  if (bulkhead->FinishEnter(entry, now, permit)) return abi::Reject(why, HF_OK, HF_R_NONE);
  return AcquireOrQueue(bulkhead, {}, nullptr, nullptr, now, permit, nullptr, why);
}

// A deadline of 0 is none.
hf_time Latest(hf_time deadline) { return deadline == 0 ? HF_INFINITE : deadline; }

hf_code ReadRequest(const hf_bulkhead_request* given, BulkheadRequest* request, hf_rejection* why) {
  hf_bulkhead_request known;
  hf_error error;
  const hf_code code = abi::CopyIn(given, &known, &error);
  if (code != HF_OK) return abi::Reject(why, code, error.reason);
  const hf_criticality criticality = known.criticality == 0 ? HF_CRITICAL : known.criticality;
  if (criticality < HF_CRITICAL_PLUS || criticality > HF_SHEDDABLE || known.deadline < 0) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  }
  request->deadline = Latest(known.deadline);
  request->user = known.user;
  request->partition = known.partition;
  request->criticality = static_cast<uint32_t>(criticality - HF_CRITICAL_PLUS);
  return HF_OK;
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

// Whether the permit is one of this bulkhead's.
bool IsHeld(const hf_bulkhead* bulkhead, const hf_permit* permit) {
  return bulkhead != nullptr && permit != nullptr && permit->kind == HF_PERMIT_NORMAL &&
         permit->generation == bulkhead->identity;
}

}  // namespace

hf_code hf_bulkhead_new(const hf_bulkhead_options* options, hf_bulkhead** out,
                        hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_bulkhead_options known;
  BulkheadPolicy policy;
  const hf_code code = abi::ReadBulkheadOptions(options, &known, &policy, error);
  if (code != HF_OK) return code;
  if (known.adaptive != nullptr) policy.limit = known.adaptive->Limit();
  return abi::NewHandle(out, error, policy, known);
}

void hf_bulkhead_ref(hf_bulkhead* bulkhead) noexcept { abi::Ref(bulkhead); }

void hf_bulkhead_unref(hf_bulkhead* bulkhead) noexcept { abi::Unref(bulkhead); }

hf_code hf_bulkhead_update(hf_bulkhead* bulkhead, const hf_bulkhead_options* options, hf_time now,
                           hf_error* error) noexcept {
  if (bulkhead == nullptr) return abi::FailNull(error, "bulkhead");
  hf_bulkhead_options known;
  BulkheadPolicy policy;
  const hf_code code = abi::ReadBulkheadOptions(options, &known, &policy, error);
  if (code != HF_OK) return code;
  if (bulkhead->adaptive != nullptr) policy.limit = bulkhead->adaptive->Limit();
  WakeList waiters;
  bulkhead->engine.Update(policy, NotNegative(now), &waiters);
  bulkhead->Wake(&waiters);
  return abi::Succeed(error);
}

hf_code hf_bulkhead_set_limit(hf_bulkhead* bulkhead, uint32_t limit, hf_time now) noexcept {
  if (bulkhead == nullptr || limit < 1 || limit > abi::kMostInBulkhead) return HF_INVALID_ARGUMENT;
  WakeList waiters;
  bulkhead->engine.SetLimit(limit, NotNegative(now), &waiters);
  bulkhead->Wake(&waiters);
  return HF_OK;
}

hf_code hf_bulkhead_acquire(hf_bulkhead* bulkhead, const hf_bulkhead_request* request,
                            hf_bulkhead_wait* wait, const hf_waker* waker, hf_time now,
                            hf_permit* permit, hf_time* until, hf_rejection* why) noexcept {
  if (permit != nullptr) *permit = hf_permit{};
  if (bulkhead == nullptr || permit == nullptr || (wait != nullptr && until == nullptr)) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  if (now < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  BulkheadRequest asks;
  const hf_code code = ReadRequest(request, &asks, why);
  if (code != HF_OK) return code;
  if (wait != nullptr) abi::MarkOver(wait);
  if (asks.partition == 0 && now < asks.deadline && bulkhead->TakeFree(now, permit)) {
    return abi::Reject(why, HF_OK, HF_R_NONE);
  }
  return AcquireOrQueue(bulkhead, asks, wait, waker, now, permit, until, why);
}

hf_code hf_bulkhead_try_acquire(hf_bulkhead* bulkhead, hf_time now, hf_permit* permit,
                                hf_rejection* why) noexcept {
  if (bulkhead == nullptr || permit == nullptr || now < 0) [[unlikely]] {
    return RefuseArguments(bulkhead, permit, why);
  }
  uint32_t stamp = 0;
  const hf_bulkhead::Engine::Entry entry = bulkhead->engine.TryEnter(&stamp);
  if (entry != hf_bulkhead::Engine::Entry::kDone) [[unlikely]] {
    return FinishTry(bulkhead, entry, now, permit, why);
  }
  *permit = bulkhead->Permit(stamp);
  return abi::Reject(why, HF_OK, HF_R_NONE);
}

hf_code hf_bulkhead_wait_start(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait, const hf_waker* waker,
                               hf_time deadline, hf_time now, hf_permit* permit, hf_time* until,
                               hf_rejection* why) noexcept {
  if (permit != nullptr) *permit = hf_permit{};
  if (bulkhead == nullptr || wait == nullptr || permit == nullptr || until == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  if (deadline < 0 || now < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  abi::MarkOver(wait);
  const BulkheadRequest request{.deadline = Latest(deadline)};
  if (now < request.deadline && bulkhead->TakeFree(now, permit)) {
    return abi::Reject(why, HF_OK, HF_R_NONE);
  }
  return AcquireOrQueue(bulkhead, request, wait, waker, now, permit, until, why);
}

hf_code hf_bulkhead_wait_poll(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait, hf_time now,
                              hf_permit* permit, hf_rejection* why) noexcept {
  if (permit != nullptr) *permit = hf_permit{};
  if (bulkhead == nullptr || wait == nullptr || permit == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  Wait* const entered = Enter(bulkhead, wait);
  if (entered == nullptr) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_BAD_STATE);
  BulkheadTerms terms;
  const BulkheadAnswer answer = AskUntilWoken(bulkhead, [&] {
    return bulkhead->engine.WaitPoll(entered->waiter, NotNegative(now), &terms);
  });
  if (answer != BulkheadAnswer::kQueued) abi::MarkOver(wait);
  return Answer(*bulkhead, answer, terms, permit, why);
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
  if (!IsHeld(bulkhead, permit)) return HF_INVALID_ARGUMENT;
  const uint32_t stamp = permit->stamp;
  *permit = hf_permit{};
  return bulkhead->Release(stamp, NotNegative(now)) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_bulkhead_settle(hf_bulkhead* bulkhead, hf_permit* permit, hf_time started,
                           hf_verdict verdict, hf_time now) noexcept {
  if (!IsHeld(bulkhead, permit)) return HF_INVALID_ARGUMENT;
  if (verdict < HF_VERDICT_SUCCESS || verdict > HF_VERDICT_IGNORED) return HF_INVALID_ARGUMENT;
  const uint32_t stamp = permit->stamp;
  *permit = hf_permit{};
  const bool any = bulkhead->Settle(stamp, NotNegative(started), verdict, NotNegative(now));
  return any ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_bulkhead_read(const hf_bulkhead* bulkhead, hf_bulkhead_snapshot* out) noexcept {
  if (bulkhead == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(bulkhead->engine.Read(), out);
}
