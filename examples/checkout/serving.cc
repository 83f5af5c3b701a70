// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <holdfast/grpc/channel.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "roles.h"

namespace checkout {
namespace {

sigset_t StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  return signals;
}

std::string TargetOf(int port) { return absl::StrCat("127.0.0.1:", port); }

// A killed service is back within a tenth of a second or two, and so must be the way to it.
constexpr holdfast::grpc::ChannelOptions kQuickToReturn = {
    .reconnect_initial = std::chrono::milliseconds(100),
    .reconnect_max = std::chrono::milliseconds(100),
    .reconnect_min = std::chrono::seconds(1),
};

}  // namespace

void WatchIdleChannels() { setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "20", 0); }

void BlockStopSignal() {
  const sigset_t stop = StopSignal();
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

absl::Status ServeUntilStopped(::grpc::Service* service, int port, Place place,
                               const Board& board) {
  int bound = 0;
  ::grpc::ServerBuilder builder;
  builder.AddListeningPort(TargetOf(port), ::grpc::InsecureServerCredentials(), &bound);
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

std::shared_ptr<::grpc::Channel> PlainChannelTo(int port) {
  return ::grpc::CreateCustomChannel(TargetOf(port), ::grpc::InsecureChannelCredentials(),
                                     holdfast::grpc::MakeChannelArguments(kQuickToReturn));
}

std::shared_ptr<::grpc::Channel> ChannelTo(int port) {
  return holdfast::grpc::MakeChannel(TargetOf(port), ::grpc::InsecureChannelCredentials(),
                                     kQuickToReturn);
}

}  // namespace checkout
