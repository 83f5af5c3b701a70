// SPDX-License-Identifier: Apache-2.0
// Verdict: what other authorities say of the same two versions, so that a team can come from any of them.
//
//   authority          whose rules
//   kDocs, kDocsJson   protobuf.dev: "Updating A Message Type", binary and JSON wire safety
//   kConfluent         Confluent Schema Registry, BACKWARD: its SchemaDiff, one file at a time
//   kBufWire, ...      buf breaking, the categories WIRE, WIRE_JSON, PACKAGE and FILE
//
// For FORWARD, swap the arguments. What each of them misses it misses here, too: this is their verdict, ours is Check (level.h).
#ifndef HOLDFAST_CONTRACT_VERDICT_H_
#define HOLDFAST_CONTRACT_VERDICT_H_

#include <holdfast/contract/schema.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

enum class Authority {
  kDocs,
  kDocsJson,
  kConfluent,
  kBufWire,
  kBufWireJson,
  kBufPackage,
  kBufFile,
};
inline constexpr Authority kAuthorities[] = {
    Authority::kDocs,        Authority::kDocsJson,   Authority::kConfluent, Authority::kBufWire,
    Authority::kBufWireJson, Authority::kBufPackage, Authority::kBufFile};
std::string_view Name(Authority authority);  // "docs", "docs-json", "confluent", "buf-wire", ...

struct Violation {
  std::string rule;     // the authority's own name for it: "FIELD_SAME_NAME"
  std::string element;  // full name, as Change::element
  Place place;
  std::string text;
};

// What the authority objects to; nothing: it would let the change pass. Thread-safe.
std::vector<Violation> Judge(Authority authority, const Schema& older, const Schema& newer);

// Where docs say a change is safe only under a condition ("conditional"), kDocs objects to it unless this is said.
struct DocsOptions {
  bool conditional_is_fine = true;
};
std::vector<Violation> JudgeDocs(const Schema& older, const Schema& newer, bool json,
                                 const DocsOptions& options = {});
std::vector<Violation> JudgeConfluent(const Schema& older, const Schema& newer);
std::vector<Violation> JudgeBuf(Authority category, const Schema& older, const Schema& newer);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_VERDICT_H_
