// SPDX-License-Identifier: Apache-2.0
// Uuid7: an identifier that sorts by the time it was made (RFC 9562). Layout and order: c/uuid7.h.
//
// Each thread has a generator of its own, seeded by the operating system, and a fresh one after a fork: ids of one
// thread go up, ids of different threads never meet. Not a secret: who sees some ids may guess others.
#ifndef HOLDFAST_UUID7_H_
#define HOLDFAST_UUID7_H_

#include <absl/status/statusor.h>
#include <holdfast/c/uuid7.h>
#include <holdfast/entropy.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

class Uuid7 {
 public:
  // A fresh id. One read of the wall clock, no lock.
  Uuid7() {
    struct Generator {
      hf_uuid7 state{};
      std::uint32_t generation = 0;
      bool started = false;
    };
    static thread_local constinit Generator mine;
    const std::uint32_t generation =
        internal::fork_generation.load(std::memory_order_relaxed);  // as entropy.h
    if (!mine.started || mine.generation != generation) {
      std::array<std::uint8_t, HF_UUID7_ENTROPY> entropy;
      FillRandom(entropy);
      hf_uuid7_start(&mine.state, entropy.data());
      mine.started = true;
      mine.generation = generation;
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    hf_uuid7_next(&mine.state, std::clamp<std::int64_t>(ms, 0, kLastMs), bytes_.data());
  }

  // Reads an id of any version, in either case. Errors: kInvalidArgument.
  static absl::StatusOr<Uuid7> Parse(std::string_view text) {
    Uuid7 read{Bytes{}};
    if (hf_uuid7_parse(text.data(), text.size(), read.bytes_.data()) == HF_OK) return read;
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "not a UUID");
  }

  const std::array<std::uint8_t, HF_UUID_SIZE>& bytes() const { return bytes_; }
  // 36 characters, in lower case.
  std::string text() const {
    std::string text(HF_UUID_TEXT_SIZE, '\0');
    hf_uuid7_format(bytes_.data(), text.data());
    return text;
  }

  friend auto operator<=>(const Uuid7&, const Uuid7&) = default;

 private:
  using Bytes = std::array<std::uint8_t, HF_UUID_SIZE>;
  static constexpr std::int64_t kLastMs = (std::int64_t{1} << 48) - 1;
  explicit Uuid7(const Bytes& bytes) : bytes_(bytes) {}

  Bytes bytes_{};
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_UUID7_H_
