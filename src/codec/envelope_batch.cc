// SPDX-License-Identifier: Apache-2.0
#include "codec/envelope.h"
#include "codec/envelope_reader.h"
#include "codec/envelope_tags.h"

namespace holdfast::codec {

bool NextOfBatch(std::string_view batch, std::size_t* at, hf_str* event, EnvelopeFault* fault) {
  *event = {};
  if (*at > batch.size()) {
    return Refuse(fault, "at", nullptr, "is beyond the end of the batch", HF_R_OUT_OF_RANGE);
  }
  const char* const end = batch.data() + batch.size();
  for (const char* from = batch.data() + *at; from != end;) {
    const bool is_event = static_cast<std::uint8_t>(*from) == tag::kEvent;
    std::uint32_t number = 0;
    WireFault why;
    const char* field_end = SkipField(from, end, 0, &number, &why);
    if (field_end != nullptr && number == tag::kLastOfBatch && !is_event) {
      why = {from, "has its events as another type", false};
      field_end = nullptr;
    }
    if (field_end == nullptr) {
      Refuse(fault, "batch", why.at, why.rule);
      fault->base = batch.data();
      return false;
    }
    *at = static_cast<std::size_t>(field_end - batch.data());
    if (is_event) {
      *event = ReadChunk(from + 1, end).text();
      return true;
    }
    from = field_end;
  }
  return true;
}

}  // namespace holdfast::codec
