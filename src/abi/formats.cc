// SPDX-License-Identifier: Apache-2.0
// c/formats.h over the codecs. Locking: none. Memory: none.
#include <holdfast/c/formats.h>

#include "abi/guard.h"
#include "codec/b3.h"
#include "codec/baggage.h"
#include "codec/grpc_timeout.h"
#include "codec/idempotency_key.h"
#include "codec/percent.h"
#include "codec/tracestate.h"

namespace codec = holdfast::codec;

static_assert(HF_TRACESTATE_MEMBERS == codec::kTracestateMembers);
static_assert(HF_TRACESTATE_MAX == codec::kTracestateMax);
static_assert(HF_BAGGAGE_MEMBERS == codec::kBaggageMembers);
static_assert(HF_BAGGAGE_MAX == codec::kBaggageMax);
static_assert(HF_BAGGAGE_PRIVATE == codec::kPrivateProperty);
static_assert(HF_B3_SIZE == codec::kB3Size);
static_assert(HF_GRPC_TIMEOUT_SIZE == codec::kGrpcTimeoutSize);

namespace {

std::string_view View(const hf_str& text) { return {text.data, text.size}; }

bool IsMissing(const void* data, size_t size) { return data == nullptr && size != 0; }

bool AnyMissing(const hf_str* values, size_t count) {
  if (IsMissing(values, count)) return true;
  for (size_t i = 0; i < count; ++i) {
    if (IsMissing(values[i].data, values[i].size)) return true;
  }
  return false;
}

// Writes text with `write(sink) -> whether the input was legal`, twice if need be: nothing is left half written.
template <class Write>
hf_code WriteWhole(char* out, size_t capacity, size_t* need, Write write) {
  codec::TextSink count(nullptr, 0);
  if (!write(count)) return HF_INVALID_ARGUMENT;
  if (need != nullptr) *need = count.need();
  if (count.need() > capacity) return HF_RESOURCE_EXHAUSTED;
  codec::TextSink sink(out, capacity);
  write(sink);
  return HF_OK;
}

}  // namespace

hf_code hf_tracestate_parse(const hf_str* values, size_t count, char* out, size_t capacity,
                            size_t* size) noexcept {
  if (size != nullptr) *size = 0;
  if (AnyMissing(values, count) || IsMissing(out, capacity) || size == nullptr) {
    return HF_INVALID_ARGUMENT;
  }
  codec::TracestateList list(out, capacity, nullptr);
  for (size_t i = 0; i < count; ++i) {
    if (!list.Add(View(values[i]))) {
      return list.malformed() ? HF_INVALID_ARGUMENT : HF_RESOURCE_EXHAUSTED;
    }
  }
  *size = list.text().size();
  return HF_OK;
}

hf_code hf_baggage_parse(const hf_str* values, size_t count, char* out, size_t capacity,
                         size_t* size, uint32_t* dropped) noexcept {
  if (size != nullptr) *size = 0;
  if (AnyMissing(values, count) || IsMissing(out, capacity) || size == nullptr) {
    return HF_INVALID_ARGUMENT;
  }
  codec::BaggageList list(out, capacity, nullptr, nullptr);
  for (size_t i = 0; i < count; ++i) list.Add(View(values[i]));
  *size = list.text().size();
  if (dropped != nullptr) *dropped = list.malformed() + list.over();
  return HF_OK;
}

hf_code hf_baggage_encode(const char* data, size_t size, char* out, size_t capacity,
                          size_t* need) noexcept {
  if (IsMissing(data, size) || IsMissing(out, capacity)) return HF_INVALID_ARGUMENT;
  return WriteWhole(out, capacity, need, [&](codec::TextSink& sink) {
    codec::EncodeValue({data, size}, sink);
    return true;
  });
}

hf_code hf_baggage_decode(const char* data, size_t size, char* out, size_t capacity,
                          size_t* need) noexcept {
  if (IsMissing(data, size) || IsMissing(out, capacity)) return HF_INVALID_ARGUMENT;
  return WriteWhole(out, capacity, need,
                    [&](codec::TextSink& sink) { return codec::DecodeValue({data, size}, sink); });
}

hf_code hf_b3_parse(const char* data, size_t size, hf_trace* out) noexcept {
  codec::B3 read;
  if (data == nullptr || out == nullptr || !codec::ParseB3({data, size}, &read) || !read.has_ids) {
    return HF_INVALID_ARGUMENT;
  }
  *out = read.trace;
  return HF_OK;
}

hf_code hf_b3_format(const hf_trace* trace, char* out) noexcept {
  if (trace == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return codec::FormatB3(*trace, out) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_grpc_timeout_parse(const char* data, size_t size, hf_duration* out) noexcept {
  if (data == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return codec::ParseGrpcTimeout({data, size}, out) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_grpc_timeout_format(hf_duration timeout, char* out, size_t* size) noexcept {
  if (out == nullptr || size == nullptr || timeout < 0 || timeout == HF_INFINITE) {
    return HF_INVALID_ARGUMENT;
  }
  *size = codec::FormatGrpcTimeout(timeout, out);
  return HF_OK;
}

hf_code hf_idempotency_key_parse(const char* data, size_t size, char* out,
                                 size_t* key_size) noexcept {
  if (data == nullptr || out == nullptr || key_size == nullptr) return HF_INVALID_ARGUMENT;
  codec::TextSink sink(out, size);
  if (!codec::ParseIdempotencyKey({data, size}, sink)) return HF_INVALID_ARGUMENT;
  *key_size = sink.need();
  return HF_OK;
}

hf_code hf_idempotency_key_format(const char* data, size_t size, char* out, size_t capacity,
                                  size_t* need) noexcept {
  if (IsMissing(data, size) || IsMissing(out, capacity)) return HF_INVALID_ARGUMENT;
  return WriteWhole(out, capacity, need, [&](codec::TextSink& sink) {
    return codec::FormatIdempotencyKey({data, size}, sink);
  });
}
