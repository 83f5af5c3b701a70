// SPDX-License-Identifier: Apache-2.0
// The first word of a session in a caller's memory: whether something lives there.
//
// It holds a kind of session mixed with its own address, so that memory never started, zeroed, already
// finished, or copied from elsewhere is told from a live session, and misuse becomes a code instead of
// a wild pointer. What follows the word is entered only after IsLive.
#ifndef HOLDFAST_ABI_SESSION_H_
#define HOLDFAST_ABI_SESSION_H_

#include <cstdint>
#include <cstring>

namespace holdfast::abi {

inline uint64_t SessionTag(const void* at, uint64_t kind) noexcept {
  return kind ^ static_cast<uint64_t>(reinterpret_cast<uintptr_t>(at));
}

// Copied as bytes, because the caller declares the same memory as an array of words.
inline bool IsLive(const void* at, uint64_t kind) noexcept {
  uint64_t tag;
  std::memcpy(&tag, at, sizeof(tag));
  return tag == SessionTag(at, kind);
}

inline void MarkLive(void* at, uint64_t kind) noexcept {
  const uint64_t tag = SessionTag(at, kind);
  std::memcpy(at, &tag, sizeof(tag));
}

inline void MarkOver(void* at) noexcept { std::memset(at, 0, sizeof(uint64_t)); }

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_SESSION_H_
