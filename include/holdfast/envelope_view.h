// SPDX-License-Identifier: Apache-2.0
// EnvelopeView: a CloudEvents 1.0 event over bytes that somebody else keeps. Format and rules: c/envelope.h.
//
// It is read from bytes in place, or put together from text that the caller keeps, and written in one pass:
//
//   holdfast::EnvelopeView event;
//   if (auto read = event.Decode(bytes); !read.ok()) return read;
//   Handle(event.type(), event.data());
//
// Nothing here allocates but Encode, which lengthens a string. Envelope (envelope.h) is the same event with its text.
#ifndef HOLDFAST_ENVELOPE_VIEW_H_
#define HOLDFAST_ENVELOPE_VIEW_H_

#include <absl/status/status.h>
#include <holdfast/attribute.h>
#include <holdfast/c/envelope.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

enum class DataKind : hf_data_kind {
  kNone = HF_DATA_NONE,
  kBinary = HF_DATA_BINARY,
  kText = HF_DATA_TEXT,    // UTF-8
  kProto = HF_DATA_PROTO,  // a serialised message; data_type() is its type URL
};

// What is refused, by reader and writer alike. Zero: the default (c/envelope.h).
struct EnvelopeLimits {
  std::uint64_t max_size = 0;        // bytes of the whole event: 64..2^31-1; default 1 MiB
  std::uint32_t max_attributes = 0;  // 1..64; default 64
  std::uint32_t max_text = 0;        // bytes of each attribute: 64..1 MiB; default 8 KiB

  hf_envelope_limits raw() const {
    hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
    limits.max_size = max_size;
    limits.max_attributes = max_attributes;
    limits.max_text = max_text;
    return limits;
  }
};

// A regular value of 3 KiB; copies only what it holds. As thread-safe as an int.
class EnvelopeView {
 public:
  EnvelopeView() { Clear(); }
  EnvelopeView(const EnvelopeView& other) { Assign(other); }
  EnvelopeView& operator=(const EnvelopeView& other) {
    if (this != &other) Assign(other);
    return *this;
  }

  std::string_view id() const { return View(raw_.id); }
  std::string_view source() const { return View(raw_.source); }
  std::string_view type() const { return View(raw_.type); }
  DataKind data_kind() const { return static_cast<DataKind>(raw_.data_kind); }
  std::string_view data() const { return View(raw_.data); }
  std::string_view data_type() const { return View(raw_.data_type); }  // of kProto: the type URL

  // All attributes but id, source, specversion and type.
  std::span<const Attribute> attributes() const {
    return {attributes_.data(), raw_.attribute_count};
  }
  const Attribute* Find(std::string_view name) const {
    return hf_envelope_find(&raw_, name.data(), name.size());
  }
  // The text of a STRING, URI or URI_REF of this name; empty if there is none.
  std::string_view Text(std::string_view name) const {
    const Attribute* const found = Find(name);
    const bool text = found != nullptr &&
                      (found->kind == HF_ATTRIBUTE_STRING || found->kind == HF_ATTRIBUTE_URI ||
                       found->kind == HF_ATTRIBUTE_URI_REF);
    return text ? View(found->text) : std::string_view();
  }

  // What is set here stays the caller's memory, and is looked at by Check and Encode only.
  void set_id(std::string_view id) { raw_.id = Borrow(id); }
  void set_source(std::string_view source) { raw_.source = Borrow(source); }
  void set_type(std::string_view type) { raw_.type = Borrow(type); }
  void set_data(DataKind kind, std::string_view data, std::string_view type_url = {}) {
    raw_.data_kind = static_cast<hf_data_kind>(kind);
    raw_.data = Borrow(data);
    raw_.data_type = Borrow(type_url);
  }
  // Adds an attribute, or replaces the one of its name. False: there is no room for another one.
  bool Set(const Attribute& attribute) {
    Attribute* const place = Place(View(attribute.name));
    if (place == nullptr && raw_.attribute_count == attributes_.size()) return false;
    (place != nullptr ? *place : attributes_[raw_.attribute_count++]) = attribute;
    return true;
  }
  // Whether there was one.
  bool Erase(std::string_view name) {
    Attribute* const place = Place(name);
    if (place == nullptr) return false;
    std::copy(place + 1, attributes_.data() + raw_.attribute_count, place);
    --raw_.attribute_count;
    return true;
  }
  void Clear() {
    raw_ = hf_envelope{};
    Pin();
  }

  // Reads an event in place: `bytes` must outlive this view. After an error the view is empty.
  // Errors: kInvalidArgument, naming the attribute and the byte; kUnimplemented: another specversion;
  // kResourceExhausted: over a limit.
  absl::Status Decode(std::string_view bytes, const EnvelopeLimits& limits = {}) {
    const hf_envelope_limits raw = limits.raw();
    hf_error error{};
    Pin();
    if (hf_envelope_decode(bytes.data(), bytes.size(), &raw, &raw_, &error) == HF_OK) return {};
    Clear();
    return MakeStatus(error);
  }

  // Whether the event may be sent. Errors: as Decode.
  absl::Status Check(const EnvelopeLimits& limits = {}) const {
    const hf_envelope_limits raw = limits.raw();
    hf_error error{};
    return hf_envelope_check(&raw_, &raw, &error) == HF_OK ? absl::OkStatus() : MakeStatus(error);
  }

  // Appends the event's bytes. Errors: as Decode; *out is as it was then.
  absl::Status Encode(std::string* out, const EnvelopeLimits& limits = {}) const {
    out->reserve(out->size() + HeadGuess() + raw_.data.size);
    absl::Status status = EncodeHead(out, limits);
    if (status.ok()) out->append(data());
    return status;
  }
  // Appends all but the data: that and data(), one after the other, are the event. Errors: likewise.
  absl::Status EncodeHead(std::string* out, const EnvelopeLimits& limits = {}) const {
    const hf_envelope_limits raw = limits.raw();
    hf_error error{};
    const std::size_t before = out->size();
    std::size_t need = HeadGuess();
    hf_code code = HF_RESOURCE_EXHAUSTED;
    for (std::size_t room = 0; code == HF_RESOURCE_EXHAUSTED && room < need;) {
      room = need;
      out->resize(before + room);
      code = hf_envelope_encode_head(&raw_, &raw, out->data() + before, room, &need, &error);
    }
    out->resize(code == HF_OK ? before + need : before);
    return code == HF_OK ? absl::OkStatus() : MakeStatus(error);
  }

  // For calls of the C ABI. Who fills it through `raw()` leaves the pointer to the attributes as it is.
  const hf_envelope& raw() const { return raw_; }
  hf_envelope& raw() { return raw_; }

 private:
  void Pin() {
    raw_.struct_size = sizeof raw_;
    raw_.abi_level = HF_ABI_LEVEL;
    raw_.attributes = attributes_.data();
    raw_.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
  }
  void Assign(const EnvelopeView& other) {
    raw_ = other.raw_;
    std::copy_n(other.attributes_.data(), other.raw_.attribute_count, attributes_.data());
    Pin();
  }
  Attribute* Place(std::string_view name) {
    const Attribute* const found = Find(name);
    return found == nullptr ? nullptr : attributes_.data() + (found - attributes_.data());
  }
  // That holds for most heads, and spares them a second pass.
  std::size_t HeadGuess() const {
    return 64 + raw_.id.size + raw_.source.size + raw_.type.size + raw_.data_type.size +
           96 * raw_.attribute_count;
  }

  hf_envelope raw_;
  std::array<Attribute, HF_ENVELOPE_ATTRIBUTES> attributes_;  // raw_.attribute_count are set
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_VIEW_H_
