// SPDX-License-Identifier: Apache-2.0
// A client as it should be: one effect per key, through RunOnce or the like, and the world written to in between.
// What the world holds at the end is counted (audit.h).
#ifndef HOLDFAST_TESTS_CHAOS_ONCE_CLIENT_H_
#define HOLDFAST_TESTS_CHAOS_ONCE_CLIENT_H_

#include <holdfast/store.h>

#include <cstdint>
#include <random>
#include <string>

#include "chaos/board.h"
#include "chaos/effect_ledger.h"
#include "chaos/history.h"
#include "chaos/open_store.h"

namespace holdfast::chaos {

class OnceClient {
 public:
  struct World {
    EffectLedger& ledger;
    JoinedWorld* joined = nullptr;
  };

  // One thread's. `store` writes down what passes through.
  OnceClient(RecordingStore& store, World world, Board& board, uint64_t identity, uint64_t seed)
      : store_(store), world_(world), board_(board), identity_(identity), random_(seed) {}

  // One key.
  void Step();

 private:
  uint64_t Dice(uint64_t sides) { return random_() % sides; }
  std::string Body(const std::string& key, uint64_t token);
  StoreRequest Claim(const std::string& key, hf_on_expiry on_expiry);
  StoreReply AskForSure(const StoreRequest& request);
  void Dawdle();
  void RunOnce(Family family, const std::string& key);
  void Reconcile(const std::string& key);
  void Join(const std::string& key);

  RecordingStore& store_;
  const World world_;
  Board& board_;
  const uint64_t identity_;
  std::mt19937_64 random_;
  uint64_t nonces_ = 0;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_ONCE_CLIENT_H_
