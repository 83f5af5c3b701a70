// SPDX-License-Identifier: Apache-2.0
// The names of an event's attributes, as a set of fixed size: each name costs the same, however many there are.
#ifndef HOLDFAST_CODEC_ENVELOPE_NAMES_H_
#define HOLDFAST_CODEC_ENVELOPE_NAMES_H_

#include <holdfast/c/envelope.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "codec/ascii.h"

namespace holdfast::codec {

class NameSet {
 public:
  explicit NameSet(const hf_attribute* attributes) : attributes_(attributes) {}

  // Adds the name of attributes[index], which is not empty, and whose KnownIndex is `known`; false if it is there
  // already. Each index once.
  bool Add(std::uint32_t index, std::uint8_t known) {
    if (known == 0) return AddOther(index);
    const std::uint64_t bit = std::uint64_t{1} << known;
    const bool is_new = (known_ & bit) == 0;
    known_ |= bit;
    return is_new;
  }

 private:
  static constexpr std::size_t kSlots = 128;
  static_assert(kSlots >= 2 * HF_ENVELOPE_ATTRIBUTES);

  bool AddOther(std::uint32_t index) {
    if (!has_others_) std::memset(slots_, 0, sizeof slots_);
    has_others_ = true;
    const hf_str& name = attributes_[index].name;
    std::size_t slot = Hash(name);
    for (; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
      const hf_str& other = attributes_[slots_[slot] - 1].name;
      if (other.size == name.size && std::memcmp(other.data, name.data, name.size) == 0) {
        return false;
      }
    }
    slots_[slot] = static_cast<std::uint8_t>(index + 1);
    return true;
  }

  // Of the first and the last eight bytes, and of the size. Who makes names collide on purpose pays for 64 of them.
  static std::size_t Hash(const hf_str& name) {
    const bool is_short = name.size < ascii::kWord;
    const std::uint64_t first =
        is_short ? ascii::LoadShort(name.data, name.size) : ascii::Load(name.data);
    const std::uint64_t last = is_short ? 0 : ascii::Load(name.data + name.size - ascii::kWord);
    const std::uint64_t mixed =
        (first ^ (last << 29 | last >> 35) ^ name.size) * 0x9E3779B97F4A7C15;
    return mixed >> 57;
  }

  const hf_attribute* const attributes_;
  std::uint64_t known_ = 0;  // a bit for each
  bool has_others_ = false;
  std::uint8_t slots_[kSlots];  // of the others: 1 + an index, or 0; set once there are any
};

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_ENVELOPE_NAMES_H_
