// SPDX-License-Identifier: Apache-2.0
// An online checkout under fire: the same seeded faults strike plain gRPC and holdfast, then the payment
// ledger is counted.
//
//   checkout_demo              the supervisor: this file, supervisor.cc
//     --role=load              the shoppers: load.cc
//     --role=order             the order service: order.cc
//     --role=payment           the payment service: payment.cc
//
// Read payment.cc and order.cc first: each shows the same handler without and with holdfast.
#include <absl/strings/str_cat.h>
#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "process.h"
#include "report.h"
#include "roles.h"
#include "story.h"
#include "supervisor.h"

namespace checkout {
namespace {

constexpr int kInterrupted = 130;

absl::Status RunRole(const Settings& settings) {
  WatchIdleChannels();
  if (settings.role == "load") return RunLoad(settings);
  if (settings.role == "order") return RunOrders(settings);
  if (settings.role == "payment") return RunPayments(settings);
  return absl::InvalidArgumentError(absl::StrCat("no role '", settings.role, "'"));
}

void PrintStory(const Story& story, const std::string& root, const std::vector<Tally>& runs) {
  if (story.order == 0) return;
  fmt::print("The story of order {}, by its correlation id {}:\n\n{}\n", story.order,
             story.correlation, story.text);
  for (const Tally& run : runs) {
    fmt::print("  in the end, {:<22} {}\n", run.name + ":",
               TellInShort(root + "/" + run.name, story.order));
  }
  fmt::print("\n");
}

int Supervise(const Settings& settings, const FaultPlan& plan) {
  absl::StatusOr<TempFolder> folder = TempFolder::Create();
  if (!folder.ok()) {
    fmt::print(stderr, "checkout_demo: {}\n", folder.status().ToString());
    return kBroken;
  }
  if (settings.keep) {
    folder->Keep();
    fmt::print(stderr, "databases and logs: {}\n", folder->path());
  }
  std::vector<std::string> names = {"bare", "holdfast"};
  if (!settings.without.empty()) names.push_back("without-" + settings.without);
  std::vector<Tally> runs;
  CatchInterrupts();
  for (const std::string& name : names) {
    absl::StatusOr<Tally> run = RunCheckout(settings, plan, name, folder->path() + "/" + name);
    if (!run.ok()) {
      fmt::print(stderr, "\ncheckout_demo: {}: {}\n", name, std::string(run.status().message()));
      return absl::IsCancelled(run.status()) ? kInterrupted : kBroken;
    }
    runs.push_back(*run);
  }

  const Verdict verdict = Judge(runs);
  const Story story = TellUnluckiest(folder->path() + "/holdfast");
  fmt::print("\n{}\n", Table(runs));
  PrintStory(story, folder->path(), runs);
  fmt::print("{}\n", verdict.text);
  if (!settings.json.empty()) {
    if (absl::Status written = WriteJson(settings.json, settings, runs, verdict, story);
        !written.ok()) {
      fmt::print(stderr, "checkout_demo: {}\n", std::string(written.message()));
      return kBroken;
    }
  }
  return verdict.code;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Settings> settings = ParseSettings(argc, argv);
  if (!settings.ok()) {
    fmt::print(stderr, "checkout_demo: {} (see --help)\n",
               std::string(settings.status().message()));
    return kBadUse;
  }
  if (settings->help) {
    fmt::print("{}", HelpText());
    return kHeld;
  }
  if (!settings->role.empty()) {
    const absl::Status status = RunRole(*settings);
    if (!status.ok()) fmt::print(stderr, "{}: {}\n", settings->role, status.ToString());
    return status.ok() ? 0 : 1;
  }
  const absl::StatusOr<FaultPlan> plan = FaultPlan::Load(settings->faults, settings->seed);
  if (!plan.ok()) {
    fmt::print(stderr, "checkout_demo: {}\n", std::string(plan.status().message()));
    return kBadUse;
  }
  // Better now than after half a minute.
  if (!settings->json.empty() && !std::ofstream(settings->json, std::ios::app)) {
    fmt::print(stderr, "checkout_demo: cannot write --json {}\n", settings->json);
    return kBadUse;
  }
  return Supervise(*settings, *plan);
}

}  // namespace
}  // namespace checkout

int main(int argc, char** argv) { return checkout::Main(argc, argv); }
