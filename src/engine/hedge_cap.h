// SPDX-License-Identifier: Apache-2.0
// The cap on hedges: a bucket of tokens that calls fill and hedges empty.
//
//   event       tokens, in thousandths of a hedge; starts full
//   OnCall      min(burst, tokens + rate)
//   Take        tokens - 1, or refused if there is no whole one
//   Return      min(burst, tokens + 1)
//   Update      their share of burst stays
//
// Invariants: 0 <= tokens <= burst. Of any calls in a row, no more hedges are sent than burst + rate for
//   each of them, whatever threads do: a token is tested and taken in one step.
// Locking: none, one compare-and-exchange; while hedges are rare the bucket is full and OnCall only
//   reads. Update: one thread at a time. Memory: two cells.
#ifndef HOLDFAST_ENGINE_HEDGE_CAP_H_
#define HOLDFAST_ENGINE_HEDGE_CAP_H_

#include <algorithm>
#include <cstdint>

namespace holdfast::engine {

inline constexpr uint32_t kOneHedge = 1000;

template <typename Storage>
class HedgeCap {
 public:
  // In thousandths; burst is at least one.
  HedgeCap(uint32_t rate, uint32_t burst) : limits_(Pack(rate, burst)), tokens_(burst) {}

  void OnCall() {
    const uint64_t limits = limits_.Load();
    Deposit(RateOf(limits), BurstOf(limits));
  }

  bool Take() {
    uint32_t before = tokens_.Load();
    while (before >= kOneHedge) {
      if (tokens_.CompareExchange(before, before - kOneHedge)) return true;
    }
    return false;
  }

  // For a hedge that was not sent after all.
  void Return() { Deposit(kOneHedge, BurstOf(limits_.Load())); }

  void Update(uint32_t rate, uint32_t burst) {
    const uint64_t burst_before = BurstOf(limits_.Load());
    limits_.Store(Pack(rate, burst));
    uint32_t before = tokens_.Load();
    while (!tokens_.CompareExchange(before, Scaled(before, burst, burst_before))) {
    }
  }

  uint32_t Tokens() const { return tokens_.Load(); }

 private:
  static uint64_t Pack(uint32_t rate, uint32_t burst) { return uint64_t{rate} << 32 | burst; }
  static uint32_t RateOf(uint64_t limits) { return static_cast<uint32_t>(limits >> 32); }
  static uint32_t BurstOf(uint64_t limits) { return static_cast<uint32_t>(limits); }

  static uint32_t Scaled(uint64_t tokens, uint64_t burst, uint64_t burst_before) {
    return static_cast<uint32_t>(std::min(burst, tokens * burst / burst_before));
  }

  void Deposit(uint32_t amount, uint32_t burst) {
    uint32_t before = tokens_.Load();
    while (before < burst) {
      if (tokens_.CompareExchange(before, std::min(burst, before + amount))) return;
    }
  }

  typename Storage::template Cell<uint64_t> limits_;  // rate | burst
  typename Storage::template Cell<uint32_t> tokens_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEDGE_CAP_H_
