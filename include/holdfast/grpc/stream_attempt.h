// SPDX-License-Identifier: Apache-2.0
// StreamAttempt: what one attempt of a stream has come to, whichever API carries it. For drivers only.
//
//   state      event      next         if it fails now, may the call be made again?
//   opened     sent       sent         as the outcome says
//   opened     headers    committed
//   opened     message    committed
//   sent       sent       sent         as the outcome says, if the messages can be made again (resend)
//   sent       headers    committed
//   sent       message    committed
//   committed  any        committed    never: half an answer is with the caller, or on its way
//
// Invariants: committed is for ever. Nothing here looks at the status: what the attempt did is the outcome's to
// say, and what the breaker learns from it stays as it is. Thread-safe: a stream's two halves may be two threads.
#ifndef HOLDFAST_GRPC_STREAM_ATTEMPT_H_
#define HOLDFAST_GRPC_STREAM_ATTEMPT_H_

#include <holdfast/c/outcome.h>
#include <holdfast/grpc/context_factory.h>

#include <atomic>

namespace holdfast::inline v0_5::grpc::internal {

class StreamAttempt {
 public:
  void OnSent() { sent_.store(true, std::memory_order_relaxed); }
  void OnHeaders() { committed_.store(true, std::memory_order_relaxed); }
  void OnMessage() { OnHeaders(); }

  bool committed() const { return committed_.load(std::memory_order_relaxed); }

  // The outcome of the attempt that is over, its status read.
  hf_outcome Judge(const hf_outcome& outcome, bool resend) const {
    const bool spent = sent_.load(std::memory_order_relaxed) && !resend;
    return outcome.code != HF_OK && (committed() || spent) ? Committed(outcome) : outcome;
  }

  // The next one begins.
  void Reset() {
    sent_.store(false, std::memory_order_relaxed);
    committed_.store(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> sent_{false};
  std::atomic<bool> committed_{false};
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_STREAM_ATTEMPT_H_
