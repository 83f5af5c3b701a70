// SPDX-License-Identifier: Apache-2.0
#include <holdfast/contract/compare.h>

#include <algorithm>
#include <tuple>

#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// Of messages that both versions have. Messages that refer to each other can be paired each with each, and a small file
// can have a lot of them.
constexpr std::size_t kMostChanges = 200'000;

constexpr char kNobody[] =
    "nobody finds it by its name any more: neither in an Any nor as the type of a payload";

std::string_view SyntaxName(const pb::FileDescriptor& file) {
  return pb::FileDescriptor::SyntaxName(file.syntax());
}

std::string Signature(const pb::MethodDescriptor& method) {
  const auto text = [](bool stream, const pb::Descriptor& type) {
    return "(" + std::string(stream ? "stream " : "") + type.full_name() + ")";
  };
  return text(method.client_streaming(), *method.input_type()) + " returns " +
         text(method.server_streaming(), *method.output_type());
}

// "reads old data: ...; ..." as people read it, of one encoding.
std::string Sentence(const BothWays& ways) {
  const Reading& forth = ways.new_reads_old;
  const Reading& back = ways.old_reads_new;
  if (forth.outcome == Outcome::kKept && back.outcome == Outcome::kKept) return "";
  if (forth.what == back.what) return "either way, " + forth.what;
  std::string text;
  if (forth.outcome != Outcome::kKept) text = "where the new version reads old data, " + forth.what;
  if (back.outcome != Outcome::kKept) {
    text += (text.empty() ? "" : "; ") + ("where the old version reads new data, " + back.what);
  }
  return text;
}

Effect EffectOf(const BothWays& ways) {
  return {ways.new_reads_old.outcome, ways.old_reads_new.outcome};
}

void Append(const std::string& part, std::string* text) {
  if (part.empty()) return;
  if (!text->empty()) *text += "; ";
  *text += part;
}

}  // namespace

Side::Side(const Schema& schema) : schema_(schema) {
  for (const pb::FileDescriptor* const file : schema.files()) {
    for (int i = 0; i < file->message_type_count(); ++i) Collect(*file->message_type(i));
    for (int i = 0; i < file->enum_type_count(); ++i) enums.push_back(file->enum_type(i));
    for (int i = 0; i < file->extension_count(); ++i) Use(*file->extension(i), nullptr);
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        Use(*file->service(i)->method(j)->input_type(), nullptr);
        Use(*file->service(i)->method(j)->output_type(), nullptr);
      }
    }
  }
}

void Side::Collect(const pb::Descriptor& message) {
  if (!message.options().map_entry()) messages.push_back(&message);
  const bool entry = message.options().map_entry();  // whose map is the user
  for (int i = 0; i < message.field_count() && !entry; ++i) Use(*message.field(i), &message);
  for (int i = 0; i < message.extension_count(); ++i) Use(*message.extension(i), nullptr);
  for (int i = 0; i < message.enum_type_count(); ++i) enums.push_back(message.enum_type(i));
  for (int i = 0; i < message.nested_type_count(); ++i) Collect(*message.nested_type(i));
}

void Side::Use(const pb::FieldDescriptor& field, const pb::Descriptor* user) {
  const pb::FieldDescriptor& type = field.is_map() ? *field.message_type()->map_value() : field;
  if (type.message_type() != nullptr) Use(*type.message_type(), user);
  if (type.enum_type() != nullptr && contract::IsClosed(field)) closed_.insert(type.enum_type());
}

void Side::Use(const pb::Descriptor& message, const pb::Descriptor* user) {
  if (&message == user) return;
  uses_[user].push_back(&message);
  used_.insert(&message);
}

std::unordered_set<const pb::Descriptor*> Side::Parts(
    const std::unordered_set<const pb::Descriptor*>& gone) const {
  std::unordered_set<const pb::Descriptor*> parts;
  std::vector<const pb::Descriptor*> users{nullptr};
  for (const pb::Descriptor* const message : messages) {
    if (!gone.contains(message) || !used_.contains(message)) users.push_back(message);
  }
  while (!users.empty()) {
    const auto uses = uses_.find(users.back());
    users.pop_back();
    if (uses == uses_.end()) continue;
    for (const pb::Descriptor* const part : uses->second) {
      if (parts.insert(part).second) users.push_back(part);
    }
  }
  return parts;
}

bool Side::IsClosed(const pb::EnumDescriptor& numbers) const {
  return numbers.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2 ||
         closed_.contains(&numbers);
}

void Comparison::Add(ChangeKind kind, std::string element, std::string before, std::string after,
                     Place place, const BothWays& binary, const BothWays& json,
                     std::string_view note) {
  std::string why(note);
  const std::string of_binary = Sentence(binary);
  const std::string of_json = Sentence(json);
  Append(of_binary, &why);
  if (of_json != of_binary)
    Append(of_json.empty() ? "in JSON all is kept" : "in JSON, " + of_json, &why);
  if (why.empty()) why = "every value is kept";
  changes_.push_back({kind, std::move(element), std::move(before), std::move(after),
                      std::move(place), EffectOf(binary), EffectOf(json), std::move(why)});
}

void Comparison::Pair(const Message& before, const Message& after) {
  if (seen_.emplace(&before, &after).second) messages_.emplace_back(&before, &after);
}

void Comparison::Pair(const Enum& before, const Enum& after) {
  if (seen_.emplace(&before, &after).second) CompareEnums(before, after);
}

// Where a file's package was changed, its elements are looked for under the new one.
std::string Comparison::NewName(const pb::FileDescriptor& file,
                                const std::string& full_name) const {
  const pb::FileDescriptor* const after = newer_.schema().pool().FindFileByName(file.name());
  if (after == nullptr || after->package() == file.package()) return full_name;
  const std::string rest =
      file.package().empty() ? full_name : full_name.substr(file.package().size() + 1);
  return after->package().empty() ? rest : after->package() + "." + rest;
}

void Comparison::CompareFiles() {
  for (const pb::FileDescriptor* const before : older_.schema().files()) {
    const pb::FileDescriptor* const after = newer_.schema().pool().FindFileByName(before->name());
    if (after == nullptr) {
      Add(ChangeKind::kFileRemoved, before->name(), before->name(), "", PlaceOf(*before),
          "what it declared is told by itself");
      continue;
    }
    if (before->package() != after->package()) {
      const Reading lost{Outcome::kDropped, kNobody};
      Add(ChangeKind::kPackageChanged, after->name(), before->package(), after->package(),
          PlaceOf(*after), {lost, lost}, {lost, lost},
          "the full names of all it declares are others");
    }
    if (before->syntax() != after->syntax()) {
      Add(ChangeKind::kSyntaxChanged, after->name(), std::string(SyntaxName(*before)),
          std::string(SyntaxName(*after)), PlaceOf(*after),
          "what follows from it is told by itself");
    }
  }
  for (const pb::FileDescriptor* const after : newer_.schema().files()) {
    if (older_.schema().pool().FindFileByName(after->name()) != nullptr) continue;
    Add(ChangeKind::kFileAdded, after->name(), "", after->name(), PlaceOf(*after),
        "nothing is read from it yet");
  }
}

const pb::Descriptor* Comparison::Successor(const Message& before) const {
  const Message* after = newer_.schema().FindMessage(before.full_name());
  if (after == nullptr) {
    after = newer_.schema().FindMessage(NewName(*before.file(), before.full_name()));
  }
  return after != nullptr && after->options().map_entry() ? nullptr : after;
}

void Comparison::CompareNames() {
  std::unordered_set<const void*> known;
  std::unordered_set<const Message*> gone;
  for (const Message* const before : older_.messages) {
    const Message* const after = Successor(*before);
    if (after == nullptr) {
      gone.insert(before);
      continue;
    }
    known.insert(after);
    Pair(*before, *after);
    if (before->containing_type() == nullptr && before->file()->name() != after->file()->name()) {
      Add(ChangeKind::kMessageMoved, after->full_name(), before->file()->name(),
          after->file()->name(), PlaceOf(*after), "only where it is declared is another");
    }
  }
  RemoveMessages(gone);
  for (const Message* const after : newer_.messages) {
    if (known.contains(after)) continue;
    Add(ChangeKind::kMessageAdded, after->full_name(), "", after->full_name(), PlaceOf(*after),
        "nobody wrote it before");
  }
  for (const Enum* const before : older_.enums) {
    const Enum* after = newer_.schema().pool().FindEnumTypeByName(before->full_name());
    if (after == nullptr) {
      after =
          newer_.schema().pool().FindEnumTypeByName(NewName(*before->file(), before->full_name()));
    }
    if (after == nullptr) {
      Add(ChangeKind::kEnumRemoved, before->full_name(), before->full_name(), "", PlaceOf(*before),
          "what became of the fields that were of this type is told there");
      continue;
    }
    known.insert(after);
    Pair(*before, *after);
  }
  for (const Enum* const after : newer_.enums) {
    if (known.contains(after)) continue;
    Add(ChangeKind::kEnumAdded, after->full_name(), "", after->full_name(), PlaceOf(*after),
        "nobody wrote it before");
  }
}

void Comparison::RemoveMessages(const std::unordered_set<const Message*>& gone) {
  if (gone.empty()) return;
  const std::unordered_set<const Message*> parts = older_.Parts(gone);
  for (const Message* const message : older_.messages) {
    if (!gone.contains(message)) continue;
    const bool part = parts.contains(message);
    const BothWays lost{{Outcome::kDropped, kNobody}, {}};
    Add(ChangeKind::kMessageRemoved, message->full_name(), message->full_name(), "",
        PlaceOf(*message), part ? BothWays{} : lost, part ? BothWays{} : lost,
        part ? "what became of the fields that were of this type is told there" : "");
  }
}

void Comparison::CompareServices() {
  std::unordered_set<const pb::ServiceDescriptor*> known;
  for (const pb::FileDescriptor* const file : older_.schema().files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      const pb::ServiceDescriptor& before = *file->service(i);
      const auto& pool = newer_.schema().pool();
      const pb::ServiceDescriptor* after = pool.FindServiceByName(before.full_name());
      if (after == nullptr) after = pool.FindServiceByName(NewName(*file, before.full_name()));
      if (after != nullptr) {
        known.insert(after);
        CompareMethods(before, *after);
        continue;
      }
      const BothWays lost{{Outcome::kError, "its calls are not implemented"}, {}};
      Add(ChangeKind::kServiceRemoved, before.full_name(), before.full_name(), "", PlaceOf(before),
          lost, lost, "");
    }
  }
  for (const pb::FileDescriptor* const file : newer_.schema().files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      const pb::ServiceDescriptor& after = *file->service(i);
      if (known.contains(&after)) continue;
      Add(ChangeKind::kServiceAdded, after.full_name(), "", after.full_name(), PlaceOf(after),
          "nobody called it before");
    }
  }
}

void Comparison::CompareMethods(const pb::ServiceDescriptor& before,
                                const pb::ServiceDescriptor& after) {
  for (int i = 0; i < before.method_count(); ++i) {
    const pb::MethodDescriptor& old_one = *before.method(i);
    const pb::MethodDescriptor* const new_one = after.FindMethodByName(old_one.name());
    if (new_one == nullptr) {
      const BothWays lost{{Outcome::kError, "its calls are not implemented"}, {}};
      Add(ChangeKind::kMethodRemoved, old_one.full_name(), Signature(old_one), "", PlaceOf(old_one),
          lost, lost, "");
      continue;
    }
    Pair(*old_one.input_type(), *new_one->input_type());
    Pair(*old_one.output_type(), *new_one->output_type());
    if (Signature(old_one) == Signature(*new_one)) continue;
    const bool streams = old_one.client_streaming() != new_one->client_streaming() ||
                         old_one.server_streaming() != new_one->server_streaming();
    const Reading failed{Outcome::kError, "one side streams what the other does not expect"};
    const BothWays calls = streams ? BothWays{failed, failed} : BothWays{};
    Add(ChangeKind::kMethodChanged, new_one->full_name(), Signature(old_one), Signature(*new_one),
        PlaceOf(*new_one), calls, calls, "how the messages differ is told by itself");
  }
  for (int i = 0; i < after.method_count(); ++i) {
    const pb::MethodDescriptor& method = *after.method(i);
    if (before.FindMethodByName(method.name()) != nullptr) continue;
    Add(ChangeKind::kMethodAdded, method.full_name(), "", Signature(method), PlaceOf(method),
        "nobody called it before");
  }
}

std::vector<Change> Comparison::Run() && {
  CompareFiles();
  CompareNames();
  CompareServices();
  const std::size_t most = changes_.size() + kMostChanges;
  while (!messages_.empty()) {
    const auto [before, after] = messages_.front();
    messages_.pop_front();
    if (changes_.size() > most) {
      const Reading unknown{Outcome::kCorrupt, "nobody knows: there are too many changes to tell"};
      const BothWays ways{unknown, unknown};
      Add(ChangeKind::kTypeNameChanged, after->full_name(), before->full_name(), after->full_name(),
          PlaceOf(*after), ways, ways, "");
      break;
    }
    CompareMessages(*before, *after);
  }
  const auto all = [](const Change& change) {
    return std::tie(change.place.file, change.place.line, change.place.column, change.element,
                    change.kind, change.before, change.after, change.why);
  };
  std::sort(changes_.begin(), changes_.end(),
            [&](const Change& a, const Change& b) { return all(a) < all(b); });
  // A message that is compared with two is told once of what is the same to both.
  const auto end = std::unique(changes_.begin(), changes_.end(),
                               [&](const Change& a, const Change& b) { return all(a) == all(b); });
  changes_.erase(end, changes_.end());
  return std::move(changes_);
}

std::vector<Change> Compare(const Schema& older, const Schema& newer) {
  return Comparison(older, newer).Run();
}

}  // namespace holdfast::inline v0_5::contract
