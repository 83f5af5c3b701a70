// SPDX-License-Identifier: Apache-2.0
// The Redis store beside bare SET NX PX of a value of the same size, over the same connections with as many
// requests in flight, against a server of its own. Claims, completions and bare commands take turns in short
// rounds, so that a machine that slows down slows all of them; a figure is the median round. Labelled "wall":
// what counts is the time that passes per operation of all that are in flight.
//
// bare_pN, claim_pN, complete_pN: four connections, N requests in flight on each. On stderr: the ratio of each
// pair of rounds, bytes per key, and what redis-benchmark says where it is installed.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <hiredis/hiredis.h>
#include <holdfast/entropy.h>
#include <holdfast/redis/store.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/redis/core.h"
#include "adapters/redis/pool.h"
#include "adapters/redis/record_codec.h"
#include "adapters/redis/requests.h"

namespace {

namespace redis = holdfast::redis;
using holdfast::StoreReply;
using holdfast::StoreRequest;
using std::chrono::steady_clock;

constexpr uint32_t kConnections = 4;
constexpr int kRounds = 10;
constexpr std::string_view kBody =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class Server {
 public:
  Server() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    for (int i = 0; i < 20 && !Start(); ++i) {
    }
    if (pid_ == 0) {
      std::fprintf(stderr, "redis-server does not start: is it installed?\n");
      std::abort();
    }
  }
  ~Server() {
    Kill();
    std::filesystem::remove_all(folder_);
  }

  uint16_t port() const { return port_; }

  std::string Command(const char* command) const {
    redisContext* const context = redisConnect("127.0.0.1", port_);
    std::string text;
    if (context != nullptr && context->err == 0) {
      auto* const reply = static_cast<redisReply*>(redisCommand(context, command));
      if (reply != nullptr && reply->str != nullptr) text.assign(reply->str, reply->len);
      if (reply != nullptr) freeReplyObject(reply);
    }
    if (context != nullptr) redisFree(context);
    return text;
  }

  uint64_t Number(const char* command, std::string_view name) const {
    const std::string info = Command(command);
    const size_t at = info.find(name);
    return at == std::string::npos ? 0
                                   : std::strtoull(info.c_str() + at + name.size(), nullptr, 10);
  }

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
    const std::string port = std::to_string(port_);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(1);
      execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port.c_str(),
             "--save", "", "--dir", folder_.c_str(), nullptr);
      _exit(127);
    }
    for (int i = 0; i < 2000; ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0) return pid_ = 0, false;
      if (Command("PING") == "PONG") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    Kill();
    return false;
  }

  void Kill() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  std::filesystem::path folder_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

// What both sides share: the pool, and a key of its own for each operation.
struct Client {
  explicit Client(uint16_t port) : core(OptionsFor(port)), pool(&core), requests(&core) {
    core.carrier = &pool;
    if (!pool.Open(nullptr).ok()) std::abort();
    holdfast::FillRandom(salt);
  }
  static redis::Options OptionsFor(uint16_t port) {
    redis::Options options;
    options.server.port = port;
    options.connections = kConnections;
    if (!redis::PrepareOptions(&options).ok()) std::abort();
    return options;
  }

  // Not in order, as key ids are hashes.
  void Key(uint64_t number, uint8_t* key_id) const {
    std::memcpy(key_id, salt.data(), salt.size());
    const uint64_t mixed = number * 0x9E3779B97F4A7C15;
    std::memcpy(key_id, &mixed, sizeof(mixed));
  }

  redis::Core core;
  redis::Pool pool;
  redis::Requests requests;
  std::array<uint8_t, 32> salt{};
  uint64_t next = 1;
};

// Runs `count` operations, `in_flight` at a time: each end begins the next. Nanoseconds per operation.
class Loop {
 public:
  Loop(Client& client, uint64_t first, uint64_t count, uint32_t in_flight)
      : client_(client),
        next_(first),
        end_(first + count),
        count_(count),
        left_(in_flight),
        in_flight_(in_flight) {}

  template <typename Lane>
  double Run(std::vector<std::unique_ptr<Lane>>& lanes) {
    const auto begin = steady_clock::now();
    for (uint32_t i = 0; i < in_flight_; ++i) lanes[i]->Next();
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return left_ == 0; });
    const std::chrono::duration<double, std::nano> passed = steady_clock::now() - begin;
    return passed.count() / static_cast<double>(count_);
  }

  // False: there is no more to do.
  bool Take(uint64_t* number) {
    *number = next_.fetch_add(1, std::memory_order_relaxed);
    if (*number < end_) return true;
    const std::lock_guard lock(mutex_);
    if (--left_ == 0) over_.notify_one();
    return false;
  }
  Client& client() { return client_; }

 private:
  Client& client_;
  std::atomic<uint64_t> next_;
  const uint64_t end_;
  const uint64_t count_;
  std::mutex mutex_;
  std::condition_variable over_;
  uint32_t left_;
  const uint32_t in_flight_;
};

class BareLane final : public redis::Exchange {
 public:
  explicit BareLane(Loop* loop) : loop_(loop), value_(redis::kHeaderSize, 'v') {}
  void Next() {
    uint64_t number;
    if (!loop_->Take(&number)) return;
    loop_->client().Key(number, key_id_);
    const std::string key = redis::RecordKey("b:", key_id_);
    wire = redis::Wire({"SET", key, value_, "NX", "PX", "2592000000"});
    loop_->client().pool.Send(*this, key_id_);
  }
  void OnReply(redis::Reply reply, int) override {
    if (!redis::IsString(*reply)) std::abort();
    Next();
  }
  void OnLost(const redis::Loss&) override { std::abort(); }

 private:
  Loop* const loop_;
  const std::string value_;
  uint8_t key_id_[32] = {};
};

using Tokens = std::vector<uint64_t>;

class StoreLane final : public holdfast::StoreWaiter {
 public:
  StoreLane(Loop* loop, Tokens* tokens, uint64_t first, bool complete)
      : loop_(loop), tokens_(tokens), first_(first), complete_(complete) {
    request_.verb = complete ? HF_STORE_COMPLETE : HF_STORE_CLAIM;
    request_.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
    request_.lease = 30 * HF_S;
    request_.ttl = 3600 * HF_S;
    request_.max_attempts = 10;
    request_.fingerprint[0] = 1;
    if (complete) request_.body = {kBody.data(), kBody.size()};
  }
  void Next() {
    if (!loop_->Take(&number_)) return;
    loop_->client().Key(number_, request_.key_id);
    if (complete_) {
      request_.token = (*tokens_)[number_ - first_];
    } else {
      holdfast::FillRandom(request_.nonce);
    }
    loop_->client().requests.Submit(request_, holdfast::Duration{0}, *this);
  }
  void OnReply(StoreReply reply) override {
    if (reply.raw.status != (complete_ ? HF_STORE_OK : HF_STORE_WON)) std::abort();
    if (!complete_) (*tokens_)[number_ - first_] = reply.raw.token;
    Next();
  }

 private:
  Loop* const loop_;
  Tokens* const tokens_;
  const uint64_t first_;
  const bool complete_;
  uint64_t number_ = 0;
  StoreRequest request_{};
};

double RunBare(Client& client, uint64_t count, uint32_t in_flight) {
  Loop loop(client, client.next, count, in_flight);
  client.next += count;
  std::vector<std::unique_ptr<BareLane>> lanes;
  for (uint32_t i = 0; i < in_flight; ++i) lanes.push_back(std::make_unique<BareLane>(&loop));
  return loop.Run(lanes);
}

double RunStore(Client& client, uint64_t first, uint64_t count, uint32_t in_flight, Tokens* tokens,
                bool complete) {
  Loop loop(client, first, count, in_flight);
  std::vector<std::unique_ptr<StoreLane>> lanes;
  for (uint32_t i = 0; i < in_flight; ++i) {
    lanes.push_back(std::make_unique<StoreLane>(&loop, tokens, first, complete));
  }
  return loop.Run(lanes);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void RedisBenchmark(uint16_t port, uint32_t pipeline) {
  const std::string command =
      "redis-benchmark -q -p " + std::to_string(port) + " -c " + std::to_string(kConnections) +
      " -P " + std::to_string(pipeline) + " -n 50000 -r 1000000000 SET r:__rand_int__ " +
      std::string(redis::kHeaderSize, 'v') +
      " NX PX 2592000000 2>/dev/null | tr '\\r' '\\n' | grep 'requests per second'";
  FILE* const out = popen(command.c_str(), "r");
  if (out == nullptr) return;
  char line[1024];
  while (std::fgets(line, sizeof(line), out) != nullptr) {
    const std::string_view text(line);
    const size_t at = text.rfind(": ");
    if (at == std::string_view::npos) continue;
    std::fprintf(stderr, "  redis-benchmark, same connections and pipeline: %.*s",
                 static_cast<int>(text.size() - at - 2), text.data() + at + 2);
  }
  pclose(out);
}

struct Figures {
  double bare = 0;
  double claim = 0;
  double complete = 0;
  double bytes_per_key = 0;
};

// Ten rounds of each, in turns.
Figures Measure(uint32_t pipeline) {
  Server server;
  Client client(server.port());
  const uint32_t in_flight = kConnections * pipeline;
  const uint64_t count = pipeline == 1 ? 3000 : 10000;
  Tokens tokens(count);
  std::vector<double> bare, claim, complete, claim_ratio, complete_ratio;
  RunBare(client, count, in_flight);  // the processor and the server wake up
  uint64_t claimed_bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t before = server.Number("INFO memory", "used_memory:");
    const uint64_t first = client.next;
    client.next += count;
    claim.push_back(RunStore(client, first, count, in_flight, &tokens, false));
    if (round == 0) claimed_bytes = server.Number("INFO memory", "used_memory:") - before;
    bare.push_back(RunBare(client, count, in_flight));
    complete.push_back(RunStore(client, first, count, in_flight, &tokens, true));
    claim_ratio.push_back(bare.back() / claim.back());
    complete_ratio.push_back(bare.back() / complete.back());
  }
  const auto [low, high] = std::minmax_element(claim_ratio.begin(), claim_ratio.end());
  const auto [low_c, high_c] = std::minmax_element(complete_ratio.begin(), complete_ratio.end());
  std::fprintf(
      stderr,
      "redis, %u connections, pipeline %u: bare SET NX PX %.0f/s, claim %.0f/s = %.2f of it "
      "(%.2f..%.2f), complete %.0f/s = %.2f (%.2f..%.2f); %llu bytes per claimed key\n",
      kConnections, pipeline, 1e9 / Median(bare), 1e9 / Median(claim), Median(claim_ratio), *low,
      *high, 1e9 / Median(complete), Median(complete_ratio), *low_c, *high_c,
      static_cast<unsigned long long>(claimed_bytes / count));
  RedisBenchmark(server.port(), pipeline);
  return {Median(bare), Median(claim), Median(complete),
          static_cast<double>(claimed_bytes) / static_cast<double>(count)};
}

// The three figures of a repetition come from the same rounds: the first to be asked for measures all.
class Turns {
 public:
  explicit Turns(uint32_t pipeline) : pipeline_(pipeline) {}
  double Take(double Figures::* which, size_t repetition) {
    while (measured_.size() <= repetition) measured_.push_back(Measure(pipeline_));
    return measured_[repetition].*which;
  }

 private:
  const uint32_t pipeline_;
  std::vector<Figures> measured_;
};

void Register(const std::string& name, Turns* turns, double Figures::* which) {
  auto repetition = std::make_shared<size_t>(0);
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 state.SetLabel("wall");
                                 for (auto _ : state) {
                                   state.SetIterationTime(turns->Take(which, *repetition) * 1e-9);
                                 }
                                 if (which == &Figures::claim) {
                                   state.counters["bytes_per_key"] =
                                       turns->Take(&Figures::bytes_per_key, *repetition);
                                 }
                                 ++*repetition;
                               })
      ->UseManualTime()
      ->Iterations(1);
}

}  // namespace

int main(int argc, char** argv) {
  Turns alone(1);
  Turns sixteen(16);
  for (const auto& [pipeline, turns] : {std::pair("p1", &alone), std::pair("p16", &sixteen)}) {
    Register(std::string("redis/bare_") + pipeline, turns, &Figures::bare);
    Register(std::string("redis/claim_") + pipeline, turns, &Figures::claim);
    Register(std::string("redis/complete_") + pipeline, turns, &Figures::complete);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
