// SPDX-License-Identifier: Apache-2.0
// Envelope: a CloudEvents 1.0 event that owns its text. Format and rules: c/envelope.h.
//
//   holdfast::Envelope event("com.acme.order.placed", "/orders");  // with a fresh id
//   event.set_data(holdfast::DataKind::kBinary, payload);
//   event.Set(holdfast::TimeAttribute("time", now));
//   absl::Status sent = event.view().Encode(&bytes);
//
// Typed extensions: envelope_extensions.h. As JSON: json/envelope.h. As headers: envelope_headers.h.
#ifndef HOLDFAST_ENVELOPE_H_
#define HOLDFAST_ENVELOPE_H_

#include <absl/status/statusor.h>
#include <holdfast/envelope_view.h>
#include <holdfast/uuid7.h>

#include <forward_list>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

// A regular value. As thread-safe as a string.
class Envelope {
 public:
  Envelope() = default;
  // An event with a fresh id: a UUIDv7.
  Envelope(std::string_view type, std::string_view source) {
    set_id(Uuid7().text());
    set_type(type);
    set_source(source);
  }
  // A copy of all that `view` points to.
  explicit Envelope(const EnvelopeView& view) { Keep(view); }
  Envelope(const Envelope& other) { Keep(other.view_); }
  Envelope(Envelope&& other) noexcept : texts_(std::move(other.texts_)), view_(other.view_) {
    other.Clear();
  }
  Envelope& operator=(Envelope other) noexcept {
    texts_ = std::move(other.texts_);
    view_ = other.view_;
    return *this;
  }

  // Errors: as EnvelopeView::Decode.
  static absl::StatusOr<Envelope> Decode(std::string bytes, const EnvelopeLimits& limits = {}) {
    Envelope read;
    read.texts_.push_front(std::move(bytes));
    if (absl::Status status = read.view_.Decode(read.texts_.front(), limits); !status.ok()) {
      return status;
    }
    return read;
  }

  const EnvelopeView& view() const { return view_; }
  const EnvelopeView* operator->() const { return &view_; }

  void set_id(std::string_view id) { view_.set_id(Copy(id)); }
  void set_source(std::string_view source) { view_.set_source(Copy(source)); }
  void set_type(std::string_view type) { view_.set_type(Copy(type)); }
  void set_data(DataKind kind, std::string_view data, std::string_view type_url = {}) {
    view_.set_data(kind, Copy(data), Copy(type_url));
  }
  // As EnvelopeView::Set. What was replaced is kept in memory until the envelope goes.
  bool Set(Attribute attribute) {
    attribute.name = Borrow(Copy(View(attribute.name)));
    attribute.text = Borrow(Copy(View(attribute.text)));
    return view_.Set(attribute);
  }
  bool Erase(std::string_view name) { return view_.Erase(name); }
  void Clear() {
    view_.Clear();
    texts_.clear();
  }

 private:
  std::string_view Copy(std::string_view text) {
    if (text.empty()) return {};
    return texts_.emplace_front(text);
  }
  void Keep(const EnvelopeView& view) {
    set_id(view.id());
    set_source(view.source());
    set_type(view.type());
    set_data(view.data_kind(), view.data(), view.data_type());
    for (const Attribute& attribute : view.attributes()) Set(attribute);
    hf_envelope& raw = view_.raw();
    raw.unknown_count = view.raw().unknown_count;
    for (std::uint32_t i = 0; i < raw.unknown_count; ++i) {
      raw.unknown[i] = Borrow(Copy(View(view.raw().unknown[i])));
    }
  }

  std::forward_list<std::string> texts_;  // nodes never move, so that views into them hold
  EnvelopeView view_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_H_
