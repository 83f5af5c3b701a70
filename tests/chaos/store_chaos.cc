// SPDX-License-Identifier: Apache-2.0
// Real processes on a real store, and everything done to both that docs/chaos.md lists.
//
//   store_chaos --store=memory|sqlite --seconds=N --seed=S --json FILE
//
// Exit: 0 sound; 1 something that must not be; 2 bad use.
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "chaos/supervisor.h"
#include "chaos/worker.h"

namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

ABSL_FLAG(std::string, store, "", "memory or sqlite");
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

int main(int count, char** arguments) {
  absl::SetProgramUsageMessage(
      "store_chaos --store=memory|sqlite [--seconds=N] [--operations=N] [--seed=S] [--json=FILE]");
  const std::vector<char*> rest = absl::ParseCommandLine(count, arguments);
  if (rest.size() > 1) {
    std::fprintf(stderr, "store_chaos: unexpected '%s'\n", rest[1]);
    return 2;
  }
  if (const std::string role = absl::GetFlag(FLAGS_role); !role.empty()) {
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
