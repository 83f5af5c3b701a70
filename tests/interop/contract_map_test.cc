// SPDX-License-Identifier: Apache-2.0
//
// As contract_matrix_test.cc, of maps: every type of key as every other, and every type of value. And of what a message
// must have: required fields, and defaults.
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "contract/ground_truth.h"

namespace holdfast {
namespace {

using contract::Effect;
using contract::Outcome;
using contract::Schema;
using namespace contract_test;  // NOLINT: the words of this test
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const auto quiet = google::protobuf::SetLogHandler(nullptr);

std::string MapText(std::string_view key, std::string_view value, bool proto3) {
  std::string text = FieldText("int32", Label::kExplicit, proto3);
  const std::string type = value == "enum" ? "E" : value == "message" ? "M" : std::string(value);
  return text.substr(0, text.find("message T")) + "message T { map<" + std::string(key) + ", " +
         type + "> f = 1; }\n";
}

// Its value was a number that the reader's enum does not declare.
bool IsUndeclared(const Message& entry) {
  const auto& unknown = entry.GetReflection()->GetUnknownFields(entry);
  return !unknown.empty() && unknown.field(0).type() == google::protobuf::UnknownField::TYPE_VARINT;
}

// A message type with one map, of which one entry is written at a time.
class OneMap {
 public:
  OneMap(std::string_view key, std::string_view value, bool proto3)
      : text_(MapText(key, value, proto3)),
        schema_(ProtoSchema(text_)),
        keys_(SamplesOf(key)),
        values_(SamplesOf(value)) {
    type_ = factory_.GetPrototype(schema_.FindMessage("T"));
    field_ = type_->GetDescriptor()->field(0);
  }
  std::unique_ptr<Message> Write(const FieldValue& key, const FieldValue& value) const {
    std::unique_ptr<Message> message(type_->New());
    Message* const entry = message->GetReflection()->AddMessage(message.get(), field_);
    PutValue(key, *field_->message_type()->map_key(), entry);
    PutValue(value, *field_->message_type()->map_value(), entry);
    return message;
  }
  Outcome Read(const Message& written, bool json, const FieldValue& key,
               const FieldValue& value) const {
    std::unique_ptr<Message> message(type_->New());
    if (json) {
      std::string text;
      if (!google::protobuf::util::MessageToJsonString(written, &text).ok())
        RefuseProto("T", "has no JSON");
      google::protobuf::util::JsonParseOptions options;
      options.ignore_unknown_fields = true;
      if (!google::protobuf::util::JsonStringToMessage(text, message.get(), options).ok())
        return Outcome::kError;
    } else if (!message->ParseFromString(written.SerializeAsString())) {
      return Outcome::kError;
    }
    const auto& reflection = *message->GetReflection();
    if (reflection.FieldSize(*message, field_) == 0) return Outcome::kDropped;
    const Message& entry = reflection.GetRepeatedMessage(*message, field_, 0);
    const FieldDescriptor& key_field = *field_->message_type()->map_key();
    const FieldDescriptor& value_field = *field_->message_type()->map_value();
    // Generated code keeps an entry with an undeclared number of a closed enum among the unknown fields of the message;
    // DynamicMessage keeps the number among those of the entry.
    const bool undeclared = value_field.type() == FieldDescriptor::TYPE_ENUM && IsUndeclared(entry);
    if (undeclared) return Outcome::kDropped;
    const Outcome of_value = ValueOutcome(value, TakeValue(entry, value_field, -1), value_field);
    const bool passed_over =
        json && of_value != Outcome::kKept && !entry.GetReflection()->HasField(entry, &value_field);
    return Worse(ValueOutcome(key, TakeValue(entry, key_field, -1), key_field),
                 passed_over ? Outcome::kDropped : of_value);
  }
  const std::vector<FieldValue>& keys() const { return keys_; }
  const std::vector<FieldValue>& values() const { return values_; }
  const Schema& schema() const { return schema_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  Schema schema_;
  mutable google::protobuf::DynamicMessageFactory factory_;
  const Message* type_;
  const FieldDescriptor* field_;
  std::vector<FieldValue> keys_;
  std::vector<FieldValue> values_;
};

Outcome MapTruth(const OneMap& writer, const OneMap& reader, bool json) {
  Outcome worst = Outcome::kKept;
  for (const FieldValue& key : writer.keys()) {
    const FieldValue& value = writer.values()[1];
    worst = Worse(worst, reader.Read(*writer.Write(key, value), json, key, value));
  }
  for (const FieldValue& value : writer.values()) {
    const FieldValue& key = writer.keys()[1];
    worst = Worse(worst, reader.Read(*writer.Write(key, value), json, key, value));
  }
  return worst;
}

int Agree(const std::deque<OneMap>& maps) {
  int compared = 0;
  for (const OneMap& older : maps) {
    for (const OneMap& newer : maps) {
      Effect binary;
      Effect json;
      for (const auto& change : Compare(older.schema(), newer.schema())) {
        binary.new_reads_old = Worse(binary.new_reads_old, change.binary.new_reads_old);
        json.new_reads_old = Worse(json.new_reads_old, change.json.new_reads_old);
      }
      const std::string texts = older.text() + "->\n" + newer.text();
      EXPECT_EQ(Name(binary.new_reads_old), Name(MapTruth(older, newer, false))) << texts;
      EXPECT_EQ(Name(json.new_reads_old), Name(MapTruth(older, newer, true))) << "JSON\n" << texts;
      compared += 2;
    }
  }
  return compared;
}

TEST(ContractMap, EveryTypeOfKeyReadAsEveryOtherDoesWhatCompareSays) {
  for (const bool proto3 : {false, true}) {
    std::deque<OneMap> maps;
    for (const std::string_view kind : kKinds) {
      const bool is_key = kind != "enum" && kind != "float" && kind != "double" &&
                          kind != "bytes" && kind != "message";
      if (is_key) maps.emplace_back(kind, "int32", proto3);
    }
    std::printf("%d outcomes of keys\n", Agree(maps));
  }
}

TEST(ContractMap, EveryTypeOfValueReadAsEveryOtherDoesWhatCompareSays) {
  for (const bool proto3 : {false, true}) {
    std::deque<OneMap> maps;
    for (const std::string_view kind : kKinds) maps.emplace_back("int32", kind, proto3);
    std::printf("%d outcomes of values\n", Agree(maps));
  }
}

// One version of a message with the field, or without it; every message that it may write is read by another.
Outcome UnsetTruth(const Schema& writers, const Schema& readers, bool json) {
  google::protobuf::DynamicMessageFactory factory;
  const Message& writer = *factory.GetPrototype(writers.FindMessage("T"));
  const Message& reader = *factory.GetPrototype(readers.FindMessage("T"));
  const FieldDescriptor* const from = writer.GetDescriptor()->FindFieldByName("f");
  const FieldDescriptor* const to = reader.GetDescriptor()->FindFieldByName("f");
  Outcome worst = Outcome::kKept;
  for (const bool set : {false, true}) {
    if (from == nullptr ? set : from->is_required() && !set) continue;  // it may not write that
    const std::unique_ptr<Message> written(writer.New());
    if (set) written->GetReflection()->SetInt32(written.get(), from, 7);
    const std::unique_ptr<Message> read(reader.New());
    bool parsed = false;
    if (json) {
      std::string text;
      google::protobuf::util::JsonParseOptions options;
      options.ignore_unknown_fields = true;
      parsed = google::protobuf::util::MessageToJsonString(*written, &text).ok() &&
               google::protobuf::util::JsonStringToMessage(text, read.get(), options).ok();
    } else {
      parsed = read->ParseFromString(written->SerializeAsString());
    }
    if (!parsed) {
      worst = Worse(worst, Outcome::kError);
    } else if (from != nullptr && to != nullptr &&
               written->GetReflection()->GetInt32(*written, from) !=
                   read->GetReflection()->GetInt32(*read, to)) {
      worst = Worse(worst, Outcome::kCorrupt);
    }
  }
  return worst;
}

TEST(ContractMap, RequiredFieldsAndDefaultsDoWhatCompareSays) {
  constexpr const char* kFields[] = {"", "optional int32 f = 1;", "required int32 f = 1;",
                                     "optional int32 f = 1 [default = 5];",
                                     "required int32 f = 1 [default = 5];"};
  const auto schema = [](const char* field) {
    return ProtoSchema("syntax = \"proto2\"; message T { " + std::string(field) + " }");
  };
  for (const char* const before : kFields) {
    for (const char* const after : kFields) {
      const Schema older = schema(before);
      const Schema newer = schema(after);
      Effect binary;
      Effect json;
      for (const auto& change : Compare(older, newer)) {
        binary.new_reads_old = Worse(binary.new_reads_old, change.binary.new_reads_old);
        binary.old_reads_new = Worse(binary.old_reads_new, change.binary.old_reads_new);
        json.new_reads_old = Worse(json.new_reads_old, change.json.new_reads_old);
        json.old_reads_new = Worse(json.old_reads_new, change.json.old_reads_new);
      }
      const std::string fields = std::string(before) + " -> " + after;
      EXPECT_EQ(Name(binary.new_reads_old), Name(UnsetTruth(older, newer, false))) << fields;
      EXPECT_EQ(Name(binary.old_reads_new), Name(UnsetTruth(newer, older, false))) << fields;
      EXPECT_EQ(Name(json.new_reads_old), Name(UnsetTruth(older, newer, true)))
          << "JSON " << fields;
      EXPECT_EQ(Name(json.old_reads_new), Name(UnsetTruth(newer, older, true)))
          << "JSON " << fields;
    }
  }
}

}  // namespace
}  // namespace holdfast
