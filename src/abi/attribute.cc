// SPDX-License-Identifier: Apache-2.0
// c/attribute.h over the codec. Locking: none. Memory: none.
#include "codec/attribute.h"

#include <holdfast/c/attribute.h>

#include "abi/guard.h"
#include "codec/timestamp.h"

namespace abi = holdfast::abi;
namespace codec = holdfast::codec;

namespace {

bool IsMissing(const void* data, size_t size) { return data == nullptr && size != 0; }

}  // namespace

hf_code hf_attribute_check(const hf_attribute* attribute, hf_error* error) noexcept {
  if (attribute == nullptr) return abi::FailNull(error, "attribute");
  if (IsMissing(attribute->name.data, attribute->name.size)) return abi::FailNull(error, "name");
  const std::string_view name(attribute->name.data, attribute->name.size);
  if (IsMissing(attribute->text.data, attribute->text.size)) return abi::FailNull(error, "text");
  const codec::Fault fault = codec::CheckAttribute(*attribute);
  if (fault == codec::Fault::kNone) return abi::Succeed(error);
  return abi::FailField(error, HF_INVALID_ARGUMENT, codec::ReasonOf(fault),
                        codec::IsOfName(fault) ? "attribute name" : name, codec::TextOf(fault));
}

hf_attribute_kind hf_attribute_kind_of(const char* name, size_t size) noexcept {
  return IsMissing(name, size) ? 0 : codec::KnownKind({name, size});
}

hf_code hf_attribute_format(const hf_attribute* attribute, char* out, size_t capacity,
                            size_t* need) noexcept {
  if (need != nullptr) *need = 0;
  if (attribute == nullptr || IsMissing(out, capacity) ||
      IsMissing(attribute->text.data, attribute->text.size) ||
      attribute->kind == HF_ATTRIBUTE_OPAQUE ||
      codec::CheckValue(*attribute) != codec::Fault::kNone) {
    return HF_INVALID_ARGUMENT;
  }
  const size_t size = codec::FormattedSize(*attribute);
  if (need != nullptr) *need = size;
  if (size > capacity) return HF_RESOURCE_EXHAUSTED;
  codec::FormatValue(*attribute, out);
  return HF_OK;
}

hf_code hf_attribute_parse(hf_attribute_kind kind, const char* text, size_t size, char* buffer,
                           size_t capacity, hf_attribute* value) noexcept {
  if (IsMissing(text, size) || IsMissing(buffer, capacity) || value == nullptr) {
    return HF_INVALID_ARGUMENT;
  }
  switch (codec::ParseValue(kind, {text, size}, buffer, capacity, value)) {
    case codec::Parsed::kOk:
      return HF_OK;
    case codec::Parsed::kNoRoom:
      return HF_RESOURCE_EXHAUSTED;
    case codec::Parsed::kMalformed:
      break;
  }
  return HF_INVALID_ARGUMENT;
}
