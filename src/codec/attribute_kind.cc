// SPDX-License-Identifier: Apache-2.0
// KnownIndex: a perfect hash over the words of a name, whose multiplier the compiler looks for.
#include <array>
#include <bit>
#include <type_traits>

#include "codec/ascii.h"
#include "codec/attribute.h"
#include "codec/attribute_names.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kLongest = 24;
constexpr std::size_t kWord = 8;

// A name of up to kLongest bytes, all of which are in one of the words.
struct Key {
  std::uint64_t first = 0, second = 0, last = 0, size = 0;

  // Without a branch for each word.
  friend constexpr bool operator==(const Key& a, const Key& b) {
    return ((a.first ^ b.first) | (a.second ^ b.second) | (a.last ^ b.last) | (a.size ^ b.size)) ==
           0;
  }
};

// What ascii::Load and ascii::LoadShort read, for the compiler as well.
constexpr std::uint64_t WordAt(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[i])) << (8 * i);
  }
  return word;
}

constexpr std::uint64_t WholeWordAt(const char* at) {
  if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
    return ascii::Load(at);
  }
  return WordAt(at, kWord);
}

constexpr std::uint64_t HalfWordAt(const char* at) {
  if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
    return ascii::LoadHalf(at);
  }
  return WordAt(at, kWord / 2);
}

// 0..7 bytes, whose overlapping halves tell them apart together with their number.
constexpr std::uint64_t ShortWord(const char* at, std::size_t size) {
  if (size >= 4) return HalfWordAt(at) | HalfWordAt(at + size - 4) << 32;
  return size == 0 ? 0
                   : WordAt(at, 1) | WordAt(at + size / 2, 1) << 8 | WordAt(at + size - 1, 1) << 16;
}

constexpr Key KeyOf(std::string_view name) {
  const char* const at = name.data();
  const std::size_t size = name.size();
  if (size < kWord) return {ShortWord(at, size), 0, 0, size};
  return {WholeWordAt(at), size > 2 * kWord ? WholeWordAt(at + kWord) : 0,
          WholeWordAt(at + size - kWord), size};
}

constexpr int kSlotBits = 7;
constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;

constexpr std::size_t SlotOf(const Key& key, std::uint64_t multiplier) {
  const std::uint64_t mixed = (key.first ^ std::rotl(key.last, 23) ^ key.size) * multiplier;
  return static_cast<std::size_t>(mixed >> (64 - kSlotBits));
}

constexpr auto kKeys = [] {
  std::array<Key, std::size(kKnownNames)> keys{};
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = KeyOf(kKnownNames[i].name);
  return keys;
}();

// Whether every name has a slot of its own.
constexpr bool TellsApart(std::uint64_t multiplier) {
  std::array<bool, kSlots> taken{};
  for (const Key& key : kKeys) {
    bool& slot = taken[SlotOf(key, multiplier)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr std::uint64_t kMultiplier = [] {
  std::uint64_t multiplier = 0x9E3779B97F4A7C15;
  while (!TellsApart(multiplier | 1)) {
    multiplier = multiplier * 6364136223846793005 + 1442695040888963407;
  }
  return multiplier | 1;
}();

struct Slot {
  Key key;
  std::uint8_t index = 0;
};

constexpr auto kTable = [] {
  std::array<Slot, kSlots> table{};
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    table[SlotOf(kKeys[i], kMultiplier)] = {kKeys[i], static_cast<std::uint8_t>(i + 1)};
  }
  return table;
}();

}  // namespace

std::uint8_t KnownIndex(std::string_view name) {
  if (name.size() > kLongest) return 0;
  const Key key = KeyOf(name);
  const Slot& slot = kTable[SlotOf(key, kMultiplier)];
  return slot.key == key ? slot.index : 0;
}

hf_attribute_kind KnownKind(std::string_view name) {
  const std::uint8_t index = KnownIndex(name);
  return index == 0 ? 0 : kKnownNames[index - 1].kind;
}

}  // namespace holdfast::codec
