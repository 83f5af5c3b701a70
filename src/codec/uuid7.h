// SPDX-License-Identifier: Apache-2.0
//
// UUIDs (RFC 9562): the generator of version 7 that c/uuid7.h describes, and the text of any version.
#ifndef HOLDFAST_CODEC_UUID7_H_
#define HOLDFAST_CODEC_UUID7_H_

#include <holdfast/c/uuid7.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::uint64_t kUuidMsMax = (std::uint64_t{1} << 48) - 1;
inline constexpr std::uint64_t kUuidCounterMax = (std::uint64_t{1} << 42) - 1;

// xoshiro256++ 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021): as good as random
// for telling generators apart, and a nanosecond a draw. The state must not be all zero.
class Xoshiro {
 public:
  explicit Xoshiro(const std::uint8_t* state) { std::memcpy(state_, state, sizeof state_); }

  std::uint64_t Next() {
    const std::uint64_t drawn = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return drawn;
  }

 private:
  std::uint64_t state_[4];
};

// The fields of an id, in the order in which they compare.
struct Uuid7Fields {
  std::uint64_t ms = 0;       // 48 bits
  std::uint64_t counter = 0;  // 42 bits
  std::uint32_t random = 0;
};

// Writes HF_UUID_SIZE bytes.
void PackUuid7(const Uuid7Fields& fields, std::uint8_t* id);

// One thread at a time.
class Uuid7Generator {
 public:
  // `entropy` is HF_UUID7_ENTROPY bytes, not all zero. It goes on as if the last id had been one of `ms` and
  // `counter`; by default the first id begins a millisecond.
  explicit Uuid7Generator(const std::uint8_t* entropy, std::uint64_t ms = 0,
                          std::uint64_t counter = kUuidCounterMax)
      : ms_(ms), counter_(counter), random_(entropy) {}

  // False, and nothing written: the last millisecond there is has no id left. ms: kUuidMsMax at most.
  bool Next(std::uint64_t ms, Uuid7Fields* fields);

 private:
  std::uint64_t ms_;
  std::uint64_t counter_;
  Xoshiro random_;
};

// Writes HF_UUID_TEXT_SIZE characters in lower case, not terminated.
void FormatUuid(const std::uint8_t* id, char* text);

// Either case. False, and nothing written, for anything else.
bool ParseUuid(std::string_view text, std::uint8_t* id);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_UUID7_H_
