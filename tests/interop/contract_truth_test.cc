// SPDX-License-Identifier: Apache-2.0
//
// As contract_matrix_test.cc, of what is no matter of types: generated pairs of versions, all of whose values are
// written in one and read in the other; the worst that happened must be what Compare says.
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <holdfast/contract/compare.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "contract/ground_truth.h"

namespace holdfast {
namespace {

using contract::Effect;
using contract::Outcome;
using contract::Schema;
using contract_test::ProtoSchema;
using contract_test::Worse;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const auto quiet = google::protobuf::SetLogHandler(nullptr);
constexpr int kPairs = 400;

struct Said {
  Effect binary;
  Effect json;
};

Said WorstOf(const Schema& older, const Schema& newer) {
  Said said;
  const auto worsen = [](Effect* all, const Effect& one) {
    all->new_reads_old = Worse(all->new_reads_old, one.new_reads_old);
    all->old_reads_new = Worse(all->old_reads_new, one.old_reads_new);
  };
  for (const contract::Change& change : Compare(older, newer)) {
    worsen(&said.binary, change.binary);
    worsen(&said.json, change.json);
  }
  return said;
}

const char* Syntax(bool proto3) {
  return proto3 ? "syntax = \"proto3\"; " : "syntax = \"proto2\"; ";
}

// One version, in which messages of type T are made and read.
class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text), schema_(ProtoSchema(text)) {
    type_ = factory_.GetPrototype(schema_.FindMessage("T"));
  }
  std::unique_ptr<Message> New() const { return std::unique_ptr<Message>(type_->New()); }
  // nullptr: it does not parse.
  std::unique_ptr<Message> Read(const Message& written, bool json) const {
    std::unique_ptr<Message> message = New();
    if (!json)
      return message->ParsePartialFromString(written.SerializePartialAsString())
                 ? std::move(message)
                 : nullptr;
    std::string text;
    if (!google::protobuf::util::MessageToJsonString(written, &text).ok()) return nullptr;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    return google::protobuf::util::JsonStringToMessage(text, message.get(), options).ok()
               ? std::move(message)
               : nullptr;
  }
  const google::protobuf::Descriptor& type() const { return *type_->GetDescriptor(); }
  const Schema& schema() const { return schema_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  Schema schema_;
  mutable google::protobuf::DynamicMessageFactory factory_;
  const Message* type_;
};

// The worst of all that `writer` can write and `reader` reads.
using Truth = std::function<Outcome(const Reader& writer, const Reader& reader, bool json)>;

void Agree(const Reader& older, const Reader& newer, const Truth& truth) {
  const Said said = WorstOf(older.schema(), newer.schema());
  const std::string texts = older.text() + "\n->\n" + newer.text();
  EXPECT_EQ(Name(said.binary.new_reads_old), Name(truth(older, newer, false))) << "new reads old\n"
                                                                               << texts;
  EXPECT_EQ(Name(said.binary.old_reads_new), Name(truth(newer, older, false))) << "old reads new\n"
                                                                               << texts;
  EXPECT_EQ(Name(said.json.new_reads_old), Name(truth(older, newer, true)))
      << "JSON, new reads old\n"
      << texts;
  EXPECT_EQ(Name(said.json.old_reads_new), Name(truth(newer, older, true)))
      << "JSON, old reads new\n"
      << texts;
}

// --- Enums: values appear, go, get other names and numbers, and aliases. ---------------------------

std::string EnumText(std::mt19937& random, bool proto3) {
  std::string text = Syntax(proto3);
  text += "enum E { option allow_alias = true; ZERO = 0; ZEROTH = 0; ";
  for (const char* const name : {"A", "B", "C", "D"}) {
    if (random() % 4 == 0) continue;
    text += std::string(name) + " = " + std::to_string(random() % 5) + "; ";
  }
  return text + "} message T { " + (proto3 ? "" : "optional ") + "E f = 1; }";
}

// Whether the reader's names for the number it saw can be what the writer meant by `value`.
bool MeansTheSame(const google::protobuf::EnumValueDescriptor& value, int number,
                  const google::protobuf::EnumDescriptor& reader) {
  if (const auto* const named = reader.FindValueByName(value.name()); named != nullptr) {
    return named->number() == number;
  }
  for (int i = 0; i < reader.value_count();
       ++i) {  // another name for it, or one that it had before
    if (reader.value(i)->number() != number) continue;
    const auto* const own = value.type()->FindValueByName(reader.value(i)->name());
    if (own == nullptr || own->number() == value.number()) return true;
  }
  return false;
}

Outcome ValueTruth(const google::protobuf::EnumValueDescriptor& value, const Reader& writer,
                   const Reader& reader, bool json) {
  std::unique_ptr<Message> message = reader.New();
  const FieldDescriptor& field = *reader.type().field(0);
  if (json) {  // by this very name, whatever others its number has
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const std::string text = "{\"f\": \"" + value.name() + "\"}";
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, message.get(), options).ok());
  } else {
    const auto written = writer.New();
    written->GetReflection()->SetEnumValue(written.get(), writer.type().field(0), value.number());
    message = reader.Read(*written, false);
  }
  const int number = message->GetReflection()->GetEnumValue(*message, &field);
  const bool known_name = field.enum_type()->FindValueByName(value.name()) != nullptr;
  if (json && !known_name && !message->GetReflection()->HasField(*message, &field))
    return Outcome::kDropped;
  if (!message->GetReflection()->GetUnknownFields(*message).empty()) return Outcome::kDropped;
  if (field.enum_type()->FindValueByNumber(number) == nullptr)
    return Outcome::kKept;  // and it shows
  return MeansTheSame(value, number, *field.enum_type()) ? Outcome::kKept : Outcome::kCorrupt;
}

Outcome EnumTruth(const Reader& writer, const Reader& reader, bool json) {
  Outcome worst = Outcome::kKept;
  const google::protobuf::EnumDescriptor& values = *writer.type().field(0)->enum_type();
  for (int i = 0; i < values.value_count(); ++i) {
    worst = Worse(worst, ValueTruth(*values.value(i), writer, reader, json));
  }
  return worst;
}

TEST(ContractTruth, EnumsAreReadAsCompareSays) {
  std::mt19937 random(1);
  for (int i = 0; i < kPairs; ++i) {
    const bool proto3 = i % 2 == 0;
    Agree(Reader(EnumText(random, proto3)), Reader(EnumText(random, proto3)), EnumTruth);
  }
}

// --- Oneofs: fields are in one or the other or none. ----------------------------------------------

std::string OneofText(std::mt19937& random, bool proto3) {
  std::string text = Syntax(proto3);
  text += "message T { ";
  std::string oneofs[2];
  for (int number = 1; number <= 5; ++number) {
    if (random() % 6 == 0) continue;
    const std::string field =
        "int32 f" + std::to_string(number) + " = " + std::to_string(number) + "; ";
    const unsigned where = random() % 4;
    where < 2 ? oneofs[where] += field : text += "optional " + field;
  }
  for (int i = 0; i < 2; ++i) {
    if (!oneofs[i].empty())
      text += std::string("oneof ") + (random() % 3 == 0 ? "x" : "o") + char('a' + i) + " { " +
              oneofs[i] + "} ";
  }
  return text + "}";
}

// Every set of fields that the writer's oneofs admit. Of those that the reader knows, all must arrive.
Outcome OneofTruth(const Reader& writer, const Reader& reader, bool json) {
  Outcome worst = Outcome::kKept;
  const int fields = writer.type().field_count();
  for (unsigned set = 0; set < 1u << fields; ++set) {
    const auto written = writer.New();
    int count = 0;
    for (int i = 0; i < fields; ++i) {
      if ((set >> i & 1) == 0) continue;
      written->GetReflection()->SetInt32(written.get(), writer.type().field(i), 7);
      ++count;
    }
    std::vector<const FieldDescriptor*> has;
    written->GetReflection()->ListFields(*written, &has);
    if (static_cast<int>(has.size()) != count) continue;  // not admitted
    const auto message = reader.Read(*written, json);
    if (message == nullptr) {
      worst = Worse(worst, Outcome::kError);
      continue;
    }
    for (const FieldDescriptor* const field : has) {
      const auto* const known = reader.type().FindFieldByNumber(field->number());
      if (known != nullptr && !message->GetReflection()->HasField(*message, known)) {
        worst = Worse(worst, Outcome::kLossy);
      }
    }
  }
  return worst;
}

TEST(ContractTruth, OneofsAreReadAsCompareSays) {
  std::mt19937 random(2);
  for (int i = 0; i < kPairs; ++i) {
    const bool proto3 = i % 2 == 0;
    Agree(Reader(OneofText(random, proto3)), Reader(OneofText(random, proto3)), OneofTruth);
  }
}

// --- Names and numbers: fields are renamed, renumbered, removed, and swap places. ------------------

std::string FieldsText(std::mt19937& random) {
  std::string text = "syntax = \"proto2\"; message T { ";
  std::set<unsigned> taken;
  for (const char* const name : {"a", "b", "c", "d", "e"}) {
    const unsigned number = 1 + random() % 7;
    if (random() % 3 == 0 || !taken.insert(number).second) continue;
    text += std::string("optional int32 ") + name + " = " + std::to_string(number) + "; ";
  }
  return text + "}";
}

// The same field: of the same name or, if neither's name is in the other version, of the same number.
bool AreSame(const FieldDescriptor& a, const FieldDescriptor& b) {
  if (a.name() == b.name()) return true;
  return a.number() == b.number() && b.containing_type()->FindFieldByName(a.name()) == nullptr &&
         a.containing_type()->FindFieldByName(b.name()) == nullptr;
}

// All fields are set, each to a value of its own: where does it arrive?
Outcome FieldsTruth(const Reader& writer, const Reader& reader, bool json) {
  const auto written = writer.New();
  for (int i = 0; i < writer.type().field_count(); ++i) {
    written->GetReflection()->SetInt32(written.get(), writer.type().field(i), 10 + i);
  }
  const auto message = reader.Read(*written, json);
  Outcome worst = Outcome::kKept;
  for (int i = 0; i < reader.type().field_count(); ++i) {
    const FieldDescriptor& field = *reader.type().field(i);
    const FieldDescriptor* same = nullptr;
    for (int j = 0; j < writer.type().field_count(); ++j) {
      if (AreSame(*writer.type().field(j), field)) same = writer.type().field(j);
    }
    if (!message->GetReflection()->HasField(*message, &field)) {
      if (same != nullptr) worst = Worse(worst, Outcome::kDropped);
      continue;
    }
    const FieldDescriptor* const from =
        writer.type().field(message->GetReflection()->GetInt32(*message, &field) - 10);
    if (from != same) worst = Worse(worst, Outcome::kCorrupt);
  }
  return worst;
}

TEST(ContractTruth, NamesAndNumbersAreReadAsCompareSays) {
  std::mt19937 random(3);
  for (int i = 0; i < kPairs; ++i) {
    Agree(Reader(FieldsText(random)), Reader(FieldsText(random)), FieldsTruth);
  }
}

}  // namespace
}  // namespace holdfast
