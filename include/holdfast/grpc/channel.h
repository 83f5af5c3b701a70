// SPDX-License-Identifier: Apache-2.0
// Channel: how to open one that holdfast's calls can rely on.
//
// gRPC retries by itself where the service config asks for it (up to 5 attempts), and transparently
// where a request never left. Under a retry policy of ours the two multiply: 3 x 5 = 15 requests for one
// call, and our budget sees 3 of them. So gRPC's are switched off here. The interceptor puts the current
// context into every call of the channel, streams and plain stubs included, and refuses a call with
// metadata that would abort the process.
//
// A blocking call does gRPC's network work on its own thread, and between calls almost nobody does: gRPC
// looks after such a channel every 5 s (gRPC 1.51). Where an open breaker keeps the calls back, a server
// that is here again goes unnoticed for as long, and the breaker's probes still meet the broken connection.
// The environment variable GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS sets that interval for the whole
// process: about a tenth of the breaker's open_for. gRPC reads it once, so set it first thing in main(),
// before other threads and any object of gRPC's.
//
// Threads: all functions may be called from any thread.
#ifndef HOLDFAST_GRPC_CHANNEL_H_
#define HOLDFAST_GRPC_CHANNEL_H_

#include <absl/status/status.h>
#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>
#include <holdfast/status.h>

#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::grpc {

struct ChannelOptions {
  int max_receive_bytes = 4 * 1024 * 1024;  // a larger response is RESOURCE_EXHAUSTED; -1: no limit
  int max_send_bytes = -1;                  // a larger request is RESOURCE_EXHAUSTED; -1: no limit
  int max_metadata_bytes = 16 * 1024;       // headers and trailers of a response; gRPC's own: 8 KiB

  // After a broken or refused connection; 0: gRPC's own. gRPC takes less than 100 ms as 100 ms, and fails
  // calls at once while it pauses.
  Duration reconnect_initial{0};  // the first pause; gRPC's own: 1 s, then 1.6 times the one before
  Duration reconnect_max{0};      // the longest pause; gRPC's own: 2 min
  Duration reconnect_min{0};  // how long one connection may take to come about; gRPC's own: 20 s
};

// gRPC's own retries off, sizes and pauses as told.
::grpc::ChannelArguments MakeChannelArguments(const ChannelOptions& options = {});

// Whether these arguments keep gRPC's own retries off.
// Errors: FAILED_PRECONDITION HF_R_BAD_OPTIONS with a text worth a warning in the log.
absl::Status CheckRetriesOff(const ::grpc::ChannelArguments& arguments);

// Makes the interceptors of a channel; see the top. Traceparent gets a new span id for each call, unless
// the call carries one already (Unary puts in its own); what is left of the retries goes along in any case.
// A call whose context's deadline has passed fails with DEADLINE_EXCEEDED, one with illegal metadata with
// INVALID_ARGUMENT; neither leaves the process.
std::unique_ptr<::grpc::experimental::ClientInterceptorFactoryInterface>
ContextInterceptorFactory();

// A channel with all of the above. `more` run after ours; what they add is checked again after them. Only what
// gRPC's one global interceptor adds is not: it runs behind all others.
std::shared_ptr<::grpc::Channel> MakeChannel(
    const std::string& target, const std::shared_ptr<::grpc::ChannelCredentials>& credentials,
    const ChannelOptions& options = {},
    std::vector<std::unique_ptr<::grpc::experimental::ClientInterceptorFactoryInterface>> more =
        {});

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CHANNEL_H_
