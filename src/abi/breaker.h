// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_breaker, for the shells that compose it.
#ifndef HOLDFAST_ABI_BREAKER_H_
#define HOLDFAST_ABI_BREAKER_H_

#include <holdfast/c/breaker.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "abi/guard.h"
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

// Packed, with ten steps of time in one lane and a policy shared by all: what a registry holds many of.
constexpr size_t kPackedBreaker = sizeof(engine::Breaker<LanedCells>) +
                                  engine::Capacity{.buckets = 10}.Cells() * sizeof(BreakerCell);
static_assert(kPackedBreaker <= 368);

}  // namespace holdfast::abi

// Has room for every policy that an update may bring.
struct hf_breaker final : holdfast::abi::RefCounted {
  hf_breaker(const hf_breaker_options& options, const holdfast::engine::BreakerPolicy& policy);

  const holdfast::engine::Capacity room;
  const std::unique_ptr<holdfast::abi::BreakerLine[]> lines;
  const std::unique_ptr<holdfast::engine::Peer[]> peers;
  holdfast::engine::LivePolicy<holdfast::abi::LanedCells> live;
  alignas(64) holdfast::engine::Breaker<holdfast::abi::LanedCells> machine;
};

#endif  // HOLDFAST_ABI_BREAKER_H_
