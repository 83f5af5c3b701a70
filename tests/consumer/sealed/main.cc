// SPDX-License-Identifier: Apache-2.0
// Sealed bodies from the installed package: what is replayed is not what the store holds.
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>
#include <holdfast/sealed/store.h>

#include <cstdio>
#include <memory>
#include <string>

int main() {
  std::shared_ptr<holdfast::Store> plain = holdfast::memory::Store::Create().value();
  auto keys = std::make_shared<holdfast::sealed::MemoryKeyRing>();
  if (!keys->Add("acme", 1, holdfast::sealed::SealingKey::Fresh()).ok()) return 1;
  auto sealed =
      holdfast::sealed::Store::Open({.store = plain, .keys = keys, .tenant = "acme"}).value();
  const holdfast::Key key{.tenant = "acme", .operation = "charge", .key = "order-1"};
  const auto charge = [](holdfast::Ticket&) -> absl::StatusOr<std::string> { return "receipt"; };
  for (int i = 0; i < 2; ++i) {
    const auto result = holdfast::RunOnce(*sealed, key, {.request = "42 EUR"}, charge);
    if (!result.ok() || result->body != "receipt" || result->replayed != (i == 1)) return 1;
  }
  const auto stored = holdfast::RunOnce(*plain, key, {.request = "42 EUR"}, charge);
  if (!stored.ok() || stored->body.find("receipt") != std::string::npos) return 1;
  std::printf("sealed in %zu bytes\n", stored->body.size());
  return 0;
}
