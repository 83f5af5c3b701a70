// SPDX-License-Identifier: Apache-2.0
// c/envelope.h over the codec. Locking: none. Memory: none.
#include "codec/envelope.h"

#include <holdfast/c/envelope.h>

#include <charconv>

#include "abi/guard.h"
#include "codec/attribute.h"

namespace codec = holdfast::codec;
namespace abi = holdfast::abi;

namespace {

bool IsMissing(const void* data, size_t size) { return data == nullptr && size != 0; }

std::string_view View(const void* data, size_t size) {
  return {static_cast<const char*>(data), size};
}

// Text of a message; what does not fit is left out.
class Line {
 public:
  void Add(std::string_view text) {
    const size_t room = sizeof text_ - size_;
    const size_t length = text.size() < room ? text.size() : room;
    if (length != 0) std::memcpy(text_ + size_, text.data(), length);
    size_ += length;
  }
  void Add(size_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number);
    Add(std::string_view(digits, static_cast<size_t>(end.ptr - digits)));
  }
  std::string_view text() const { return {text_, size_}; }

 private:
  char text_[248];
  size_t size_ = 0;
};

// A name that somebody sent is quoted only if it is one; those of the event's own fields have an underscore too.
std::string_view Shown(std::string_view field) {
  if (field.empty()) return "event";
  if (field == codec::kNameField) return field;
  if (field.size() > HF_ATTRIBUTE_NAME_MAX) return "an attribute";
  for (const char byte : field) {
    if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9') && byte != '_') {
      return "an attribute";
    }
  }
  return field;
}

// "subject: byte 17: is given twice".
[[gnu::cold]] hf_code Fail(const codec::EnvelopeFault& fault, hf_error* error) {
  if (error == nullptr) return fault.code;
  Line line;
  line.Add(Shown(fault.field));
  line.Add(": ");
  if (fault.at != nullptr && fault.base != nullptr) {
    line.Add("byte ");
    line.Add(static_cast<size_t>(fault.at - fault.base));
    line.Add(": ");
  }
  line.Add(fault.rule);
  return abi::Fail(error, fault.code, fault.reason, line.text());
}

hf_code ReadLimits(const hf_envelope_limits* given, codec::EnvelopeLimits* out, hf_error* error) {
  if (given == nullptr) return HF_OK;
  hf_envelope_limits limits;
  if (const hf_code code = abi::CopyIn(given, &limits, error); code != HF_OK) return code;
  if (limits.max_size != 0) out->max_size = limits.max_size;
  if (limits.max_attributes != 0) out->max_attributes = limits.max_attributes;
  if (limits.max_text != 0) out->max_text = limits.max_text;
  const auto in_range = [&](std::string_view field, uint64_t value, int64_t lowest,
                            uint64_t highest) {
    const uint64_t shown = value > INT64_MAX ? INT64_MAX : value;
    return abi::CheckRange(error, field, static_cast<int64_t>(shown), lowest,
                           static_cast<int64_t>(highest));
  };
  hf_code code = in_range("max_size", out->max_size, 64, codec::kMaxEventSize);
  if (code == HF_OK) {
    code = in_range("max_attributes", out->max_attributes, 1, HF_ENVELOPE_ATTRIBUTES);
  }
  if (code == HF_OK) code = in_range("max_text", out->max_text, 64, uint64_t{1} << 20);
  return code;
}

hf_code CheckDecode(const void* head, size_t have, size_t size, const hf_envelope& out,
                    hf_error* error) {
  if (IsMissing(head, have)) return abi::FailNull(error, "data");
  if (have > size) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "have",
                          "more than the size");
  }
  if (IsMissing(out.attributes, out.attribute_capacity)) {
    return abi::FailNull(error, "attributes");
  }
  return abi::CheckRange(error, "attribute_capacity", out.attribute_capacity, 0,
                         HF_ENVELOPE_ATTRIBUTES);
}

// What both readers do.
hf_code Decode(const void* head, size_t have, size_t size, const hf_envelope_limits* given,
               hf_envelope* out, hf_error* error) {
  if (out == nullptr) return abi::FailNull(error, "out");
  hf_code code = abi::CheckHeader(out, abi::kFirstSize<hf_envelope>, sizeof *out, error);
  if (code != HF_OK) return code;
  codec::ClearEnvelope(out);
  codec::EnvelopeLimits limits;
  code = ReadLimits(given, &limits, error);
  if (code == HF_OK) code = CheckDecode(head, have, size, *out, error);
  if (code != HF_OK) return code;
  codec::EnvelopeFault fault;
  if (!codec::DecodeEnvelope(View(head, have), size, limits, out, &fault)) {
    return Fail(fault, error);
  }
  return abi::Succeed(error);
}

// *size is what the event has in bytes.
hf_code Check(const hf_envelope* envelope, const hf_envelope_limits* given, size_t* size,
              hf_error* error) {
  if (envelope == nullptr) return abi::FailNull(error, "envelope");
  codec::EnvelopeLimits limits;
  hf_code code = abi::CheckHeader(envelope, abi::kFirstSize<hf_envelope>, sizeof *envelope, error);
  if (code == HF_OK) code = ReadLimits(given, &limits, error);
  if (code != HF_OK) return code;
  codec::EnvelopeFault fault;
  if (!codec::CheckEnvelope(*envelope, envelope->data.size, limits, &fault)) {
    return Fail(fault, error);
  }
  *size = codec::SizeOfEnvelope(*envelope);
  if (*size <= limits.max_size) return HF_OK;
  codec::RefuseOver(&fault, "", nullptr, "has more bytes than max_size");
  return Fail(fault, error);
}

hf_code Encode(const hf_envelope* envelope, const hf_envelope_limits* limits, bool with_data,
               void* out, size_t capacity, size_t* need, hf_error* error) {
  if (need != nullptr) *need = 0;
  if (IsMissing(out, capacity)) return abi::FailNull(error, "out");
  size_t size = 0;
  if (const hf_code code = Check(envelope, limits, &size, error); code != HF_OK) return code;
  if (!with_data) size -= envelope->data.size;
  if (need != nullptr) *need = size;
  if (size > capacity) {
    return abi::FailField(error, HF_RESOURCE_EXHAUSTED, HF_R_BUFFER_TOO_SMALL, "capacity",
                          "too small: *need tells the size");
  }
  char* const end = codec::WriteEnvelopeHead(*envelope, static_cast<char*>(out));
  if (with_data && envelope->data.size != 0) {
    std::memcpy(end, envelope->data.data, envelope->data.size);
  }
  return abi::Succeed(error);
}

}  // namespace

hf_code hf_envelope_decode(const void* data, size_t size, const hf_envelope_limits* limits,
                           hf_envelope* out, hf_error* error) noexcept {
  return Decode(data, size, size, limits, out, error);
}

hf_code hf_envelope_decode_head(const void* head, size_t have, size_t size,
                                const hf_envelope_limits* limits, hf_envelope* out,
                                hf_error* error) noexcept {
  return Decode(head, have, size, limits, out, error);
}

hf_code hf_envelope_encode(const hf_envelope* envelope, const hf_envelope_limits* limits, void* out,
                           size_t capacity, size_t* need, hf_error* error) noexcept {
  return Encode(envelope, limits, true, out, capacity, need, error);
}

hf_code hf_envelope_encode_head(const hf_envelope* envelope, const hf_envelope_limits* limits,
                                void* out, size_t capacity, size_t* need,
                                hf_error* error) noexcept {
  return Encode(envelope, limits, false, out, capacity, need, error);
}

hf_code hf_envelope_check(const hf_envelope* envelope, const hf_envelope_limits* limits,
                          hf_error* error) noexcept {
  size_t size = 0;
  const hf_code code = Check(envelope, limits, &size, error);
  return code == HF_OK ? abi::Succeed(error) : code;
}

const hf_attribute* hf_envelope_find(const hf_envelope* envelope, const char* name,
                                     size_t size) noexcept {
  if (envelope == nullptr || envelope->attributes == nullptr || name == nullptr) return nullptr;
  if (envelope->attribute_count > HF_ENVELOPE_ATTRIBUTES) return nullptr;
  for (uint32_t i = 0; i < envelope->attribute_count; ++i) {
    const hf_str& other = envelope->attributes[i].name;
    if (other.data == nullptr || other.size != size) continue;
    if (std::memcmp(other.data, name, size) == 0) {
      return &envelope->attributes[i];
    }
  }
  return nullptr;
}

hf_code hf_envelope_batch_next(const void* data, size_t size, size_t* at, hf_str* event,
                               hf_error* error) noexcept {
  if (IsMissing(data, size)) return abi::FailNull(error, "data");
  if (at == nullptr) return abi::FailNull(error, "at");
  if (event == nullptr) return abi::FailNull(error, "event");
  codec::EnvelopeFault fault;
  if (!codec::NextOfBatch(View(data, size), at, event, &fault)) return Fail(fault, error);
  return abi::Succeed(error);
}

hf_code hf_envelope_batch_prefix(size_t size, char* prefix, size_t* prefix_size) noexcept {
  if (prefix == nullptr || prefix_size == nullptr || size > codec::kMaxEventSize) {
    return HF_INVALID_ARGUMENT;
  }
  *prefix_size = codec::WriteBatchPrefix(size, prefix);
  return HF_OK;
}
