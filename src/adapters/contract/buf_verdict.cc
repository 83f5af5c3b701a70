// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>
#include <tuple>
#include <unordered_set>

#include "adapters/contract/buf_rule.h"
#include "adapters/contract/buf_walk.h"

namespace holdfast::inline v0_5::contract {
namespace buf {
namespace {

unsigned CategoryOf(Authority authority) {
  switch (authority) {
    case Authority::kBufWire:
      return kWire;
    case Authority::kBufWireJson:
      return kWireJson;
    case Authority::kBufPackage:
      return kPackage;
    case Authority::kBufFile:
      return kFile;
    default:
      assert(!"an authority of buf's");
      return 0;
  }
}

FileSet AllFiles(const Schema& schema) {
  FileSet set{schema.pool(), schema.files()};
  std::unordered_set<const pb::FileDescriptor*> known(set.files.begin(), set.files.end());
  for (std::size_t next = 0; next < set.files.size(); ++next) {  // grows as it goes
    for (int i = 0; i < set.files[next]->dependency_count(); ++i) {
      const pb::FileDescriptor* const import = set.files[next]->dependency(i);
      if (known.insert(import).second) set.files.push_back(import);
    }
  }
  return set;
}

}  // namespace

Place WhereIs(const pb::Descriptor& message) {
  const pb::Descriptor* const outer = message.containing_type();
  if (!message.options().map_entry() || outer == nullptr) return PlaceOf(message);
  for (int i = 0; i < outer->field_count(); ++i) {
    if (outer->field(i)->message_type() == &message) return PlaceOf(*outer->field(i));
  }
  return PlaceOf(message);
}

Place WhereIs(const pb::FieldDescriptor& field) {
  const bool entry = !field.is_extension() && field.containing_type()->options().map_entry();
  return entry ? WhereIs(*field.containing_type()) : PlaceOf(field);
}

namespace {

// The rules of one category, run over all pairs.
class Judgement {
 public:
  Judgement(unsigned category, const Schema& older, const Schema& newer)
      : category_(category), older_(AllFiles(older)), newer_(AllFiles(newer)) {}

  std::vector<Violation> Run() {
    Check(FileSetRules(), older_, newer_);
    for (const pb::FileDescriptor* const file : older_.files) {
      const pb::FileDescriptor* const newer = newer_.pool.FindFileByName(file->name());
      if (newer != nullptr) Check(FileRules(), *file, *newer);
      ForEachMessage(*file, [&](const pb::Descriptor& message) { PairMessage(message); });
      ForEachEnum(*file, [&](const pb::EnumDescriptor& declared) { PairEnum(declared); });
      ForEachExtension(*file, [&](const pb::FieldDescriptor& field) { PairExtension(field); });
      ForEachService(*file, [&](const pb::ServiceDescriptor& service) { PairService(service); });
    }
    return findings_.Take();
  }

 private:
  template <class Subject>
  void Check(Rules<Subject> rules, const Subject& older, const Subject& newer) {
    for (const Rule<Subject>& rule : rules) {
      if ((rule.categories & category_) == 0) continue;
      findings_.Begin(rule.id);
      rule.check({older, newer}, &findings_);
    }
  }

  void CheckField(const pb::FieldDescriptor& older, const pb::FieldDescriptor& newer) {
    Check(FieldRules(), older, newer);
    Check(FieldTypeRules(), older, newer);
  }

  void PairMessage(const pb::Descriptor& older) {
    const pb::Descriptor* const newer = newer_.pool.FindMessageTypeByName(older.full_name());
    if (newer == nullptr) return;
    Check(MessageRules(), older, *newer);
    for (int i = 0; i < older.field_count(); ++i) {
      const pb::FieldDescriptor& field = *older.field(i);
      const pb::FieldDescriptor* const same = newer->FindFieldByNumber(field.number());
      if (same != nullptr) CheckField(field, *same);
    }
  }

  void PairEnum(const pb::EnumDescriptor& older) {
    const pb::EnumDescriptor* const newer = newer_.pool.FindEnumTypeByName(older.full_name());
    if (newer != nullptr) Check(EnumRules(), older, *newer);
  }

  void PairExtension(const pb::FieldDescriptor& older) {
    const std::string& extendee = older.containing_type()->full_name();
    const pb::Descriptor* const extended = newer_.pool.FindMessageTypeByName(extendee);
    if (extended == nullptr) return;
    const pb::FieldDescriptor* const newer =
        newer_.pool.FindExtensionByNumber(extended, older.number());
    if (newer != nullptr) CheckField(older, *newer);
  }

  void PairService(const pb::ServiceDescriptor& older) {
    const pb::ServiceDescriptor* const newer = newer_.pool.FindServiceByName(older.full_name());
    if (newer == nullptr) return;
    Check(ServiceRules(), older, *newer);
    for (int i = 0; i < older.method_count(); ++i) {
      const pb::MethodDescriptor* const same = newer->FindMethodByName(older.method(i)->name());
      if (same != nullptr) Check(MethodRules(), *older.method(i), *same);
    }
  }

  const unsigned category_;
  const FileSet older_;
  const FileSet newer_;
  Findings findings_;
};

}  // namespace
}  // namespace buf

std::vector<Violation> JudgeBuf(Authority category, const Schema& older, const Schema& newer) {
  std::vector<Violation> found = buf::Judgement(buf::CategoryOf(category), older, newer).Run();
  std::sort(found.begin(), found.end(), [](const Violation& a, const Violation& b) {
    return std::tie(a.place.file, a.place.line, a.place.column, a.rule, a.element, a.text) <
           std::tie(b.place.file, b.place.line, b.place.column, b.rule, b.element, b.text);
  });
  return found;
}

}  // namespace holdfast::inline v0_5::contract
