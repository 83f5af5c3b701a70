// SPDX-License-Identifier: Apache-2.0
// What buf's rules say of two .proto texts, for the tests of those rules.
#ifndef HOLDFAST_TESTS_CONTRACT_BUF_JUDGE_H_
#define HOLDFAST_TESTS_CONTRACT_BUF_JUDGE_H_

#include <holdfast/contract/verdict.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "contract/proto_text.h"

namespace holdfast::contract_test {

inline constexpr std::string_view kEvery = "WIRE WIRE_JSON PACKAGE FILE";
inline constexpr std::string_view kNames = "WIRE_JSON PACKAGE FILE";
inline constexpr std::string_view kSources = "PACKAGE FILE";
inline constexpr std::string_view kNowhere = "";

using Files = std::vector<ProtoFile>;

// The categories in which `rule` objects to the change: "PACKAGE FILE".
inline std::string FiresIn(std::string_view rule, const Files& older, const Files& newer) {
  using contract::Authority;
  const contract::Schema before = ProtoSchema(older);
  const contract::Schema after = ProtoSchema(newer);
  std::string categories;
  const auto judge = [&](Authority authority, std::string_view name) {
    for (const auto& violation : contract::JudgeBuf(authority, before, after)) {
      if (violation.rule != rule) continue;
      categories += (categories.empty() ? "" : " ") + std::string(name);
      return;
    }
  };
  judge(Authority::kBufWire, "WIRE");
  judge(Authority::kBufWireJson, "WIRE_JSON");
  judge(Authority::kBufPackage, "PACKAGE");
  judge(Authority::kBufFile, "FILE");
  return categories;
}

inline std::string FiresIn(std::string_view rule, std::string_view older, std::string_view newer) {
  return FiresIn(rule, Files{{"test.proto", std::string(older)}},
                 Files{{"test.proto", std::string(newer)}});
}

inline std::string Line(const contract::Violation& violation) {
  return violation.rule + " " + violation.element + " " + Text(violation.place) + ": " +
         violation.text;
}

// All that a category objects to, a line each.
inline std::vector<std::string> Objections(contract::Authority category, const Files& older,
                                           const Files& newer) {
  std::vector<std::string> lines;
  for (const auto& found : contract::JudgeBuf(category, ProtoSchema(older), ProtoSchema(newer))) {
    lines.push_back(Line(found));
  }
  return lines;
}
inline std::vector<std::string> Objections(contract::Authority category, std::string_view older,
                                           std::string_view newer) {
  return Objections(category, Files{{"test.proto", std::string(older)}},
                    Files{{"test.proto", std::string(newer)}});
}

// A message M of proto2 or proto3 around its body.
inline std::string Proto2(std::string_view body) {
  return "syntax = \"proto2\"; package p; " + std::string(body);
}
inline std::string Proto3(std::string_view body) {
  return "syntax = \"proto3\"; package p; " + std::string(body);
}
inline std::string M2(std::string_view body) {
  return Proto2("message M { " + std::string(body) + " }");
}
inline std::string M3(std::string_view body) {
  return Proto3("message M { " + std::string(body) + " }");
}

}  // namespace holdfast::contract_test

#endif  // HOLDFAST_TESTS_CONTRACT_BUF_JUDGE_H_
