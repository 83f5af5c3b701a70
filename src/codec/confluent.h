// SPDX-License-Identifier: Apache-2.0
//
// Confluent's frame before a Kafka payload, or in a header: c/confluent.h has the format.
//
// Varints are Kafka's: zigzag, low bits first, 5 bytes at most, read in any length that holds the value.
#ifndef HOLDFAST_CODEC_CONFLUENT_H_
#define HOLDFAST_CODEC_CONFLUENT_H_

#include <holdfast/c/confluent.h>

#include <cstddef>
#include <string_view>

namespace holdfast::codec {

// What is wrong with a frame, and at which byte of it; nothing if `what` is empty.
struct FrameFault {
  std::string_view what;
  std::size_t at = 0;
};

// `form` is one of HF_CONFLUENT_*. *out and *used are written only if nothing is wrong.
FrameFault ReadConfluent(std::string_view bytes, hf_confluent_form form, hf_confluent* out,
                         std::size_t* used);

// A frame whose fields are within their ranges. Returns how many bytes of `out` were written, HF_CONFLUENT_MAX at most.
std::size_t WriteConfluent(const hf_confluent& frame, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_CONFLUENT_H_
