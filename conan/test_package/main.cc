// SPDX-License-Identifier: Apache-2.0
// Charges once under retry, and asks again: the second time, the first result is replayed.
#include <holdfast/holdfast.h>

#include <cstdio>
#include <string>

int main() {
  auto retry = holdfast::RetryPolicy::Create({.max_attempts = 3});
  if (!retry.ok()) return 1;
  auto pipeline = holdfast::Pipeline::Create({.retry = *retry});
  auto store = holdfast::memory::Store::Create();
  if (!pipeline.ok() || !store.ok()) return 1;
  int charges = 0;
  for (const bool again : {false, true}) {
    const auto charge = [&]() -> absl::StatusOr<std::string> {
      ++charges;
      return "receipt";
    };
    const auto result = holdfast::RunOnce(
        **store, {.operation = "charge", .key = "order-1"}, {.request = "42 EUR"},
        [&](holdfast::Ticket&) { return holdfast::Call(*pipeline, {.idempotent = true}, charge); });
    if (!result.ok() || result->body != "receipt" || result->replayed != again) return 1;
  }
  std::printf("holdfast %u.%u: %d charge\n", hf_version() >> 16, (hf_version() >> 8) & 0xffu,
              charges);
  return charges == 1 ? 0 : 1;
}
