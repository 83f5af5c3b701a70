// SPDX-License-Identifier: Apache-2.0
//
// Any bytes, as headers separated by line ends: what is accepted is canonical, and a fixed point; what is cut
// from it fits and is canonical too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/tracestate.h"

namespace {

using holdfast::codec::TracestateList;

void Require(bool holds) {
  if (!holds) std::abort();
}

// Reads a list that is canonical into one that is the same.
void RequireFixedPoint(std::string_view text) {
  std::vector<char> again(text.size());
  TracestateList list(again.data(), again.size(), nullptr);
  Require(list.Add(text) && list.text() == text && list.repeated() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  // Exactly as large as what it may need, so that a sanitizer sees the first byte written too far.
  std::vector<char> out(std::min(size, holdfast::codec::kTracestateMax));
  TracestateList list(out.data(), out.size(), nullptr);
  while (!left.empty()) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    list.Add(left.substr(0, end));
    left.remove_prefix(std::min(left.size(), end + 1));
  }
  Require(list.text().empty() || (!list.malformed() && !list.overflowed()));
  if (list.text().empty()) return 0;
  RequireFixedPoint(list.text());
  const std::size_t limit = size % (list.text().size() + 1);
  std::vector<char> part(limit);
  const auto fit = holdfast::codec::FitTracestate(list.text(), limit, nullptr, part.data());
  Require(fit.size <= limit);
  if (fit.size != 0) RequireFixedPoint({part.data(), fit.size});
  return 0;
}
