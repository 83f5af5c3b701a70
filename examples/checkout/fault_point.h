// SPDX-License-Identifier: Apache-2.0
// The fault point: stands around a handler and does to it what the plan says. Bare and holdfast
// handlers stand behind the same one.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_FAULT_POINT_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_FAULT_POINT_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>

#include "board.h"
#include "event_log.h"
#include "faults.h"
#include "settings.h"

namespace checkout {

// What the processes of a run share, opened by each of them.
struct RunFiles {
  FaultPlan plan;
  Board board;
  EventLog log;

  static absl::StatusOr<RunFiles> Open(const Settings& settings, const char* process);
};

// Thread-safe.
class FaultPoint {
 public:
  FaultPoint(const RunFiles& files, Place place, uint32_t orders)
      : files_(files), place_(place), orders_(orders) {}

  // Runs `handle(arrival)`, or what the plan has instead, before or after it.
  ::grpc::Status Around(const ::grpc::ServerContext& context, uint32_t order,
                        const std::function<::grpc::Status(uint32_t arrival)>& handle) const;

  // Called where a death hurts most: done, and not yet answered. Dies by SIGKILL each time `count`
  // passes the next point of the plan.
  void DieIfDue(uint32_t order, uint32_t count, const char* last_words) const;

 private:
  const RunFiles& files_;
  Place place_;
  uint32_t orders_;
};

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_FAULT_POINT_H_
