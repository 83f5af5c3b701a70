// SPDX-License-Identifier: Apache-2.0
// Bindings: an event of 8 attributes and 1 KiB as HTTP headers and back, beside a copy of the same headers, which is the
// least that any carrier costs; and with values that have to be encoded.
#include <benchmark/benchmark.h>
#include <holdfast/c/binding.h>

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>

namespace {

constexpr hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

constexpr hf_attribute Text(std::string_view name, std::string_view text,
                            hf_attribute_kind kind = HF_ATTRIBUTE_STRING) {
  return {Str(name), Str(text), 0, 0, kind};
}

constexpr char kPayload[1024] = {};

struct Event {
  explicit Event(std::string_view subject)
      : attributes{Text("subject", subject),
                   {Str("time"), {}, 1522900584, 123000000, HF_ATTRIBUTE_TIMESTAMP},
                   Text("datacontenttype", "application/json"),
                   Text("dataschema", "https://schemas.acme.com/order/1.2", HF_ATTRIBUTE_URI),
                   Text("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                   Text("correlationid", "0af7651916cd43dd8448eb211c80319c"),
                   Text("contractversion", "1.2"),
                   Text("partitionkey", "customer-4711")},
        raw(HF_INIT(hf_envelope)) {
    raw.id = Str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    raw.source = Str("/orders/eu-central-1");
    raw.type = Str("com.acme.order.placed");
    raw.attributes = attributes;
    raw.attribute_count = static_cast<uint32_t>(std::size(attributes));
    raw.data = {kPayload, sizeof kPayload};
    raw.data_kind = HF_DATA_BINARY;
  }

  hf_attribute attributes[8];
  hf_envelope raw;
};

struct Carrier {
  hf_header headers[HF_BINDING_HEADERS];
  size_t count = 0;
  char buffer[2048];
};

void Write(hf_binding binding, const hf_envelope& event, Carrier& carrier) {
  if (hf_binding_write(binding, &event, nullptr, carrier.headers, &carrier.count, carrier.buffer,
                       sizeof carrier.buffer, nullptr, nullptr) != HF_OK) {
    std::abort();
  }
}

constexpr std::string_view kPlain = "order-2026-11-27-0000471123";
constexpr std::string_view kForeign = "Bestellung f\xC3\xBCr M\xC3\xBCller, 100 %";

void WriteEvent(benchmark::State& state, hf_binding binding, std::string_view subject) {
  const Event event(subject);
  Carrier carrier;
  for (auto _ : state) {
    Write(binding, event.raw, carrier);
    benchmark::DoNotOptimize(carrier.count);
    benchmark::ClobberMemory();
  }
}

void ReadEvent(benchmark::State& state, hf_binding binding, std::string_view subject) {
  const Event event(subject);
  Carrier carrier;
  Write(binding, event.raw, carrier);
  hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
  hf_envelope out = HF_INIT(hf_envelope);
  out.attributes = attributes;
  out.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
  char buffer[2048];
  for (auto _ : state) {
    if (hf_binding_read(binding, carrier.headers, carrier.count, kPayload, sizeof kPayload, nullptr,
                        buffer, sizeof buffer, &out, nullptr, nullptr) != HF_OK) {
      std::abort();
    }
    benchmark::DoNotOptimize(out.attribute_count);
    benchmark::ClobberMemory();
  }
}

// The floor: the same names and values copied out once, as a carrier that owns its bytes does.
void CopyHeaders(benchmark::State& state) {
  const Event event(kPlain);
  Carrier carrier;
  Write(HF_BINDING_HTTP, event.raw, carrier);
  char sent[2048];
  for (auto _ : state) {
    char* to = sent;
    for (size_t i = 0; i < carrier.count; ++i) {
      const hf_header& header = carrier.headers[i];
      std::memcpy(to, header.name.data, header.name.size);
      std::memcpy(to + header.name.size, header.value.data, header.value.size);
      to += header.name.size + header.value.size;
    }
    benchmark::DoNotOptimize(to);
    benchmark::ClobberMemory();
  }
}

// Another floor: what reader and writer spend on the rules of events alone.
void CheckEvent(benchmark::State& state) {
  const Event event(kPlain);
  for (auto _ : state) {
    if (hf_envelope_check(&event.raw, nullptr, nullptr) != HF_OK) std::abort();
    benchmark::ClobberMemory();
  }
}

// And the protobuf format, which does the same work on other bytes.
void EncodeEvent(benchmark::State& state) {
  const Event event(kPlain);
  char out[4096];
  for (auto _ : state) {
    size_t need = 0;
    if (hf_envelope_encode(&event.raw, nullptr, out, sizeof out, &need, nullptr) != HF_OK)
      std::abort();
    benchmark::DoNotOptimize(need);
    benchmark::ClobberMemory();
  }
}

void Register(const char* name, void (*run)(benchmark::State&, hf_binding, std::string_view),
              hf_binding binding, std::string_view subject) {
  benchmark::RegisterBenchmark(name, run, binding, subject);
}

const bool registered = [] {
  Register("binding/http_write", WriteEvent, HF_BINDING_HTTP, kPlain);
  Register("binding/http_write_encoded", WriteEvent, HF_BINDING_HTTP, kForeign);
  Register("binding/http_read", ReadEvent, HF_BINDING_HTTP, kPlain);
  Register("binding/http_read_encoded", ReadEvent, HF_BINDING_HTTP, kForeign);
  Register("binding/kafka_write", WriteEvent, HF_BINDING_KAFKA, kPlain);
  Register("binding/kafka_read", ReadEvent, HF_BINDING_KAFKA, kPlain);
  benchmark::RegisterBenchmark("binding/headers_copy", CopyHeaders);
  benchmark::RegisterBenchmark("binding/check", CheckEvent);
  benchmark::RegisterBenchmark("binding/encode", EncodeEvent);
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
