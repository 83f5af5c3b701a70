// SPDX-License-Identifier: Apache-2.0
// One process of a chain of services, for tests/chaos/amplification_test.py.
//
//   relay serve --peer PORT --mode guarded|naive --attempts N --fail PERMILLE --seed S [--no-budget]
//     listens on a free port, prints it, fails that share of what it receives, and passes the rest on to
//     its peer (0: none, it answers). On SIGTERM prints how many calls it received, and ends.
//   relay load --peer PORT --calls N --threads T
//     calls the first of the chain, each call once, and prints how many were answered well.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/server.h>
#include <holdfast/holdfast.h>
#include <payment.grpc.pb.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using holdfast::test::ChargeReply;
using holdfast::test::ChargeRequest;
using holdfast::test::Payment;
using Options = std::map<std::string, std::string>;

const ::grpc::Status kDown(::grpc::StatusCode::UNAVAILABLE, "failed at random");

std::string Target(const std::string& port) { return "127.0.0.1:" + port; }

// Fails the same calls in every run of the same seed and order.
class Luck {
 public:
  Luck(uint64_t seed, uint64_t permille) : seed_(seed), permille_(permille) {}
  bool Fails() {
    uint64_t value = seed_ + next_.fetch_add(1) * 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return (value ^ (value >> 31)) % 1000 < permille_;
  }

 private:
  const uint64_t seed_;
  const uint64_t permille_;
  std::atomic<uint64_t> next_{0};
};

class Relay final : public Payment::Service {
 public:
  explicit Relay(Options options)
      : options_(std::move(options)),
        luck_(std::stoull(options_["seed"]), std::stoull(options_["fail"])),
        attempts_(static_cast<uint32_t>(std::stoul(options_["attempts"]))) {
    const auto budget = holdfast::RetryBudget::Create({.max_tokens = 100, .ratio = 0.2}).value();
    const auto retry =
        holdfast::RetryPolicy::Create({.max_attempts = attempts_, .base = 1ms, .cap = 4ms}).value();
    pipeline_ = holdfast::Pipeline::Create(
                    {.retry = retry,
                     .budget = options_.count("no-budget") ? holdfast::RetryBudget() : budget})
                    .value();
    if (options_["peer"] != "0") {
      stub_ = Payment::NewStub(holdfast::grpc::MakeChannel(Target(options_["peer"]),
                                                           ::grpc::InsecureChannelCredentials()));
    }
  }

  ::grpc::Status Charge(::grpc::ServerContext* context, const ChargeRequest* request,
                        ChargeReply* reply) override {
    received_.fetch_add(1);
    if (options_["mode"] == "naive") return Naive(*request, reply);
    return guard_.Handle(context, *request, reply, "relay",
                         [&](holdfast::grpc::ServerCall&) { return Guarded(*request, reply); });
  }

  uint64_t received() const { return received_.load(); }

 private:
  ::grpc::Status Guarded(const ChargeRequest& request, ChargeReply* reply) {
    if (luck_.Fails()) return kDown;
    if (stub_ == nullptr) return ::grpc::Status::OK;
    return holdfast::grpc::Unary(
        pipeline_, {.call = {.timeout = 5s, .idempotent = true}},
        [&](::grpc::ClientContext& context) { return stub_->Charge(&context, request, reply); });
  }

  // What most services have: a loop.
  ::grpc::Status Naive(const ChargeRequest& request, ChargeReply* reply) {
    if (luck_.Fails()) return kDown;
    if (stub_ == nullptr) return ::grpc::Status::OK;
    ::grpc::Status status;
    for (uint32_t attempt = 1; attempt <= attempts_; ++attempt) {
      ::grpc::ClientContext context;
      status = stub_->Charge(&context, request, reply);
      if (status.ok()) break;
    }
    return status;
  }

  Options options_;
  Luck luck_;
  const uint32_t attempts_;
  holdfast::Pipeline pipeline_;
  const holdfast::grpc::Guard guard_ =
      holdfast::grpc::Guard::Create({.require_key = false}).value();
  std::unique_ptr<Payment::Stub> stub_;
  std::atomic<uint64_t> received_{0};
};

int Serve(const Options& options) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  Relay relay(options);
  int port = 0;
  ::grpc::ServerBuilder builder;
  builder.AddListeningPort(Target("0"), ::grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&relay);
  const std::unique_ptr<::grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("%d\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  server->Shutdown(std::chrono::system_clock::now() + 1s);
  std::printf("%llu\n", static_cast<unsigned long long>(relay.received()));
  return 0;
}

int Load(Options options) {
  const uint64_t calls = std::stoull(options["calls"]);
  const auto stub = Payment::NewStub(
      ::grpc::CreateChannel(Target(options["peer"]), ::grpc::InsecureChannelCredentials()));
  std::atomic<uint64_t> next{0}, answered{0};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < std::stoull(options["threads"]); ++i) {
    threads.emplace_back([&] {
      while (next.fetch_add(1) < calls) {
        ::grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + 20s);
        ChargeReply reply;
        if (stub->Charge(&context, ChargeRequest(), &reply).ok()) answered.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%llu\n", static_cast<unsigned long long>(answered.load()));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  for (int i = 2; i < count; ++i) {
    const std::string name = std::string(arguments[i]).substr(2);
    const bool has_value = i + 1 < count && std::string(arguments[i + 1]).rfind("--", 0) != 0;
    options[name] = has_value ? arguments[++i] : "";
  }
  const std::string verb = count > 1 ? arguments[1] : "";
  if (verb == "serve") return Serve(options);
  if (verb == "load") return Load(options);
  std::fprintf(stderr, "relay: serve or load\n");
  return 2;
}
