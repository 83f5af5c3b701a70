// SPDX-License-Identifier: Apache-2.0
// The fault plan: what goes wrong, where, and how often.
//
// A decision is a pure function of (seed, place, order, arrival): arrival n is the n-th request for that
// order at that place, counted on the Board, which survives kills. So every run of one seed faces the
// same plan, however its processes are scheduled. Kills are counted in ledger rows, not in time.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_FAULTS_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_FAULTS_H_

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace checkout {

enum class Place : uint32_t { kClient = 1, kOrder = 2, kPayment = 3 };

// At most one strikes an arrival.
enum class Fault {
  kNone,
  kRefused,    // UNAVAILABLE before anything was done
  kSlow,       // waits longer than the caller, then works: the caller retries meanwhile
  kReplyLost,  // works, then answers UNAVAILABLE
  kReplyHeld,  // works, then never answers
};

// Faults of one service.
struct PlaceFaults {
  double refuse = 0;  // probabilities per arrival, together at most 1
  double slow = 0;
  double lose_reply = 0;
  double hold_reply = 0;
  std::chrono::milliseconds slow_for{0};
  uint32_t burst_every = 0;     // in each stretch of so many orders ...
  uint32_t burst_orders = 0;    // ... the first so many are refused ...
  uint32_t burst_arrivals = 0;  // ... on their first so many arrivals
  uint32_t kills = 0;           // SIGKILLs, spread evenly over the run
};

class FaultPlan {
 public:
  // INVALID_ARGUMENT for a file that cannot be read, an unknown field or an absurd value.
  static absl::StatusOr<FaultPlan> Load(const std::string& file, uint64_t seed);

  // What strikes the `arrival`-th (from 1) request for `order` at `place`.
  Fault Decide(Place place, uint32_t order, uint32_t arrival) const;
  // Whether the client sends `order` twice at once, as an impatient finger does.
  bool SentTwice(uint32_t order) const;
  // The price of an order.
  int64_t Cents(uint32_t order) const;
  // The count at which kill number `kill` (from 0) is due, in a run of `orders`.
  static uint32_t KillAt(const PlaceFaults& faults, uint32_t kill, uint32_t orders);

  const PlaceFaults& at(Place place) const { return place == Place::kOrder ? order_ : payment_; }

 private:
  uint64_t seed_ = 0;
  double send_twice_ = 0;
  uint32_t calm_after_ = 0;  // arrivals of one order beyond this are left alone
  PlaceFaults order_;
  PlaceFaults payment_;
};

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_FAULTS_H_
