// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_bulkhead, for the shells that compose it.
#ifndef HOLDFAST_ABI_BULKHEAD_H_
#define HOLDFAST_ABI_BULKHEAD_H_

#include <holdfast/c/bulkhead.h>

#include <atomic>
#include <cstdint>

#include "abi/adaptive.h"
#include "abi/atomic_cells.h"
#include "abi/guard.h"
#include "abi/held.h"
#include "engine/bulkhead.h"

namespace holdfast::abi {

template <>
inline constexpr uint32_t kFirstSize<hf_bulkhead_options> = 24;
template <>
inline constexpr uint32_t kFirstSize<hf_bulkhead_snapshot> = 32;

inline constexpr uint32_t kMostInBulkhead = 1'000'000;

// Checks *options (NULL: all defaults) and makes a policy of them. *known is what they say.
hf_code ReadBulkheadOptions(const hf_bulkhead_options* options, hf_bulkhead_options* known,
                            engine::BulkheadPolicy* policy, hf_error* error) noexcept;

}  // namespace holdfast::abi

struct hf_bulkhead final : holdfast::abi::RefCounted {
  using Engine = holdfast::engine::Bulkhead<holdfast::abi::AtomicCells>;

  hf_bulkhead(const holdfast::engine::BulkheadPolicy& policy, const hf_bulkhead_options& options);

  // The permit of that stamp.
  hf_permit Permit(uint32_t stamp) const { return hf_permit{identity, HF_PERMIT_NORMAL, stamp}; }

  // A permit if nobody waits and nothing but the limit is to be asked, by lock-free steps. False is no
  // answer yet, see hf_bulkhead_acquire, and leaves *permit as it was.
  bool TakeFree(hf_time now, hf_permit* permit) {
    uint32_t stamp = 0;
    const Engine::Entry entry = engine.TryEnter(&stamp);
    if (entry != Engine::Entry::kDone) [[unlikely]]
      return FinishEnter(entry, now, permit);
    *permit = Permit(stamp);
    return true;
  }

  // Gives the permit of that stamp back; false if none is out. Wakes whom it goes to, with no lock held.
  bool Release(uint32_t stamp, hf_time now) {
    Engine::Word before = 0;
    if (!engine.TryLeave(stamp, &before)) [[unlikely]]
      return FinishLeave(stamp, before, now);
    return true;
  }

  // Release with a sample: the call ran from `started` to `now`.
  bool Settle(uint32_t stamp, hf_time started, hf_verdict verdict, hf_time now) {
    engine.Learn(started, verdict, now);
    if (adaptive != nullptr && verdict != HF_VERDICT_IGNORED) Adapt(stamp, started, verdict, now);
    return Release(stamp, now);
  }

  // What the two above leave undone, out of line.
  bool FinishEnter(Engine::Entry entry, hf_time now, hf_permit* permit);
  bool FinishLeave(uint32_t stamp, Engine::Word before, hf_time now);

  // Feeds the adaptive limit, and follows it.
  void Adapt(uint32_t stamp, hf_time started, hf_verdict verdict, hf_time now);

  void Wake(holdfast::engine::WakeList* waiters);

  Engine engine;
  const uint64_t identity;  // unlike that of any other bulkhead, or a breaker's generation
  // One more after each waker; pollers of a waking waiter sleep on it.
  std::atomic<int> wakes_ended{0};
  const holdfast::abi::Held<hf_adaptive> adaptive;  // may be empty
};

#endif  // HOLDFAST_ABI_BULKHEAD_H_
