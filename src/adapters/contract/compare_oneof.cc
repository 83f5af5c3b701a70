// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

std::string NameOf(const pb::OneofDescriptor* oneof) {
  return oneof == nullptr ? "" : oneof->name();
}

const pb::OneofDescriptor* RealOneofNamed(const pb::Descriptor& message, const std::string& name) {
  const pb::OneofDescriptor* const found = message.FindOneofByName(name);
  return found != nullptr && !found->is_synthetic() ? found : nullptr;
}

// Which oneof of the newer version each of the older one became: that of the same name or, if there
// is none, the one that its first member is in, if that is new.
std::unordered_map<const pb::OneofDescriptor*, const pb::OneofDescriptor*> Match(
    const pb::Descriptor& before, const pb::Descriptor& after, const Fields& olds,
    const Fields& news) {
  std::unordered_map<const pb::OneofDescriptor*, const pb::OneofDescriptor*> matches;
  std::unordered_set<const pb::OneofDescriptor*> taken;
  for (int i = 0; i < before.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor* const oneof = before.oneof_decl(i);
    const pb::OneofDescriptor* match = RealOneofNamed(after, oneof->name());
    for (int j = 0; match == nullptr && j < oneof->field_count(); ++j) {
      const pb::FieldDescriptor* const partner = Partner(*oneof->field(j), olds, news);
      if (partner == nullptr) continue;
      match = partner->real_containing_oneof();
      if (match != nullptr && RealOneofNamed(before, match->name()) != nullptr) match = nullptr;
      break;
    }
    if (match != nullptr && taken.insert(match).second) matches.emplace(oneof, match);
  }
  return matches;
}

// Whether a writer may set two members of the reader's oneof at once: then the reader keeps only
// the last of them.
bool IsMixed(const pb::OneofDescriptor* oneof, const Fields& readers, const Fields& writers) {
  std::unordered_set<const void*> groups;
  for (int i = 0; oneof != nullptr && i < oneof->field_count(); ++i) {
    const pb::FieldDescriptor* const partner = Partner(*oneof->field(i), readers, writers);
    if (partner == nullptr) continue;
    const void* const group = partner->real_containing_oneof();
    groups.insert(group != nullptr ? group : partner);
  }
  return groups.size() > 1;
}

}  // namespace

void Comparison::CompareOneofs(const Message& before, const Message& after, const Fields& olds,
                               const Fields& news) {
  const auto matches = Match(before, after, olds, news);
  std::unordered_set<const pb::OneofDescriptor*> matched;
  std::unordered_map<const pb::OneofDescriptor*, bool> mixed;
  for (int i = 0; i < before.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor* const oneof = before.oneof_decl(i);
    mixed[oneof] = IsMixed(oneof, olds, news);
    const auto match = matches.find(oneof);
    if (match == matches.end()) {
      Add(ChangeKind::kOneofRemoved, oneof->full_name(), oneof->name(), "", PlaceOf(*oneof),
          "what became of its fields is told there");
      continue;
    }
    matched.insert(match->second);
    if (match->second->name() != oneof->name()) {
      Add(ChangeKind::kOneofRenamed, match->second->full_name(), oneof->name(),
          match->second->name(), PlaceOf(*match->second), "the name of a oneof is in no encoding");
    }
  }
  for (int i = 0; i < after.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor* const oneof = after.oneof_decl(i);
    mixed[oneof] = IsMixed(oneof, news, olds);
    if (matched.contains(oneof)) continue;
    Add(ChangeKind::kOneofAdded, oneof->full_name(), "", oneof->name(), PlaceOf(*oneof),
        "what it does to fields that there were is told there");
  }
  for (const Field* const field : olds.all) {
    const Field* const partner = Partner(*field, olds, news);
    if (partner == nullptr) continue;
    const pb::OneofDescriptor* const left = field->real_containing_oneof();
    const pb::OneofDescriptor* const entered = partner->real_containing_oneof();
    const auto match = matches.find(left);
    if ((match == matches.end() ? left == nullptr && entered == nullptr : match->second == entered))
      continue;
    const bool cut = entered != nullptr && mixed[entered];
    const bool cut_back = left != nullptr && mixed[left];
    const Reading lost{Outcome::kLossy, "of fields that are set together only the last is read"};
    const Reading refused{Outcome::kError, "a message that has several of its fields is refused"};
    Add(entered != nullptr ? ChangeKind::kFieldEnteredOneof : ChangeKind::kFieldLeftOneof,
        partner->full_name(), NameOf(left), NameOf(entered), PlaceOf(*partner),
        {cut ? lost : Reading{}, cut_back ? lost : Reading{}},
        {cut ? refused : Reading{}, cut_back ? refused : Reading{}}, "");
  }
}

}  // namespace holdfast::inline v0_5::contract
