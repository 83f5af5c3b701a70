// SPDX-License-Identifier: Apache-2.0
// The tally: what a run came to, counted from the books after all its processes have ended.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_TALLY_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_TALLY_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "board.h"
#include "checkout.pb.h"

namespace checkout {

// What the shopper was told about an order.
struct Answer {
  uint32_t order = 0;
  OrderState state = PENDING;  // PENDING: gave up without an answer
  double milliseconds = 0;     // from the first send to the answer
};

absl::Status WriteAnswers(const std::string& folder, const std::vector<Answer>& answers);
absl::StatusOr<std::vector<Answer>> ReadAnswers(const std::string& folder);

struct Tally {
  std::string name;  // bare, holdfast, without-<part>
  uint32_t orders = 0;
  // The order service's books.
  uint32_t confirmed = 0;
  uint32_t failed = 0;
  uint32_t unfinished = 0;  // neither: no terminal state
  // The ledger against them.
  uint32_t charged_twice = 0;  // orders with more than one row
  uint32_t lost = 0;           // charged, and not confirmed
  uint32_t unpaid = 0;         // confirmed, and not charged
  int64_t overcharged_cents = 0;
  uint32_t contradicted = 0;  // the shopper was told what the books do not say
  // How it went.
  uint32_t place_attempts = 0, charge_attempts = 0, charge_failures = 0, replays = 0;
  uint32_t breaker_openings = 0, breaker_refusals = 0, budget_refusals = 0;
  uint32_t payment_kills = 0, order_kills = 0;
  double p50_ms = 0, p99_ms = 0, seconds = 0;

  bool KeepsThePromise() const {
    return charged_twice == 0 && lost == 0 && unpaid == 0 && unfinished == 0 && contradicted == 0 &&
           overcharged_cents == 0 && confirmed >= orders - orders / 100;
  }
};

absl::StatusOr<Tally> CountRun(const std::string& folder, const FaultPlan& plan, const Board& board,
                               uint32_t orders);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_TALLY_H_
