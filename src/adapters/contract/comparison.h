// SPDX-License-Identifier: Apache-2.0
// The work of Compare: what is known of both schemas while they are compared, and the changes found.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_COMPARISON_H_
#define HOLDFAST_ADAPTERS_CONTRACT_COMPARISON_H_

#include <google/protobuf/descriptor.h>
#include <holdfast/contract/change.h>
#include <holdfast/contract/schema.h>

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "adapters/contract/reading.h"

namespace holdfast::inline v0_5::contract {

struct BothWays {
  Reading new_reads_old;
  Reading old_reads_new;
};

// The fields of a message, and the extensions of it that its schema knows.
struct Fields {
  Fields(const Schema& schema, const google::protobuf::Descriptor& described);
  const google::protobuf::FieldDescriptor* Number(int number) const;
  // The field of this one's name or, if it is an extension, the extension: one without a package may be called like a
  // field.
  const google::protobuf::FieldDescriptor* Named(
      const google::protobuf::FieldDescriptor& field) const;
  // As a reader of JSON finds it: by its JSON name, or by its own.
  const google::protobuf::FieldDescriptor* JsonNamed(std::string_view name) const;

  const google::protobuf::Descriptor& message;
  std::vector<const google::protobuf::FieldDescriptor*> all;
  std::unordered_map<int, const google::protobuf::FieldDescriptor*> by_number;
  std::unordered_map<std::string_view, const google::protobuf::FieldDescriptor*> by_name;
  std::unordered_map<std::string_view, const google::protobuf::FieldDescriptor*> extensions;
  std::unordered_map<std::string_view, const google::protobuf::FieldDescriptor*> by_json_name;
};
std::string_view NameOf(
    const google::protobuf::FieldDescriptor& field);  // of an extension its full one
std::string TypeText(const google::protobuf::FieldDescriptor& field);  // "repeated int32"

// What only one of the two schemas knows of a message or enum by name.
class Side {
 public:
  explicit Side(const Schema& schema);
  const Schema& schema() const { return schema_; }
  // The messages that are the type of a field, or of a request or response. What only messages refer to that are `gone`
  // themselves counts if one of those is the type of nothing: that a tree of messages is gone is told at its root.
  // Messages that refer to each other in a circle have none, and none of them is a mere part.
  std::unordered_set<const google::protobuf::Descriptor*> Parts(
      const std::unordered_set<const google::protobuf::Descriptor*>& gone) const;
  // Whether readers of the enum do not see numbers that it does not declare.
  bool IsClosed(const google::protobuf::EnumDescriptor& numbers) const;

  std::vector<const google::protobuf::Descriptor*> messages;  // no entries of maps
  std::vector<const google::protobuf::EnumDescriptor*> enums;

 private:
  void Collect(const google::protobuf::Descriptor& message);
  // `user`: the message whose field it is, nullptr of an extension.
  void Use(const google::protobuf::FieldDescriptor& field,
           const google::protobuf::Descriptor* user);
  void Use(const google::protobuf::Descriptor& message, const google::protobuf::Descriptor* user);
  const Schema& schema_;
  std::unordered_map<const google::protobuf::Descriptor*,
                     std::vector<const google::protobuf::Descriptor*>>
      uses_;                                                      // by user
  std::unordered_set<const google::protobuf::Descriptor*> used_;  // by another
  std::unordered_set<const google::protobuf::EnumDescriptor*> closed_;
};

class Comparison {
 public:
  Comparison(const Schema& older, const Schema& newer) : older_(older), newer_(newer) {}
  std::vector<Change> Run() &&;

 private:
  using Message = google::protobuf::Descriptor;
  using Enum = google::protobuf::EnumDescriptor;
  using Field = google::protobuf::FieldDescriptor;

  // compare.cc
  void CompareFiles();
  void CompareNames();
  // What a message is in the newer version, nullptr if it is gone.
  const Message* Successor(const Message& before) const;
  void RemoveMessages(const std::unordered_set<const Message*>& gone);
  std::string NewName(const google::protobuf::FileDescriptor& file,
                      const std::string& full_name) const;
  void CompareServices();
  void CompareMethods(const google::protobuf::ServiceDescriptor& before,
                      const google::protobuf::ServiceDescriptor& after);
  // Remembers to compare the two; each pair once, however they refer to each other.
  void Pair(const Message& before, const Message& after);
  void Pair(const Enum& before, const Enum& after);

  // compare_message.cc
  void CompareMessages(const Message& before, const Message& after);
  void CompareField(const Field& before, const Fields& olds, const Field& after,
                    const Fields& news);
  void CompareNamesOf(const Field& before, const Fields& olds, const Field& after,
                      const Fields& news);
  void CompareTypes(const Field& before, const Field& after);
  void CompareTypeNames(const Field& before, const Field& after, const Field& field);
  void ComparePresence(const Field& before, const Field& after);
  void CompareSetFormat(const Message& before, const Message& after);
  void RemoveField(const Field& field, const Fields& news);
  void AddField(const Field& field, const Fields& olds);

  // compare_default.cc
  void CompareDefaults(const Field& before, const Field& after);

  // compare_oneof.cc
  void CompareOneofs(const Message& before, const Message& after, const Fields& olds,
                     const Fields& news);
  // compare_enum.cc
  void CompareEnums(const Enum& before, const Enum& after);
  // compare_reserved.cc
  void CompareReserved(const Message& before, const Message& after);
  void CompareReserved(const Enum& before, const Enum& after);

  // `note` is the sentence if every value is kept, and stands before it if not.
  void Add(ChangeKind kind, std::string element, std::string before, std::string after, Place place,
           const BothWays& binary, const BothWays& json, std::string_view note);
  void Add(ChangeKind kind, std::string element, std::string before, std::string after, Place place,
           std::string_view note) {
    Add(kind, std::move(element), std::move(before), std::move(after), std::move(place), {}, {},
        note);
  }

  const Side older_;
  const Side newer_;
  std::deque<std::pair<const Message*, const Message*>> messages_;
  std::set<std::pair<const void*, const void*>> seen_;
  std::vector<Change> changes_;
};

// The field of `there` that is the same as this one of `here`: of the same name or, if the name is
// nowhere else, of the same number.
const google::protobuf::FieldDescriptor* Partner(const google::protobuf::FieldDescriptor& field,
                                                 const Fields& here, const Fields& there);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_ADAPTERS_CONTRACT_COMPARISON_H_
