// SPDX-License-Identifier: Apache-2.0
// A breaker engine with all that it is given at construction.
#ifndef HOLDFAST_TESTS_UNIT_BREAKER_BOX_H_
#define HOLDFAST_TESTS_UNIT_BREAKER_BOX_H_

#include <cstdint>
#include <vector>

#include "engine/breaker.h"
#include "engine/cells.h"

namespace holdfast::engine {

// One thread, which stays in its lane.
struct OneLane : PlainCells {
  static uint32_t Lane() { return 0; }
  static void MoveLane() {}
};

template <typename Storage>
struct BreakerBox {
  explicit BreakerBox(const BreakerPolicy& policy, Capacity with = Capacity::Largest(1),
                      size_t places = 4)
      : live(policy),
        room(with),
        cells(room.Cells()),
        peers(places),
        fleet(peers),
        machine(live, room, cells.data(), &fleet) {}

  LivePolicy<Storage> live;
  const Capacity room;
  std::vector<typename Storage::template Cell<uint64_t>> cells;
  std::vector<Peer> peers;
  Fleet fleet;
  Breaker<Storage> machine;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_BREAKER_BOX_H_
