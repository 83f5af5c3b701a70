// SPDX-License-Identifier: Apache-2.0
//
// Any bytes, as headers separated by line ends: what is kept is canonical, and a fixed point; values decode, and
// what they decode to encodes to the same; no private member is ever among what is sent.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/baggage.h"
#include "codec/percent.h"

namespace {

using holdfast::codec::BaggageList;
using holdfast::codec::TextSink;

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireFixedPoint(std::string_view text) {
  std::vector<char> again(text.size());
  BaggageList list(again.data(), again.size(), nullptr, nullptr);
  list.Add(text);
  Require(list.text() == text && list.malformed() == 0 && list.over() == 0);
}

std::string Decoded(std::string_view value) {
  std::string text(value.size(), '\0');  // never longer
  TextSink sink(text.data(), text.size());
  Require(holdfast::codec::DecodeValue(value, sink) && !sink.full());
  text.resize(sink.need());
  return text;
}

void RequireRoundTrip(std::string_view member) {
  const std::size_t begin = holdfast::codec::KeyOf(member).size() + 1;
  const std::string text = Decoded(member.substr(begin, member.find(';') - begin));
  std::string value(3 * text.size(), '\0');
  TextSink sink(value.data(), value.size());
  holdfast::codec::EncodeValue(text, sink);
  Require(!sink.full());
  value.resize(sink.need());
  Require(Decoded(value) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  std::vector<char> out(std::min(3 * size, holdfast::codec::kBaggageMax));
  BaggageList list(out.data(), out.size(), nullptr, nullptr);
  while (!left.empty()) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    list.Add(left.substr(0, end));
    left.remove_prefix(std::min(left.size(), end + 1));
  }
  RequireFixedPoint(list.text());
  std::uint32_t count = 0;
  for (std::string_view rest = list.text(); !rest.empty(); ++count) {
    const std::string_view member = holdfast::codec::TakeMember(rest);
    RequireRoundTrip(member);
    Require(list.has_private() || !holdfast::codec::IsPrivate(member));
  }
  Require(count == list.kept());
  const std::size_t limit = size % (list.text().size() + 1);
  std::vector<char> part(limit);
  const auto fit = holdfast::codec::FitBaggage(list.text(), limit, nullptr, nullptr, part.data());
  Require(fit.size <= limit && fit.over + fit.kept_private <= count);
  RequireFixedPoint({part.data(), fit.size});
  for (std::string_view rest(part.data(), fit.size); !rest.empty();) {
    Require(!holdfast::codec::IsPrivate(holdfast::codec::TakeMember(rest)));
  }
  return 0;
}
