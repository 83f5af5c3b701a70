// SPDX-License-Identifier: Apache-2.0
// See once_client.h. Leases are short and some work is slow, so that leases end while it runs even if nobody is
// stopped or killed.
#include "chaos/once_client.h"

#include <holdfast/idempotency.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "store/requests.h"

namespace holdfast::chaos {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLease{80};
constexpr std::chrono::hours kTtl{1};
constexpr uint32_t kMaxAttempts = 1'000'000;

}  // namespace

void OnceClient::Step() {
  const uint64_t dice = Dice(100);
  Family family = Family::kOnce;
  if (dice >= 40) family = Family::kTakeover;
  if (dice >= 65) family = Family::kReconcile;
  if (dice >= 80 && world_.joined != nullptr) family = Family::kJoined;
  const std::string key = KeyName(family, board_.Pick(family, random_));
  if (family == Family::kReconcile) return Reconcile(key);
  if (family == Family::kJoined) return Join(key);
  RunOnce(family, key);
}

std::string OnceClient::Body(const std::string& key, uint64_t token) {
  std::string body = key + " by " + std::to_string(token);
  if (Dice(30) == 0) body.resize(2000 + Dice(3000), '.');
  return body;
}

// One in sixty works longer than its lease.
void OnceClient::Dawdle() {
  if (Dice(60) == 0) std::this_thread::sleep_for(kLease + milliseconds(Dice(40)));
}

void OnceClient::RunOnce(Family family, const std::string& key) {
  board_.operations.fetch_add(1, std::memory_order_relaxed);
  RunOnceOptions options;
  options.request = "request";
  options.on_expiry = family == Family::kOnce ? OnExpiry::kInDoubt : OnExpiry::kTakeover;
  options.lease = kLease;
  options.ttl = kTtl;
  options.max_attempts = kMaxAttempts;
  if (Dice(30) == 0) options.request = "another request";
  if (Dice(20) == 0) options.max_wait = milliseconds(5);
  const auto work = [&](Ticket& ticket) -> absl::StatusOr<std::string> {
    board_.operations.fetch_add(1, std::memory_order_relaxed);
    const uint64_t fate = Dice(40);
    if (fate == 0) return absl::InvalidArgumentError("refused");
    if (fate <= 2) {
      ticket.SetEffect(fate == 1 ? HF_EFFECT_NOT_STARTED : HF_EFFECT_RETRYABLE);
      return absl::UnavailableError("not now");
    }
    if (Dice(2) == 0) Dawdle();
    world_.ledger.Apply(key, ticket.token());
    Dawdle();
    if (fate == 3) return absl::UnavailableError("the answer was lost");
    return Body(key, ticket.token());
  };
  // What matters is in the history and in the ledger.
  (void)holdfast::RunOnce(store_, {.key = key}, options, work);
}

StoreRequest OnceClient::Claim(const std::string& key, hf_on_expiry on_expiry) {
  StoreRequest claim = testing::Claim(key, 0, on_expiry);
  const uint64_t nonce[2] = {identity_, ++nonces_};
  std::memcpy(claim.nonce, nonce, sizeof(claim.nonce));
  claim.lease = std::chrono::nanoseconds(kLease).count();
  claim.max_attempts = kMaxAttempts;
  return claim;
}

StoreReply OnceClient::AskForSure(const StoreRequest& request) {
  StoreReply reply;
  for (int tries = 0; tries < 3; ++tries) {
    board_.operations.fetch_add(1, std::memory_order_relaxed);
    reply = store_.Execute(request, Duration{0});
    if (reply.raw.status != HF_STORE_INDETERMINATE) break;
  }
  return reply;
}

void OnceClient::Reconcile(const std::string& key) {
  board_.operations.fetch_add(1, std::memory_order_relaxed);
  RunOnceOptions options;
  options.request = "request";
  options.on_expiry = OnExpiry::kReconcile;
  options.lease = kLease;
  options.ttl = kTtl;
  options.max_attempts = kMaxAttempts;
  options.reconcile = [&](Ticket& ticket) {
    board_.operations.fetch_add(1, std::memory_order_relaxed);
    if (Dice(20) == 0) return Finding::AskAgain(milliseconds(5));
    if (!world_.ledger.Look(key, ticket.token())) return Finding::NotHappened();
    return Finding::Happened(Body(key, ticket.token()));
  };
  const auto work = [&](Ticket& ticket) -> absl::StatusOr<std::string> {
    board_.operations.fetch_add(1, std::memory_order_relaxed);
    if (Dice(4) == 0) (void)ticket.Checkpoint("begun by " + std::to_string(ticket.token()));
    if (Dice(2) == 0) Dawdle();
    if (!world_.ledger.ApplyFenced(key, ticket.token())) {
      ticket.SetEffect(HF_EFFECT_NOT_STARTED);  // late: somebody looked after us
      return absl::AbortedError("fenced by the world");
    }
    Dawdle();
    return Body(key, ticket.token());
  };
  (void)holdfast::RunOnce(store_, {.key = key}, options, work);
}

void OnceClient::Join(const std::string& key) {
  const StoreReply claim = AskForSure(Claim(key, HF_ON_EXPIRY_TAKEOVER));
  if (claim.raw.status != HF_STORE_WON) return;
  Dawdle();
  const std::string body = Body(key, claim.raw.token);
  const StoreRequest complete = testing::Complete(key, claim.raw.token, body);
  board_.operations.fetch_add(1, std::memory_order_relaxed);
  const uint64_t call = store_.Invoke(complete);
  const StoreReply reply = world_.joined->Complete(complete, key);
  store_.Return(call, complete, reply);
}

}  // namespace holdfast::chaos
