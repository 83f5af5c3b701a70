// SPDX-License-Identifier: Apache-2.0
// A client that knows the verbs and no manners: it claims with short leases and lets them lapse, settles twice,
// comes late, forgets, asks again, sends other payloads, resolves and releases what is not its own. What it is
// answered must all the same fit the contract.
#ifndef HOLDFAST_TESTS_CHAOS_RAW_CLIENT_H_
#define HOLDFAST_TESTS_CHAOS_RAW_CLIENT_H_

#include <holdfast/store.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "chaos/board.h"

namespace holdfast::chaos {

class RawClient {
 public:
  // One thread's. `identity` sets its nonces apart from everybody else's.
  RawClient(Store& store, Board& board, uint64_t identity, uint64_t seed)
      : store_(store), board_(board), identity_(identity), random_(seed) {}

  // One request or a few.
  void Step();

 private:
  struct Held {
    std::string key;
    uint64_t token = 0;
    StoreRequest claim{};
  };

  uint64_t Dice(uint64_t sides) { return random_() % sides; }
  std::string Key() { return KeyName(Family::kRaw, board_.Pick(Family::kRaw, random_)); }
  StoreRequest Request(hf_store_verb verb, const std::string& key);
  StoreReply Ask(const StoreRequest& request);
  void Claim();
  void ClaimMany();
  void Take(const std::string& key, const StoreRequest& claim, const StoreReply& reply);
  void Settle();
  void Operate();

  Store& store_;
  Board& board_;
  const uint64_t identity_;
  std::mt19937_64 random_;
  uint64_t nonces_ = 0;
  std::vector<Held> held_;
  std::string body_;  // of the request under way
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_RAW_CLIENT_H_
