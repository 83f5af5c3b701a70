// SPDX-License-Identifier: Apache-2.0
// The three processes of a run. Each returns its exit code; the services run until SIGTERM.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_ROLES_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_ROLES_H_

#include <grpcpp/channel.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <string>

#include "fault_point.h"
#include "settings.h"

namespace checkout {

absl::Status RunLoad(const Settings& settings);      // load.cc
absl::Status RunOrders(const Settings& settings);    // order.cc
absl::Status RunPayments(const Settings& settings);  // payment.cc

// Serves on 127.0.0.1:`port` until SIGTERM, then lets running handlers finish. Call before any thread is
// started, so that the signal reaches nobody else.
void BlockStopSignal();
absl::Status ServeUntilStopped(::grpc::Service* service, int port, Place place, const Board& board);

// Has gRPC notice within 20 ms, not 5 s, that a connection can be made again while a breaker keeps all
// calls back (see holdfast/grpc/channel.h). Call before any thread is started.
void WatchIdleChannels();

// A channel that comes back quickly after its server was killed, and does not retry by itself.
std::shared_ptr<::grpc::Channel> ChannelTo(int port);
// The same without holdfast in it: no context, no guard against illegal metadata.
std::shared_ptr<::grpc::Channel> PlainChannelTo(int port);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_ROLES_H_
