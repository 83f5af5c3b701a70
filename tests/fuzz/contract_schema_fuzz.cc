// SPDX-License-Identifier: Apache-2.0
//
// Any bytes, as a set of descriptors: what is read without complaint does not differ from itself, by our own account and
// by everybody else's; and it can be compared with another schema, each way, for whatever the outcome.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/logging.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/schema.h>
#include <holdfast/contract/verdict.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using holdfast::contract::Compare;
using holdfast::contract::Judge;
using holdfast::contract::Schema;

void Require(bool holds) {
  if (!holds) std::abort();
}

// A schema with something of everything: protobuf's own.
const Schema& Another() {
  static const Schema schema = [] {
    google::protobuf::SetLogHandler(nullptr);
    google::protobuf::FileDescriptorSet set;
    google::protobuf::FileDescriptorSet::descriptor()->file()->CopyTo(set.add_file());
    return *Schema::Create(set);
  }();
  return schema;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Schema& another = Another();
  const auto schema = Schema::Parse({reinterpret_cast<const char*>(data), size});
  if (!schema.ok()) {
    Require(!schema.status().message().empty());
    return 0;
  }
  Require(Compare(*schema, *schema).empty());
  for (const auto& change : Compare(another, *schema)) Require(!change.why.empty());
  for (const auto& change : Compare(*schema, another)) Require(!change.element.empty());
  for (const auto authority : holdfast::contract::kAuthorities) {
    Require(Judge(authority, *schema, *schema).empty());
    Judge(authority, another, *schema);
    Judge(authority, *schema, another);
  }
  return 0;
}
