// SPDX-License-Identifier: Apache-2.0
// EncodeAround: an event written around a payload that is made in its place, so that a result which is stored, or a body
// which is sent in one piece, holds the payload and nobody copied it there.
//
//   std::string body;
//   absl::Status written = holdfast::EncodeAround(
//       event, {.kind = holdfast::DataKind::kProto, .size = order.ByteSizeLong(), .type_url = kOrder},
//       [&](char* place) { order.SerializeWithCachedSizesToArray(place); }, &body);
//
// Read what was stored in place as well: EnvelopeView::Decode on the bytes where the store's answer holds them
// (StoreReply::body, RunOnceSession::replayed_body), or Envelope::Decode(std::move(result.body)).
#ifndef HOLDFAST_ENVELOPE_BODY_H_
#define HOLDFAST_ENVELOPE_BODY_H_

#include <absl/status/status.h>
#include <holdfast/envelope_view.h>
#include <holdfast/status.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

struct PayloadPlace {
  DataKind kind = DataKind::kBinary;
  std::size_t size = 0;
  std::string_view type_url = {};  // of kProto
};

// Appends the event with data of this kind and size; its own data is left aside. fill(char* place) writes all
// `size` bytes, is called once, and must not throw. Text is checked once it stands there.
// Errors: as EnvelopeView::Encode; *out is as it was then, and fill was called only if its text is the error.
template <class Fill>
absl::Status EncodeAround(const EnvelopeView& event, const PayloadPlace& payload, Fill&& fill,
                          std::string* out, const EnvelopeLimits& limits = {}) {
  const hf_envelope_limits raw_limits = limits.raw();
  hf_error error{};
  EnvelopeView whole = event;
  whole.set_data(payload.kind, {}, payload.type_url);
  hf_envelope& raw = whole.raw();
  // The head depends on the payload's size alone, and bytes and text have heads of one length. Nothing is read there.
  if (payload.kind == DataKind::kText) raw.data_kind = HF_DATA_BINARY;
  raw.data = {"", payload.size};
  std::size_t head = 0;
  if (hf_envelope_encode_head(&raw, &raw_limits, nullptr, 0, &head, &error);
      error.reason != HF_R_BUFFER_TOO_SMALL) {
    return MakeStatus(error);
  }
  const std::size_t before = out->size();
  out->resize(before + head + payload.size);
  char* const begin = out->data() + before;
  fill(begin + head);
  whole.set_data(payload.kind, {begin + head, payload.size}, payload.type_url);
  if (hf_envelope_encode_head(&raw, &raw_limits, begin, head, &head, &error) == HF_OK) return {};
  out->resize(before);
  return MakeStatus(error);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_BODY_H_
