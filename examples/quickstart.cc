// SPDX-License-Identifier: Apache-2.0
#include <holdfast/holdfast.h>

#include <iostream>

using namespace std::chrono_literals;

int main() {
  // One pipeline per dependency: what it may cost, and when to leave it alone.
  auto pipeline = holdfast::Pipeline::Create(
      {.retry = holdfast::RetryPolicy::Create({.max_attempts = 4}).value(),
       .budget = holdfast::RetryBudget::Create().value(),
       .breaker = holdfast::CircuitBreaker::Create({.open_for = 2s}).value(),
       .bulkhead = holdfast::Bulkhead::Create({.limit = 32}).value(),
       .attempt_timeout = 250ms});
  // One store per service: what ran before is replayed, byte for byte.
  auto store = holdfast::memory::Store::Create();
  if (!pipeline.ok() || !store.ok()) return 1;

  auto pay = [&](holdfast::Ticket& ticket) {
    return holdfast::Call(*pipeline, {.timeout = 1s, .idempotent = true}, [&] {
      // Your client's call goes here; the downstream key is the same on every attempt.
      return absl::StatusOr<std::string>("paid, reference " + ticket.DownstreamKey("card"));
    });
  };
  auto receipt = holdfast::RunOnce(**store, {.operation = "charge", .key = "order-1042"},
                                   {.request = "EUR 12.50"}, pay);
  std::cout << (receipt.ok() ? receipt->body : receipt.status().ToString()) << '\n';
}
