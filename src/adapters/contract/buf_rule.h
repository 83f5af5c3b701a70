// SPDX-License-Identifier: Apache-2.0
// A rule of `buf breaking`: its name, the categories it is in, and what it objects to in one pair of declarations.
//
// buf pairs files by path, messages, enums and services by full name wherever they are declared, fields and extensions
// by number, methods by name; a rule sees one pair at a time. All is by the rules of buf 1.75, configuration v2, held
// to the program itself by tests/interop/buf_breaking_test.py.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_BUF_RULE_H_
#define HOLDFAST_ADAPTERS_CONTRACT_BUF_RULE_H_

#include <google/protobuf/descriptor.h>
#include <holdfast/contract/schema.h>
#include <holdfast/contract/verdict.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::contract::buf {

namespace pb = google::protobuf;

enum Category : unsigned { kWire = 1, kWireJson = 2, kPackage = 4, kFile = 8 };
inline constexpr unsigned kEvery = kWire | kWireJson | kPackage | kFile;
inline constexpr unsigned kNames =
    kWireJson | kPackage | kFile;                       // what JSON and sources see as well
inline constexpr unsigned kSources = kPackage | kFile;  // what only generated code sees

// All files of a version with what they import, those of google.protobuf too: buf counts them.
struct FileSet {
  const pb::DescriptorPool& pool;
  std::vector<const pb::FileDescriptor*> files;
};

template <class Subject>
struct Pair {
  const Subject& older;
  const Subject& newer;
};

// Where rules put what they find.
class Findings {
 public:
  void Begin(std::string_view rule) { rule_ = rule; }
  void Add(std::string element, Place place, std::string text) {
    violations_.push_back({rule_, std::move(element), std::move(place), std::move(text)});
  }
  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  std::string rule_;
  std::vector<Violation> violations_;
};

template <class Subject>
struct Rule {
  std::string_view id;
  unsigned categories;
  void (*check)(const Pair<Subject>& pair, Findings* findings);
};
template <class Subject>
using Rules = std::span<const Rule<Subject>>;

Rules<pb::FieldDescriptor> FieldRules();
Rules<pb::FieldDescriptor> FieldTypeRules();
Rules<pb::EnumDescriptor> EnumRules();
Rules<pb::Descriptor> MessageRules();
Rules<pb::FileDescriptor> FileRules();
Rules<FileSet> FileSetRules();
Rules<pb::ServiceDescriptor> ServiceRules();
Rules<pb::MethodDescriptor> MethodRules();

inline std::string Quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

// "int32 became string", for rules that compare a value.
inline std::string Became(std::string_view before, std::string_view after) {
  return std::string(before) + " became " + std::string(after);
}

// Where the field or the message is written; of a map's entry, the map.
Place WhereIs(const pb::Descriptor& message);
Place WhereIs(const pb::FieldDescriptor& field);
inline Place WhereIs(const pb::EnumDescriptor& declared) { return PlaceOf(declared); }
inline Place WhereIs(const pb::ServiceDescriptor& service) { return PlaceOf(service); }

// A field whose type, name, ... is another one.
inline void ReportField(const Pair<pb::FieldDescriptor>& pair, std::string_view what,
                        std::string_view before, std::string_view after, Findings* findings) {
  findings->Add(pair.newer.full_name(), WhereIs(pair.newer),
                "the " + std::string(what) + " of field " + std::to_string(pair.newer.number()) +
                    ": " + Became(before, after));
}

}  // namespace holdfast::inline v0_5::contract::buf

#endif  // HOLDFAST_ADAPTERS_CONTRACT_BUF_RULE_H_
