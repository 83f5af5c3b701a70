// SPDX-License-Identifier: Apache-2.0
// See contract/round_trip.h: payloads at random, by reflection.
#include <google/protobuf/arena.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/round_trip.h>

#include <limits>
#include <random>
#include <string>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

constexpr int kMaxDepth = 5;  // messages within messages
constexpr int kMaxRequiredDepth =
    30;  // likewise, where it has to be set; a message that needs itself has no end
constexpr int kMaxElements = 3;  // of a list or a map

class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  void Fill(pb::Message* message, int depth = 0) {
    const pb::Descriptor* const type = message->GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const pb::FieldDescriptor* const field = type->field(i);
      const bool deep = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
      if (deep && depth >= (field->is_required() ? kMaxRequiredDepth : kMaxDepth)) continue;
      if (HasMeaning(field)) continue;
      if (field->is_repeated()) {
        for (auto left = Below(kMaxElements + 1); left > 0; --left) Set(message, field, depth);
      } else if (field->is_required() || Below(3) > 0) {
        Set(message, field, depth);
      }
    }
  }

 private:
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }

  // Not every message of these is one.
  static bool HasMeaning(const pb::FieldDescriptor* field) {
    const pb::Descriptor* type = field->message_type();
    if (field->is_map()) type = type->map_value()->message_type();
    return type != nullptr && type->file()->package() == "google.protobuf";
  }

  template <class Number>
  Number Draw() {
    switch (Below(4)) {
      case 0:
        return std::numeric_limits<Number>::max();
      case 1:
        return std::numeric_limits<Number>::lowest();
      default:
        return static_cast<Number>(Below(1000));
    }
  }

  std::string Text() {
    static constexpr const char* kLetters[] = {
        "a", "Z", "0", " ", "\"", "\\", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xb6"};
    std::string text;
    for (auto left = Below(12); left > 0; --left) text += kLetters[Below(std::size(kLetters))];
    return text;
  }

  void Set(pb::Message* message, const pb::FieldDescriptor* field, int depth) {
    const pb::Reflection& in = *message->GetReflection();
    const bool list = field->is_repeated();
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32: {
        const auto value = Draw<std::int32_t>();
        return list ? in.AddInt32(message, field, value) : in.SetInt32(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_INT64: {
        const auto value = Draw<std::int64_t>();
        return list ? in.AddInt64(message, field, value) : in.SetInt64(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_UINT32: {
        const auto value = Draw<std::uint32_t>();
        return list ? in.AddUInt32(message, field, value) : in.SetUInt32(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_UINT64: {
        const auto value = Draw<std::uint64_t>();
        return list ? in.AddUInt64(message, field, value) : in.SetUInt64(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_DOUBLE: {
        const auto value = Draw<double>();
        return list ? in.AddDouble(message, field, value) : in.SetDouble(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_FLOAT: {
        const auto value = Draw<float>();
        return list ? in.AddFloat(message, field, value) : in.SetFloat(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_BOOL: {
        const bool value = Below(2) == 1;
        return list ? in.AddBool(message, field, value) : in.SetBool(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        const pb::EnumDescriptor* const type = field->enum_type();
        const auto* const value =
            type->value(static_cast<int>(Below(static_cast<std::uint64_t>(type->value_count()))));
        return list ? in.AddEnum(message, field, value) : in.SetEnum(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_STRING: {
        const std::string value = Text();
        return list ? in.AddString(message, field, value) : in.SetString(message, field, value);
      }
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(list ? in.AddMessage(message, field) : in.MutableMessage(message, field),
                    depth + 1);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

std::vector<Envelope> SampleEvents(const RegisteredVersion& version, std::size_t count,
                                   std::uint64_t seed) {
  Filler filler(seed);
  std::vector<Envelope> events;
  for (std::size_t i = 0; i < count; ++i) {
    pb::Arena arena;
    pb::Message* const message = version.prototype->New(&arena);
    filler.Fill(message);
    Envelope& event = events.emplace_back();
    event.set_id("sample-" + std::to_string(i));
    event.set_source("/samples");
    event.set_type(version.contract->name);
    event.Set(TextAttribute("contractversion", Text(version.number())));
    if (!WritePayload(*message, &event).ok()) events.pop_back();  // a required field within itself
  }
  return events;
}

}  // namespace holdfast::inline v0_5::contract
