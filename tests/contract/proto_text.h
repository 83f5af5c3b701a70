// SPDX-License-Identifier: Apache-2.0
// Schemas from .proto text, in the tests themselves: no protoc, no files.
#ifndef HOLDFAST_TESTS_CONTRACT_PROTO_TEXT_H_
#define HOLDFAST_TESTS_CONTRACT_PROTO_TEXT_H_

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <holdfast/contract/schema.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::contract_test {

struct ProtoFile {
  std::string name;  // "orders/v1/order.proto"
  std::string text;  // all of it; without a line `syntax = ...` it is proto3
};

[[noreturn]] inline void RefuseProto(const std::string& name, const std::string& why) {
  std::fprintf(stderr, "the test's own proto %s: %s\n", name.c_str(), why.c_str());
  std::abort();
}

// With source info. Lines count as in `text`, a syntax line that was left out is none.
inline google::protobuf::FileDescriptorProto ParseProto(const ProtoFile& file) {
  struct Errors final : google::protobuf::io::ErrorCollector {
    explicit Errors(std::string file) : name(std::move(file)) {}
    void AddError(int line, int column, const std::string& message) override {
      RefuseProto(name,
                  std::to_string(line + 1) + ":" + std::to_string(column + 1) + ": " + message);
    }
    std::string name;
  } errors(file.name);
  const bool says_syntax = file.text.find("syntax =") != std::string::npos;
  const std::string text = says_syntax ? file.text : "syntax = \"proto3\"; " + file.text;
  google::protobuf::io::ArrayInputStream bytes(text.data(), static_cast<int>(text.size()));
  google::protobuf::io::Tokenizer tokens(&bytes, &errors);
  google::protobuf::compiler::Parser parser;
  parser.RecordErrorsTo(&errors);
  google::protobuf::FileDescriptorProto parsed;
  parsed.set_name(file.name);
  if (!parser.Parse(&tokens, &parsed)) RefuseProto(file.name, "does not parse");
  return parsed;
}

// Adds what `file` imports of google.protobuf, as linked into this program, imports first.
inline void AddWellKnown(const google::protobuf::FileDescriptorProto& file,
                         google::protobuf::FileDescriptorSet* set) {
  for (const std::string& import : file.dependency()) {
    if (!import.starts_with("google/protobuf/")) continue;
    bool known = false;
    for (const auto& present : set->file()) known = known || present.name() == import;
    const auto* linked = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(import);
    if (known) continue;
    if (linked == nullptr) RefuseProto(file.name(), import + " is not linked into this test");
    google::protobuf::FileDescriptorProto imported;
    linked->CopyTo(&imported);
    AddWellKnown(imported, set);
    *set->add_file() = imported;
  }
}

inline google::protobuf::FileDescriptorSet ProtoSet(const std::vector<ProtoFile>& files) {
  google::protobuf::FileDescriptorSet set;
  for (const ProtoFile& file : files) {
    const auto parsed = ParseProto(file);
    AddWellKnown(parsed, &set);
    *set.add_file() = parsed;
  }
  return set;
}

inline contract::Schema ProtoSchema(const std::vector<ProtoFile>& files) {
  auto schema = contract::Schema::Create(ProtoSet(files));
  if (!schema.ok()) RefuseProto("set", std::string(schema.status().message()));
  return *schema;
}

// One file, "test.proto".
inline contract::Schema ProtoSchema(std::string_view text) {
  return ProtoSchema(std::vector<ProtoFile>{{"test.proto", std::string(text)}});
}

}  // namespace holdfast::contract_test

#endif  // HOLDFAST_TESTS_CONTRACT_PROTO_TEXT_H_
