// SPDX-License-Identifier: Apache-2.0
// A contract whose payloads have generated code: our own messages of refusal.proto, so that no test needs protoc.
#ifndef HOLDFAST_TESTS_CONTRACT_TYPED_H_
#define HOLDFAST_TESTS_CONTRACT_TYPED_H_

#include <gtest/gtest.h>
#include <holdfast/contract/registry.h>
#include <holdfast/v1/refusal.pb.h>

#include <string>

#include "contract/proto_text.h"

namespace holdfast::contract_test {

// com.acme.refusal: 1.0 is a StoredRefusal, 2.0 an ErrorInfo.
inline contract::ContractRegistry TypedRegistry() {
  google::protobuf::FileDescriptorSet set;
  google::protobuf::FileDescriptorProto file;
  v1::ErrorInfo::descriptor()->file()->CopyTo(&file);
  AddWellKnown(file, &set);
  *set.add_file() = file;
  const std::string bytes = set.SerializeAsString();
  const contract::ContractParts::DescriptorSet sets[] = {{"set", bytes}};
  const auto registry =
      contract::ContractRegistry::Create({.manifest = R"(contract { name: "com.acme.refusal"
         version { number: "1.0" message: "holdfast.v1.StoredRefusal" descriptor_set: "set" }
         version { number: "2.0" message: "holdfast.v1.ErrorInfo" descriptor_set: "set" } })",
                                          .descriptor_sets = sets});
  EXPECT_TRUE(registry.ok()) << registry.status();
  return registry.value_or(contract::ContractRegistry());
}

}  // namespace holdfast::contract_test

#endif  // HOLDFAST_TESTS_CONTRACT_TYPED_H_
