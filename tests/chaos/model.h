// SPDX-License-Identifier: Apache-2.0
// What a key may go through, by the contract of c/record.h, written anew and naively: this model shares no line with
// hf_record_apply, or it would share its mistakes.
//
// Real time is the only clock here. When an operation took effect is known no better than "between its invocation
// and its return", so each deadline is a window, and where an operation may be on either side of one, both
// outcomes are possible. A store's clock may differ from ours by `tolerance`.
//
//   window   earliest = invocation of who set it + duration     latest = its return + duration
//   over?    possible from earliest - tolerance on              not over? possible up to latest + tolerance
//
// The token of a winner whose answer was lost is unknown until somebody is told it: then `token` is a bound,
// which the token exceeds.
#ifndef HOLDFAST_TESTS_CHAOS_MODEL_H_
#define HOLDFAST_TESTS_CHAOS_MODEL_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "chaos/history.h"

namespace holdfast::chaos {

struct Window {
  int64_t earliest = 0;
  int64_t latest = 0;
  bool operator==(const Window&) const = default;
};

struct KeyState {
  hf_record_state state = HF_RECORD_ABSENT;
  hf_on_expiry on_expiry = 0;
  std::array<uint8_t, 16> nonce{};
  uint64_t token = 0;  // stays when the key is gone: the next one is higher
  bool token_known = true;
  bool reconcile = false;
  uint32_t attempt = 0;
  uint32_t truncated = 0;
  hf_code code = 0;
  uint64_t fingerprint = 0;
  uint64_t body = 0;
  Window lease;
  Window not_before;
  Window expires;
  int64_t written =
      0;  // no write comes before this moment: the latest invocation among those that wrote
  bool operator==(const KeyState&) const = default;
};

struct ModelOptions {
  int64_t tolerance = 5 * HF_MS;
  // How long past its time a result may still be replayed, or a backoff told: harmless, and so left to a store
  // that only estimates what its server's clock shows. A key is never given away early, nor a lease judged late.
  int64_t retention_lag = 0;
  bool judge_time =
      true;  // false: the store's clock was moved, and any deadline may be over or not
  bool judge_checkpoints = true;  // false: any checkpoint may be handed to a winner
};

struct Outcome {
  hf_store_status status = 0;
  KeyState next;
  bool writes = false;
};

// All that may become of `state` when `operation` takes effect, as far as its answer allows. Of an operation without
// an answer: only outcomes that write, for the others leave no trace.
std::vector<Outcome> Apply(const KeyState& state, const Operation& operation,
                           const ModelOptions& options);

std::string Describe(const KeyState& state, int64_t origin);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_MODEL_H_
