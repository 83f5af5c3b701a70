// SPDX-License-Identifier: Apache-2.0
// What carrying a context costs on a hop: post and run, bare and carried, on a concrete executor and through
// any_io_executor, in one run; and a scope.
#include <benchmark/benchmark.h>
#include <holdfast/asio/context.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace {

namespace net = boost::asio;
using holdfast::Context;
using holdfast::ScopedContext;
using holdfast::asio::WithContext;

Context Story() { return *Context::Create({.correlation_id = "story"}); }

// One hop at a time: posted from outside the flow, run at once.
template <class Executor>
void Hop(benchmark::State& state, net::io_context& io, const Executor& executor) {
  int ran = 0;
  for (auto _ : state) {
    net::post(executor, [&ran] { ++ran; });
    io.poll_one();
    if (io.stopped()) io.restart();
  }
  benchmark::DoNotOptimize(ran);
}

void Bare(benchmark::State& state) {
  net::io_context io;
  Hop(state, io, io.get_executor());
}
BENCHMARK(Bare)->Name("asio_context/post_bare");

void Carried(benchmark::State& state) {
  net::io_context io;
  Hop(state, io, WithContext(io, Story()));
}
BENCHMARK(Carried)->Name("asio_context/post_carried");

void ErasedBare(benchmark::State& state) {
  net::io_context io;
  Hop(state, io, net::any_io_executor(io.get_executor()));
}
BENCHMARK(ErasedBare)->Name("asio_context/post_any_bare");

void ErasedCarried(benchmark::State& state) {
  net::io_context io;
  Hop(state, io, net::any_io_executor(WithContext(io, Story())));
}
BENCHMARK(ErasedCarried)->Name("asio_context/post_any_carried");

// A flow that goes on from hop to hop: each is started where the one before it runs.
template <class Executor>
struct Step {
  const Executor& executor;
  benchmark::State& state;

  void operator()() const {
    if (state.KeepRunning()) net::post(executor, *this);
  }
};

template <class Executor>
void Chain(benchmark::State& state, net::io_context& io, const Executor& executor) {
  net::post(executor, Step<Executor>{executor, state});
  io.run();
}

void ChainBare(benchmark::State& state) {
  net::io_context io(1);
  Chain(state, io, io.get_executor());
}
BENCHMARK(ChainBare)->Name("asio_context/chain_bare");

void ChainCarried(benchmark::State& state) {
  net::io_context io(1);
  Chain(state, io, WithContext(io, Story()));
}
BENCHMARK(ChainCarried)->Name("asio_context/chain_carried");

void ChainErasedBare(benchmark::State& state) {
  net::io_context io(1);
  Chain(state, io, net::any_io_executor(io.get_executor()));
}
BENCHMARK(ChainErasedBare)->Name("asio_context/chain_any_bare");

void ChainErasedCarried(benchmark::State& state) {
  net::io_context io(1);
  Chain(state, io, net::any_io_executor(WithContext(io, Story())));
}
BENCHMARK(ChainErasedCarried)->Name("asio_context/chain_any_carried");

void Scope(benchmark::State& state) {
  const Context story = Story();
  for (auto _ : state) {
    const ScopedContext scope(story);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Scope)->Name("asio_context/scope");

}  // namespace

BENCHMARK_MAIN();
