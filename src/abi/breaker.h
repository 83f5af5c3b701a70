// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_breaker, for the shells that compose it.
#ifndef HOLDFAST_ABI_BREAKER_H_
#define HOLDFAST_ABI_BREAKER_H_

#include <holdfast/c/breaker.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "abi/group.h"
#include "abi/guard.h"
#include "abi/kept.h"
#include "abi/laned_cells.h"
#include "engine/breaker.h"

namespace holdfast::abi {

template <>
inline constexpr uint32_t kFirstSize<hf_breaker_options> = 64;
template <>
inline constexpr uint32_t kFirstSize<hf_breaker_snapshot> = 56;

// Options as a policy, or INVALID_ARGUMENT with the field named. The rest of the options is checked, too.
hf_code BreakerPolicyOf(const hf_breaker_options& options, engine::BreakerPolicy* policy,
                        hf_error* error);

using BreakerCell = LanedCells::Cell<uint64_t>;

// The cells of one breaker, on lines of their own.
struct alignas(64) BreakerLine {
  std::array<BreakerCell, 8> cells;
};
static_assert(sizeof(BreakerLine) == 64);

// What a breaker has besides its machine. In a registry all of them share one of these, and a policy.
struct BreakerShare {
  hf_group* group = nullptr;  // nullable, counted
};

// Of a breaker made by itself: room for every policy that an update may bring.
struct BreakerHome : BreakerShare {
  BreakerHome(const hf_breaker_options& options, const engine::BreakerPolicy& policy);
  ~BreakerHome() { Unref(group); }

  const engine::Capacity room;
  const std::unique_ptr<BreakerLine[]> lines;
  const std::unique_ptr<engine::Peer[]> peers;
  engine::Fleet fleet;
  engine::LivePolicy<LanedCells> live;
};

}  // namespace holdfast::abi

struct hf_breaker final : holdfast::abi::Kept {
  using Policy = holdfast::engine::LivePolicy<holdfast::abi::LanedCells>;

  hf_breaker(const hf_breaker_options& options, const holdfast::engine::BreakerPolicy& first);
  // In a registry: shared, policy and cells (room.Cells() of them) outlive it.
  hf_breaker(holdfast::abi::BreakerShare& shared, Policy& policy,
             const holdfast::engine::Capacity& room, holdfast::abi::BreakerCell* cells);
  ~hf_breaker();

  // Made by itself, its machine begins a cache line, which references to it do not write.
  static void* operator new(size_t size);
  static void* operator new(size_t, void* place) { return place; }
  static void operator delete(void* breaker) noexcept;

  // What everybody asks: the machine, and its group where the machine refuses or closes.
  holdfast::engine::Admission Acquire(hf_time now) {
    const holdfast::engine::BreakerWord word = machine.Look();
    if (word.AdmitsAtOnce()) [[likely]] {
      return machine.AdmitAtOnce(word);
    }
    return AcquireWatched(now);
  }
  holdfast::engine::Settlement Record(const hf_permit& permit, hf_verdict verdict, hf_time now) {
    if (permit.kind == HF_PERMIT_OVERRIDDEN) [[unlikely]] {
      return {share_->group != nullptr, 0};
    }
    const holdfast::engine::Settlement settled = machine.Record(permit, verdict, now);
    if (settled.events != 0) [[unlikely]] {
      Note(settled.events);
    }
    return settled;
  }
  // The machine's state may have changed otherwise: by whoever operates it.
  void Note(hf_events events) {
    if ((events & HF_EVENT_BREAKER_CLOSED) != 0) LeaveEjection();
  }
  // Somebody decided about it, and that is not the group's to weigh; or it closed.
  void LeaveEjection();
  hf_breaker_state State(hf_time now) const { return machine.Read(now).state; }

  // Before it is shared. False if it is in a group.
  bool Join(hf_group* group);
  // Null in a registry.
  holdfast::abi::BreakerHome* home() const;

 private:
  explicit hf_breaker(holdfast::abi::BreakerHome& owned) noexcept;
  // Out of line, so that the answer is made where it is wanted: an answer that may be one of two would be
  // copied in 16 bytes right after it was written in 8, which waits.
  holdfast::engine::Admission AcquireWatched(hf_time now);
  [[gnu::cold]] void AskGroup(holdfast::engine::Admission* admission, hf_time now);

  holdfast::abi::GroupCell ejection_{0};
  holdfast::abi::BreakerShare* const share_;  // its BreakerHome, or its registry's

 public:
  holdfast::engine::Breaker<holdfast::abi::LanedCells> machine;
};

#endif  // HOLDFAST_ABI_BREAKER_H_
