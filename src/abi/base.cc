// SPDX-License-Identifier: Apache-2.0
// c/base.h, and the parts of the gate (guard.h) that are the same for every type.
#include <holdfast/c/base.h>

#include <charconv>

#include "abi/guard.h"

namespace holdfast::abi {
namespace {

// Builds a message in place; what does not fit is cut, and the result is always terminated.
class TextWriter {
 public:
  TextWriter(char* begin, size_t size) : at_(begin), last_(begin + size - 1) { *at_ = '\0'; }

  void Add(std::string_view text) {
    const size_t room = static_cast<size_t>(last_ - at_);
    const size_t length = text.size() < room ? text.size() : room;
    if (length != 0) std::memcpy(at_, text.data(), length);
    at_ += length;
    *at_ = '\0';
  }

  template <typename Number>
  void AddNumber(Number value) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value);
    Add(std::string_view(digits, static_cast<size_t>(end.ptr - digits)));
  }

  void AddBound(int64_t value) {
    if (value == HF_INFINITE) {
      Add("infinite");
    } else {
      AddNumber(value);
    }
  }
  void AddBound(double value) { AddNumber(value); }

 private:
  char* at_;
  char* const last_;
};

TextWriter Begin(hf_error* error, hf_code code, hf_reason reason) {
  error->code = code;
  error->reason = reason;
  return TextWriter(error->text, sizeof(error->text));
}

template <typename Number>
hf_code OutOfRange(hf_error* error, std::string_view field, Number value, Number lowest,
                   Number highest) {
  if (error == nullptr) return HF_INVALID_ARGUMENT;
  TextWriter writer = Begin(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  writer.Add(field);
  writer.Add(": ");
  writer.AddBound(value);
  writer.Add(" is outside ");
  writer.AddBound(lowest);
  writer.Add("..");
  writer.AddBound(highest);
  return HF_INVALID_ARGUMENT;
}

}  // namespace

hf_code Fail(hf_error* error, hf_code code, hf_reason reason, std::string_view text) noexcept {
  if (error != nullptr) Begin(error, code, reason).Add(text);
  return code;
}

hf_code FailField(hf_error* error, hf_code code, hf_reason reason, std::string_view field,
                  std::string_view text) noexcept {
  if (error == nullptr) return code;
  TextWriter writer = Begin(error, code, reason);
  writer.Add(field);
  writer.Add(": ");
  writer.Add(text);
  return code;
}

hf_code FailNull(hf_error* error, std::string_view field) noexcept {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT, field, "is NULL");
}

hf_code Succeed(hf_error* error) noexcept { return Fail(error, HF_OK, HF_R_NONE, ""); }

hf_code CheckRange(hf_error* error, std::string_view field, int64_t value, int64_t lowest,
                   int64_t highest) noexcept {
  if (value >= lowest && value <= highest) return HF_OK;
  return OutOfRange(error, field, value, lowest, highest);
}

hf_code CheckReal(hf_error* error, std::string_view field, double value, double lowest,
                  double highest) noexcept {
  if (value >= lowest && value <= highest) return HF_OK;
  return OutOfRange(error, field, value, lowest, highest);
}

hf_code CheckReserved(hf_error* error, std::string_view field, uint64_t value) noexcept {
  if (value == 0) return HF_OK;
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_UNSUPPORTED_FIELD, field, "must be 0");
}

hf_code CheckHeader(const void* given, uint32_t first_size, uint32_t known_size,
                    hf_error* error) noexcept {
  const auto* bytes = static_cast<const unsigned char*>(given);
  uint32_t struct_size;
  std::memcpy(&struct_size, bytes, sizeof(struct_size));
  if (struct_size < first_size || struct_size > kLargestStruct) {
    if (error == nullptr) return HF_INVALID_ARGUMENT;
    TextWriter writer = Begin(error, HF_INVALID_ARGUMENT, HF_R_STRUCT_SIZE);
    writer.Add("struct_size: ");
    writer.AddNumber(struct_size);
    writer.Add(" is outside ");
    writer.AddNumber(first_size);
    writer.Add("..");
    writer.AddNumber(kLargestStruct);
    return HF_INVALID_ARGUMENT;
  }
  uint32_t abi_level;
  std::memcpy(&abi_level, bytes + sizeof(struct_size), sizeof(abi_level));
  if (abi_level == 0 || abi_level > HF_ABI_LEVEL) {
    if (error == nullptr) return HF_INVALID_ARGUMENT;
    TextWriter writer = Begin(error, HF_INVALID_ARGUMENT, HF_R_ABI_LEVEL);
    writer.Add("abi_level: ");
    writer.AddNumber(abi_level);
    writer.Add(" is outside 1..");
    writer.AddNumber(HF_ABI_LEVEL);
    return HF_INVALID_ARGUMENT;
  }
  for (uint32_t at = known_size; at < struct_size; ++at) {
    if (bytes[at] == 0) continue;
    if (error == nullptr) return HF_INVALID_ARGUMENT;
    TextWriter writer = Begin(error, HF_INVALID_ARGUMENT, HF_R_UNSUPPORTED_FIELD);
    writer.Add("byte ");
    writer.AddNumber(at);
    writer.Add(": not zero, and this library knows only ");
    writer.AddNumber(known_size);
    writer.Add(" bytes of the struct");
    return HF_INVALID_ARGUMENT;
  }
  return HF_OK;
}

hf_code CheckOutSize(uint32_t struct_size, uint32_t first_size) noexcept {
  return struct_size < first_size || struct_size > kLargestStruct ? HF_INVALID_ARGUMENT : HF_OK;
}

}  // namespace holdfast::abi

uint32_t hf_version(void) noexcept {
  return (HF_VERSION_MAJOR << 16) | (HF_VERSION_MINOR << 8) | HF_VERSION_PATCH;
}

uint32_t hf_abi_level(void) noexcept { return HF_ABI_LEVEL; }
