// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "codec/envelope.h"
#include "codec/envelope_reader.h"
#include "codec/envelope_tags.h"

namespace holdfast::codec {
namespace {

std::string_view View(const hf_str& text) { return {text.data, text.size}; }

// The structure of one event; no value is looked at yet.
class Decoder {
 public:
  Decoder(hf_envelope* out, const EnvelopeLimits& limits, EnvelopeFault* fault)
      : out_(*out), limits_(limits), fault_(fault) {}

  bool Event(WireReader& in) {
    while (!in.done()) {
      if (!Field(in)) return false;
    }
    // The data are what reaches beyond the bytes at hand, or else some other field does.
    if (in.beyond() != 0 && !reached_end_) return in.Short() || Broken(in, "");
    if (spec_version_.data == nullptr) return Missing("specversion");
    if (View(spec_version_) != kSpecVersion) {
      return Refuse(fault_, "specversion", spec_version_.data, "is not 1.0", HF_R_UNSUPPORTED_FIELD,
                    HF_UNIMPLEMENTED);
    }
    return true;
  }

 private:
  bool Field(WireReader& in) {
    switch (in.Peek()) {
      case tag::kId:
        return Text(in, "id", &out_.id);
      case tag::kSource:
        return Text(in, "source", &out_.source);
      case tag::kSpecVersion:
        return Text(in, "specversion", &spec_version_);
      case tag::kType:
        return Text(in, "type", &out_.type);
      case tag::kAttribute:
        return AnAttribute(in);
      case tag::kBinary:
        return Data(in, HF_DATA_BINARY);
      case tag::kText:
        return Data(in, HF_DATA_TEXT);
      case tag::kProto:
        return ProtoData(in);
      default:
        return Unknown(in);
    }
  }

  bool Text(WireReader& in, std::string_view field, hf_str* out) {
    if (out->data != nullptr) return Twice(field, in.at());
    in.Advance(1);
    return in.Bytes(out) || Broken(in, field);
  }

  bool AnAttribute(WireReader& in) {
    const char* const begin = in.at();
    hf_str entry{};
    in.Advance(1);
    if (!in.Bytes(&entry)) return Broken(in, "attributes");
    const std::uint32_t index = out_.attribute_count;
    if (index >= limits_.max_attributes) {
      return RefuseOver(fault_, "attributes", begin, "are more than max_attributes");
    }
    if (index >= out_.attribute_capacity) {
      return Refuse(fault_, "attributes", begin, "are more than attribute_capacity",
                    HF_R_BUFFER_TOO_SMALL, HF_RESOURCE_EXHAUSTED);
    }
    out_.attribute_count = index + 1;
    return Entry(WireReader(View(entry)), &out_.attributes[index]);
  }

  bool Entry(WireReader in, hf_attribute* out) {
    const char* const begin = in.at();
    hf_str key{}, value{};
    while (!in.done()) {
      const std::uint8_t tag = in.Peek();
      if (tag != tag::kKey && tag != tag::kValue) {
        return Refuse(fault_, "attributes", in.at(),
                      "has an entry with more than a name and a value");
      }
      hf_str* const part = tag == tag::kKey ? &key : &value;
      if (part->data != nullptr) {
        return Refuse(fault_, "attributes", in.at(), "has an entry with two names or two values");
      }
      in.Advance(1);
      if (!in.Bytes(part)) return Broken(in, "attributes");
    }
    if (key.data == nullptr || value.size == 0) {
      return Refuse(fault_, "attributes", begin, "has an entry without a name or a value");
    }
    out->name = key;
    return Value(WireReader(View(value)), value, out);
  }

  bool Value(WireReader in, const hf_str& whole, hf_attribute* out) {
    const std::uint8_t tag = in.Peek();
    out->text = {};
    out->number = 0;
    out->nanos = 0;
    out->kind = tag >> 3;
    switch (tag) {
      case tag::kBoolean:
      case tag::kInteger: {
        std::uint64_t number = 0;
        in.Advance(1);
        if (!in.Varint(&number)) return Broken(in, View(out->name));
        out->number = static_cast<std::int64_t>(number);
        break;
      }
      case tag::kString:
      case tag::kBytes:
      case tag::kUri:
      case tag::kUriRef:
        in.Advance(1);
        if (!in.Bytes(&out->text)) return Broken(in, View(out->name));
        break;
      case tag::kTimestamp: {
        hf_str timestamp{};
        in.Advance(1);
        if (!in.Bytes(&timestamp)) return Broken(in, View(out->name));
        if (!Timestamp(WireReader(View(timestamp)), out)) return false;
        break;
      }
      default:  // check looks into it
        out->kind = HF_ATTRIBUTE_OPAQUE;
        out->text = whole;
        return true;
    }
    if (in.done()) return true;
    return Refuse(fault_, View(out->name), in.at(), "has more than one value");
  }

  bool Timestamp(WireReader in, hf_attribute* out) {
    std::uint64_t value = 0;
    bool has_seconds = false, has_nanos = false;
    while (!in.done()) {
      const std::uint8_t tag = in.Peek();
      bool& has = tag == tag::kSeconds ? has_seconds : has_nanos;
      if ((tag != tag::kSeconds && tag != tag::kNanos) || has) {
        return Refuse(fault_, View(out->name), in.at(),
                      "has more than the seconds and nanoseconds of a Timestamp");
      }
      has = true;
      in.Advance(1);
      const char* const at = in.at();
      if (!in.Varint(&value)) return Broken(in, View(out->name));
      const auto number = static_cast<std::int64_t>(value);
      if (tag == tag::kSeconds) {
        out->number = number;
        continue;
      }
      out->nanos = static_cast<std::int32_t>(number);
      if (out->nanos != number) {
        return Refuse(fault_, View(out->name), at, "has nanoseconds beyond 32 bits",
                      HF_R_OUT_OF_RANGE);
      }
    }
    return true;
  }

  bool Data(WireReader& in, hf_data_kind kind) {
    if (out_.data_kind != HF_DATA_NONE) return Twice("data", in.at());
    out_.data_kind = kind;
    in.Advance(1);
    return Payload(in) || Broken(in, "data");
  }

  // google.protobuf.Any, of which the message is the last that may reach beyond the bytes at hand.
  bool ProtoData(WireReader& in) {
    if (out_.data_kind != HF_DATA_NONE) return Twice("data", in.at());
    out_.data_kind = HF_DATA_PROTO;
    in.Advance(1);
    std::size_t size = 0;
    if (!in.Length(&size)) return Broken(in, "data");
    const std::size_t at_hand = size < in.left() ? size : in.left();
    const std::size_t beyond = size - at_hand;
    if (beyond != 0 && beyond != in.beyond()) return in.Short() || Broken(in, "data");
    WireReader any(in.at(), in.at() + at_hand, beyond);
    in.Advance(at_hand);
    while (!any.done()) {
      const std::uint8_t tag = any.Peek();
      hf_str* const part = tag == tag::kTypeUrl ? &out_.data_type : &out_.data;
      if ((tag != tag::kTypeUrl && tag != tag::kAnyValue) || part->data != nullptr) {
        return Refuse(fault_, "data", any.at(), "has more than the type and value of an Any");
      }
      any.Advance(1);
      if (!(part == &out_.data ? Payload(any) : any.Bytes(part))) return Broken(any, "data");
    }
    return beyond == 0 || reached_end_ || any.Short() || Broken(any, "data");
  }

  // Bytes with a length: if they are not all at hand, they are the last of the event.
  bool Payload(WireReader& in) {
    std::size_t size = 0;
    if (!in.Length(&size)) return false;
    const std::size_t at_hand = size < in.left() ? size : in.left();
    if (size != at_hand && size - at_hand != in.beyond()) return in.Short();
    out_.data = {in.at(), size};
    in.Advance(at_hand);
    reached_end_ = size - at_hand == in.beyond() && in.done();
    return true;
  }

  bool Unknown(WireReader& in) {
    const char* const begin = in.at();
    std::uint32_t number = 0;
    if (!in.Skip(&number)) return Broken(in, "");
    if (number <= tag::kLastOfEvent) {
      return Refuse(fault_, "", begin, "has a known field as another type");
    }
    const std::uint32_t count = out_.unknown_count;
    hf_str* const last = count == 0 ? nullptr : &out_.unknown[count - 1];
    if (last != nullptr && last->data + last->size == begin) {
      last->size += static_cast<std::size_t>(in.at() - begin);
      return true;
    }
    if (count == HF_ENVELOPE_UNKNOWN) {
      return RefuseOver(fault_, "", begin, "has unknown fields in more than 4 places");
    }
    out_.unknown[count] = {begin, static_cast<std::size_t>(in.at() - begin)};
    out_.unknown_count = count + 1;
    return true;
  }

  bool Twice(std::string_view field, const char* at) {
    return Refuse(fault_, field, at, "is given twice");
  }
  bool Missing(std::string_view field) { return Refuse(fault_, field, nullptr, "is missing"); }
  bool Broken(const WireReader& in, std::string_view field) {
    return in.is_short() ? Refuse(fault_, field, in.at(), "goes on beyond the bytes at hand",
                                  HF_R_BUFFER_TOO_SMALL, HF_OUT_OF_RANGE)
                         : Refuse(fault_, field, in.at(), in.rule());
  }

  hf_envelope& out_;
  const EnvelopeLimits& limits_;
  EnvelopeFault* const fault_;
  hf_str spec_version_{};
  bool reached_end_ = false;  // the data are the last of the event
};

void Empty(hf_envelope* out) {
  out->id = out->source = out->type = out->data = out->data_type = {};
  out->attribute_count = 0;
  out->data_kind = HF_DATA_NONE;
  out->unknown_count = 0;
}

}  // namespace

bool DecodeEnvelope(std::string_view head, std::size_t size, const EnvelopeLimits& limits,
                    hf_envelope* out, EnvelopeFault* fault) {
  Empty(out);
  const char* const end = head.data() + head.size();
  WireReader in(head.data(), end, size - head.size());
  bool taken = size <= limits.max_size
                   ? Decoder(out, limits, fault).Event(in)
                   : RefuseOver(fault, "", nullptr, "has more bytes than max_size");
  if (taken) {
    const std::size_t room =
        out->data.data == nullptr ? 0 : static_cast<std::size_t>(end - out->data.data);
    const std::size_t at_hand = out->data.size < room ? out->data.size : room;
    std::size_t canonical = 0;
    taken = CheckEnvelope(*out, at_hand, limits, &canonical, fault);
  }
  if (taken) return true;
  fault->base = head.data();
  Empty(out);
  return false;
}

}  // namespace holdfast::codec
