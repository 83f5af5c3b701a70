// SPDX-License-Identifier: Apache-2.0
// What protobuf itself does to values: a field of every type is written in one version of a message
// and read in another, and the outcome is told from the two values alone, as the definitions of
// change.h have it.
#ifndef HOLDFAST_TESTS_CONTRACT_GROUND_TRUTH_H_
#define HOLDFAST_TESTS_CONTRACT_GROUND_TRUTH_H_

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <holdfast/contract/change.h>
#include <holdfast/contract/schema.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/field_value.h"
#include "contract/proto_text.h"

namespace holdfast::contract_test {

using contract::Outcome;

inline constexpr std::string_view kKinds[] = {
    "int32",    "int64",   "uint32",   "uint64", "bool",   "enum",   "sint32", "sint64", "fixed32",
    "sfixed32", "fixed64", "sfixed64", "float",  "double", "string", "bytes",  "message"};

enum class Label { kSingular, kExplicit, kUnpacked, kPacked };

inline bool IsList(Label label) { return label == Label::kUnpacked || label == Label::kPacked; }
inline bool IsNumber(std::string_view kind) {
  return kind != "string" && kind != "bytes" && kind != "message";
}

// The text of `message T { <label> <kind> f = 1; }` in a file of either syntax.
inline std::string FieldText(std::string_view kind, Label label, bool proto3) {
  std::string text = proto3 ? "syntax = \"proto3\";\n" : "syntax = \"proto2\";\n";
  const std::string own = proto3 ? "" : "optional ";
  text +=
      "enum E { ZERO = 0; MINUS = -1; ONE = 1; TWO = 2; FOUR = 4; EIGHT = 8; HUNDRED = 100; }\n"
      "message M { " +
      own + "int32 a = 1; " + own + "string b = 2; }\nmessage T { ";
  text += IsList(label) ? "repeated " : !proto3 || label == Label::kExplicit ? "optional " : "";
  text += kind == "enum" ? "E" : kind == "message" ? "M" : kind;
  text += " f = 1";
  if (IsList(label) && IsNumber(kind)) {
    text += label == Label::kPacked ? " [packed = true]" : " [packed = false]";
  }
  return text + "; }\n";
}

// A message type with one field, which is written and read as a list of values.
class OneField {
 public:
  OneField(std::string_view kind, Label label, bool proto3)
      : OneField(std::string(kind), label, ProtoSchema(FieldText(kind, label, proto3))) {}
  OneField(std::string kind, Label label, contract::Schema schema)
      : kind_(std::move(kind)), label_(label), schema_(std::move(schema)) {
    type_ = factory_.GetPrototype(schema_.FindMessage("T"));
    field_ = type_->GetDescriptor()->field(0);
  }

  std::unique_ptr<google::protobuf::Message> Write(const std::vector<FieldValue>& values) const {
    std::unique_ptr<google::protobuf::Message> message(type_->New());
    for (const FieldValue& value : values) PutValue(value, *field_, message.get());
    return message;
  }
  std::unique_ptr<google::protobuf::Message> New() const {
    return std::unique_ptr<google::protobuf::Message>(type_->New());
  }

  // Each of them is written on its own.
  std::vector<std::vector<FieldValue>> Samples() const {
    const std::vector<FieldValue> values = SamplesOf(kind_);
    std::vector<std::vector<FieldValue>> samples;
    for (const FieldValue& value : values) samples.push_back({value});
    if (!IsList(label_)) return samples;
    samples.push_back({});
    samples.push_back(values);
    for (std::size_t i = 1; i < values.size(); ++i) samples.push_back({values[i - 1], values[i]});
    samples.emplace_back(4, values[1]);  // as long as a fixed32, and as a fixed64, if packed
    samples.emplace_back(8, values[1]);
    return samples;
  }

  const std::string& kind() const { return kind_; }
  Label label() const { return label_; }
  const contract::Schema& schema() const { return schema_; }
  const google::protobuf::FieldDescriptor& field() const { return *field_; }

 private:
  std::string kind_;
  Label label_;
  contract::Schema schema_;
  mutable google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::Message* type_;
  const google::protobuf::FieldDescriptor* field_;
};

inline Outcome Worse(Outcome a, Outcome b) { return std::max(a, b); }

inline Outcome ValueOutcome(const FieldValue& written, const FieldValue& read,
                            const google::protobuf::FieldDescriptor& reader) {
  if (Same(written, read)) return Outcome::kKept;
  return Fits(written, reader) ? Outcome::kCorrupt : Outcome::kLossy;
}

// `kept_aside`: something is among the unknown fields, or, in JSON, was passed over.
inline Outcome ListOutcome(const std::vector<FieldValue>& written,
                           const std::vector<FieldValue>& read, bool kept_aside,
                           const google::protobuf::FieldDescriptor& reader) {
  if (read.size() < written.size() && kept_aside) {
    for (const FieldValue& value :
         read) {  // of what did arrive, all must come from what was written
      const bool known = std::any_of(written.begin(), written.end(), [&](const FieldValue& other) {
        return Same(other, value) || !Fits(other, reader);
      });
      if (!known) return Outcome::kCorrupt;
    }
    return Outcome::kDropped;
  }
  if (read.size() != written.size()) return Outcome::kCorrupt;
  Outcome worst = Outcome::kKept;
  for (std::size_t i = 0; i < read.size(); ++i) {
    worst = Worse(worst, ValueOutcome(written[i], read[i], reader));
  }
  return worst;
}

// One value of a reader that knows one only.
inline Outcome SingleOutcome(const std::vector<FieldValue>& written, const FieldValue& read,
                             bool has, bool kept_aside,
                             const google::protobuf::FieldDescriptor& reader) {
  if (!has && kept_aside) return Outcome::kDropped;
  if (written.empty()) return IsDefault(read) ? Outcome::kKept : Outcome::kCorrupt;
  const Outcome last = ValueOutcome(written.back(), read, reader);
  return written.size() == 1 ? last : Worse(Outcome::kLossy, last);
}

inline Outcome ReadOutcome(const OneField& writer, const std::vector<FieldValue>& written,
                           const OneField& reader, const google::protobuf::Message& message,
                           bool json) {
  const auto& reflection = *message.GetReflection();
  const google::protobuf::FieldDescriptor& field = reader.field();
  const bool unset = !writer.field().has_presence() && !IsList(writer.label()) &&
                     IsDefault(written.at(0));  // the writer's default is not on the wire
  const bool aside = !reflection.GetUnknownFields(message).empty();
  if (field.is_repeated()) {
    const std::vector<FieldValue> read = TakeValues(message, field);
    if (unset && read.empty()) return Outcome::kKept;
    return ListOutcome(written, read, aside || (json && read.size() < written.size()), field);
  }
  const bool has = reflection.HasField(message, &field);
  return SingleOutcome(unset ? std::vector<FieldValue>{} : written, TakeValue(message, field, -1),
                       has, aside || (json && !unset && !written.empty()), field);
}

inline Outcome BinaryTruth(const OneField& writer, const std::vector<FieldValue>& written,
                           const OneField& reader) {
  const std::string bytes = writer.Write(written)->SerializeAsString();
  const auto message = reader.New();
  if (!message->ParseFromString(bytes)) return Outcome::kError;
  return ReadOutcome(writer, written, reader, *message, false);
}

// Readers of JSON pass over what they do not know, see change.h.
inline Outcome JsonTruth(const OneField& writer, const std::vector<FieldValue>& written,
                         const OneField& reader) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(*writer.Write(written), &json).ok()) {
    RefuseProto("T", "has no JSON");
  }
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto message = reader.New();
  if (!google::protobuf::util::JsonStringToMessage(json, message.get(), options).ok()) {
    return Outcome::kError;
  }
  return ReadOutcome(writer, written, reader, *message, true);
}

template <class Truth>
Outcome Worst(const OneField& writer, const OneField& reader, const Truth& truth) {
  Outcome worst = Outcome::kKept;
  for (const auto& written : writer.Samples()) worst = Worse(worst, truth(writer, written, reader));
  return worst;
}

inline char Mark(Outcome outcome) { return "=~ux!"[static_cast<int>(outcome)]; }

}  // namespace holdfast::contract_test

#endif  // HOLDFAST_TESTS_CONTRACT_GROUND_TRUTH_H_
