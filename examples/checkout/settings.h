// SPDX-License-Identifier: Apache-2.0
// What the command line asked for, and what the supervisor tells its children by the same way.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_SETTINGS_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_SETTINGS_H_

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace checkout {

// Which guards a run has. "bare" has none of them.
struct Guards {
  bool holdfast = true;
  bool idempotency = true;
  bool breaker = true;
  bool budget = true;
};

struct Settings {
  uint32_t orders = 3000;
  uint64_t seed = 1;
  std::string faults;   // file of the fault plan
  std::string json;     // where to write the result; empty: nowhere
  std::string without;  // idempotency, breaker, budget; empty: nothing left out
  bool keep = false;
  bool help = false;

  // Children only.
  std::string role;    // load, order, payment; empty: the supervisor
  std::string folder;  // of this run
  std::string guards;  // bare, holdfast, without-<part>
  int order_port = 0;
  int payment_port = 0;
};

// INVALID_ARGUMENT with a sentence for people.
absl::StatusOr<Settings> ParseSettings(int argc, char** argv);
// The command line of a child, without the program.
std::vector<std::string> ChildArguments(const Settings& settings);

Guards GuardsOf(const std::string& name);
const char* HelpText();

// Both modes live under the same time limits.
inline constexpr std::chrono::milliseconds kChargeTimeout{
    200};  // one attempt at the payment service
inline constexpr std::chrono::milliseconds kPlaceTimeout{900};  // one attempt at the order service
inline constexpr int kShoppers = 24;                            // orders under way at once

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_SETTINGS_H_
