// SPDX-License-Identifier: Apache-2.0
#include "abi/laned_cells.h"

namespace holdfast::abi {

constinit thread_local uint32_t lane_plus_one __attribute__((tls_model("initial-exec"))) = 0;

namespace {
std::atomic<uint32_t> threads{0};
}

uint32_t TakeLane() noexcept {
  const uint32_t lane = threads.fetch_add(1, std::memory_order_relaxed) & 0xFFFF;
  lane_plus_one = lane + 1;
  return lane;
}

}  // namespace holdfast::abi
