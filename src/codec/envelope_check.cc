// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "codec/attribute.h"
#include "codec/envelope.h"
#include "codec/envelope_names.h"
#include "codec/envelope_reader.h"
#include "codec/envelope_tags.h"
#include "codec/event_text.h"
#include "codec/percent.h"
#include "codec/uri.h"

namespace holdfast::codec {
namespace {

std::string_view View(const hf_str& text) { return {text.data, text.size}; }

// Without a sequence at the end of which only a beginning is at hand.
std::string_view WholeCharacters(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    const auto first = static_cast<std::uint8_t>(tail[0]);
    if (first < 0x80) break;
    if (first < 0xC2 || first > 0xF4) continue;
    const Sequence last = ReadUtf8(tail);
    if (!last.valid && last.size == back) text.remove_suffix(back);
    break;
  }
  return text;
}

class Checker {
 public:
  Checker(const hf_envelope& envelope, const EnvelopeLimits& limits, EnvelopeFault* fault)
      : envelope_(envelope), limits_(limits), fault_(fault) {}

  bool Event(std::size_t at_hand) {
    return Text("id", envelope_.id) && Source() && Text("type", envelope_.type) && Attributes() &&
           Unknown() && Data(at_hand);
  }

 private:
  // Refuses a text whose byte `index` is at fault.
  bool RefuseText(std::string_view field, const hf_str& text, std::string_view rule,
                  hf_reason reason = HF_R_MALFORMED, std::size_t index = 0) {
    Refuse(fault_, field, text.data + index, rule, reason);
    fault_->base = text.data;
    return false;
  }
  bool RefuseNull(std::string_view field) {
    return Refuse(fault_, field, nullptr, "is NULL", HF_R_NULL_ARGUMENT);
  }

  bool Fits(std::string_view field, const hf_str& text) {
    if (text.data == nullptr && text.size != 0) return RefuseNull(field);
    return text.size <= limits_.max_text ||
           RefuseOver(fault_, field, text.data, "is longer than max_text");
  }
  bool Required(std::string_view field, const hf_str& text) {
    if (text.size == 0) return Refuse(fault_, field, text.data, "is missing or empty");
    return Fits(field, text);
  }
  bool EventText(std::string_view field, const hf_str& text) {
    return IsEventText(View(text)) || RefuseText(field, text, TextOf(Fault::kText), HF_R_MALFORMED,
                                                 SpanOfEventText(View(text)));
  }

  bool Text(std::string_view field, const hf_str& text) {
    return Required(field, text) && EventText(field, text);
  }
  bool Source() {
    return Required("source", envelope_.source) &&
           (IsUriReference(View(envelope_.source)) ||
            RefuseText("source", envelope_.source, TextOf(Fault::kUriReference)));
  }

  bool Attributes() {
    const std::uint32_t count = envelope_.attribute_count;
    if (count == 0) return true;
    if (envelope_.attributes == nullptr) return RefuseNull("attributes");
    if (count > limits_.max_attributes) {
      return RefuseOver(fault_, "attributes", nullptr, "are more than max_attributes");
    }
    NameSet names(envelope_.attributes);
    for (std::uint32_t i = 0; i < count; ++i) {
      const hf_attribute& attribute = envelope_.attributes[i];
      if (attribute.name.data == nullptr) return RefuseNull(kNameField);
      const std::uint8_t known = KnownIndex(View(attribute.name));
      if (!Attribute(attribute, known)) return false;
      if (!names.Add(i, known)) {
        return Refuse(fault_, View(attribute.name), attribute.name.data, "is given twice");
      }
    }
    return true;
  }

  bool Attribute(const hf_attribute& attribute, std::uint8_t known) {
    const std::string_view name = View(attribute.name);
    if (!Fits(name, attribute.text)) return false;
    const Fault fault = CheckAttribute(attribute, known);
    if (fault != Fault::kNone) return BreaksRule(attribute, fault);
    if (known != 0 && known <= kLastRequired) {
      return Refuse(fault_, name, name.data(), "is a field of the event, and no attribute beside");
    }
    return attribute.kind != HF_ATTRIBUTE_OPAQUE || Fields(name, attribute.text, tag::kLastOfValue);
  }
  bool BreaksRule(const hf_attribute& attribute, Fault fault) {
    const std::string_view rule = TextOf(fault);
    if (IsOfName(fault)) return RefuseText(kNameField, attribute.name, rule);
    const std::string_view name = View(attribute.name);
    if (fault == Fault::kText) return EventText(name, attribute.text);
    if (attribute.text.size != 0) return RefuseText(name, attribute.text, rule, ReasonOf(fault));
    return Refuse(fault_, name, name.data(), rule, ReasonOf(fault));
  }

  bool Unknown() {
    if (envelope_.unknown_count > HF_ENVELOPE_UNKNOWN) {
      return Refuse(fault_, "unknown_count", nullptr, "is outside 0..4", HF_R_OUT_OF_RANGE);
    }
    for (std::uint32_t i = 0; i < envelope_.unknown_count; ++i) {
      const hf_str& run = envelope_.unknown[i];
      if (run.data == nullptr) return RefuseNull("unknown");
      if (run.size > limits_.max_size) return TooLarge();
      if (!Fields("unknown", run, tag::kLastOfEvent)) return false;
    }
    return true;
  }

  // One field or more, each whole and none of those with the numbers up to `last_known`.
  bool Fields(std::string_view field, const hf_str& bytes, std::uint32_t last_known) {
    if (bytes.size == 0) return Refuse(fault_, field, nullptr, "is empty");
    const char* const end = bytes.data + bytes.size;
    for (const char* at = bytes.data; at != end;) {
      const char* const begin = at;
      std::uint32_t number = 0;
      WireFault why;
      at = SkipField(begin, end, 0, &number, &why);
      if (at != nullptr && number <= last_known) {
        why = {begin, "has a known field among unknown ones", false};
        at = nullptr;
      }
      if (at == nullptr) {
        return RefuseText(field, bytes, why.rule, HF_R_MALFORMED,
                          static_cast<std::size_t>(why.at - bytes.data));
      }
    }
    return true;
  }

  bool Data(std::size_t at_hand) {
    const hf_str& data = envelope_.data;
    const hf_str& type = envelope_.data_type;
    if (data.data == nullptr && data.size != 0) return RefuseNull("data");
    if (data.size > limits_.max_size) return TooLarge();
    if (envelope_.data_kind != HF_DATA_PROTO && type.size != 0) {
      return Refuse(fault_, "data_type", nullptr, "is there for PROTO alone");
    }
    switch (envelope_.data_kind) {
      case HF_DATA_NONE:
        if (data.size != 0) return Refuse(fault_, "data", nullptr, "is there, but of kind NONE");
        break;
      case HF_DATA_BINARY:
        break;
      case HF_DATA_TEXT:
        if (!IsUtf8Text(View(data), at_hand)) return RefuseText("data", data, "is not UTF-8");
        break;
      case HF_DATA_PROTO:
        if (type.size == 0) return Refuse(fault_, "data_type", data.data, "is missing or empty");
        if (!Fits("data_type", type) || !EventText("data_type", type)) return false;
        break;
      default:
        return Refuse(fault_, "data_kind", nullptr, "is outside 0..3", HF_R_OUT_OF_RANGE);
    }
    return true;
  }

  static bool IsUtf8Text(std::string_view text, std::size_t at_hand) {
    return IsUtf8(at_hand < text.size() ? WholeCharacters(text.substr(0, at_hand)) : text);
  }

  bool TooLarge() { return RefuseOver(fault_, "", nullptr, "has more bytes than max_size"); }

  const hf_envelope& envelope_;
  const EnvelopeLimits& limits_;
  EnvelopeFault* const fault_;
};

}  // namespace

bool CheckEnvelope(const hf_envelope& envelope, std::size_t at_hand, const EnvelopeLimits& limits,
                   EnvelopeFault* fault) {
  return Checker(envelope, limits, fault).Event(at_hand);
}

}  // namespace holdfast::codec
