// SPDX-License-Identifier: Apache-2.0
// Reading of c/binding.h: headers by name, values by kind, then the check that every reader of events ends with.
//
// Locking: none. Memory: none.
#include <holdfast/c/binding.h>

#include "abi/guard.h"
#include "codec/ascii.h"
#include "codec/attribute.h"
#include "codec/binding.h"
#include "codec/binding_value.h"

namespace codec = holdfast::codec;

namespace holdfast::abi {
namespace {

constexpr std::string_view kType = "datacontenttype";
constexpr std::string_view kSchema = "dataschema";

std::string_view View(const hf_str& text) { return {text.data, text.size}; }
hf_str Borrow(std::string_view text) { return {text.data(), text.size()}; }
bool IsMissing(const void* data, size_t size) { return data == nullptr && size != 0; }

hf_code Malformed(hf_error* error, std::string_view name, std::string_view why) {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED, name, why);
}

class Reader {
 public:
  Reader(const codec::BindingRules& rules, char* buffer, size_t capacity, hf_envelope* out,
         hf_error* error)
      : rules_(rules), buffer_(buffer), left_(capacity), out_(out), error_(error) {}

  hf_code Read(const hf_header& header) {
    if (IsMissing(header.name.data, header.name.size) ||
        IsMissing(header.value.data, header.value.size)) {
      return FailNull(error_, "headers");
    }
    const codec::BoundHeader bound = codec::Recognise(rules_, View(header.name));
    const std::string_view value =
        rules_.http ? codec::TrimOws(View(header.value)) : View(header.value);
    if (bound.role == codec::HeaderRole::kAttribute) return ReadAttribute(bound.name, value);
    // Stacks that have no Content-Type say so by an empty one.
    if (bound.role == codec::HeaderRole::kContentType && !value.empty()) {
      return ReadContentType(value);
    }
    ++report_.passed_over;
    return HF_OK;
  }

  hf_code Finish(const void* body, size_t size) {
    if (View(specversion_).empty()) return Malformed(error_, "specversion", "is missing");
    if (View(specversion_) != codec::kSpecVersion) {
      return FailField(error_, HF_UNIMPLEMENTED, HF_R_UNSUPPORTED_FIELD, "specversion",
                       "is not 1.0");
    }
    if (body == nullptr) return HF_OK;
    const std::string_view type_url = MessageType();
    // A message of protobuf with no field set has no bytes, and is one.
    if (rules_.http && size == 0 && type_url.empty()) return HF_OK;
    out_->data = {static_cast<const char*>(body), size};
    out_->data_kind = HF_DATA_BINARY;
    if (type_url.empty()) return HF_OK;
    out_->data_kind = HF_DATA_PROTO;
    out_->data_type = Borrow(type_url);
    return HF_OK;
  }

  const hf_binding_report& report() const { return report_; }

 private:
  hf_code TooSmall() {
    return FailField(error_, HF_RESOURCE_EXHAUSTED, HF_R_BUFFER_TOO_SMALL, "buffer",
                     "is smaller than the names and values");
  }

  char* Take(size_t size) {
    char* const taken = buffer_;
    buffer_ += size;
    left_ -= size;
    return taken;
  }

  // Names are written in lower case where case says nothing.
  hf_code Fold(std::string_view* name) {
    size_t upper = 0;
    while (upper < name->size() && !codec::IsUpper((*name)[upper])) ++upper;
    if (!rules_.http || upper == name->size()) return HF_OK;
    if (name->size() > left_) return TooSmall();
    char* const folded = Take(name->size());
    for (size_t i = 0; i < name->size(); ++i) folded[i] = codec::ToLower((*name)[i]);
    *name = {folded, name->size()};
    return HF_OK;
  }

  hf_code Decode(std::string_view* value) {
    if (!rules_.http || codec::IsPlainValue(*value)) return HF_OK;
    if (value->size() > left_) return TooSmall();
    const codec::HeaderValue read = codec::DecodeHeaderValue(*value, buffer_);
    report_.raw_bytes += read.raw;
    report_.lone_percents += read.lone;
    report_.quoted += read.quoted;
    Take(read.text.size());
    *value = read.text;
    return HF_OK;
  }

  hf_code ReadAttribute(std::string_view name, std::string_view value) {
    hf_code code = Fold(&name);
    if (code != HF_OK) return code;
    // Before the name is shown in any error.
    if (codec::CheckName(name) != codec::Fault::kNone) {
      return Malformed(error_, "a header", "its attribute has a name that none may have");
    }
    code = Decode(&value);
    if (code != HF_OK) return code;
    // Of a peer that gives no Content-Type, what would have been one.
    const bool is_type = name == kType && !rules_.content_type.empty();
    return is_type ? ReadContentType(value) : Place(name, value);
  }

  hf_code ReadContentType(std::string_view value) {
    if (rules_.http && !codec::IsHeaderText(value)) {
      return Malformed(error_, kType, "is no text that a header may have");
    }
    hf_event_format format;
    if (codec::ContentModeOf(value, &format) != HF_CONTENT_BINARY) {
      return Malformed(error_, rules_.content_type, "is not of binary mode");
    }
    return Place(kType, value);
  }

  hf_str* Required(std::string_view name) {
    if (name == "id") return &out_->id;
    if (name == "source") return &out_->source;
    if (name == "type") return &out_->type;
    return name == "specversion" ? &specversion_ : nullptr;
  }

  hf_code Place(std::string_view name, std::string_view value) {
    if (hf_str* const place = Required(name); place != nullptr) {
      if (place->data != nullptr) return Malformed(error_, name, "comes twice");
      // Not NULL, however empty: it has been there.
      *place = value.data() == nullptr ? hf_str{"", 0} : Borrow(value);
      return HF_OK;
    }
    if (hf_envelope_find(out_, name.data(), name.size()) != nullptr) {
      return Malformed(error_, name, "comes twice");
    }
    if (out_->attribute_count == out_->attribute_capacity) {
      return FailField(error_, HF_RESOURCE_EXHAUSTED, HF_R_BUFFER_TOO_SMALL, "attribute_capacity",
                       "the event has more");
    }
    hf_attribute attribute = {Borrow(name), Borrow(value), 0, 0, HF_ATTRIBUTE_STRING};
    if (const hf_code code = Parse(value, &attribute); code != HF_OK) return code;
    out_->attributes[out_->attribute_count++] = attribute;
    return HF_OK;
  }

  // What does not read as its name's kind stays a STRING, and is refused as one when the event is checked, unless the name is
  // one that others may use. So are bad texts: no control byte, be it raw or escaped, gets past that.
  hf_code Parse(std::string_view value, hf_attribute* attribute) {
    const hf_attribute_kind kind = hf_attribute_kind_of(attribute->name.data, attribute->name.size);
    if (kind == 0) return HF_OK;
    const hf_code code =
        hf_attribute_parse(kind, value.data(), value.size(), buffer_, left_, attribute);
    if (code == HF_RESOURCE_EXHAUSTED) return TooSmall();
    if (code == HF_OK && kind == HF_ATTRIBUTE_BYTES) Take(attribute->text.size);
    return HF_OK;
  }

  // The type URL of data that is a message of protobuf; empty if it is none.
  std::string_view MessageType() {
    const hf_attribute* const type = hf_envelope_find(out_, kType.data(), kType.size());
    const hf_attribute* const schema = hf_envelope_find(out_, kSchema.data(), kSchema.size());
    if (type == nullptr || schema == nullptr) return {};
    if (!codec::HasMediaType(View(type->text), codec::kProtobufType)) return {};
    return codec::TypeUrlOf(View(schema->text));
  }

  const codec::BindingRules& rules_;
  char* buffer_;
  size_t left_;
  hf_envelope* const out_;
  hf_error* const error_;
  hf_str specversion_{};
  hf_binding_report report_{};
};

void Empty(hf_envelope* out) {
  out->id = out->source = out->type = out->data = out->data_type = {};
  out->attribute_count = out->unknown_count = 0;
  out->data_kind = HF_DATA_NONE;
}

hf_code CheckPlaces(const hf_header* headers, size_t count, const void* body, size_t body_size,
                    const char* buffer, size_t capacity, const hf_envelope* out, hf_error* error) {
  if (IsMissing(headers, count)) return FailNull(error, "headers");
  if (IsMissing(body, body_size)) return FailNull(error, "body");
  if (IsMissing(buffer, capacity)) return FailNull(error, "buffer");
  if (IsMissing(out->attributes, out->attribute_capacity)) return FailNull(error, "attributes");
  return CheckRange(error, "attribute_capacity", out->attribute_capacity, 0,
                    HF_ENVELOPE_ATTRIBUTES);
}

hf_code ReadAll(Reader& reader, const hf_header* headers, size_t count, const void* body,
                size_t body_size) {
  for (size_t i = 0; i < count; ++i) {
    if (const hf_code code = reader.Read(headers[i]); code != HF_OK) return code;
  }
  return reader.Finish(body, body_size);
}

}  // namespace
}  // namespace holdfast::abi

namespace abi = holdfast::abi;

hf_code hf_binding_read(hf_binding binding, const hf_header* headers, size_t count,
                        const void* body, size_t body_size, const hf_envelope_limits* limits,
                        char* buffer, size_t capacity, hf_envelope* out, hf_binding_report* report,
                        hf_error* error) noexcept {
  return abi::Guarded(error, [&] {
    const bool told = report == nullptr || abi::CopyOut(hf_binding_report{}, report) == HF_OK;
    if (out == nullptr) return abi::FailNull(error, "out");
    hf_code code = abi::CheckHeader(out, sizeof *out, sizeof *out, error);
    if (code != HF_OK) return code;
    abi::Empty(out);
    if (!told) {
      return abi::Fail(error, HF_INVALID_ARGUMENT, HF_R_STRUCT_SIZE, "report: struct_size");
    }
    code = abi::CheckPlaces(headers, count, body, body_size, buffer, capacity, out, error);
    if (code != HF_OK) return code;
    const codec::BindingRules* const rules = codec::RulesOf(binding);
    if (rules == nullptr) {
      return abi::CheckRange(error, "binding", binding, HF_BINDING_HTTP, HF_BINDING_GRPC);
    }
    abi::Reader reader(*rules, buffer, capacity, out, error);
    code = abi::ReadAll(reader, headers, count, body, body_size);
    if (code == HF_OK) code = hf_envelope_check(out, limits, error);
    if (code != HF_OK) {
      abi::Empty(out);
      return code;
    }
    if (report != nullptr) abi::CopyOut(reader.report(), report);
    return abi::Succeed(error);
  });
}
