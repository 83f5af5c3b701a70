// SPDX-License-Identifier: Apache-2.0
// A contract of tests: com.acme.order with 1.0, 1.1 and 2.0, and events of it.
#ifndef HOLDFAST_TESTS_CONTRACT_ORDERS_H_
#define HOLDFAST_TESTS_CONTRACT_ORDERS_H_

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <holdfast/contract/registry.h>
#include <holdfast/envelope.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast::contract_test {

using contract::ContractParts;
using contract::ContractRegistry;
using contract::VersionNumber;

inline constexpr std::string_view kOrders = R"(contract {
  name: "com.acme.order"
  owner: "orders@acme.example"
  version { number: "1.0" message: "acme.v1.Order" descriptor_set: "1.0.binpb"
            deprecated_from: "2026-01-01" sunset: "2026-07-01" migration: "https://acme.example/v2" }
  version { number: "1.1" message: "acme.v1.Order" descriptor_set: "1.1.binpb"
            deprecated_from: "2026-03-01T12:00:00+02:00" }
  version { number: "2.0" message: "acme.v2.Order" descriptor_set: "2.0.binpb" }
}
)";

inline constexpr std::string_view kOrder10 = R"(package acme.v1;
message Order { string id = 1; int64 cents = 2; repeated Item items = 3; }
message Item { string sku = 1; int32 count = 2; }
)";
inline constexpr std::string_view kOrder11 = R"(package acme.v1;
message Order { string id = 1; int64 cents = 2; repeated Item items = 3; string note = 4; }
message Item { string sku = 1; int32 count = 2; bool gift = 3; }
)";
inline constexpr std::string_view kOrder20 = R"(package acme.v2;
message Order { string id = 1; Money total = 2; repeated Item items = 3; }
message Money { int64 units = 1; string currency = 2; }
message Item { string sku = 1; int32 count = 2; bool gift = 3; }
)";

// Keeps the bytes that ContractParts points to.
class Parts {
 public:
  explicit Parts(std::string_view manifest = kOrders) : manifest_(manifest) {
    Set("1.0.binpb", kOrder10);
    Set("1.1.binpb", kOrder11);
    Set("2.0.binpb", kOrder20);
  }

  // One file of that text; in place of the set of this name, if there was one.
  void Set(const std::string& name, std::string_view proto) {
    sets_[name] = ProtoSet({{"acme/order.proto", std::string(proto)}}).SerializeAsString();
  }
  void SetBytes(const std::string& name, std::string bytes) { sets_[name] = std::move(bytes); }
  void Erase(const std::string& name) { sets_.erase(name); }

  absl::StatusOr<ContractRegistry> Create(
      const ContractRegistry::Options& options = {},
      std::vector<contract::Problem>* problems = nullptr) const {
    std::vector<ContractParts::DescriptorSet> sets;
    for (const auto& [name, bytes] : sets_) sets.push_back({name, bytes});
    return ContractRegistry::Create({.manifest = manifest_, .descriptor_sets = sets}, options,
                                    problems);
  }

  const std::map<std::string, std::string>& sets() const { return sets_; }
  const std::string& manifest() const { return manifest_; }

 private:
  std::string manifest_;
  std::map<std::string, std::string> sets_;
};

inline ContractRegistry OrdersRegistry() {
  auto registry = Parts().Create();
  EXPECT_TRUE(registry.ok()) << registry.status();
  return registry.ok() ? *registry : ContractRegistry();
}

// A moment of a day, at midnight in UTC.
inline WallTime Day(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                               std::chrono::day(day));
}

// The serialised payload of a version, from text format.
inline std::string Payload(const ContractRegistry& contracts, VersionNumber number,
                           const std::string& text) {
  const auto* const version = contracts.Find("com.acme.order", number);
  const std::unique_ptr<google::protobuf::Message> message(version->prototype->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
  return message->SerializeAsString();
}

inline Envelope Order(std::string_view version, std::string_view payload,
                      std::string_view type = "com.acme.order") {
  Envelope event;
  event.set_id("event-1");
  event.set_source("/orders");
  event.set_type(type);
  event.Set(TextAttribute("contractversion", version));
  event.set_data(DataKind::kBinary, payload);
  return event;
}

}  // namespace holdfast::contract_test

#endif  // HOLDFAST_TESTS_CONTRACT_ORDERS_H_
