// SPDX-License-Identifier: Apache-2.0
// Roles of store_chaos for scenarios: a process that does one thing to a store, and says on stdout, as one line of
// JSON, what came of it.
//
//   one   one RunOnce of a key (or `herd` of them at once), with an effect in the ledger
//   ask   one READ of a key
#ifndef HOLDFAST_TESTS_CHAOS_ONE_SHOT_H_
#define HOLDFAST_TESTS_CHAOS_ONE_SHOT_H_

#include <cstdint>
#include <string>

namespace holdfast::chaos {

struct OneShotSettings {
  std::string address;
  std::string folder;  // with the ledger
  std::string key;
  std::string policy = "in_doubt";  // or takeover, reconcile
  // What the work does: "value"; "ambiguous", "retryable", "not_started": the effect (but in the last), then that
  // error; "joined": the effect is a row in the record's own transaction; "overtime": waits until its lease is over.
  std::string deed = "value";
  uint32_t lease_ms = 150;
  uint32_t ttl_ms = 3'600'000;
  uint32_t max_wait_ms = 0;
  uint32_t herd = 1;
};

// Exit statuses: 0, or 2 where there was nothing to say.
int RunOne(const OneShotSettings& settings);
int AskOne(const OneShotSettings& settings);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_ONE_SHOT_H_
