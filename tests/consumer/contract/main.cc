// SPDX-License-Identifier: Apache-2.0
// Contracts out of the program itself, with the installed package: they are found, and an event is checked against them.
#include <holdfast/contract/gate.h>
#include <holdfast/contract/registry.h>

#include <cstdio>

#include "consumer_contracts.h"

int main() {
  const auto contracts = holdfast::contract::ContractRegistry::Create(consumer_contracts());
  if (!contracts.ok()) {
    std::printf("%s\n", contracts.status().ToString().c_str());
    return 1;
  }
  const auto gate = holdfast::contract::PublishGate::Create({.contracts = *contracts});
  if (!gate.ok()) return 1;
  holdfast::Envelope event("com.acme.order.placed", "/orders");
  event.Set(holdfast::TextAttribute("contractversion", "1.1"));
  event.set_data(holdfast::DataKind::kBinary, "\x0a\x03o-1");
  const holdfast::WallTime now = std::chrono::sys_days{std::chrono::January / 15 / 2026};
  if (!gate->Check(event.view(), now).ok()) return 1;
  event.set_data(holdfast::DataKind::kBinary, "no order");
  if (gate->Check(event.view(), now).ok()) return 1;
  std::printf("%zu versions\n", contracts->versions().size());
  return 0;
}
