// SPDX-License-Identifier: Apache-2.0
// KnownKind: a perfect hash over the words of a name, whose multiplier the compiler looks for.
#include <array>
#include <bit>

#include "codec/attribute.h"
#include "codec/attribute_names.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kLongest = 24;
constexpr std::size_t kWord = 8;

// A name of up to kLongest bytes as three words, the rest zero.
struct Key {
  std::uint64_t first = 0, second = 0, last = 0;

  friend constexpr bool operator==(const Key&, const Key&) = default;
};

constexpr std::uint64_t WordAt(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[i])) << (8 * i);
  }
  return word;
}

constexpr std::uint64_t WholeWordAt(const char* at) { return WordAt(at, kWord); }

// 0..7 bytes, whose overlapping halves tell them apart together with their number.
constexpr std::uint64_t ShortWord(const char* at, std::size_t size) {
  if (size >= 4) return WordAt(at, 4) | WordAt(at + size - 4, 4) << 32;
  return size == 0 ? 0
                   : WordAt(at, 1) | WordAt(at + size / 2, 1) << 8 | WordAt(at + size - 1, 1) << 16;
}

constexpr Key KeyOf(std::string_view name) {
  const char* const at = name.data();
  const std::size_t size = name.size();
  if (size < kWord) return {ShortWord(at, size), 0, size};
  // The last word overlaps: the size is mixed in, so that names of different sizes stay apart.
  Key key{WholeWordAt(at), size > 2 * kWord ? WholeWordAt(at + kWord) : 0, 0};
  key.last = WholeWordAt(at + size - kWord) ^ size;
  return key;
}

constexpr std::size_t kSlots = 256;
constexpr std::size_t SlotOf(const Key& key, std::uint64_t multiplier) {
  return static_cast<std::size_t>(((key.first ^ std::rotl(key.last, 23)) * multiplier) >> 56);
}

struct Slot {
  Key key;
  hf_attribute_kind kind = 0;
};
using Table = std::array<Slot, kSlots>;

constexpr bool Fill(std::uint64_t multiplier, std::array<std::uint8_t, kSlots>* index) {
  std::uint8_t next = 0;
  for (const KnownName& known : kKnownNames) {
    std::uint8_t& place = (*index)[SlotOf(KeyOf(known.name), multiplier)];
    if (place != 0) return false;
    place = ++next;
  }
  return true;
}

constexpr std::uint64_t kMultiplier = [] {
  std::uint64_t multiplier = 0x9E3779B97F4A7C15;
  for (;; multiplier = multiplier * 6364136223846793005 + 1442695040888963407) {
    std::array<std::uint8_t, kSlots> index{};
    if (Fill(multiplier | 1, &index)) return multiplier | 1;
  }
}();

constexpr auto kIndex = [] {
  std::array<std::uint8_t, kSlots> index{};
  Fill(kMultiplier, &index);
  return index;
}();

constexpr auto kEntries = [] {
  std::array<Slot, std::size(kKnownNames) + 1> entries{};  // the first is nobody's
  std::size_t at = 0;
  for (const KnownName& known : kKnownNames) entries[++at] = {KeyOf(known.name), known.kind};
  return entries;
}();

}  // namespace

hf_attribute_kind KnownKind(std::string_view name) {
  if (name.size() > kLongest) return 0;
  const Key key = KeyOf(name);
  const Slot& entry = kEntries[kIndex[SlotOf(key, kMultiplier)]];
  return entry.key == key ? entry.kind : 0;
}

}  // namespace holdfast::codec
