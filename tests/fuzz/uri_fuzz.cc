// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a URI-reference, against the regular expressions of the grammar in RFC 3986, appendix A, written out.
#include <cstdint>
#include <cstdlib>
#include <regex>
#include <string>
#include <string_view>

#include "codec/uri.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Grammar {
  Grammar() {
    const std::string unreserved = "A-Za-z0-9._~\\-";
    const std::string sub_delims = "!$&'()*+,;=";
    const std::string escape = "%[0-9A-Fa-f]{2}";
    const auto any = [&](const std::string& more) {
      return "(?:[" + unreserved + sub_delims + more + "]|" + escape + ")*";
    };
    const std::string h16 = "[0-9A-Fa-f]{1,4}";
    const std::string octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    const std::string ipv4 = octet + "(?:\\." + octet + "){3}";
    const std::string ls32 = "(?:" + h16 + ":" + h16 + "|" + ipv4 + ")";
    const auto left = [&](int most) {  // [ *most( h16 ":" ) h16 ] "::"
      return "(?:(?:" + h16 + ":){0," + std::to_string(most) + "}" + h16 + ")?::";
    };
    const auto times = [&](int count) { return "(?:" + h16 + ":){" + std::to_string(count) + "}"; };
    const std::string ipv6 = times(6) + ls32 + "|::" + times(5) + ls32 + "|(?:" + h16 +
                             ")?::" + times(4) + ls32 + "|" + left(1) + times(3) + ls32 + "|" +
                             left(2) + times(2) + ls32 + "|" + left(3) + times(1) + ls32 + "|" +
                             left(4) + ls32 + "|" + left(5) + h16 + "|" + left(6);
    const std::string future = "[vV][0-9A-Fa-f]+\\.[" + unreserved + sub_delims + ":]+";
    const std::string host = "(?:\\[(?:" + ipv6 + "|" + future + ")\\]|" + any("") + ")";
    const std::string authority = "//(?:" + any(":") + "@)?" + host + "(?::[0-9]*)?";
    const std::string abempty = "(?:/" + any(":@") + ")*";
    const std::string segment = any(":@");
    const std::string one_or_more = "(?:[" + unreserved + sub_delims + ":@]|" + escape + ")";
    const std::string no_colon = "(?:[" + unreserved + sub_delims + "@]|" + escape + ")+";
    const std::string absolute = "/(?:" + one_or_more + segment + abempty + ")?";
    const std::string hier =
        "(?:" + authority + abempty + "|" + absolute + "|" + one_or_more + segment + abempty + "|)";
    const std::string relative =
        "(?:" + authority + abempty + "|" + absolute + "|" + no_colon + abempty + "|)";
    const std::string query = "(?:\\?" + any(":@/?") + ")?";
    const std::string fragment = "(?:#" + any(":@/?") + ")?";
    const std::string scheme = "[A-Za-z][A-Za-z0-9+.\\-]*:";
    absolute_uri = std::regex(scheme + hier + query);
    reference = std::regex("(?:" + scheme + hier + "|" + relative + ")" + query + fragment);
  }

  std::regex absolute_uri, reference;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64) return 0;  // what a regular expression costs
  static const Grammar grammar;
  const std::string text(reinterpret_cast<const char*>(data), size);
  Require(holdfast::codec::IsAbsoluteUri(text) == std::regex_match(text, grammar.absolute_uri));
  Require(holdfast::codec::IsUriReference(text) == std::regex_match(text, grammar.reference));
  return 0;
}
