// SPDX-License-Identifier: Apache-2.0
// Executor: where what may block runs, so that gRPC's own threads do not.
#ifndef HOLDFAST_GRPC_EXECUTOR_H_
#define HOLDFAST_GRPC_EXECUTOR_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <functional>

namespace holdfast::inline v0_5::grpc {

// Runs what it is given, once, on any thread. If it throws, it must not have taken it: the caller is told
// UNAVAILABLE, not started. What it drops is a call that never ends.
using Executor = std::function<void(std::function<void()>)>;

namespace internal {

// The answer to a call that nobody will work on.
::grpc::Status NotTaken(::grpc::CallbackServerContext& context);

}  // namespace internal
}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_EXECUTOR_H_
