// SPDX-License-Identifier: Apache-2.0
// The fleet's limiter beside a bare round trip to the same server: what a question costs, and one that need not be
// asked.
//
// bare: GET by hiredis, one caller, blocking. take, refused: one caller, blocking, through the limiter's thread.
// take_p64: 64 questions under way. remembered: refused by what was remembered.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <hiredis/hiredis.h>
#include <holdfast/redis/limiter.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace {

namespace redis = holdfast::redis;

// A redis-server of our own, as long as the program runs.
class Server {
 public:
  Server() {
    for (int i = 0; i < 20 && !Start(); ++i) {
    }
    if (pid_ > 0) return;
    std::fprintf(stderr, "redis-server does not start: is it installed?\n");
    std::abort();
  }
  ~Server() { End(); }

  uint16_t port() const { return port_; }

 private:
  bool Start() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    close(fd);
    port_ = ntohs(address.sin_port);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(1);
      const std::string port = std::to_string(port_);
      execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port.c_str(),
             "--save", "", "--dir", "/tmp", nullptr);
      _exit(127);
    }
    for (int i = 0; i < 2000; ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = 0;
        return false;
      }
      redisContext* const context = redisConnect("127.0.0.1", port_);
      const bool up = context != nullptr && context->err == 0;
      if (context != nullptr) redisFree(context);
      if (up) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    End();
    return false;
  }
  void End() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

Server& TheServer() {
  static Server server;
  return server;
}

std::unique_ptr<redis::Limiter> Open(const char* name, uint32_t permits, bool always_ask) {
  redis::LimiterOptions options;
  options.server.port = TheServer().port();
  options.name = name;
  options.permits = permits;
  options.always_ask = always_ask;
  options.timeout = std::chrono::seconds(5);
  auto limiter = redis::Limiter::Open(options);
  if (!limiter.ok()) std::abort();
  return *std::move(limiter);
}

void Bare(benchmark::State& state) {
  redisContext* const context = redisConnect("127.0.0.1", TheServer().port());
  if (context == nullptr || context->err != 0) std::abort();
  for (auto _ : state) freeReplyObject(redisCommand(context, "GET nothing"));
  redisFree(context);
}
BENCHMARK(Bare)->Name("fleet_limiter/bare")->UseRealTime();

void Take(benchmark::State& state) {
  const auto limiter = Open("take", 10'000'000, true);
  for (auto _ : state) {
    if (!limiter->Take({.key = "k"}).asked) state.SkipWithError("not asked");
  }
}
BENCHMARK(Take)->Name("fleet_limiter/take")->UseRealTime();

void Refused(benchmark::State& state) {
  const auto limiter = Open("refused", 1, true);
  limiter->Take({.key = "k"});
  for (auto _ : state) benchmark::DoNotOptimize(limiter->Take({.key = "k"}));
}
BENCHMARK(Refused)->Name("fleet_limiter/refused")->UseRealTime();

void TakeManyAtOnce(benchmark::State& state) {
  constexpr int kAtOnce = 64;
  const auto limiter = Open("many", 10'000'000, true);
  std::mutex mutex;
  std::condition_variable all;
  int left = 0;
  for (auto _ : state) {
    left = kAtOnce;
    for (int i = 0; i < kAtOnce; ++i) {
      limiter->Take({.key = "k"}, [&](const redis::LimitVerdict&) {
        const std::lock_guard lock(mutex);
        if (--left == 0) all.notify_one();
      });
    }
    std::unique_lock lock(mutex);
    all.wait(lock, [&] { return left == 0; });
  }
  state.SetItemsProcessed(state.iterations() * kAtOnce);
}
BENCHMARK(TakeManyAtOnce)->Name("fleet_limiter/take_p64")->UseRealTime();

void Remembered(benchmark::State& state) {
  redis::LimiterOptions options;
  options.server.port = TheServer().port();
  options.name = "remembered";
  options.permits = 1;
  options.period = std::chrono::hours(1);
  options.remember = std::chrono::hours(1);
  options.timeout = std::chrono::seconds(5);
  const auto limiter = redis::Limiter::Open(options).value();
  while (limiter->Take({.key = "k"}).allowed) {
  }
  for (auto _ : state) benchmark::DoNotOptimize(limiter->Take({.key = "k"}));
  if (limiter->stats().refused > 1) state.SkipWithError("asked");
}
BENCHMARK(Remembered)->Name("fleet_limiter/remembered")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
