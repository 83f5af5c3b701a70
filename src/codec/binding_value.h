// SPDX-License-Identifier: Apache-2.0
// The text of an attribute as the value of an HTTP header (CloudEvents HTTP binding 1.0.2, 3.1.3.2).
//
// Percent-encoded are the space, `"`, `%` and all but 0x21..0x7E. A reader undoes a quoted string (RFC 9110 5.6.4),
// then decodes once. What peers send that is neither is read as what it says, and told.
#ifndef HOLDFAST_CODEC_BINDING_VALUE_H_
#define HOLDFAST_CODEC_BINDING_VALUE_H_

#include <cstddef>
#include <string_view>

#include "codec/percent.h"

namespace holdfast::codec {

// Whether no byte of it needs to be encoded, or to be decoded.
bool IsPlainValue(std::string_view text);

void EncodeHeaderValue(std::string_view text, TextSink& out);

// Whether it may stand in a header as it is: 0x20..0x7E, no space first or last, not empty.
bool IsHeaderText(std::string_view text);

struct HeaderValue {
  std::string_view text;  // the value itself, if it is plain; otherwise in the buffer
  bool raw = false;       // a byte that should have been encoded
  bool lone = false;      // a percent sign that is no escape
  bool quoted = false;
};

// `buffer` has room for as many bytes as the value, which has no white space around it.
HeaderValue DecodeHeaderValue(std::string_view value, char* buffer);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_BINDING_VALUE_H_
