// SPDX-License-Identifier: Apache-2.0
//
// URI (RFC 3986, 4.3, absolute: with a scheme and without a fragment) and URI-reference (4.1), by the grammar of
// its appendix A: bytes are ASCII, escapes are whole, an IP literal is an address, a port is a number. Nothing is normalised.
#ifndef HOLDFAST_CODEC_URI_H_
#define HOLDFAST_CODEC_URI_H_

#include <string_view>

namespace holdfast::codec {

bool IsAbsoluteUri(std::string_view text);

// The empty one is a reference, too.
bool IsUriReference(std::string_view text);

// What follows a scheme and two slashes: authority, path and query.
bool IsAuthorityAndPath(std::string_view text);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_URI_H_
