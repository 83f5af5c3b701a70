// SPDX-License-Identifier: Apache-2.0
#include "codec/envelope.h"
#include "codec/envelope_reader.h"
#include "codec/envelope_tags.h"

namespace holdfast::codec {
namespace {

constexpr std::string_view kPartMissing = "has an entry without a name or without a value";

std::string_view View(const hf_str& text) { return {text.data, text.size}; }

std::uint8_t TagAt(const char* at) { return static_cast<std::uint8_t>(*at); }

std::size_t SizeBetween(const char* at, const char* end) {
  return static_cast<std::size_t>(end - at);
}

// The structure of one event; no value is looked at yet. What reads something returns where it ends, or null and
// *fault is filled.
class Decoder {
 public:
  // `beyond` bytes of the event are not at hand.
  Decoder(std::size_t beyond, const EnvelopeLimits& limits, hf_envelope* out, EnvelopeFault* fault)
      : beyond_(beyond), limits_(limits), out_(*out), fault_(fault) {}

  bool Event(const char* at, const char* end) {
    while (at != end) {
      at = Field(at, end);
      if (at == nullptr) return false;
    }
    // The data are what reaches beyond the bytes at hand, or else some other field does.
    if (beyond_ != 0 && !data_end_it_) return Short("", end) != nullptr;
    if (spec_version_.data == nullptr) {
      return Refuse(fault_, "specversion", nullptr, "is missing or empty");
    }
    if (View(spec_version_) != kSpecVersion) {
      return Refuse(fault_, "specversion", spec_version_.data, "is not 1.0", HF_R_UNSUPPORTED_FIELD,
                    HF_UNIMPLEMENTED);
    }
    return true;
  }

 private:
  const char* Field(const char* at, const char* end) {
    switch (TagAt(at)) {
      case tag::kAttribute:
        return AnAttribute(at, end);
      case tag::kId:
        return Text("id", at, end, &out_.id);
      case tag::kSource:
        return Text("source", at, end, &out_.source);
      case tag::kSpecVersion:
        return Text("specversion", at, end, &spec_version_);
      case tag::kType:
        return Text("type", at, end, &out_.type);
      case tag::kBinary:
        return Data(HF_DATA_BINARY, at, end);
      case tag::kText:
        return Data(HF_DATA_TEXT, at, end);
      case tag::kProto:
        return ProtoData(at, end);
      default:
        return Unknown(at, end);
    }
  }

  const char* Text(std::string_view field, const char* at, const char* end, hf_str* out) {
    if (out->data != nullptr) return No(field, at, "is given twice");
    const Chunk text = ReadChunk(at + 1, end);
    if (text.begin == nullptr) return No(field, WhyNoChunk(at + 1, end, beyond_));
    *out = text.text();
    return text.end;
  }

  const char* AnAttribute(const char* at, const char* end) {
    const std::uint32_t index = out_.attribute_count;
    const Chunk entry = ReadChunk(at + 1, end);
    if (entry.begin == nullptr) return No("attributes", WhyNoChunk(at + 1, end, beyond_));
    if (index >= limits_.max_attributes) {
      RefuseOver(fault_, "attributes", at, "are more than max_attributes");
      return nullptr;
    }
    if (index >= out_.attribute_capacity) {
      Refuse(fault_, "attributes", at, "are more than attribute_capacity", HF_R_BUFFER_TOO_SMALL,
             HF_RESOURCE_EXHAUSTED);
      return nullptr;
    }
    out_.attribute_count = index + 1;
    return Entry(entry.begin, entry.end, &out_.attributes[index]) ? entry.end : nullptr;
  }

  bool Entry(const char* at, const char* end, hf_attribute* out) {
    // As every writer writes it; else in any order.
    Chunk name = ReadField(tag::kKey, at, end);
    Chunk value{};
    if (name.begin != nullptr) value = ReadField(tag::kValue, name.end, end);
    if (value.end != end && !AnyEntry(at, end, &name, &value)) return false;
    if (value.begin == value.end) return No("attributes", at, kPartMissing) != nullptr;
    out->name = name.text();
    return Value(View(name.text()), value.begin, value.end, out);
  }

  bool AnyEntry(const char* at, const char* end, Chunk* name, Chunk* value) {
    const char* const begin = at;
    *name = *value = {};
    while (at != end) {
      const std::uint8_t tag = TagAt(at);
      Chunk* const part = tag == tag::kKey ? name : value;
      if ((tag != tag::kKey && tag != tag::kValue) || part->begin != nullptr) {
        return No("attributes", at, "has an entry with more than a name and a value") != nullptr;
      }
      *part = ReadChunk(at + 1, end);
      if (part->begin == nullptr) return No("attributes", WhyNoChunk(at + 1, end, 0)) != nullptr;
      at = part->end;
    }
    if (name->begin != nullptr && value->begin != nullptr) return true;
    return No("attributes", begin, kPartMissing) != nullptr;
  }

  bool Value(std::string_view name, const char* at, const char* end, hf_attribute* out) {
    const std::uint8_t tag = TagAt(at);
    out->kind = tag >> 3;
    out->text = {};
    out->number = 0;
    out->nanos = 0;
    const char* read = at + 1;
    switch (tag) {
      case tag::kString:
      case tag::kUri:
      case tag::kUriRef:
      case tag::kBytes: {
        const Chunk text = ReadChunk(read, end);
        if (text.begin == nullptr) return No(name, WhyNoChunk(read, end, 0)) != nullptr;
        out->text = text.text();
        read = text.end;
        break;
      }
      case tag::kTimestamp: {
        const Chunk timestamp = ReadChunk(read, end);
        if (timestamp.begin == nullptr) return No(name, WhyNoChunk(read, end, 0)) != nullptr;
        if (!Timestamp(name, timestamp.begin, timestamp.end, out)) return false;
        read = timestamp.end;
        break;
      }
      case tag::kBoolean:
      case tag::kInteger: {
        const Number number = ReadNumber(read, end);
        if (number.end == nullptr) {
          return No(name, WhyNoNumber(read, end, kLongestNumber, 0)) != nullptr;
        }
        out->number = static_cast<std::int64_t>(number.value);
        read = number.end;
        break;
      }
      default:  // looked into when it is checked
        out->kind = HF_ATTRIBUTE_OPAQUE;
        out->text = Chunk{at, end}.text();
        return true;
    }
    return read == end || No(name, read, "has more than one value") != nullptr;
  }

  bool Timestamp(std::string_view name, const char* at, const char* end, hf_attribute* out) {
    bool has_seconds = false, has_nanos = false;
    while (at != end) {
      const std::uint8_t tag = TagAt(at);
      bool& has = tag == tag::kSeconds ? has_seconds : has_nanos;
      if ((tag != tag::kSeconds && tag != tag::kNanos) || has) {
        return No(name, at, "has more than a Timestamp's seconds and nanoseconds") != nullptr;
      }
      has = true;
      const Number number = ReadNumber(at + 1, end);
      if (number.end == nullptr) {
        return No(name, WhyNoNumber(at + 1, end, kLongestNumber, 0)) != nullptr;
      }
      const auto value = static_cast<std::int64_t>(number.value);
      if (tag == tag::kSeconds) {
        out->number = value;
      } else if (out->nanos = static_cast<std::int32_t>(value); out->nanos != value) {
        return Refuse(fault_, name, at, "has nanoseconds beyond 32 bits", HF_R_OUT_OF_RANGE);
      }
      at = number.end;
    }
    return true;
  }

  const char* Data(hf_data_kind kind, const char* at, const char* end) {
    if (out_.data_kind != HF_DATA_NONE) return No("data", at, "is given twice");
    out_.data_kind = kind;
    return Payload(at + 1, end, beyond_);
  }

  // google.protobuf.Any, of which only the value may reach beyond the bytes at hand.
  const char* ProtoData(const char* at, const char* end) {
    if (out_.data_kind != HF_DATA_NONE) return No("data", at, "is given twice");
    out_.data_kind = HF_DATA_PROTO;
    const Number size = ReadNumber(at + 1, end, kLongestLength);
    if (size.end == nullptr) return No("data", WhyNoChunk(at + 1, end, beyond_));
    const std::size_t left = SizeBetween(size.end, end);
    const bool is_whole = size.value <= left;
    if (!is_whole && size.value - left != beyond_)
      return No("data", WhyNoChunk(at + 1, end, beyond_));
    const std::size_t beyond = is_whole ? 0 : beyond_;
    const char* const any_end = is_whole ? size.end + size.value : end;
    for (at = size.end; at != any_end && at != nullptr;) at = AnyField(at, any_end, beyond);
    return at;
  }

  const char* AnyField(const char* at, const char* end, std::size_t beyond) {
    const std::uint8_t tag = TagAt(at);
    if (tag == tag::kAnyValue && out_.data.data == nullptr) return Payload(at + 1, end, beyond);
    if (tag != tag::kTypeUrl || out_.data_type.data != nullptr) {
      return No("data", at, "has more than an Any's type and value");
    }
    const Chunk type = ReadChunk(at + 1, end);
    if (type.begin == nullptr) return No("data", WhyNoChunk(at + 1, end, beyond));
    out_.data_type = type.text();
    return type.end;
  }

  // Bytes that, if they are not all at hand, are the last of the event.
  const char* Payload(const char* at, const char* end, std::size_t beyond) {
    const Number size = ReadNumber(at, end, kLongestLength);
    if (size.end == nullptr) return No("data", WhyNoChunk(at, end, beyond));
    const std::size_t left = SizeBetween(size.end, end);
    const bool is_whole = size.value <= left;
    if (!is_whole && size.value - left != beyond) return No("data", WhyNoChunk(at, end, beyond));
    out_.data = {size.end, size.value};
    data_end_it_ = !is_whole;
    return is_whole ? size.end + size.value : end;
  }

  const char* Unknown(const char* at, const char* end) {
    WireFault why;
    std::uint32_t number = 0;
    const char* const field_end = SkipField(at, end, beyond_, &number, &why);
    if (field_end == nullptr) return No("", why);
    if (number <= tag::kLastOfEvent) return No("", at, "has a known field as another type");
    const std::uint32_t count = out_.unknown_count;
    hf_str* const last = count == 0 ? nullptr : &out_.unknown[count - 1];
    if (last != nullptr && last->data + last->size == at) {
      last->size += SizeBetween(at, field_end);
      return field_end;
    }
    if (count == HF_ENVELOPE_UNKNOWN) {
      RefuseOver(fault_, "", at, "has unknown fields in more than 4 places");
      return nullptr;
    }
    out_.unknown[count] = Chunk{at, field_end}.text();
    out_.unknown_count = count + 1;
    return field_end;
  }

  [[gnu::cold]] const char* No(std::string_view field, const char* at, std::string_view rule) {
    Refuse(fault_, field, at, rule);
    return nullptr;
  }
  [[gnu::cold]] const char* No(std::string_view field, const WireFault& why) {
    return why.is_short ? Short(field, why.at) : No(field, why.at, why.rule);
  }
  [[gnu::cold]] const char* Short(std::string_view field, const char* at) {
    Refuse(fault_, field, at, "goes on beyond the bytes at hand", HF_R_BUFFER_TOO_SMALL,
           HF_OUT_OF_RANGE);
    return nullptr;
  }

  const std::size_t beyond_;
  const EnvelopeLimits& limits_;
  hf_envelope& out_;
  EnvelopeFault* const fault_;
  hf_str spec_version_{};
  bool data_end_it_ = false;  // the data reach from here to the event's end
};

bool Decode(std::string_view head, std::size_t size, const EnvelopeLimits& limits, hf_envelope* out,
            EnvelopeFault* fault) {
  if (size > limits.max_size) return RefuseOver(fault, "", nullptr, "has more bytes than max_size");
  const char* const end = head.data() + head.size();
  Decoder decoder(size - head.size(), limits, out, fault);
  if (!decoder.Event(head.data(), end)) return false;
  const std::size_t room = out->data.data == nullptr ? 0 : SizeBetween(out->data.data, end);
  return CheckEnvelope(*out, room, limits, fault);
}

}  // namespace

void ClearEnvelope(hf_envelope* out) {
  out->id = out->source = out->type = out->data = out->data_type = {};
  out->attribute_count = 0;
  out->data_kind = HF_DATA_NONE;
  out->unknown_count = 0;
}

bool DecodeEnvelope(std::string_view head, std::size_t size, const EnvelopeLimits& limits,
                    hf_envelope* out, EnvelopeFault* fault) {
  if (Decode(head, size, limits, out, fault)) return true;
  fault->base = head.data();
  ClearEnvelope(out);
  return false;
}

}  // namespace holdfast::codec
