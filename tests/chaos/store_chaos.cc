// SPDX-License-Identifier: Apache-2.0
// Real processes on a real store, and everything done to both that docs/chaos.md lists.
//
//   store_chaos --store=NAME --seconds=N --seed=S --json FILE
//
// Exit: 0 sound; 1 something that must not be; 2 bad use.
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "chaos/one_shot.h"
#include "chaos/scene.h"
#include "chaos/supervisor.h"
#include "chaos/worker.h"

namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

// Starts the store's servers, says where they are, and stops them when its input ends.
int Serve(const std::string& store, const std::string& folder, uint64_t seed) {
  const auto scene = holdfast::chaos::MakeScene(store, folder, seed);
  if (!scene.ok()) {
    std::fprintf(stderr, "store_chaos: %s\n", std::string(scene.status().message()).c_str());
    return 2;
  }
  std::printf("%s\n", (*scene)->DirectAddress().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace

ABSL_FLAG(std::string, store, "", "memory, sqlite, redis, cluster, failover or postgres");
ABSL_FLAG(uint32_t, seconds, 0, "how long to work; default HF_CHAOS_SECONDS, or 10");
ABSL_FLAG(uint64_t, operations, 0, "stop after so many; default HF_CHAOS_OPS, or no limit");
ABSL_FLAG(uint64_t, seed, 1, "of all that is random here");
ABSL_FLAG(std::string, json, "", "a file for the report");
ABSL_FLAG(std::string, folder, "",
          "an empty folder for the run's files, kept; default a temporary one");
ABSL_FLAG(bool, faults, true, "do harm");
ABSL_FLAG(bool, progress, true, "a line on stderr");
// For the processes that a run starts.
ABSL_FLAG(std::string, role, "", "");
ABSL_FLAG(std::string, address, "", "");
ABSL_FLAG(uint32_t, id, 0, "");
ABSL_FLAG(uint32_t, threads, 0, "");
ABSL_FLAG(bool, shared, true, "");
// For scenarios: see one_shot.h.
ABSL_FLAG(std::string, key, "key", "");
ABSL_FLAG(std::string, policy, "in_doubt", "");
ABSL_FLAG(std::string, deed, "value", "");
ABSL_FLAG(uint32_t, lease_ms, 150, "");
ABSL_FLAG(uint32_t, ttl_ms, 3'600'000, "");
ABSL_FLAG(uint32_t, max_wait_ms, 0, "");
ABSL_FLAG(uint32_t, herd, 1, "");

int main(int count, char** arguments) {
  absl::SetProgramUsageMessage(
      "store_chaos --store=NAME [--seconds=N] [--operations=N] [--seed=S] [--json=FILE]");
  const std::vector<char*> rest = absl::ParseCommandLine(count, arguments);
  if (rest.size() > 1) {
    std::fprintf(stderr, "store_chaos: unexpected '%s'\n", rest[1]);
    return 2;
  }
  const std::string role = absl::GetFlag(FLAGS_role);
  if (role == "stores") return std::puts(holdfast::chaos::StoreNames().c_str()) < 0 ? 2 : 0;
  if (role == "serve") {
    return Serve(absl::GetFlag(FLAGS_store), absl::GetFlag(FLAGS_folder),
                 absl::GetFlag(FLAGS_seed));
  }
  if (role == "one" || role == "ask") {
    const holdfast::chaos::OneShotSettings one = {.address = absl::GetFlag(FLAGS_address),
                                                  .folder = absl::GetFlag(FLAGS_folder),
                                                  .key = absl::GetFlag(FLAGS_key),
                                                  .policy = absl::GetFlag(FLAGS_policy),
                                                  .deed = absl::GetFlag(FLAGS_deed),
                                                  .lease_ms = absl::GetFlag(FLAGS_lease_ms),
                                                  .ttl_ms = absl::GetFlag(FLAGS_ttl_ms),
                                                  .max_wait_ms = absl::GetFlag(FLAGS_max_wait_ms),
                                                  .herd = absl::GetFlag(FLAGS_herd)};
    return role == "one" ? holdfast::chaos::RunOne(one) : holdfast::chaos::AskOne(one);
  }
  if (!role.empty()) {
    return holdfast::chaos::RunWorker({.role = role,
                                       .folder = absl::GetFlag(FLAGS_folder),
                                       .address = absl::GetFlag(FLAGS_address),
                                       .id = absl::GetFlag(FLAGS_id),
                                       .threads = absl::GetFlag(FLAGS_threads),
                                       .seed = absl::GetFlag(FLAGS_seed),
                                       .shared = absl::GetFlag(FLAGS_shared)});
  }
  holdfast::chaos::RunSettings settings;
  settings.store = absl::GetFlag(FLAGS_store);
  settings.seconds = absl::GetFlag(FLAGS_seconds);
  if (settings.seconds == 0) {
    settings.seconds = static_cast<uint32_t>(FromEnvironment("HF_CHAOS_SECONDS", 10));
  }
  settings.operations = absl::GetFlag(FLAGS_operations);
  if (settings.operations == 0) settings.operations = FromEnvironment("HF_CHAOS_OPS", 0);
  settings.seed = absl::GetFlag(FLAGS_seed);
  settings.folder = absl::GetFlag(FLAGS_folder);
  settings.faults = absl::GetFlag(FLAGS_faults);
  settings.progress = absl::GetFlag(FLAGS_progress);
  const absl::StatusOr<holdfast::chaos::RunReport> report = holdfast::chaos::Run(settings);
  if (!report.ok()) {
    std::fprintf(stderr, "store_chaos: %s\n", std::string(report.status().message()).c_str());
    return absl::IsInvalidArgument(report.status()) ? 2 : 1;
  }
  std::fputs(holdfast::chaos::Table(*report).c_str(), stdout);
  if (const std::string path = absl::GetFlag(FLAGS_json); !path.empty()) {
    std::ofstream out(path);
    out << holdfast::chaos::Json(*report);
    out.close();
    if (!out) {
      std::fprintf(stderr, "store_chaos: --json: cannot write %s\n", path.c_str());
      return 2;
    }
  }
  return report->sound() ? 0 : 1;
}
