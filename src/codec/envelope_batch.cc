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
  WireReader in(batch.substr(*at));
  bool read = true;
  while (read && !in.done() && event->data == nullptr) {
    std::uint32_t number = 0;
    if (in.Peek() == tag::kEvent) {
      in.Advance(1);
      read = in.Bytes(event);
    } else {
      read = in.Skip(&number);
    }
  }
  if (!read) {
    Refuse(fault, "", in.at(), in.rule());
    fault->base = batch.data();
    return false;
  }
  *at = batch.size() - in.left();
  return true;
}

}  // namespace holdfast::codec
