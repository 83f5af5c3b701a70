// SPDX-License-Identifier: Apache-2.0
// Propagation: every header of a request read into a context and written out again, beside a copy of the same
// bytes, which is the least that any carrier costs; and the pieces alone.
#include <benchmark/benchmark.h>
#include <holdfast/c/propagation.h>

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>

namespace {

constexpr std::string_view kTracestate = "us=00f067aa0ba902b7,them=t61rcWkgMzE";
constexpr std::string_view kBaggage = "userId=4711,plan=gold,region=eu-central-1,session=8f1e03";

constexpr hf_str Str(std::string_view text) { return {text.data(), text.size()}; }
constexpr hf_header Field(std::string_view name, std::string_view value) {
  return {Str(name), Str(value)};
}

// As a server of ours gets it, the others of an HTTP request among them.
constexpr hf_header kRequest[] = {
    Field("host", "orders.internal:8443"),
    Field("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    Field("tracestate", kTracestate),
    Field("baggage", kBaggage),
    Field("content-type", "application/json"),
    Field("x-correlation-id", "0af7651916cd43dd8448eb211c80319c"),
    Field("x-causation-id", "b7ad6b7169203331"),
    Field("x-request-id", "7f0c3b1e-93d1-4f0a-8a0b-5d7c2e9f1a44"),
    Field("holdfast-timeout", "1500m"),
    Field("holdfast-tenant", "acme"),
    Field("holdfast-criticality", "critical"),
    Field("accept", "*/*"),
};

hf_propagation* Policy() {
  static hf_propagation* const policy = [] {
    hf_propagation_options options = HF_INIT(hf_propagation_options);
    options.boundary = HF_BOUNDARY_INTERNAL;
    hf_propagation* made = nullptr;
    if (hf_propagation_new(&options, &made, nullptr) != HF_OK) std::abort();
    return made;
  }();
  return policy;
}

hf_context* Extract() {
  hf_extract_options options = HF_INIT(hf_extract_options);
  options.now = HF_S;
  hf_context* context = nullptr;
  if (hf_context_extract(Policy(), kRequest, std::size(kRequest), &options, &context, nullptr,
                         nullptr) != HF_OK) {
    std::abort();
  }
  return context;
}

struct Carrier {
  hf_header headers[HF_INJECT_HEADERS];
  size_t count = 0;
  char buffer[4096];
};

void Inject(const hf_context* context, Carrier& carrier) {
  if (hf_context_inject(Policy(), context, HF_S, carrier.headers, &carrier.count, carrier.buffer,
                        sizeof carrier.buffer, nullptr, nullptr) != HF_OK) {
    std::abort();
  }
}

void Copy(const hf_header& header, char*& to) {
  std::memcpy(to, header.name.data, header.name.size);
  std::memcpy(to + header.name.size, header.value.data, header.value.size);
  to += header.name.size + header.value.size;
}

void ExtractAndInject(benchmark::State& state) {
  Carrier carrier;
  for (auto _ : state) {
    hf_context* const context = Extract();
    Inject(context, carrier);
    benchmark::DoNotOptimize(carrier.count);
    benchmark::ClobberMemory();
    hf_context_unref(context);
  }
}
BENCHMARK(ExtractAndInject)->Name("propagation/extract_inject");

// With what was written copied out, as a carrier that owns its bytes does.
void ExtractInjectCopy(benchmark::State& state) {
  Carrier carrier;
  char sent[4096];
  for (auto _ : state) {
    hf_context* const context = Extract();
    Inject(context, carrier);
    char* to = sent;
    for (size_t i = 0; i < carrier.count; ++i) Copy(carrier.headers[i], to);
    benchmark::DoNotOptimize(to);
    benchmark::ClobberMemory();
    hf_context_unref(context);
  }
}
BENCHMARK(ExtractInjectCopy)->Name("propagation/extract_inject_copy");

void ExtractOnly(benchmark::State& state) {
  for (auto _ : state) hf_context_unref(Extract());
}
BENCHMARK(ExtractOnly)->Name("propagation/extract");

void InjectOnly(benchmark::State& state) {
  hf_context* const context = Extract();
  Carrier carrier;
  for (auto _ : state) {
    Inject(context, carrier);
    benchmark::DoNotOptimize(carrier.count);
    benchmark::ClobberMemory();
  }
  hf_context_unref(context);
}
BENCHMARK(InjectOnly)->Name("propagation/inject");

// The floors: the same bytes copied in and out and not looked at, header by header as a carrier does, and as
// one block.
void CopyHeaders(benchmark::State& state) {
  char in[4096], out[4096];
  for (auto _ : state) {
    char* to = in;
    for (const hf_header& header : kRequest) Copy(header, to);
    benchmark::ClobberMemory();
    to = out;
    for (const hf_header& header : kRequest) Copy(header, to);
    benchmark::DoNotOptimize(to);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(CopyHeaders)->Name("propagation/floor_copy_headers");

void CopyBlock(benchmark::State& state) {
  char block[4096], in[4096], out[4096];
  char* end = block;
  for (const hf_header& header : kRequest) Copy(header, end);
  size_t size = static_cast<size_t>(end - block);
  benchmark::DoNotOptimize(size);
  for (auto _ : state) {
    std::memcpy(in, block, size);
    benchmark::ClobberMemory();
    std::memcpy(out, in, size);
    benchmark::DoNotOptimize(out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(CopyBlock)->Name("propagation/floor_copy_block");

void Tracestate(benchmark::State& state) {
  const hf_str value = Str(kTracestate);
  char out[512];
  size_t size = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_tracestate_parse(&value, 1, out, sizeof out, &size));
  }
}
BENCHMARK(Tracestate)->Name("propagation/tracestate_2_members");

void Baggage(benchmark::State& state) {
  const hf_str value = Str(kBaggage);
  char out[512];
  size_t size = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_baggage_parse(&value, 1, out, sizeof out, &size, nullptr));
  }
}
BENCHMARK(Baggage)->Name("propagation/baggage_4_members");

void BaggageEscaped(benchmark::State& state) {
  const hf_str value = Str("userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false;p=%20x");
  char out[512];
  size_t size = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_baggage_parse(&value, 1, out, sizeof out, &size, nullptr));
  }
}
BENCHMARK(BaggageEscaped)->Name("propagation/baggage_escaped");

void B3(benchmark::State& state) {
  constexpr std::string_view kB3 =
      "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90";
  hf_trace trace;
  for (auto _ : state) benchmark::DoNotOptimize(hf_b3_parse(kB3.data(), kB3.size(), &trace));
}
BENCHMARK(B3)->Name("propagation/b3_parse");

}  // namespace

BENCHMARK_MAIN();
