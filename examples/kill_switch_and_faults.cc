// SPDX-License-Identifier: Apache-2.0
// An operator stops one tenant's charges for ten minutes; then a chaos run is made, and made again from its
// recorded seed. All of it in virtual time: `./dev example kill_switch_and_faults`
#include <holdfast/fault.h>
#include <holdfast/kill_switch.h>
#include <holdfast/testing/virtual_clock.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;
using holdfast::Facts;

namespace {

std::string Seconds(holdfast::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

// The operator looks before the shot, and need not remember to lift the rule.
bool StopOneTenant(holdfast::KillSwitch& kill_switch, holdfast::testing::VirtualClock& clock) {
  const Facts acme = {.operation = "charge", .tenant = "acme"};
  const Facts others = {.operation = "charge", .tenant = "globex"};
  const auto token = kill_switch.Arm({.match = {.operation = "charge", .tenant = "acme"},
                                      .owner = "ann@payments",
                                      .reason = "charged twice, INC-4711",
                                      .expiry = 10min},
                                     clock.Now());
  if (!token.ok()) return false;
  for (int i = 0; i < 20; ++i) {
    if (!kill_switch.Check(i % 5 == 0 ? acme : others, clock.Now()).ok()) return false;
    clock.Advance(100ms);
  }
  std::cout << "armed: in 2 s it would have refused " << kill_switch.List(clock.Now())[0].watched
            << " of 20 calls\n";

  if (!kill_switch.Fire(*token, clock.Now()).ok()) return false;
  clock.Advance(3min);
  const absl::Status refused = kill_switch.Check(acme, clock.Now());
  const auto why = holdfast::RejectionOf(refused);
  if (!why) return false;
  std::cout << "on:    acme is " << why->reason_name() << ", come back in "
            << Seconds(why->retry_after) << "; globex is "
            << (kill_switch.Check(others, clock.Now()).ok() ? "served" : "refused") << '\n';

  clock.Advance(7min);
  std::cout << "over:  acme is "
            << (kill_switch.Check(acme, clock.Now()).ok() ? "served" : "refused")
            << " again, and nobody had to remember\n";
  return true;
}

// One line per run: what each of 40 calls met. '.' nothing, 'E' an error, 'd' a delay.
std::string ChaosRun(const holdfast::FaultInjector& faults,
                     holdfast::testing::VirtualClock& clock) {
  std::string story;
  for (uint64_t call = 1; call <= 40; ++call) {  // a call's number serves as its seed here
    const holdfast::InjectedFault fault =
        faults.Draw(call, 1, {.operation = "charge", .target = "bank"}, clock.Now());
    if (fault.delay_until() > clock.Now()) {
      clock.Advance(holdfast::Duration{fault.delay_until() - clock.Now()});
    }
    story += !fault ? '.' : fault.attempt_is_made() ? 'd' : 'E';
  }
  return story;
}

}  // namespace

int main() {
  holdfast::testing::VirtualClock clock;
  auto kill_switch = holdfast::KillSwitch::Create();
  if (!kill_switch.ok() || !StopOneTenant(*kill_switch, clock)) return 1;

  const holdfast::FaultRule rules[] = {{.match = {.target = "bank"},
                                        .kind = holdfast::FaultKind::kError,
                                        .rate = 0.15,
                                        .code = absl::StatusCode::kUnavailable},
                                       {.match = {.operation = "ch*"},
                                        .kind = holdfast::FaultKind::kDelay,
                                        .rate = 0.2,
                                        .delay_min = 50ms,
                                        .delay_max = 400ms}};
  auto faults = holdfast::FaultInjector::Create({.rules = rules, .expiry = 10min});
  if (!faults.ok() || !faults->Start(clock.Now()).ok()) return 1;
  const std::string first = ChaosRun(*faults, clock);
  const uint64_t seed = faults->Snapshot(clock.Now()).seed;
  std::cout << "chaos: " << first << '\n';

  // Later, elsewhere: the same seed, the same calls.
  auto again = holdfast::FaultInjector::Create({.rules = rules, .expiry = 10min, .seed = seed});
  if (!again.ok() || !again->Start(clock.Now()).ok()) return 1;
  const std::string second = ChaosRun(*again, clock);
  std::cout << "again: " << second << '\n';

  // Whoever sees that it goes too far ends it: a breaker that opened, an alert, an operator.
  again->Stop(HF_R_BREAKER_OPEN, clock.Now());
  const auto after = again->Snapshot(clock.Now());
  std::cout << "ended: " << hf_reason_name(after.stop_reason) << ", after " << after.errors
            << " errors and " << after.delays << " delays; now " << ChaosRun(*again, clock) << '\n';
  return first == second ? 0 : 1;
}
