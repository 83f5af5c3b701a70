// SPDX-License-Identifier: Apache-2.0
//
// What a CloudEvents String may hold (CloudEvents 1.0, "Type System"): UTF-8 (RFC 3629) without the control
// characters U+0000..U+001F and U+007F..U+009F and without noncharacters (Unicode 23.7: U+FDD0..U+FDEF, and the
// last two of each plane). Surrogates are not UTF-8 in the first place.
#ifndef HOLDFAST_CODEC_EVENT_TEXT_H_
#define HOLDFAST_CODEC_EVENT_TEXT_H_

#include <cstddef>
#include <string_view>

namespace holdfast::codec {

// How many bytes, from the beginning, keep the rule; ends before the first character that does not.
std::size_t SpanOfEventText(std::string_view text);

bool IsEventText(std::string_view text);

// Whether it is UTF-8, whatever the characters: the rule of text that is no attribute.
bool IsUtf8(std::string_view text);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_EVENT_TEXT_H_
