// SPDX-License-Identifier: Apache-2.0
// One run: starts the scene and the workers, does harm to both by a seed, then audits, checks and tells.
//
//   worker   running -> stopped (SIGSTOP, past its lease) -> running: a zombie
//                    -> dead, by SIGKILL from here or at a crash point of its own; another takes its place
#ifndef HOLDFAST_TESTS_CHAOS_SUPERVISOR_H_
#define HOLDFAST_TESTS_CHAOS_SUPERVISOR_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>

#include "chaos/audit.h"
#include "chaos/checker.h"

namespace holdfast::chaos {

struct RunSettings {
  std::string store;
  uint32_t seconds = 10;
  uint64_t operations = 0;  // 0: as many as there is time for
  uint64_t seed = 1;
  std::string folder;  // empty: a temporary one, removed unless something is wrong
  bool faults = true;
  bool progress = true;  // a line on stderr
};

struct RunReport {
  RunSettings settings;
  std::string guarantee_note;               // why violations are no failure here; empty: they are
  double worked = 0;                        // seconds
  double checked = 0;                       // seconds
  std::map<std::string, uint64_t> faults;   // by kind
  std::map<std::string, uint64_t> answers;  // by status
  uint64_t takeovers = 0;                   // WON or RECONCILE with attempt above 1
  CheckResult check;
  std::map<std::string, uint64_t> violations;  // by kind
  AuditResult audit;
  std::string trouble;  // of the run itself: a worker that ended as none should

  bool sound() const;
};

absl::StatusOr<RunReport> Run(const RunSettings& settings);

// One table, and the shortest impossible history if there is one.
std::string Table(const RunReport& report);
std::string Json(const RunReport& report);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_SUPERVISOR_H_
