// SPDX-License-Identifier: Apache-2.0
// Content mode and writing of c/binding.h. Reading is in binding_read.cc.
//
// Locking: none. Memory: none.
#include "codec/binding.h"

#include <holdfast/c/binding.h>

#include "abi/guard.h"
#include "codec/binding_value.h"
#include "codec/uri.h"

namespace codec = holdfast::codec;

namespace holdfast::abi {
namespace {

constexpr std::string_view kContentType = "datacontenttype";
constexpr std::string_view kSchema = "dataschema";

std::string_view View(const hf_str& text) { return {text.data, text.size}; }
hf_str Borrow(std::string_view text) { return {text.data(), text.size()}; }
bool IsMissing(const void* data, size_t size) { return data == nullptr && size != 0; }

hf_code Refuse(hf_error* error, std::string_view name, std::string_view why) {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED, name, why);
}

class Writer {
 public:
  Writer(const codec::BindingRules& rules, hf_header* headers, char* buffer, size_t capacity,
         hf_error* error)
      : rules_(rules), headers_(headers), buffer_(buffer), capacity_(capacity), error_(error) {}

  hf_code Write(const hf_envelope& event) {
    Put(rules_.specversion, Borrow(codec::kSpecVersion));
    Put(rules_.id, Coded(View(event.id)));
    Put(rules_.source, Coded(View(event.source)));
    Put(rules_.type, Coded(View(event.type)));
    for (uint32_t i = 0; i < event.attribute_count; ++i) {
      const hf_attribute& attribute = event.attributes[i];
      const hf_code code = View(attribute.name) == kContentType
                               ? PutContentType(View(attribute.text))
                               : PutAttribute(attribute);
      if (code != HF_OK) return code;
    }
    return event.data_kind == HF_DATA_PROTO ? PutMessageType(event) : HF_OK;
  }

  // Whether a reader has room for what was written: a message's type may be two attributes more.
  bool IsReadable() const { return count_ <= HF_ENVELOPE_ATTRIBUTES + kRequired; }

  size_t count() const { return count_; }
  size_t need() const { return need_; }

 private:
  char* at() { return need_ < capacity_ ? buffer_ + need_ : nullptr; }
  size_t left() const { return need_ < capacity_ ? capacity_ - need_ : 0; }

  // What was written, or counted, at at().
  hf_str Take(size_t size) {
    const hf_str taken = {at(), size};
    need_ += size;
    return taken;
  }

  void Put(std::string_view name, hf_str value) { headers_[count_++] = {Borrow(name), value}; }

  hf_str Named(std::string_view name) {
    codec::TextSink sink(at(), left());
    sink.Put(rules_.prefix);
    sink.Put(name);
    return Take(sink.need());
  }

  hf_str Coded(std::string_view text) {
    if (!rules_.http || codec::IsPlainValue(text)) return Borrow(text);
    codec::TextSink sink(at(), left());
    codec::EncodeHeaderValue(text, sink);
    return Take(sink.need());
  }

  hf_code PutAttribute(const hf_attribute& attribute) {
    hf_header& header = headers_[count_++];
    header.name = Named(View(attribute.name));
    switch (attribute.kind) {
      case HF_ATTRIBUTE_STRING:
      case HF_ATTRIBUTE_URI:
      case HF_ATTRIBUTE_URI_REF:
        header.value = Coded(View(attribute.text));
        return HF_OK;
      case HF_ATTRIBUTE_OPAQUE:
        return Refuse(error_, View(attribute.name), "is of an unknown kind, which has no text");
      default:
        break;
    }
    size_t size = 0;  // none of these texts has a byte to be encoded
    if (hf_attribute_format(&attribute, at(), left(), &size) == HF_INVALID_ARGUMENT) {
      return Refuse(error_, View(attribute.name), "breaks the rules of its kind");
    }
    header.value = Take(size);
    return HF_OK;
  }

  hf_code PutContentType(std::string_view type) {
    if (rules_.content_type.empty()) {
      const hf_str name = Named(kContentType);
      Put(View(name), Coded(type));
      return HF_OK;
    }
    // It stands in its header as it is, so that it must be what such a header may have.
    if (type.empty() || (rules_.http && !codec::IsHeaderText(type))) {
      return Refuse(error_, kContentType, "is no text that a header may have");
    }
    hf_event_format format;
    if (codec::ContentModeOf(type, &format) != HF_CONTENT_BINARY) {
      return Refuse(error_, kContentType, "would be read as another content mode");
    }
    Put(rules_.content_type, Borrow(type));
    return HF_OK;
  }

  // A reader knows data as a message of protobuf by these two.
  hf_code PutMessageType(const hf_envelope& event) {
    const hf_attribute* const type =
        hf_envelope_find(&event, kContentType.data(), kContentType.size());
    if (type == nullptr) {
      if (const hf_code code = PutContentType(codec::kProtobufType); code != HF_OK) return code;
    } else if (!codec::HasMediaType(View(type->text), codec::kProtobufType)) {
      return Refuse(error_, kContentType, "is not application/protobuf, as that of the data is");
    }
    const hf_attribute* const schema = hf_envelope_find(&event, kSchema.data(), kSchema.size());
    if (schema == nullptr) return PutSchema(View(event.data_type));
    if (codec::SaysTypeUrl(View(schema->text), View(event.data_type))) return HF_OK;
    return Refuse(error_, kSchema, "is not the type URL of the data, which has no other header");
  }

  hf_code PutSchema(std::string_view type_url) {
    const std::string_view scheme = codec::HasScheme(type_url) ? "" : "https://";
    const hf_str name = Named(kSchema);
    codec::TextSink sink(at(), left());
    sink.Put(scheme);
    const bool is_uri =
        scheme.empty() ? codec::IsAbsoluteUri(type_url) : codec::IsAuthorityAndPath(type_url);
    if (!is_uri || codec::TypeUrlOf(type_url).empty() || !codec::IsPlainValue(type_url)) {
      return Refuse(error_, "data_type", "is no type URL");
    }
    sink.Put(type_url);
    Put(View(name), Take(sink.need()));
    return HF_OK;
  }

  static constexpr size_t kRequired = 4;

  const codec::BindingRules& rules_;
  hf_header* const headers_;
  char* const buffer_;
  const size_t capacity_;
  hf_error* const error_;
  size_t count_ = 0;
  size_t need_ = 0;
};

hf_code CheckPlaces(hf_binding binding, const hf_header* headers, const char* buffer,
                    size_t capacity, hf_error* error) {
  if (headers == nullptr) return FailNull(error, "headers");
  if (IsMissing(buffer, capacity)) return FailNull(error, "buffer");
  return CheckRange(error, "binding", binding, HF_BINDING_HTTP, HF_BINDING_GRPC);
}

}  // namespace
}  // namespace holdfast::abi

namespace abi = holdfast::abi;

hf_content_mode hf_content_mode_of(const char* content_type, size_t size,
                                   hf_event_format* format) noexcept {
  hf_event_format unasked;
  if (content_type == nullptr) size = 0;
  return codec::ContentModeOf({content_type, size}, format == nullptr ? &unasked : format);
}

hf_code hf_binding_write(hf_binding binding, const hf_envelope* envelope,
                         const hf_envelope_limits* limits, hf_header* headers, size_t* count,
                         char* buffer, size_t capacity, size_t* need, hf_error* error) noexcept {
  return abi::Guarded(error, [&] {
    if (need != nullptr) *need = 0;
    if (count == nullptr) return abi::FailNull(error, "count");
    *count = 0;
    hf_code code = abi::CheckPlaces(binding, headers, buffer, capacity, error);
    if (code == HF_OK) code = hf_envelope_check(envelope, limits, error);
    if (code != HF_OK) return code;
    if (envelope->unknown_count != 0) {
      return abi::Refuse(error, "unknown", "headers cannot carry fields that are not known");
    }
    abi::Writer writer(*codec::RulesOf(binding), headers, buffer, capacity, error);
    if (code = writer.Write(*envelope); code != HF_OK) return code;
    if (!writer.IsReadable()) {
      return abi::FailField(error, HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, "attributes",
                            "are too many beside those that say the type of the data");
    }
    if (need != nullptr) *need = writer.need();
    if (writer.need() > capacity) {
      return abi::FailField(error, HF_RESOURCE_EXHAUSTED, HF_R_BUFFER_TOO_SMALL, "buffer",
                            "*need tells the size");
    }
    *count = writer.count();
    return abi::Succeed(error);
  });
}
