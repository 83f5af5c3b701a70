// SPDX-License-Identifier: Apache-2.0
// Contracts: two versions of a schema of 200 messages compared and judged, beside what anyone who has them as bytes pays
// first: to build the newer one's descriptors. And that same building by us, with its checks.
#include <benchmark/benchmark.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/level.h>
#include <holdfast/contract/verdict.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

namespace pb = google::protobuf;
using holdfast::contract::Authority;
using holdfast::contract::Schema;

constexpr int kFiles = 10;
constexpr int kMessagesPerFile = 20;
constexpr int kFieldsPerMessage = 12;

// Ten files, each of which imports the one before it; every message has an enum and fields of all sorts of types.
pb::FileDescriptorSet Files(bool newer) {
  pb::FileDescriptorSet set;
  for (int i = 0; i < kFiles; ++i) {
    pb::FileDescriptorProto& file = *set.add_file();
    file.set_name("shop/v1/part" + std::to_string(i) + ".proto");
    file.set_package("shop.v1");
    file.set_syntax("proto3");
    if (i > 0) file.add_dependency("shop/v1/part" + std::to_string(i - 1) + ".proto");
    for (int j = 0; j < kMessagesPerFile; ++j) {
      pb::DescriptorProto& message = *file.add_message_type();
      message.set_name("Part" + std::to_string(i) + "Message" + std::to_string(j));
      for (int k = 1; k <= kFieldsPerMessage; ++k) {
        if (newer && j % 5 == 0 && k == 3) continue;  // removed
        pb::FieldDescriptorProto& field = *message.add_field();
        field.set_name((newer && j % 5 == 1 && k == 4 ? "renamed_" : "field_") + std::to_string(k));
        field.set_number(k);
        field.set_label(k % 4 == 0 ? pb::FieldDescriptorProto::LABEL_REPEATED
                                   : pb::FieldDescriptorProto::LABEL_OPTIONAL);
        constexpr pb::FieldDescriptorProto::Type kTypes[] = {
            pb::FieldDescriptorProto::TYPE_STRING, pb::FieldDescriptorProto::TYPE_INT64,
            pb::FieldDescriptorProto::TYPE_BOOL, pb::FieldDescriptorProto::TYPE_DOUBLE};
        field.set_type(newer && j % 5 == 2 && k == 2 ? pb::FieldDescriptorProto::TYPE_SINT64
                                                     : kTypes[k % 4]);
        if (k == 12) {
          field.set_type(pb::FieldDescriptorProto::TYPE_MESSAGE);
          field.set_type_name(".shop.v1.Part" + std::to_string(i > 0 ? i - 1 : 0) + "Message" +
                              std::to_string(kMessagesPerFile - 1 - j));
        }
      }
      pb::EnumDescriptorProto& state = *message.add_enum_type();
      state.set_name("State");
      for (int k = 0; k < 5; ++k) {
        state.add_value()->set_name("STATE_" + std::to_string(k));
        state.mutable_value(k)->set_number(k);
      }
    }
  }
  return set;
}

const Schema& Version(bool newer) {
  static const Schema versions[] = {*Schema::Create(Files(false)), *Schema::Create(Files(true))};
  return versions[newer ? 1 : 0];
}

// The floor: the bytes of a set parsed and its descriptors built, by protobuf alone.
void BuildDescriptors(benchmark::State& state) {
  const std::string bytes = Files(true).SerializeAsString();
  for (auto _ : state) {
    pb::FileDescriptorSet set;
    set.ParseFromString(bytes);
    pb::DescriptorPool pool;
    for (const pb::FileDescriptorProto& file : set.file()) {
      if (pool.BuildFile(file) == nullptr) std::abort();
    }
  }
}
BENCHMARK(BuildDescriptors)->Name("contract/build_descriptors")->Unit(benchmark::kMillisecond);

void ParseSchema(benchmark::State& state) {
  const std::string bytes = Files(true).SerializeAsString();
  for (auto _ : state) {
    if (!Schema::Parse(bytes).ok()) std::abort();
  }
}
BENCHMARK(ParseSchema)->Name("contract/parse_schema")->Unit(benchmark::kMillisecond);

void CompareSet(benchmark::State& state) {
  std::size_t changes = 0;
  for (auto _ : state) changes = Compare(Version(false), Version(true)).size();
  state.counters["changes"] = static_cast<double>(changes);
}
BENCHMARK(CompareSet)->Name("contract/compare")->Unit(benchmark::kMillisecond);

// All that a release pays: the set from its bytes, and the level checked against the version before.
void ParseAndCheck(benchmark::State& state) {
  const std::string bytes = Files(true).SerializeAsString();
  const std::vector<holdfast::contract::Version> history = {{"1.0", Version(false)}};
  for (auto _ : state) {
    const auto newer = Schema::Parse(bytes);
    if (!newer.ok() || Check(history, *newer).empty()) std::abort();
  }
}
BENCHMARK(ParseAndCheck)->Name("contract/parse_and_check")->Unit(benchmark::kMillisecond);

void JudgeSet(benchmark::State& state) {
  const Authority authority = holdfast::contract::kAuthorities[state.range(0)];
  for (auto _ : state) benchmark::DoNotOptimize(Judge(authority, Version(false), Version(true)));
  state.SetLabel(std::string(Name(authority)));
}
BENCHMARK(JudgeSet)
    ->Name("contract/judge")
    ->DenseRange(0, std::size(holdfast::contract::kAuthorities) - 1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
