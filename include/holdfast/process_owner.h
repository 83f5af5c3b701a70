// SPDX-License-Identifier: Apache-2.0
// What this process calls itself in the labels of the records it holds (record_label.h).
#ifndef HOLDFAST_PROCESS_OWNER_H_
#define HOLDFAST_PROCESS_OWNER_H_

#include <holdfast/entropy.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

namespace internal {

struct OwnerName {
  std::mutex mutex;
  std::string given;       // empty: host:pid
  std::string by_default;  // host:pid of that generation; empty: not asked for yet
  uint32_t generation = 0;
};

inline OwnerName& TheOwnerName() {
  // Never destroyed: other statics may still run work in their destructors.
  static OwnerName& name = *new OwnerName;
  return name;
}

}  // namespace internal

// From here on; empty: "host:pid" again, which is the default. Above 128 bytes it is cut. Thread-safe.
inline void SetProcessOwner(std::string_view name) {
  internal::OwnerName& owner = internal::TheOwnerName();
  const std::lock_guard lock(owner.mutex);
  owner.given = name;
}

// Thread-safe, and right after a fork: the process id is that of who asks.
inline std::string ProcessOwner() {
  internal::OwnerName& owner = internal::TheOwnerName();
  const std::lock_guard lock(owner.mutex);
  if (!owner.given.empty()) return owner.given;
  const uint32_t generation = internal::fork_generation.load(std::memory_order_relaxed);
  if (owner.by_default.empty() || owner.generation != generation) {
    char host[256] = {};
    const bool named = gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0';
    owner.by_default = named ? host : "?";
    owner.by_default += ':';
    owner.by_default += std::to_string(static_cast<long long>(getpid()));
    owner.generation = generation;
  }
  return owner.by_default;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_PROCESS_OWNER_H_
