// SPDX-License-Identifier: Apache-2.0
// See contract/loss.h.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>
#include <holdfast/contract/loss.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

std::string Join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string Numbered(const std::string& path, int number) {
  return Join(path, "#" + std::to_string(number));
}

// The set fields of one or more messages, by path.
class SetFields {
 public:
  void Add(const pb::Message& message) { Walk(message, ""); }

  const std::map<std::string, const pb::FieldDescriptor*>& known() const { return known_; }
  const std::map<std::string, std::pair<std::string, int>>& unknown() const { return unknown_; }
  bool full() const { return full_; }

 private:
  bool TakePlace() {
    full_ = full_ || known_.size() + unknown_.size() >= LossReport::kMaxFields;
    return !full_;
  }

  void Walk(const pb::Message& message, const std::string& path) {
    const pb::Reflection* const reflection = message.GetReflection();
    const pb::UnknownFieldSet& unknown = reflection->GetUnknownFields(message);
    for (int i = 0; i < unknown.field_count() && TakePlace(); ++i) {
      const int number = unknown.field(i).number();
      unknown_.try_emplace(Numbered(path, number), path, number);
    }
    std::vector<const pb::FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const pb::FieldDescriptor* field : fields) {
      if (!TakePlace()) return;
      const std::string name = Join(path, field->name());
      known_.try_emplace(name, field);
      WalkInto(message, field, name);
    }
  }

  void WalkInto(const pb::Message& message, const pb::FieldDescriptor* field,
                const std::string& path) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) return;
    const pb::Reflection* const reflection = message.GetReflection();
    if (!field->is_repeated()) return Walk(reflection->GetMessage(message, field), path);
    for (int i = 0; i < reflection->FieldSize(message, field) && !full_; ++i) {
      const pb::Message& element = reflection->GetRepeatedMessage(message, field, i);
      if (!field->is_map()) {
        Walk(element, path);
      } else {  // an entry is no message of its own
        WalkInto(element, field->message_type()->map_value(), path);
      }
    }
  }

  std::map<std::string, const pb::FieldDescriptor*> known_;
  std::map<std::string, std::pair<std::string, int>> unknown_;  // "a.#7": at "a", 7
  bool full_ = false;
};

// What a field is a message of; of a map, its values.
const pb::Descriptor* MessageIn(const pb::FieldDescriptor* field) {
  return field->is_map() ? field->message_type()->map_value()->message_type()
                         : field->message_type();
}

// The message at a path; nullptr if there is none.
const pb::Descriptor* MessageAt(const pb::Descriptor* message, std::string_view path) {
  while (message != nullptr && !path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    const pb::FieldDescriptor* const field =
        message->FindFieldByName(std::string(path.substr(0, end)));
    message = field == nullptr ? nullptr : MessageIn(field);
    path.remove_prefix(std::min(path.size(), end + 1));
  }
  return message;
}

std::string ParentOf(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? std::string() : path.substr(0, dot);
}

bool IsWithin(std::string_view path, std::string_view outer) {
  return path.starts_with(outer) && (path.size() == outer.size() || path[outer.size()] == '.');
}

LossKind KindOf(const std::string& path, const pb::FieldDescriptor* field, const SetFields& after,
                const pb::Descriptor* type) {
  const std::string parent = ParentOf(path);
  const pb::Descriptor* const message = MessageAt(type, parent);
  if (message != nullptr && message->FindFieldByName(field->name()) != nullptr) {
    return LossKind::kDefaulted;
  }
  return after.unknown().contains(Numbered(parent, field->number())) ? LossKind::kUnknown
                                                                     : LossKind::kGone;
}

// A field that was not known before is, under whatever name.
bool IsKnownNow(const std::pair<std::string, int>& unknown, const SetFields& after,
                const pb::Descriptor* type) {
  const auto& [parent, number] = unknown;
  const pb::Descriptor* const message = MessageAt(type, parent);
  const auto* const field = message == nullptr ? nullptr : message->FindFieldByNumber(number);
  return field != nullptr && after.known().contains(Join(parent, field->name()));
}

}  // namespace

std::string_view Name(LossKind kind) {
  switch (kind) {
    case LossKind::kGone:
      return "gone";
    case LossKind::kDefaulted:
      return "defaulted";
    case LossKind::kUnknown:
      return "unknown";
  }
  return "?";
}

std::string Text(const Loss& loss) {
  return Text(loss.from) + " -> " + Text(loss.to) + ": " +
         (loss.field.empty() ? "the event" : loss.field) + ": " + std::string(Name(loss.kind));
}

void FindLosses(const pb::Message& before, std::span<const pb::Message* const> after,
                std::span<const std::string> moved, VersionNumber from, VersionNumber to,
                LossReport* report) {
  if (after.empty()) return report->losses.push_back({LossKind::kGone, from, to, ""});
  SetFields had;
  SetFields has;
  had.Add(before);
  for (const pb::Message* message : after) has.Add(*message);
  report->truncated = report->truncated || had.full() || has.full();
  const pb::Descriptor* const type = after.front()->GetDescriptor();
  const auto is_moved = [&](std::string_view path) {
    return std::any_of(moved.begin(), moved.end(),
                       [&](const std::string& outer) { return IsWithin(path, outer); });
  };
  std::set<std::string> said;  // what is in a lost message is lost with it
  for (const auto& [path, field] : had.known()) {
    if (said.contains(ParentOf(path))) {
      said.insert(path);
    } else if (!has.known().contains(path) && !is_moved(path)) {
      said.insert(path);
      report->losses.push_back({KindOf(path, field, has, type), from, to, path});
    }
  }
  for (const auto& [path, unknown] : had.unknown()) {
    if (has.unknown().contains(path) || said.contains(unknown.first) || is_moved(path)) continue;
    if (IsKnownNow(unknown, has, type)) continue;
    report->losses.push_back({LossKind::kGone, from, to, path});
  }
}

}  // namespace holdfast::inline v0_5::contract
