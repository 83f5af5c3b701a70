// SPDX-License-Identifier: Apache-2.0
// The board: the counters of one run, in a file that all its processes map.
//
// A SIGKILL takes a process's memory, not the pages of a shared mapping: so arrivals are counted on, and
// the fault plan goes on where it was, after a restart. Nothing on the board is used for the truth about
// money; that is counted in the ledger.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_BOARD_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_BOARD_H_

#include <absl/status/statusor.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "faults.h"

namespace checkout {

using Counter = std::atomic<uint32_t>;
static_assert(Counter::is_always_lock_free, "a lock could be lost with the process that holds it");

struct Counters {
  Counter ready[4];         // by Place: process id of the service that answers now
  Counter arrivals[4];      // by Place: requests that came in
  Counter kills[4];         // by Place: SIGKILLs so far
  Counter charges;          // rows in the ledger, as last seen by its writer
  Counter orders_done;      // orders that have their final answer
  Counter place_attempts;   // PlaceOrder requests the client sent
  Counter charge_attempts;  // Charge requests the order service sent
  Counter charge_failures;  // of them, those that got no good answer
  Counter replays;          // duplicates answered from a store
  Counter breaker_openings;
  Counter breaker_refusals;  // attempts the breaker spared the other side
  Counter budget_refusals;   // retries the budget refused
};

class Board {
 public:
  static absl::StatusOr<Board> Create(const std::string& folder, uint32_t orders);
  static absl::StatusOr<Board> Open(const std::string& folder, uint32_t orders);

  Board(Board&& other) noexcept;
  Board& operator=(Board&&) = delete;
  ~Board();

  Counters& counters() const { return *counters_; }
  // `count` rows are in the ledger; a smaller number than before changes nothing.
  void RaiseCharges(uint32_t count) const;
  // Counts a request for `order` (1..orders) at `place` in; its number, from 1.
  uint32_t Arrive(Place place, uint32_t order) const;

 private:
  Board(void* memory, size_t size, uint32_t orders);
  static absl::StatusOr<Board> Map(const std::string& folder, uint32_t orders, int flags);

  Counters* counters_;
  Counter* by_order_;  // two per order: the order service's arrivals, the payment service's
  size_t size_;
  uint32_t orders_;
};

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_BOARD_H_
