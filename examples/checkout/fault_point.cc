// SPDX-License-Identifier: Apache-2.0
#include "fault_point.h"

#include <absl/strings/str_cat.h>
#include <holdfast/context.h>
#include <holdfast/grpc/context.h>
#include <signal.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace checkout {
namespace {

const ::grpc::Status kUnavailable(::grpc::StatusCode::UNAVAILABLE, "connection reset");

// As long as anybody could still be waiting for the answer.
void HoldUntilAbandoned(const ::grpc::ServerContext& context) {
  constexpr std::chrono::milliseconds kStep{5};
  const auto longest = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!context.IsCancelled() && std::chrono::steady_clock::now() < longest) {
    std::this_thread::sleep_for(kStep);
  }
}

// Who is calling, for the log: the guard, which reads it for the handler, stands further in.
holdfast::Context CallerOf(const ::grpc::ServerContext& context) {
  const auto& metadata = context.client_metadata();
  if (!holdfast::grpc::OnlyValue(metadata, holdfast::grpc::kCorrelationKey)) return {};
  return holdfast::grpc::ExtractContext(metadata, 0).context;
}

}  // namespace

absl::StatusOr<RunFiles> RunFiles::Open(const Settings& settings, const char* process) {
  absl::StatusOr<FaultPlan> plan = FaultPlan::Load(settings.faults, settings.seed);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<Board> board = Board::Open(settings.folder, settings.orders);
  if (!board.ok()) return board.status();
  absl::StatusOr<EventLog> log = EventLog::Open(settings.folder, process);
  if (!log.ok()) return log.status();
  return RunFiles{*plan, *std::move(board), *std::move(log)};
}

::grpc::Status FaultPoint::Around(const ::grpc::ServerContext& context, uint32_t order,
                                  const std::function<::grpc::Status(uint32_t)>& handle) const {
  const holdfast::ScopedContext caller(CallerOf(context));
  const uint32_t arrival = files_.board.Arrive(place_, order);
  const Fault fault = files_.plan.Decide(place_, order, arrival);
  const auto strike = [&](absl::string_view what) {
    files_.log.Fault(order, absl::StrCat("request ", arrival, ": ", what));
  };
  if (fault == Fault::kRefused) {
    strike("FAULT: UNAVAILABLE before anything was done");
    return kUnavailable;
  }
  if (fault == Fault::kSlow) {
    strike(absl::StrCat("FAULT: sleeps ", files_.plan.at(place_).slow_for.count(),
                        " ms, longer than the caller waits"));
    std::this_thread::sleep_for(files_.plan.at(place_).slow_for);
  }
  ::grpc::Status status = handle(arrival);
  if (!status.ok()) return status;
  if (fault == Fault::kReplyLost) {
    strike("FAULT: done, and the reply lost");
    return kUnavailable;
  }
  if (fault == Fault::kReplyHeld) {
    strike("FAULT: done, and never answered");
    HoldUntilAbandoned(context);
  }
  return status;
}

void FaultPoint::DieIfDue(uint32_t order, uint32_t count, const char* last_words) const {
  const PlaceFaults& faults = files_.plan.at(place_);
  Counter& kills = files_.board.counters().kills[static_cast<uint32_t>(place_)];
  uint32_t kill = kills.load();
  if (kill >= faults.kills || count < FaultPlan::KillAt(faults, kill, orders_)) return;
  // One thread takes each kill; the others carry on into it.
  if (!kills.compare_exchange_strong(kill, kill + 1)) return;
  files_.log.Fault(order, absl::StrCat("FAULT: SIGKILL, ", last_words));
  ::kill(getpid(), SIGKILL);
}

}  // namespace checkout
