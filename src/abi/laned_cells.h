// SPDX-License-Identifier: Apache-2.0
// SmallCells for engines that keep a copy per lane of what is written often (see engine/window.h).
//
// A lane is the thread's shard number. A thread that meets another one in its lane moves on, so that threads
// which run at the same time spread by themselves, without a list of threads and without an allocation.
#ifndef HOLDFAST_ABI_LANED_CELLS_H_
#define HOLDFAST_ABI_LANED_CELLS_H_

#include <cstdint>

#include "abi/shard.h"
#include "abi/small_mutex.h"

namespace holdfast::abi {

struct LanedCells : SmallCells {
  static uint32_t Lane() { return ThisShard(); }
  static void MoveLane() { MoveShard(); }

  using Journal = LoosePen;
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_LANED_CELLS_H_
