// SPDX-License-Identifier: Apache-2.0
// Envelopes: one event of about 1 KiB with eight attributes, written and read, beside what protoc's own code takes for
// the same event, fresh each time: the floor. How the cost grows with the number of attributes, and in a batch.
#include <benchmark/benchmark.h>
#include <holdfast/c/envelope.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "io/cloudevents/v1/cloudevents.pb.h"

namespace {

namespace peer = io::cloudevents::v1;

constexpr hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::string_view kId = "0191f7f0-3c5e-7d0a-9b1c-4f6e2d8a7b90";
constexpr std::string_view kSource = "/acme/orders/eu-central-1";
constexpr std::string_view kType = "com.acme.order.placed";
constexpr hf_attribute kAttributes[] = {
    {Str("subject"), Str("order-4711"), 0, 0, HF_ATTRIBUTE_STRING},
    {Str("time"), {}, 1'758'636'245, 123'456'789, HF_ATTRIBUTE_TIMESTAMP},
    {Str("datacontenttype"), Str("application/protobuf"), 0, 0, HF_ATTRIBUTE_STRING},
    {Str("dataschema"), Str("https://schemas.acme.example/orders/v1"), 0, 0, HF_ATTRIBUTE_URI},
    {Str("traceparent"), Str("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), 0, 0,
     HF_ATTRIBUTE_STRING},
    {Str("correlationid"), Str("0af7651916cd43dd8448eb211c80319c"), 0, 0, HF_ATTRIBUTE_STRING},
    {Str("contractversion"), Str("1.4"), 0, 0, HF_ATTRIBUTE_STRING},
    {Str("tenant"), Str("acme"), 0, 0, HF_ATTRIBUTE_STRING},
};

const std::string& Payload() {
  static const std::string payload = [] {
    std::string bytes(610, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131);
    return bytes;
  }();
  return payload;
}

// The attributes are the caller's, as they are in a service: only the struct is put together each time.
hf_envelope Put(hf_attribute* attributes, std::uint32_t count) {
  hf_envelope event = HF_INIT(hf_envelope);
  event.id = Str(kId);
  event.source = Str(kSource);
  event.type = Str(kType);
  event.attributes = attributes;
  event.attribute_count = count;
  event.data = Str(Payload());
  event.data_kind = HF_DATA_BINARY;
  return event;
}

std::size_t Encode(const hf_envelope& event, char* out, std::size_t capacity) {
  std::size_t need = 0;
  if (hf_envelope_encode(&event, nullptr, out, capacity, &need, nullptr) != HF_OK) std::abort();
  return need;
}

// What `count` attributes look like: the eight first, then others.
struct Attributes {
  explicit Attributes(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) names.push_back("extension" + std::to_string(i));
    for (std::uint32_t i = 0; i < count; ++i) {
      const hf_attribute other{Str(names[i]), Str("value of an extension"), 0, 0,
                               HF_ATTRIBUTE_STRING};
      all.push_back(i < std::size(kAttributes) ? kAttributes[i] : other);
    }
  }
  std::vector<std::string> names;
  std::vector<hf_attribute> all;
};

std::string Event(std::uint32_t attributes = 8) {
  Attributes parts(attributes);
  std::string bytes(64 << 10, '\0');
  bytes.resize(Encode(Put(parts.all.data(), attributes), bytes.data(), bytes.size()));
  return bytes;
}

void EncodeOne(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  Attributes from(count);
  char out[16 << 10];
  std::size_t size = 0;
  for (auto _ : state) {
    hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
    for (std::uint32_t i = 0; i < count; ++i) attributes[i] = from.all[i];
    size = Encode(Put(attributes, count), out, sizeof out);
    benchmark::DoNotOptimize(out);
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = static_cast<double>(size);
}
BENCHMARK(EncodeOne)->Name("envelope/encode")->Arg(8)->Arg(64);

void DecodeOne(benchmark::State& state) {
  const std::string bytes = Event(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
    hf_envelope event;  // no part of it but these need be set
    event.struct_size = sizeof event;
    event.abi_level = HF_ABI_LEVEL;
    event.attributes = attributes;
    event.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
    if (hf_envelope_decode(bytes.data(), bytes.size(), nullptr, &event, nullptr) != HF_OK) {
      std::abort();
    }
    benchmark::DoNotOptimize(event);
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(DecodeOne)->Name("envelope/decode")->Arg(8)->Arg(64);

void Find(benchmark::State& state) {
  hf_attribute attributes[std::size(kAttributes)];
  std::copy(std::begin(kAttributes), std::end(kAttributes), attributes);
  const hf_envelope event = Put(attributes, std::size(kAttributes));
  for (auto _ : state) benchmark::DoNotOptimize(hf_envelope_find(&event, "tenant", 6));
}
BENCHMARK(Find)->Name("envelope/find_the_last_of_8");

// Each of a hundred events of a batch; the figure is that of one.
void DecodeBatch(benchmark::State& state) {
  constexpr int kEvents = 100;
  const std::string event_bytes = Event();
  std::string batch;
  char prefix[HF_ENVELOPE_PREFIX];
  std::size_t prefix_size = 0;
  hf_envelope_batch_prefix(event_bytes.size(), prefix, &prefix_size);
  for (int i = 0; i < kEvents; ++i) batch.append(prefix, prefix_size).append(event_bytes);
  std::size_t at = 0;
  for (auto _ : state) {
    hf_str bytes{};
    if (at == batch.size()) at = 0;
    hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
    hf_envelope event;
    event.struct_size = sizeof event;
    event.abi_level = HF_ABI_LEVEL;
    event.attributes = attributes;
    event.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
    if (hf_envelope_batch_next(batch.data(), batch.size(), &at, &bytes, nullptr) != HF_OK ||
        hf_envelope_decode(bytes.data, bytes.size, nullptr, &event, nullptr) != HF_OK) {
      std::abort();
    }
    benchmark::DoNotOptimize(event);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(DecodeBatch)->Name("envelope/decode_batch_per_event");

void Fill(const Attributes& from, peer::CloudEvent& event) {
  const auto text = [](const hf_str& view) { return std::string(view.data, view.size); };
  event.set_id(std::string(kId));
  event.set_source(std::string(kSource));
  event.set_spec_version("1.0");
  event.set_type(std::string(kType));
  event.set_binary_data(Payload());
  for (const hf_attribute& attribute : from.all) {
    auto& value = (*event.mutable_attributes())[text(attribute.name)];
    switch (attribute.kind) {
      case HF_ATTRIBUTE_TIMESTAMP:
        value.mutable_ce_timestamp()->set_seconds(attribute.number);
        value.mutable_ce_timestamp()->set_nanos(attribute.nanos);
        break;
      case HF_ATTRIBUTE_URI:
        value.set_ce_uri(text(attribute.text));
        break;
      default:
        value.set_ce_string(text(attribute.text));
    }
  }
}

void PeerEncode(benchmark::State& state) {
  const Attributes from(static_cast<std::uint32_t>(state.range(0)));
  char out[16 << 10];
  for (auto _ : state) {
    peer::CloudEvent event;
    Fill(from, event);
    if (!event.SerializeToArray(out, sizeof out)) std::abort();
    benchmark::DoNotOptimize(out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(PeerEncode)->Name("envelope/floor_gencode_encode")->Arg(8)->Arg(64);

void PeerDecode(benchmark::State& state) {
  const std::string bytes = Event(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    peer::CloudEvent event;
    if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) std::abort();
    benchmark::DoNotOptimize(event);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(PeerDecode)->Name("envelope/floor_gencode_decode")->Arg(8)->Arg(64);

}  // namespace

BENCHMARK_MAIN();
