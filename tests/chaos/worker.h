// SPDX-License-Identifier: Apache-2.0
// One process that uses the store, and the one that audits it at the end. Both are roles of store_chaos.
#ifndef HOLDFAST_TESTS_CHAOS_WORKER_H_
#define HOLDFAST_TESTS_CHAOS_WORKER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "chaos/audit.h"

namespace holdfast::chaos {

struct WorkerSettings {
  std::string role;     // "work", "audit", or "both": a store that no other process can see
  std::string folder;   // the run's
  std::string address;  // see open_store.h
  uint32_t id = 0;      // also sets its nonces apart
  uint32_t threads = 4;
  uint64_t seed = 1;
  bool shared = true;
};

// The exit status.
int RunWorker(const WorkerSettings& settings);

// Files of a run's folder.
std::string BoardPath(const std::string& folder);
std::string LedgerPath(const std::string& folder);
std::string HistoryPath(const std::string& folder, uint32_t worker, uint32_t thread);
std::string AuditPath(const std::string& folder);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_WORKER_H_
