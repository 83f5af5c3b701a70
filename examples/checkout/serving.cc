// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "roles.h"

namespace checkout {
namespace {

sigset_t StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void BlockStopSignal() {
  const sigset_t stop = StopSignal();
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

absl::Status ServeUntilStopped(::grpc::Service* service, int port, Place place,
                               const Board& board) {
  int bound = 0;
  ::grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), ::grpc::InsecureServerCredentials(),
                           &bound);
  builder.RegisterService(service);
  const std::unique_ptr<::grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || bound != port) {
    return absl::UnavailableError(absl::StrCat("cannot listen on 127.0.0.1:", port));
  }
  board.counters().ready[static_cast<uint32_t>(place)].store(static_cast<uint32_t>(getpid()));

  const sigset_t stop = StopSignal();
  int signal = 0;
  sigwait(&stop, &signal);
  // Handlers that are still at work finish: what they do must be in the books before these are counted.
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
  server->Wait();
  return absl::OkStatus();
}

std::shared_ptr<::grpc::Channel> ChannelTo(int port) {
  // Blocking calls do gRPC's network work on their own threads. Where an open breaker keeps calls back,
  // nobody would notice for five seconds (the default here) that the connection could be made again.
  setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "20", 0);
  ::grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  // This one is also how long a connection may take to come about.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  // Retries below ours would multiply with them.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return ::grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                     ::grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace checkout
