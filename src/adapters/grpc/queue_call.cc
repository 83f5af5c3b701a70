// SPDX-License-Identifier: Apache-2.0
// Pauses as alarms of a completion queue. One event for each: by time, or earlier by a cancellation.
#include <grpc/support/time.h>
#include <holdfast/grpc/client_queue.h>

#include <algorithm>

namespace holdfast::inline v0_5::grpc::internal {

// Relative, so that the call's clock may be any.
void QueueCall::ArmPause(hf_time until) {
  if (options().timers != nullptr) return AsyncCall::ArmPause(until);
  const hf_duration pause = std::max<hf_duration>(0, until - clock().Now());
  const gpr_timespec at =
      until == HF_INFINITE
          ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
          : gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(pause, GPR_TIMESPAN));
  alarm_.emplace();
  alarm_->Set(&queue_, at, static_cast<QueueTag*>(&on_alarm_));
}

void QueueCall::HurryPause() {
  if (options().timers != nullptr) return AsyncCall::HurryPause();
  alarm_->Cancel();
}

}  // namespace holdfast::inline v0_5::grpc::internal
