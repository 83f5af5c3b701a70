// SPDX-License-Identifier: Apache-2.0
// See invariants.h.
#include "chaos/invariants.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace holdfast::chaos {
namespace {

using Result = std::tuple<uint64_t, hf_code, uint32_t>;

bool Won(const Operation& operation) {
  return operation.answered &&
         (operation.reply.status == HF_STORE_WON || operation.reply.status == HF_STORE_RECONCILE);
}

bool GivesAResult(const Event& request) {
  return request.verb == HF_STORE_COMPLETE ||
         (request.verb == HF_STORE_RESOLVE && request.effect == HF_EFFECT_FINAL);
}

}  // namespace

std::optional<Breach> FirstBreach(const std::vector<Operation>& operations) {
  std::vector<const Operation*> by_return;
  absl::flat_hash_set<Result> given;
  for (const Operation& operation : operations) {
    const Event& request = operation.request;
    if (operation.answered) by_return.push_back(&operation);
    if (GivesAResult(request)) given.emplace(request.body, request.code, request.truncated);
  }
  std::sort(by_return.begin(), by_return.end(),
            [](const Operation* a, const Operation* b) { return a->returned < b->returned; });
  absl::flat_hash_map<uint64_t, std::array<uint8_t, 16>> owners;
  absl::flat_hash_map<uint64_t, Result> results;
  std::vector<std::pair<int64_t, uint64_t>> highest;  // return, highest token told by then
  for (const Operation* operation : by_return) {
    const Event& reply = operation->reply;
    if (Won(*operation)) {
      const auto& nonce = operation->request.nonce;
      const auto [owner, is_first] = owners.try_emplace(reply.token, nonce);
      if (owner->second != nonce) return Breach{"token reuse", reply.at};
      const auto before = std::lower_bound(highest.begin(), highest.end(),
                                           std::pair<int64_t, uint64_t>(operation->request.at, 0));
      const uint64_t known = before == highest.begin() ? 0 : std::prev(before)->second;
      // An owner that asks again is told its token again, and others may have heard of it meanwhile.
      if (is_first && known > reply.token) {
        return Breach{"token reuse", reply.at};
      }
    }
    if (reply.status == HF_STORE_REPLAY) {
      const Result result{reply.body, reply.code, reply.truncated};
      if (!given.contains(result)) return Breach{"wrong bytes", reply.at};
      if (results.try_emplace(reply.token, result).first->second != result) {
        return Breach{"wrong bytes", reply.at};
      }
    }
    const uint64_t told = std::max(reply.token, highest.empty() ? 0 : highest.back().second);
    highest.emplace_back(operation->returned, told);
  }
  return std::nullopt;
}

}  // namespace holdfast::chaos
