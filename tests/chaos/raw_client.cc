// SPDX-License-Identifier: Apache-2.0
// See raw_client.h.
#include "chaos/raw_client.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "store/requests.h"

namespace holdfast::chaos {
namespace {

constexpr size_t kMostHeld = 6;
constexpr std::array<hf_duration, 5> kLeases = {10 * HF_MS, 15 * HF_MS, 25 * HF_MS, 60 * HF_MS,
                                                200 * HF_MS};
constexpr std::array<hf_duration, 4> kLives = {30 * HF_MS, 100 * HF_MS, HF_S, testing::kTtl};
constexpr std::array<hf_duration, 3> kPauses = {0, 5 * HF_MS, 40 * HF_MS};

}  // namespace

StoreRequest RawClient::Request(hf_store_verb verb, const std::string& key) {
  StoreRequest request = testing::Request(verb, key);
  request.lease = kLeases[Dice(kLeases.size())];
  request.ttl = kLives[Dice(kLives.size())];
  request.on_expiry = static_cast<hf_on_expiry>(1 + Dice(3));
  request.max_attempts = 2 + static_cast<uint32_t>(Dice(8));
  return request;
}

StoreReply RawClient::Ask(const StoreRequest& request) {
  board_.operations.fetch_add(1, std::memory_order_relaxed);
  return store_.Execute(request, Duration{0});
}

void RawClient::Step() {
  const uint64_t dice = Dice(100);
  if (dice < 6) {
    Operate();
  } else if (dice < 10) {
    ClaimMany();
  } else if (dice < 50 || held_.empty()) {
    Claim();
  } else {
    Settle();
  }
}

void RawClient::Claim() {
  const std::string key = Key();
  StoreRequest claim = Request(HF_STORE_CLAIM, key);
  const uint64_t nonce[2] = {identity_, ++nonces_};
  std::memcpy(claim.nonce, nonce, sizeof(claim.nonce));
  const uint64_t payload = Dice(25);
  if (payload > 0) hf_idem_fingerprint(payload == 1 ? "other" : "request", 5, claim.fingerprint);
  if (!held_.empty() && Dice(12) == 0)
    return Take(held_[0].key, held_[0].claim, Ask(held_[0].claim));
  StoreReply reply = Ask(claim);
  for (int again = 0; again < 2 && reply.raw.status == HF_STORE_INDETERMINATE; ++again) {
    reply = Ask(claim);
  }
  Take(key, claim, reply);
}

void RawClient::ClaimMany() {
  std::vector<std::string> keys;
  std::vector<StoreRequest> claims;
  for (uint64_t i = 0; i < 2 + Dice(4); ++i) {
    keys.push_back(Key());
    claims.push_back(Request(HF_STORE_CLAIM, keys.back()));
    const uint64_t nonce[2] = {identity_, ++nonces_};
    std::memcpy(claims.back().nonce, nonce, sizeof(nonce));
    hf_idem_fingerprint("request", 5, claims.back().fingerprint);
  }
  board_.operations.fetch_add(claims.size(), std::memory_order_relaxed);
  const std::vector<StoreReply> replies = store_.ExecuteMany(claims, Duration{0});
  for (size_t i = 0; i < claims.size(); ++i) Take(keys[i], claims[i], replies[i]);
}

void RawClient::Take(const std::string& key, const StoreRequest& claim, const StoreReply& reply) {
  const hf_store_status status = reply.raw.status;
  if (status != HF_STORE_WON && status != HF_STORE_RECONCILE) return;
  if (held_.size() >= kMostHeld) held_.erase(held_.begin() + static_cast<int64_t>(Dice(kMostHeld)));
  held_.push_back({key, reply.raw.token, claim});
}

void RawClient::Settle() {
  const size_t which = Dice(held_.size());
  const Held held = held_[which];
  const uint64_t dice = Dice(100);
  hf_store_verb verb = HF_STORE_COMPLETE;
  if (dice < 12) verb = HF_STORE_RENEW;
  if (dice >= 12 && dice < 24) verb = HF_STORE_CHECKPOINT;
  if (dice >= 24 && dice < 36) verb = HF_STORE_FAIL;
  if (dice >= 36 && dice < 42) verb = HF_STORE_ABANDON;
  StoreRequest request = Request(verb, held.key);
  request.token = held.token;
  if (verb == HF_STORE_COMPLETE || verb == HF_STORE_CHECKPOINT) {
    body_ = held.key + "/" + std::to_string(held.token) + "/" + std::to_string(random_());
    if (Dice(20) == 0) body_.clear();
    if (Dice(50) == 0) body_.resize(5000, 'b');
    request.body = {body_.data(), body_.size()};
    if (verb == HF_STORE_COMPLETE && Dice(10) == 0) request.code = HF_FAILED_PRECONDITION;
  }
  if (verb == HF_STORE_FAIL) {
    request.code = HF_UNAVAILABLE;
    request.effect = Dice(2) == 0 ? HF_EFFECT_RETRYABLE : HF_EFFECT_AMBIGUOUS;
    request.retry_after = kPauses[Dice(kPauses.size())];
  }
  StoreReply reply = Ask(request);
  for (int again = 0; again < 2 && reply.raw.status == HF_STORE_INDETERMINATE; ++again) {
    reply = Ask(request);
  }
  const bool goes_on = verb == HF_STORE_RENEW || verb == HF_STORE_CHECKPOINT || Dice(8) == 0;
  if (!goes_on) held_.erase(held_.begin() + static_cast<int64_t>(which));
}

// As an operator: looks, resolves doubts, sometimes uses force.
void RawClient::Operate() {
  const std::string key = Key();
  const uint64_t dice = Dice(6);
  StoreRequest request = Request(HF_STORE_READ, key);
  if (dice < 3) {
    hf_idem_fingerprint("request", 5, request.fingerprint);
  } else {
    static constexpr hf_effect kEffects[] = {HF_EFFECT_RETRYABLE, HF_EFFECT_NOT_STARTED,
                                             HF_EFFECT_FINAL};
    request.verb = dice < 5 ? HF_STORE_RESOLVE : HF_STORE_RELEASE;
    request.effect = kEffects[Dice(request.verb == HF_STORE_RESOLVE ? 3 : 2)];
    request.retry_after = request.effect == HF_EFFECT_RETRYABLE ? kPauses[Dice(kPauses.size())] : 0;
    if (request.effect == HF_EFFECT_FINAL) {
      body_ = "resolved/" + std::to_string(random_());
      request.body = {body_.data(), body_.size()};
    }
  }
  Ask(request);
}

}  // namespace holdfast::chaos
