// SPDX-License-Identifier: Apache-2.0
// Runs a charge once and asks for it again: the second time, the first result is replayed.
#if __has_include(<holdfast/holdfast.h>)
#include <holdfast/holdfast.h>
#endif
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>

#include <cstdio>
#include <string>

int main() {
  auto store = holdfast::memory::Store::Create();
  if (!store.ok()) return 1;
  int charges = 0;
  for (const bool again : {false, true}) {
    const auto result =
        holdfast::RunOnce(**store, {.operation = "charge", .key = "order-1"}, {.request = "42 EUR"},
                          [&](holdfast::Ticket&) -> absl::StatusOr<std::string> {
                            ++charges;
                            return "receipt";
                          });
    if (!result.ok() || result->body != "receipt" || result->replayed != again) return 1;
  }
  std::printf("holdfast %u.%u: %d charge\n", hf_version() >> 16, (hf_version() >> 8) & 0xffu,
              charges);
  return charges == 1 ? 0 : 1;
}
