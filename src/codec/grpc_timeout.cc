// SPDX-License-Identifier: Apache-2.0
#include "codec/grpc_timeout.h"

#include <charconv>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kDigitsMax = 8;
constexpr hf_duration kLargest = 99'999'999;

struct Unit {
  char letter;
  hf_duration size;
};
constexpr Unit kUnits[] = {{'n', 1},    {'u', HF_US},     {'m', HF_MS},
                           {'S', HF_S}, {'M', 60 * HF_S}, {'H', 3600 * HF_S}};

}  // namespace

bool ParseGrpcTimeout(std::string_view value, hf_duration* out) {
  const std::string_view text = TrimOws(value);
  if (text.size() < 2 || text.size() > kDigitsMax + 1) return false;
  hf_duration number = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (!IsDigit(digit)) return false;
    number = 10 * number + (digit - '0');
  }
  for (const Unit& unit : kUnits) {
    if (unit.letter != text.back()) continue;
    *out = number > (HF_INFINITE - 1) / unit.size ? HF_INFINITE - 1 : number * unit.size;
    return true;
  }
  return false;
}

std::size_t FormatGrpcTimeout(hf_duration timeout, char* out) {
  const Unit* unit = kUnits;
  while (timeout / unit->size > kLargest) ++unit;
  char* const end = std::to_chars(out, out + kDigitsMax, timeout / unit->size).ptr;
  *end = unit->letter;
  return static_cast<std::size_t>(end + 1 - out);
}

}  // namespace holdfast::codec
