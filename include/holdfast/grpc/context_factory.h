// SPDX-License-Identifier: Apache-2.0
// ContextFactory: one room for what every attempt of a call sends along, and for reading what came back.
//
// Each attempt gets a ClientContext of its own (gRPC forbids to use one twice) with
//   deadline    the earliest of the attempt's timeout, the call's and the context's deadline
//   metadata    the context (context.h), the idempotency key, the attempt's number, how many retries the
//               layers below may make, and the caller's
//
// The committed rule. Once a server's headers are here, its work has begun and its answer is on the way, so
// an attempt that breaks after that is never made again, idempotent or not; to the breaker it is the failure
// that it is. An answer that consists of trailers alone, as gRPC's servers send it where they refuse, commits
// nothing, nor does a connection that ends before the headers (gRFC A6, "Trailers-Only").
//
//   what came of an attempt that failed             committed
//   nothing: not connected, reset, out of time      no
//   trailers alone                                  no
//   headers, whatever followed                      yes
#ifndef HOLDFAST_GRPC_CONTEXT_FACTORY_H_
#define HOLDFAST_GRPC_CONTEXT_FACTORY_H_

#include <absl/status/status.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <holdfast/attempt.h>
#include <holdfast/c/outcome.h>
#include <holdfast/context.h>
#include <holdfast/grpc/client_options.h>
#include <holdfast/grpc/header_block.h>

#include <cstdint>

namespace holdfast::inline v0_5::grpc {

// Of Attempt::retries_left(): nothing is said to the layers below but what the context says anyway.
inline constexpr std::uint32_t kRetriesNotTold = 0xFFFFFFFF;

// Of one call; for those who write a driver of their own. Options and what they point to must outlive it.
// Threads: const functions may be called from any thread, for one attempt at a time.
class ContextFactory {
 public:
  explicit ContextFactory(const ClientOptions& options);
  ContextFactory(const ContextFactory&) = delete;
  ContextFactory& operator=(const ContextFactory&) = delete;

  // Whether any attempt can be made: metadata, key and deadline.
  const ::grpc::Status& ready() const { return ready_; }
  // The caller's, with what key and context add: for the session of the call.
  const CallOptions& call() const { return call_; }
  // The step that makes the call; what runs for it should run under it.
  const Context& context() const { return story_; }

  // Readies a fresh context; an error means that nothing must be sent.
  // Errors: DEADLINE_EXCEEDED HF_R_DEADLINE; RESOURCE_EXHAUSTED.
  absl::Status Prepare(const Attempt& attempt, ::grpc::ClientContext& context) const;

  // What an attempt did. To be asked once its status is known, and before the context ends.
  hf_outcome Read(const ::grpc::Status& status, ::grpc::ClientContext& context) const;

 private:
  absl::Status BeginStory(const Context& context);
  absl::Status Check() const;

  const ClientOptions& options_;
  CallOptions call_;
  Context story_;
  internal::HeaderBlock shared_;  // by all attempts: a step of the story
  ::grpc::Status ready_;
};

// Whether headers came, of a call that has failed with `status`. False for a context that was never used.
bool HeadersCame(const ::grpc::Status& status, ::grpc::ClientContext& context);

// An attempt that must not be made again, whoever declared it idempotent.
hf_outcome Committed(hf_outcome outcome);

// The outcome of an attempt for which nothing was sent.
hf_outcome NeverSent(const absl::Status& why);

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CONTEXT_FACTORY_H_
