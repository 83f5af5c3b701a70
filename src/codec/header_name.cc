// SPDX-License-Identifier: Apache-2.0
// A name is looked up by its size, then compared as two or three words: most headers of a request are not
// ours, and leave after the size.
#include "codec/header_name.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kLongestName = 24;

// A name of 2..24 bytes as words that together hold each of its bytes at least once.
struct Words {
  std::uint64_t first = 0, middle = 0, last = 0;
};

template <class Word>
constexpr std::uint64_t Load(const char* bytes) {
  Word word = 0;
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
      const std::size_t place =
          std::endian::native == std::endian::little ? i : sizeof(Word) - 1 - i;
      word = static_cast<Word>(word | static_cast<Word>(static_cast<std::uint8_t>(bytes[i]))
                                          << 8 * place);
    }
  } else {
    std::memcpy(&word, bytes, sizeof word);
  }
  return word;
}

template <class Word>
constexpr Words LoadEnds(std::string_view name) {
  return {Load<Word>(name.data()), 0, Load<Word>(name.data() + name.size() - sizeof(Word))};
}

constexpr Words WordsOf(std::string_view name) {
  if (name.size() < 4) return LoadEnds<std::uint16_t>(name);
  if (name.size() < 8) return LoadEnds<std::uint32_t>(name);
  Words words = LoadEnds<std::uint64_t>(name);
  if (name.size() > 16) words.middle = Load<std::uint64_t>(name.data() + 8);
  return words;
}

// The bit in which a letter's two cases differ, for each letter of a word.
constexpr std::uint64_t CaseBits(std::uint64_t word) {
  std::uint64_t bits = 0;
  for (int shift = 0; shift < 64; shift += 8) {
    if (IsLower(static_cast<char>(word >> shift & 0xff))) bits |= std::uint64_t{0x20} << shift;
  }
  return bits;
}

struct Known {
  Words words;
  Words either_case;
  Header header = Header::kOther;
};

struct Table {
  std::array<Known, kHeaders> known{};                 // by size
  std::array<std::uint8_t, kLongestName + 2> first{};  // of each size, and of the one above
};

constexpr Table kTable = [] {
  Table table;
  std::size_t count = 0;
  for (std::size_t size = 0; size <= kLongestName; ++size) {
    table.first[size] = static_cast<std::uint8_t>(count);
    for (std::size_t i = 0; i < kHeaders; ++i) {
      if (kHeaderNames[i].size() != size) continue;
      const Words words = WordsOf(kHeaderNames[i]);
      const Words either = {CaseBits(words.first), CaseBits(words.middle), CaseBits(words.last)};
      table.known[count++] = {words, either, static_cast<Header>(i)};
    }
  }
  table.first[kLongestName + 1] = static_cast<std::uint8_t>(count);
  return table;
}();
static_assert(kTable.first[kLongestName + 1] == kHeaders, "a name is too long for the table");

}  // namespace

Header HeaderNamed(std::string_view name) {
  if (name.size() > kLongestName) return Header::kOther;
  const std::size_t begin = kTable.first[name.size()], end = kTable.first[name.size() + 1];
  if (begin == end) return Header::kOther;
  const Words words = WordsOf(name);
  for (std::size_t i = begin; i < end; ++i) {
    const Known& known = kTable.known[i];
    const std::uint64_t differ = ((words.first ^ known.words.first) & ~known.either_case.first) |
                                 ((words.middle ^ known.words.middle) & ~known.either_case.middle) |
                                 ((words.last ^ known.words.last) & ~known.either_case.last);
    if (differ == 0) return known.header;
  }
  return Header::kOther;
}

}  // namespace holdfast::codec
