// SPDX-License-Identifier: Apache-2.0
// c/confluent.h over the codec. Locking: none. Memory: none.
#include "codec/confluent.h"

#include <charconv>

#include "abi/guard.h"

namespace abi = holdfast::abi;
namespace codec = holdfast::codec;

static_assert(1 + 16 + 5 * (HF_CONFLUENT_INDEXES + 1) - 4 <= HF_CONFLUENT_MAX);

namespace {

// "byte 5: ..."
hf_code FailAt(hf_error* error, const codec::FrameFault& fault) {
  char place[32] = "byte ";
  char* const end = std::to_chars(place + 5, place + sizeof place, fault.at).ptr;
  return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                        {place, static_cast<size_t>(end - place)}, fault.what);
}

hf_code CheckId(const hf_confluent& frame, hf_error* error) {
  if (frame.version == 1 && frame.form == HF_CONFLUENT_WIDE) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "form",
                          "version 1 has a GUID, no id of 8 bytes");
  }
  if (frame.version == 1) return HF_OK;
  return abi::CheckRange(error, "schema_id", frame.schema_id, 1,
                         frame.form == HF_CONFLUENT_WIDE ? INT64_MAX : INT32_MAX);
}

hf_code CheckIndexes(const hf_confluent& frame, hf_error* error) {
  const bool protobuf = frame.form == HF_CONFLUENT_PROTOBUF;
  hf_code code = abi::CheckRange(error, "index_count", frame.index_count, protobuf,
                                 protobuf ? HF_CONFLUENT_INDEXES : 0);
  for (uint32_t i = 0; code == HF_OK && i < frame.index_count; ++i) {
    code = abi::CheckRange(error, "indexes", frame.indexes[i], 0, INT32_MAX);
  }
  return code;
}

hf_code Check(const hf_confluent& frame, hf_error* error) {
  hf_code code = abi::CheckRange(error, "version", frame.version, 0, 1);
  if (code == HF_OK) {
    code = abi::CheckRange(error, "form", frame.form, HF_CONFLUENT_PLAIN, HF_CONFLUENT_WIDE);
  }
  if (code == HF_OK) code = abi::CheckReserved(error, "reserved0", frame.reserved0);
  if (code == HF_OK) code = CheckId(frame, error);
  return code == HF_OK ? CheckIndexes(frame, error) : code;
}

}  // namespace

hf_code hf_confluent_read(const void* data, size_t size, hf_confluent_form form, hf_confluent* out,
                          size_t* used, hf_error* error) noexcept {
  if (data == nullptr && size != 0) return abi::FailNull(error, "data");
  if (out == nullptr) return abi::FailNull(error, "out");
  if (used == nullptr) return abi::FailNull(error, "used");
  const hf_code code = abi::CheckRange(error, "form", form, HF_CONFLUENT_PLAIN, HF_CONFLUENT_WIDE);
  if (code != HF_OK) return code;
  const codec::FrameFault fault =
      codec::ReadConfluent({static_cast<const char*>(data), size}, form, out, used);
  return fault.what.empty() ? abi::Succeed(error) : FailAt(error, fault);
}

hf_code hf_confluent_write(const hf_confluent* frame, char* out, size_t* size,
                           hf_error* error) noexcept {
  if (frame == nullptr) return abi::FailNull(error, "frame");
  if (out == nullptr) return abi::FailNull(error, "out");
  if (size == nullptr) return abi::FailNull(error, "size");
  const hf_code code = Check(*frame, error);
  if (code != HF_OK) return code;
  *size = codec::WriteConfluent(*frame, out);
  return abi::Succeed(error);
}
