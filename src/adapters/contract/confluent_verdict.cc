// SPDX-License-Identifier: Apache-2.0
//
// Confluent Schema Registry's SchemaDiff, as of 2026-08: messages are matched by name within one file, fields by number.
// Of its 26 kinds of differences 11 are incompatible, and only those are looked for here. The compatible ones are
// MESSAGE_ADDED, MESSAGE_MOVED, ENUM_ADDED, ENUM_REMOVED, ENUM_CONST_ADDED, ENUM_CONST_CHANGED, ENUM_CONST_REMOVED,
// FIELD_ADDED, FIELD_REMOVED, FIELD_NAME_CHANGED, FIELD_STRING_OR_BYTES_LABEL_CHANGED, ONEOF_ADDED, ONEOF_REMOVED,
// ONEOF_FIELD_ADDED, ONEOF_FIELD_MOVED_TO_TOP_LEVEL.
//
// A file is judged with what it imports: a field whose type is declared in another file is incompatible if anything in
// that type is. Here that is found without recursion: all pairs of messages first, then who is touched by whom.
#include <google/protobuf/descriptor.h>
#include <holdfast/contract/verdict.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;

enum class Shape { kScalar, kMessage, kMap };  // its Kind

Shape ShapeOf(const Field& field) {
  if (field.is_map()) return Shape::kMap;
  return field.message_type() != nullptr ? Shape::kMessage : Shape::kScalar;
}

std::string_view ScalarGroup(const Field& field) {  // its ScalarKind
  switch (field.type()) {
    case Field::TYPE_INT32:
    case Field::TYPE_INT64:
    case Field::TYPE_UINT32:
    case Field::TYPE_UINT64:
    case Field::TYPE_BOOL:
    case Field::TYPE_ENUM:
      return "general number";
    case Field::TYPE_SINT32:
    case Field::TYPE_SINT64:
      return "signed number";
    case Field::TYPE_STRING:
    case Field::TYPE_BYTES:
      return "string or bytes";
    case Field::TYPE_FIXED32:
    case Field::TYPE_SFIXED32:
      return "fixed32";
    case Field::TYPE_FIXED64:
    case Field::TYPE_SFIXED64:
      return "fixed64";
    default:
      return field.type_name();
  }
}

// The label as it is written in the file. Where none is written, labels are not compared at all.
std::optional<Field::Label> WrittenLabel(const Field& field) {
  if (field.is_map() || field.real_containing_oneof() != nullptr) return std::nullopt;
  const bool proto3 = field.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
  if (proto3 && !field.is_repeated() && !field.has_optional_keyword()) return std::nullopt;
  return field.label();
}

std::string LocalName(const pb::Descriptor& message) {
  const std::string& package = message.file()->package();
  return package.empty() ? message.full_name() : message.full_name().substr(package.size() + 1);
}

// Its parser keeps groups apart from messages and fields, and its comparison does not look at them.
bool IsGroup(const Field& field) { return field.type() == Field::TYPE_GROUP; }
bool IsGroup(const pb::Descriptor& nested) {
  const pb::Descriptor& outer = *nested.containing_type();
  for (int i = 0; i < outer.field_count(); ++i) {
    if (IsGroup(*outer.field(i)) && outer.field(i)->message_type() == &nested) return true;
  }
  return false;
}

class SchemaDiff {
 public:
  SchemaDiff(const Schema& older, const Schema& newer) : older_(older), newer_(newer) {}

  std::vector<Violation> Run() {
    for (const pb::FileDescriptor* const before : older_.files()) {
      const pb::FileDescriptor* const after = newer_.pool().FindFileByName(before->name());
      if (after != nullptr) CompareFiles(*before, *after);
    }
    while (!waiting_.empty()) {
      Node* const node = waiting_.front();
      waiting_.pop_front();
      CompareMessages(node);
    }
    SpreadBreaks();
    return std::move(violations_);
  }

 private:
  struct Node;
  struct User {
    Node* node;
    const Field* field;  // whose type it is; nullptr: the message that it is declared in
  };
  struct Node {
    const pb::Descriptor* before = nullptr;
    const pb::Descriptor* after = nullptr;
    bool broken = false;
    std::vector<User> users;
  };

  Node* NodeOf(const pb::Descriptor& before, const pb::Descriptor& after) {
    Node& node = nodes_[{&before, &after}];
    if (node.before == nullptr) {
      node.before = &before;
      node.after = &after;
      waiting_.push_back(&node);
    }
    return &node;
  }

  template <class Descriptor>
  void Add(std::string rule, const Descriptor& where, std::string text, Node* node) {
    violations_.push_back({std::move(rule), where.full_name(), PlaceOf(where), std::move(text)});
    if (node != nullptr) node->broken = true;
  }

  void CompareFiles(const pb::FileDescriptor& before, const pb::FileDescriptor& after) {
    if (before.package() != after.package()) {
      violations_.push_back({"PACKAGE_CHANGED", after.name(), PlaceOf(after),
                             "the package " + before.package() + " became " + after.package()});
    }
    for (int i = 0; i < before.message_type_count(); ++i) {
      const pb::Descriptor& message = *before.message_type(i);
      const pb::Descriptor* const found = after.FindMessageTypeByName(message.name());
      found == nullptr
          ? Add("MESSAGE_REMOVED", message, "the message is no more in " + after.name(), nullptr)
          : (void)NodeOf(message, *found);
    }
  }

  void CompareMessages(Node* node) {
    for (int i = 0; i < node->before->nested_type_count(); ++i) {
      const pb::Descriptor& nested = *node->before->nested_type(i);
      if (nested.options().map_entry() || IsGroup(nested)) continue;
      const pb::Descriptor* const found = node->after->FindNestedTypeByName(nested.name());
      if (found == nullptr) {
        Add("MESSAGE_REMOVED", nested, "the message is no more in " + node->after->full_name(),
            node);
      } else {
        NodeOf(nested, *found)->users.push_back({node, nullptr});
      }
    }
    CompareOneofs(node);
    for (int i = 0; i < node->before->field_count(); ++i) {
      const Field& field = *node->before->field(i);
      if (IsGroup(field)) continue;
      const Field* const found = node->after->FindFieldByNumber(field.number());
      found == nullptr ? RemoveField(field, node) : CompareFields(field, *found, node);
    }
    for (int i = 0; i < node->after->field_count(); ++i) {
      const Field& field = *node->after->field(i);
      if (field.is_required() && !IsGroup(field) &&
          node->before->FindFieldByNumber(field.number()) == nullptr) {
        Add("REQUIRED_FIELD_ADDED", field, "a required field was added", node);
      }
    }
  }

  void RemoveField(const Field& field, Node* node) {
    const pb::OneofDescriptor* const oneof = field.real_containing_oneof();
    if (field.is_required())
      Add("REQUIRED_FIELD_REMOVED", field, "a required field was removed", node);
    if (oneof == nullptr) return;
    // A oneof that went with all its members is no matter; one of them alone is.
    const pb::OneofDescriptor* const same = node->after->FindOneofByName(oneof->name());
    bool survives = same != nullptr && !same->is_synthetic();
    for (int i = 0; i < oneof->field_count() && !survives; ++i) {
      survives = node->after->FindFieldByNumber(oneof->field(i)->number()) != nullptr;
    }
    if (survives)
      Add("ONEOF_FIELD_REMOVED", field, "was removed, its oneof " + oneof->name() + " was not",
          node);
  }

  // Fields that could be set together and no more can.
  void CompareOneofs(Node* node) {
    for (int i = 0; i < node->after->real_oneof_decl_count(); ++i) {
      const pb::OneofDescriptor& oneof = *node->after->oneof_decl(i);
      std::unordered_set<const void*> groups;
      int moved = 0;
      for (int j = 0; j < oneof.field_count(); ++j) {
        const Field* const before = node->before->FindFieldByNumber(oneof.field(j)->number());
        if (before == nullptr) continue;
        const pb::OneofDescriptor* const group = before->real_containing_oneof();
        if (group == nullptr) ++moved;
        groups.insert(group != nullptr ? static_cast<const void*>(group) : before);
      }
      if (groups.size() < 2) continue;
      Add(moved > 1 ? "MULTIPLE_FIELDS_MOVED_TO_ONEOF" : "FIELD_MOVED_TO_EXISTING_ONEOF", oneof,
          "fields that could be set together are now members of one oneof", node);
    }
  }

  void CompareFields(const Field& before, const Field& after, Node* node) {
    if (IsGroup(before) || IsGroup(after)) return;
    CompareTypes(before, after, after, node);
    const auto old_label = WrittenLabel(before);
    const auto new_label = WrittenLabel(after);
    if (ShapeOf(before) != Shape::kScalar || ShapeOf(after) != Shape::kScalar) return;
    if (ScalarGroup(before) != ScalarGroup(after) || ScalarGroup(before) == "string or bytes")
      return;
    if (old_label && new_label && *old_label != *new_label) {
      Add("FIELD_NUMERIC_LABEL_CHANGED", after, "the label of a number is another", node);
    }
  }

  // `field` is the one to name: before and after may be the key or the value of its entries.
  void CompareTypes(const Field& before, const Field& after, const Field& field, Node* node) {
    const Shape shape = ShapeOf(before);
    if (shape != ShapeOf(after)) {
      Add("FIELD_KIND_CHANGED", field, "it is another of scalar, message and map", node);
    } else if (shape == Shape::kMap) {
      CompareTypes(*before.message_type()->map_key(), *after.message_type()->map_key(), field,
                   node);
      CompareTypes(*before.message_type()->map_value(), *after.message_type()->map_value(), field,
                   node);
    } else if (shape == Shape::kScalar) {
      if (ScalarGroup(before) == ScalarGroup(after)) return;
      Add("FIELD_SCALAR_KIND_CHANGED", field,
          std::string(ScalarGroup(before)) + " became " + std::string(ScalarGroup(after)), node);
    } else if (LocalName(*before.message_type()) != LocalName(*after.message_type())) {
      Add("FIELD_NAMED_TYPE_CHANGED", field,
          before.message_type()->full_name() + " became " + after.message_type()->full_name(),
          node);
    } else if (before.message_type()->file() != node->before->file() ||
               after.message_type()->file() != node->after->file()) {
      NodeOf(*before.message_type(), *after.message_type())->users.push_back({node, &field});
    }
  }

  void SpreadBreaks() {
    std::deque<Node*> broken;
    for (auto& [messages, node] : nodes_) {
      if (node.broken) broken.push_back(&node);
    }
    std::set<const Field*> told;
    while (!broken.empty()) {
      const Node* const node = broken.front();
      broken.pop_front();
      for (const User& user : node->users) {
        const bool was_broken = user.node->broken;
        if (user.field != nullptr && told.insert(user.field).second) {
          Add("FIELD_NAMED_TYPE_CHANGED", *user.field,
              "its type " + node->after->full_name() + " has an incompatible difference", nullptr);
        }
        user.node->broken = true;
        if (!was_broken) broken.push_back(user.node);
      }
    }
  }

  const Schema& older_;
  const Schema& newer_;
  std::map<std::pair<const pb::Descriptor*, const pb::Descriptor*>, Node> nodes_;
  std::deque<Node*> waiting_;
  std::vector<Violation> violations_;
};

}  // namespace

std::vector<Violation> JudgeConfluent(const Schema& older, const Schema& newer) {
  return SchemaDiff(older, newer).Run();
}

}  // namespace holdfast::inline v0_5::contract
