// SPDX-License-Identifier: Apache-2.0
// gRPC, server side: what a guard adds to one unary call around the inner method. No network and no store:
// the time is ours alone. Counts the allocations, too, those of gRPC's own containers included.
#include <benchmark/benchmark.h>
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/test/server_context_test_spouse.h>
#include <holdfast/grpc/decorate.h>
#include <holdfast/holdfast.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using Message = google::protobuf::StringValue;

// A call as it comes in from a holdfast client.
class Incoming {
 public:
  Incoming() : spouse_(&context_) {
    const std::pair<const char*, const char*> headers[] = {
        {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"x-correlation-id", "0af7651916cd43dd8448eb211c80319c"},
        {"x-causation-id", "b7ad6b7169203331"},
        {"holdfast-attempt", "1"},
        {"holdfast-retries", "2"},
        {"user-agent", "grpc-c++/1.51.1 grpc-c/29.0.0 (linux; chttp2)"}};
    for (const auto& [key, value] : headers) spouse_.AddClientMetadata(key, value);
  }
  grpc::ServerContext* get() { return &context_; }

 private:
  grpc::ServerContext context_;
  grpc::testing::ServerContextTestSpouse spouse_;
};

grpc::Status Work(const Message& request, Message* response) {
  benchmark::DoNotOptimize(request.value().data());
  benchmark::DoNotOptimize(response);
  return grpc::Status::OK;
}

template <class Call>
void Measure(benchmark::State& state, Call&& call) {
  Incoming incoming;
  const Message request;
  Message response;
  const std::uint64_t before = allocations.load();
  for (auto _ : state) {
    if (!call(incoming.get(), request, &response).ok()) std::abort();
  }
  state.counters["allocations"] = benchmark::Counter(
      static_cast<double>(allocations.load() - before), benchmark::Counter::kAvgIterations);
}

void Bare(benchmark::State& state) {
  Measure(state, [](grpc::ServerContext*, const Message& request, Message* response) {
    return Work(request, response);
  });
}
BENCHMARK(Bare)->Name("grpc_server/bare");

void Guarded(benchmark::State& state, holdfast::grpc::GuardOptions options) {
  const auto guard = holdfast::grpc::Guard::Create(std::move(options));
  if (!guard.ok()) std::abort();
  const holdfast::grpc::GuardedMethod method(*guard, "/bench.Service/Method",
                                             holdfast::grpc::SideEffects::kUnknown, true);
  Measure(state, [&](grpc::ServerContext* context, const Message& request, Message* response) {
    return method.Unary(context, &request, response, [&] { return Work(request, response); });
  });
}

void Plain(benchmark::State& state) { Guarded(state, {}); }
BENCHMARK(Plain)->Name("grpc_server/guarded");

void All(benchmark::State& state) {
  Guarded(
      state,
      {.bulkhead = holdfast::Bulkhead::Create({.limit = 64}).value(),
       .kill_switch = holdfast::KillSwitch::Create().value(),
       .limiter = holdfast::RateLimiter::Create({.permits = 1'000'000'000}).value(),
       .methods = {{"/bench.Service/Method", {.criticality = holdfast::Criticality::kCritical}}}});
}
BENCHMARK(All)->Name("grpc_server/all_guards");

// The part of it that reads the metadata and makes the call's context.
void Extract(benchmark::State& state) {
  Incoming incoming;
  const std::uint64_t before = allocations.load();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        holdfast::grpc::ExtractContext(incoming.get()->client_metadata(), 1'000'000'000));
  }
  state.counters["allocations"] = benchmark::Counter(
      static_cast<double>(allocations.load() - before), benchmark::Counter::kAvgIterations);
}
BENCHMARK(Extract)->Name("grpc_server/extract_context");

}  // namespace

BENCHMARK_MAIN();
