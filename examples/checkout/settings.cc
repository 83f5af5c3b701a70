// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <getopt.h>

#include <array>

namespace checkout {
namespace {

constexpr uint32_t kMostOrders = 1000000;

enum Flag {
  kOrders = 1,
  kSeed,
  kFaults,
  kJson,
  kWithout,
  kKeep,
  kHelp,
  kRole,
  kFolder,
  kGuards,
  kOrderPort,
  kPaymentPort
};

constexpr std::array<option, 13> kFlags = {{
    {"orders", required_argument, nullptr, kOrders},
    {"seed", required_argument, nullptr, kSeed},
    {"faults", required_argument, nullptr, kFaults},
    {"json", required_argument, nullptr, kJson},
    {"without", required_argument, nullptr, kWithout},
    {"keep", no_argument, nullptr, kKeep},
    {"help", no_argument, nullptr, kHelp},
    {"role", required_argument, nullptr, kRole},
    {"folder", required_argument, nullptr, kFolder},
    {"guards", required_argument, nullptr, kGuards},
    {"order-port", required_argument, nullptr, kOrderPort},
    {"payment-port", required_argument, nullptr, kPaymentPort},
    {nullptr, 0, nullptr, 0},
}};

absl::Status Take(int flag, const std::string& value, Settings* settings) {
  switch (flag) {
    case kOrders:
      if (!absl::SimpleAtoi(value, &settings->orders) || settings->orders < 1 ||
          settings->orders > kMostOrders) {
        return absl::InvalidArgumentError(
            absl::StrCat("--orders takes a number from 1 to ", kMostOrders, ", not '", value, "'"));
      }
      break;
    case kSeed:
      if (!absl::SimpleAtoi(value, &settings->seed)) {
        return absl::InvalidArgumentError(
            absl::StrCat("--seed takes a number from 0 to 2^64-1, not '", value, "'"));
      }
      break;
    case kWithout:
      if (value != "idempotency" && value != "breaker" && value != "budget") {
        return absl::InvalidArgumentError(
            absl::StrCat("--without takes idempotency, breaker or budget, not '", value, "'"));
      }
      settings->without = value;
      break;
    case kFaults:
      settings->faults = value;
      break;
    case kJson:
      settings->json = value;
      break;
    case kKeep:
      settings->keep = true;
      break;
    case kHelp:
      settings->help = true;
      break;
    case kRole:
      settings->role = value;
      break;
    case kFolder:
      settings->folder = value;
      break;
    case kGuards:
      settings->guards = value;
      break;
    case kOrderPort:
      (void)absl::SimpleAtoi(value, &settings->order_port);
      break;
    case kPaymentPort:
      (void)absl::SimpleAtoi(value, &settings->payment_port);
      break;
    default:
      return absl::InvalidArgumentError("unknown option");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Settings> ParseSettings(int argc, char** argv) {
  Settings settings;
  settings.faults = CHECKOUT_DEFAULT_FAULTS;
  opterr = 0;
  for (;;) {
    const int at = optind;
    const int flag = getopt_long(argc, argv, ":", kFlags.data(), nullptr);
    if (flag == -1) break;
    if (flag == '?') {
      return absl::InvalidArgumentError(absl::StrCat("unknown option '", argv[at], "'"));
    }
    if (flag == ':') {
      return absl::InvalidArgumentError(absl::StrCat("option '", argv[at], "' needs a value"));
    }
    if (absl::Status taken = Take(flag, optarg == nullptr ? "" : optarg, &settings); !taken.ok()) {
      return taken;
    }
  }
  if (optind < argc) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", argv[optind], "'"));
  }
  return settings;
}

std::vector<std::string> ChildArguments(const Settings& settings) {
  return {absl::StrCat("--role=", settings.role),
          absl::StrCat("--folder=", settings.folder),
          absl::StrCat("--guards=", settings.guards),
          absl::StrCat("--faults=", settings.faults),
          absl::StrCat("--orders=", settings.orders),
          absl::StrCat("--seed=", settings.seed),
          absl::StrCat("--order-port=", settings.order_port),
          absl::StrCat("--payment-port=", settings.payment_port)};
}

Guards GuardsOf(const std::string& name) {
  const bool holdfast = name != "bare";
  return {.holdfast = holdfast,
          .idempotency = holdfast && name != "without-idempotency",
          .breaker = holdfast && name != "without-breaker",
          .budget = holdfast && name != "without-budget"};
}

const char* HelpText() {
  return R"(usage: checkout_demo [OPTIONS]

An online checkout under fire: a load client, an order service and a payment service, three
processes over gRPC, each service with its own SQLite file. The same seeded faults strike twice: once
plain gRPC with a naive retry loop, once with holdfast. Then the payment ledger is counted.

  --orders N        how many orders to place (default 3000, about half a minute)
  --seed S          the seed of amounts and faults (default 1)
  --faults FILE     the fault plan (default examples/checkout/faults/default.json)
  --without PART    a third run with idempotency, breaker or budget left out of holdfast
  --json FILE       write the result for machines
  --keep            keep the databases and logs, and say where
  --help            this text

exit code: 0  holdfast lost nothing, charged nothing twice, confirmed at least 99 %; plain gRPC did not
           1  the promise was broken (or --without showed what it breaks), or the run failed
           2  bad options or a bad fault plan
           3  too small a run: even plain gRPC charged nothing twice, so nothing is shown
)";
}

}  // namespace checkout
