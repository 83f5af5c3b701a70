// SPDX-License-Identifier: Apache-2.0
// What a guarded unary RPC costs around gRPC's own work: the attempt answers at once, nothing is sent.
//
//   grpc_client/bare       gRPC's own share: a context with the metadata that must go along anyway, by AddMetadata
//   grpc_client/unary      the same through Unary: ours is what it costs more
//   grpc_client/async      the same through UnaryAsync, up to the end of the attempt
//   grpc_client/intercept  what MakeChannel's interceptor adds to each: looks at all metadata once more
//
// `allocations` counts operator new for each iteration. A plain string of gRPC's multimap takes up to three.
#include <benchmark/benchmark.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/client_callback.h>
#include <holdfast/grpc/context.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>

namespace {

thread_local std::uint64_t allocations = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace holdfast::grpc {
namespace {

// Counts from its making to the end of the benchmark.
class Counted {
 public:
  explicit Counted(benchmark::State& state) : state_(state), before_(allocations) {}
  ~Counted() {
    state_.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations - before_),
                                                        benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  const std::uint64_t before_;
};

// The guards that a service would have, with nothing to do.
Pipeline Guarded() {
  return *Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 3}),
                            .budget = *RetryBudget::Create(),
                            .breaker = *CircuitBreaker::Create(),
                            .bulkhead = *Bulkhead::Create({.limit = 64})});
}

ClientOptions Options() { return {.call = {.timeout = std::chrono::seconds(1)}}; }

void Bare(benchmark::State& state) {
  const Context story = *Context::Start();
  const auto entries = ContextEntries(*NextStep(story));
  const Counted counted(state);
  for (auto _ : state) {
    ::grpc::ClientContext context;
    for (const auto& [key, value] : entries) {
      static thread_local std::string key_text;
      key_text.assign(key);
      context.AddMetadata(key_text, value);
    }
    static const std::string attempt_key(kAttemptKey), retries_key(kRetriesKey), one("1");
    context.AddMetadata(attempt_key, one);
    context.AddMetadata(retries_key, one);
    context.set_deadline(gpr_now(GPR_CLOCK_MONOTONIC));
    benchmark::DoNotOptimize(&context);
  }
}
BENCHMARK(Bare)->Name("grpc_client/bare");

void UnaryCost(benchmark::State& state) {
  const ScopedContext attached(*Context::Start());
  const Pipeline pipeline = Guarded();
  const ClientOptions options = Options();
  const auto answer = [](::grpc::ClientContext&) { return ::grpc::Status::OK; };
  if (!Unary(pipeline, options, answer).ok()) std::abort();
  const Counted counted(state);
  for (auto _ : state) {
    if (!Unary(pipeline, options, answer).ok()) std::abort();
  }
}
BENCHMARK(UnaryCost)->Name("grpc_client/unary");

// Ends attempts from outside their start, as gRPC does: the end of the call is told there.
void AsyncCost(benchmark::State& state) {
  const ScopedContext attached(*Context::Start());
  const Pipeline pipeline = Guarded();
  const ClientOptions options = Options();
  std::function<void(::grpc::Status)> end;
  int ended = 0;
  const auto start = [&end](::grpc::ClientContext&, Attempt&, auto done) { end = std::move(done); };
  const auto done = [&ended](::grpc::Status status) { ended += status.ok() ? 1 : 0; };
  const Counted counted(state);
  for (auto _ : state) {
    UnaryAsync(pipeline, options, start, done);
    end(::grpc::Status::OK);
  }
  if (ended != static_cast<int>(state.iterations())) std::abort();
}
BENCHMARK(AsyncCost)->Name("grpc_client/async");

// The two batches of a unary call, as gRPC shows them to an interceptor.
class Batches final : public ::grpc::experimental::InterceptorBatchMethods {
 public:
  using Hook = ::grpc::experimental::InterceptionHookPoints;
  explicit Batches(std::multimap<std::string, std::string>& sent) : sent_(sent) {}

  Hook now = Hook::PRE_SEND_INITIAL_METADATA;

  bool QueryInterceptionHookPoint(Hook hook) override { return hook == now; }
  void Proceed() override {}
  void Hijack() override { std::abort(); }
  ::grpc::ByteBuffer* GetSerializedSendMessage() override { return nullptr; }
  const void* GetSendMessage() override { return nullptr; }
  void ModifySendMessage(const void*) override {}
  bool GetSendMessageStatus() override { return true; }
  std::multimap<std::string, std::string>* GetSendInitialMetadata() override { return &sent_; }
  ::grpc::Status GetSendStatus() override { return {}; }
  void ModifySendStatus(const ::grpc::Status&) override {}
  std::multimap<std::string, std::string>* GetSendTrailingMetadata() override { return nullptr; }
  void* GetRecvMessage() override { return nullptr; }
  std::multimap<::grpc::string_ref, ::grpc::string_ref>* GetRecvInitialMetadata() override {
    return nullptr;
  }
  ::grpc::Status* GetRecvStatus() override { return nullptr; }
  std::multimap<::grpc::string_ref, ::grpc::string_ref>* GetRecvTrailingMetadata() override {
    return nullptr;
  }
  std::unique_ptr<::grpc::ChannelInterface> GetInterceptedChannel() override { return nullptr; }
  void FailHijackedRecvMessage() override {}
  void FailHijackedSendMessage() override {}

 private:
  std::multimap<std::string, std::string>& sent_;
};

void InterceptCost(benchmark::State& state) {
  const ScopedContext attached(*Context::Start());
  std::multimap<std::string, std::string> sent;
  for (const auto& [key, value] : ContextEntries(*NextStep(Context::Current()))) {
    sent.emplace(key, value);
  }
  sent.emplace(kAttemptKey, "1");
  sent.emplace(kRetriesKey, "2");
  Batches batches(sent);
  const auto factory = ContextInterceptorFactory();
  const Counted counted(state);
  for (auto _ : state) {
    const std::unique_ptr<::grpc::experimental::Interceptor> interceptor(
        factory->CreateClientInterceptor(nullptr));
    for (const auto hook :
         {Batches::Hook::PRE_SEND_INITIAL_METADATA, Batches::Hook::POST_RECV_STATUS}) {
      batches.now = hook;
      interceptor->Intercept(&batches);
    }
  }
}
BENCHMARK(InterceptCost)->Name("grpc_client/intercept");

}  // namespace
}  // namespace holdfast::grpc

BENCHMARK_MAIN();
