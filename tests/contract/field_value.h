// SPDX-License-Identifier: Apache-2.0
// A value of a field of any type, what it is equal to, and samples with all that is at the edges.
#ifndef HOLDFAST_TESTS_CONTRACT_FIELD_VALUE_H_
#define HOLDFAST_TESTS_CONTRACT_FIELD_VALUE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::contract_test {

__extension__ typedef __int128 Wide;  // holds every integer of protobuf

struct FieldValue {
  enum class Family { kInteger, kReal, kText, kMessage };
  Family family = Family::kInteger;
  Wide integer = 0;
  double real = 0;
  bool is_float = false;  // the real has a float's precision
  std::string text;       // of a message its bytes
  std::string word;       // what JSON calls it: an enum's name, "true"
};

inline FieldValue Integer(Wide number) { return {.integer = number, .text = {}, .word = {}}; }
inline FieldValue Named(Wide number, std::string word) {
  return {.integer = number, .text = {}, .word = std::move(word)};
}
inline FieldValue Real(double number, bool is_float) {
  return {.family = FieldValue::Family::kReal,
          .real = number,
          .is_float = is_float,
          .text = {},
          .word = {}};
}
inline FieldValue Text(std::string text) {
  return {.family = FieldValue::Family::kText, .text = std::move(text), .word = {}};
}
inline FieldValue MessageOf(std::string bytes) {
  return {.family = FieldValue::Family::kMessage, .text = std::move(bytes), .word = {}};
}

inline bool IsDefault(const FieldValue& value) {
  return value.integer == 0 && std::bit_cast<std::uint64_t>(value.real) == 0 && value.text.empty();
}

inline std::string Decimal(Wide number) {
  const bool negative = number < 0;
  std::string digits;
  for (Wide left = negative ? -number : number; left > 0 || digits.empty(); left /= 10) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
  }
  return negative ? "-" + digits : digits;
}

inline bool IsInteger(double real, Wide* number) {
  if (!std::isfinite(real) || real != std::floor(real) || std::fabs(real) > 0x1p100) return false;
  *number = static_cast<Wide>(real);
  return true;
}

inline bool SameText(const FieldValue& number, const std::string& text) {
  if (!number.word.empty() && number.word == text) return true;
  if (number.family == FieldValue::Family::kInteger) return Decimal(number.integer) == text;
  char* end = nullptr;
  const double real = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0) return false;
  return std::isnan(real)
             ? std::isnan(number.real)
             : real == number.real ||
                   (number.is_float && static_cast<float>(real) == static_cast<float>(number.real));
}

// The same number, the same bytes, or what JSON writes alike. A float that is read as a double is
// the same if it is as a float.
inline bool Same(const FieldValue& a, const FieldValue& b) {
  using Family = FieldValue::Family;
  const auto is_text = [](const FieldValue& value) { return value.family >= Family::kText; };
  if (is_text(a) && is_text(b)) return a.text == b.text;
  if (is_text(b)) return SameText(a, b.text);
  if (is_text(a)) return SameText(b, a.text);
  if (a.family == Family::kInteger && b.family == Family::kInteger) return a.integer == b.integer;
  if (a.family == Family::kReal && b.family == Family::kReal) {
    if (std::isnan(a.real) || std::isnan(b.real)) return std::isnan(a.real) && std::isnan(b.real);
    if (a.is_float) return static_cast<float>(b.real) == static_cast<float>(a.real);
    return a.real == b.real;
  }
  Wide number = 0;
  const FieldValue& real = a.family == Family::kReal ? a : b;
  return IsInteger(real.real, &number) && number == (a.family == Family::kReal ? b : a).integer;
}

inline bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {  // enough for the samples here
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : (lead & 0xe0) == 0xc0 ? 1 : (lead & 0xf0) == 0xe0 ? 2 : -1;
    if (more < 0 || i + more >= text.size()) return false;
    for (int j = 1; j <= more; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xc0) != 0x80) return false;
    }
    i += 1 + more;
  }
  return true;
}

// Whether the reader's type has this value at all.
inline bool Fits(const FieldValue& value, const google::protobuf::FieldDescriptor& reader) {
  using google::protobuf::FieldDescriptor;
  using Family = FieldValue::Family;
  if (value.family == Family::kText || value.family == Family::kMessage) {
    return reader.type() != FieldDescriptor::TYPE_STRING || IsUtf8(value.text);
  }
  Wide number = value.integer;
  const bool whole = value.family == Family::kInteger || IsInteger(value.real, &number);
  const auto within = [&](auto limits) {
    return whole && number >= Wide{decltype(limits)::min()} &&
           number <= Wide{decltype(limits)::max()};
  };
  switch (reader.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return within(std::numeric_limits<std::int32_t>());
    case FieldDescriptor::CPPTYPE_INT64:
      return within(std::numeric_limits<std::int64_t>());
    case FieldDescriptor::CPPTYPE_UINT32:
      return within(std::numeric_limits<std::uint32_t>());
    case FieldDescriptor::CPPTYPE_UINT64:
      return within(std::numeric_limits<std::uint64_t>());
    case FieldDescriptor::CPPTYPE_BOOL:
      return whole && (number == 0 || number == 1);
    case FieldDescriptor::CPPTYPE_ENUM:
      if (!within(std::numeric_limits<std::int32_t>())) return false;
      return reader.file()->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO3 ||
             reader.enum_type()->FindValueByNumber(static_cast<int>(number)) != nullptr;
    case FieldDescriptor::CPPTYPE_FLOAT:
      return value.family == Family::kInteger
                 ? static_cast<Wide>(static_cast<float>(number)) == number
                 : std::isnan(value.real) ||
                       static_cast<double>(static_cast<float>(value.real)) == value.real;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return value.family == Family::kReal ||
             static_cast<Wide>(static_cast<double>(number)) == number;
    default:
      return true;  // a number as text
  }
}

inline void PutValue(const FieldValue& value, const google::protobuf::FieldDescriptor& field,
                     google::protobuf::Message* message) {
  using google::protobuf::FieldDescriptor;
  const auto& to = *message->GetReflection();
  const bool list = field.is_repeated();
  const auto number = static_cast<std::uint64_t>(value.integer);
  const auto put = [&](auto add, auto set, auto typed) {
    list ? (to.*add)(message, &field, typed) : (to.*set)(message, &field, typed);
  };
  using R = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(&R::AddInt32, &R::SetInt32, static_cast<std::int32_t>(number));
    case FieldDescriptor::CPPTYPE_INT64:
      return put(&R::AddInt64, &R::SetInt64, static_cast<std::int64_t>(number));
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(&R::AddUInt32, &R::SetUInt32, static_cast<std::uint32_t>(number));
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(&R::AddUInt64, &R::SetUInt64, number);
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(&R::AddBool, &R::SetBool, number != 0);
    case FieldDescriptor::CPPTYPE_ENUM:
      return put(&R::AddEnumValue, &R::SetEnumValue, static_cast<int>(number));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return put(&R::AddFloat, &R::SetFloat, static_cast<float>(value.real));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(&R::AddDouble, &R::SetDouble, value.real);
    case FieldDescriptor::CPPTYPE_STRING:
      return put(&R::AddString, &R::SetString, value.text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      (list ? to.AddMessage(message, &field) : to.MutableMessage(message, &field))
          ->ParseFromString(value.text);
  }
}

// `index` -1: of a singular field.
inline FieldValue TakeValue(const google::protobuf::Message& message,
                            const google::protobuf::FieldDescriptor& field, int index) {
  using google::protobuf::FieldDescriptor;
  const auto& from = *message.GetReflection();
  const auto take = [&](auto get, auto get_one) {
    return index < 0 ? (from.*get)(message, &field) : (from.*get_one)(message, &field, index);
  };
  using R = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Integer(take(&R::GetInt32, &R::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return Integer(take(&R::GetInt64, &R::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Integer(take(&R::GetUInt32, &R::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Integer(take(&R::GetUInt64, &R::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool yes = take(&R::GetBool, &R::GetRepeatedBool);
      return Named(yes ? 1 : 0, yes ? "true" : "false");
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = take(&R::GetEnumValue, &R::GetRepeatedEnumValue);
      const auto* const value = field.enum_type()->FindValueByNumber(number);
      return Named(number, value == nullptr ? "" : value->name());
    }
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Real(take(&R::GetFloat, &R::GetRepeatedFloat), true);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Real(take(&R::GetDouble, &R::GetRepeatedDouble), false);
    case FieldDescriptor::CPPTYPE_STRING:
      return Text(take(&R::GetString, &R::GetRepeatedString));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return MessageOf((index < 0 ? from.GetMessage(message, &field)
                              : from.GetRepeatedMessage(message, &field, index))
                       .SerializeAsString());
}

inline std::vector<FieldValue> TakeValues(const google::protobuf::Message& message,
                                          const google::protobuf::FieldDescriptor& field) {
  std::vector<FieldValue> values;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    values.push_back(TakeValue(message, field, i));
  }
  return values;
}

// The default first, then one; 8 and 1, in that order, are as bytes a message with a field.
inline std::vector<FieldValue> SamplesOf(std::string_view kind) {
  const Wide max32 = std::numeric_limits<std::int32_t>::max();
  const Wide max64 = std::numeric_limits<std::int64_t>::max();
  std::vector<FieldValue> values;
  const auto integers = [&](std::initializer_list<Wide> numbers) {
    for (const Wide number : numbers) values.push_back(Integer(number));
  };
  constexpr std::uint64_t kTwoFields = 0x0108010801080108;
  if (kind == "bool") return {Named(0, "false"), Named(1, "true")};
  if (kind == "float") {
    for (const float real : {0.0F, 1.0F, -1.0F, 1.5F, 0.1F, 16777216.0F, 3.0e38F,
                             std::bit_cast<float>(static_cast<std::uint32_t>(kTwoFields)),
                             std::numeric_limits<float>::infinity(), std::nanf("")}) {
      values.push_back(Real(real, true));
    }
    return values;
  }
  if (kind == "double") {
    for (const double real :
         {0.0, 1.0, -1.0, 1.5, 0.1, 0x1p53, 1e300, std::bit_cast<double>(kTwoFields),
          std::numeric_limits<double>::infinity(), std::nan("")}) {
      values.push_back(Real(real, false));
    }
    return values;
  }
  if (kind == "string" || kind == "bytes") {
    for (const char* text : {"", "a", "h\xc3\xa9", "\x08\x01", "\x12\x01x", "123", "true", "abcd",
                             "abcdefgh", "ONE", "1.5"}) {
      values.push_back(Text(text));
    }
    if (kind == "bytes") {
      for (const char* text : {"\xff\xfe", "\x08", "\x08\xff"}) values.push_back(Text(text));
    }
    return values;
  }
  if (kind == "message") {
    for (const char* bytes : {"", "\x08\x01", "\x12\x01x", "\x12\x02xx", "\x12\x06xxxxxx",
                              "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
      values.push_back(MessageOf(bytes));
    }
    return values;
  }
  if (kind == "enum") {
    return {Named(0, "ZERO"), Named(1, "ONE"),  Named(8, "EIGHT"),     Named(1, "ONE"),
            Named(2, "TWO"),  Named(4, "FOUR"), Named(100, "HUNDRED"), Named(-1, "MINUS")};
  }
  integers({0, 1, 8, 1, 2, 100});
  if (kind[0] == 'i' || kind[0] == 's') integers({4, -1});
  if (kind.ends_with("64")) {
    integers(
        {max32 + 1, (Wide{1} << 32) + 1, Wide{1} << 40, (Wide{1} << 53) + 1, kTwoFields, max64});
    if (kind[0] == 'u' || kind[0] == 'f') integers({max64 + 1, 2 * max64 + 1});
    if (kind[0] == 'i' || kind[0] == 's') integers({-max64 - 1});
  }
  integers({16777217, static_cast<std::uint32_t>(kTwoFields), max32});
  if (kind[0] == 'u' || kind[0] == 'f') integers({max32 + 1, 3000000000, 2 * max32 + 1});
  if (kind[0] == 'i' || kind[0] == 's') integers({-max32 - 1});
  return values;
}

}  // namespace holdfast::contract_test

#endif  // HOLDFAST_TESTS_CONTRACT_FIELD_VALUE_H_
