// SPDX-License-Identifier: Apache-2.0
// What all threads and processes of one run share: how far it is, and which keys there are.
//
// Keys come in families, so that each has one rule. Within a family they are numbered. Some are hot: a few that
// everybody asks for, and after a while others. So no key's history grows without end, and an operation of
// unknown outcome burdens the search for one key only.
#ifndef HOLDFAST_TESTS_CHAOS_BOARD_H_
#define HOLDFAST_TESTS_CHAOS_BOARD_H_

#include <absl/status/statusor.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <random>
#include <string>

namespace holdfast::chaos {

enum class Family : uint32_t {
  kRaw,        // any verb at any time by careless clients; the model alone judges
  kOnce,       // RunOnce, in doubt when a lease ends: at most one effect
  kTakeover,   // RunOnce, run again when a lease ends: at least one effect if completed
  kReconcile,  // asks the ledger before it runs again
  kJoined,     // effect and record in one transaction: exactly one effect if completed, else none
};
inline constexpr uint32_t kFamilies = 5;

inline std::string KeyName(Family family, uint64_t number) {
  static constexpr const char* kNames[kFamilies] = {"raw-", "once-", "takeover-", "reconcile-",
                                                    "joined-"};
  return kNames[static_cast<uint32_t>(family)] + std::to_string(number);
}

struct Board {
  std::atomic<uint64_t> operations{0};
  std::atomic<uint64_t> limit{~uint64_t{0}};  // operations; then everybody stops
  std::atomic<uint32_t> stop{0};
  std::array<std::atomic<uint64_t>, kFamilies> keys{};  // numbers given away

  bool Over() const { return stop.load() != 0 || operations.load() >= limit.load(); }

  // Mostly a hot key, else a recent one or one that is new.
  uint64_t Pick(Family family, std::mt19937_64& random) {
    constexpr uint64_t kEpoch = 64;
    constexpr uint64_t kHot = 3;
    std::atomic<uint64_t>& next = keys[static_cast<uint32_t>(family)];
    const uint64_t known = next.load();
    const uint64_t dice = random() % 100;
    if (known <= kHot || dice < 10) return next.fetch_add(1);
    if (dice < 65) return known / kEpoch * kEpoch + random() % std::min(kHot, known % kEpoch + 1);
    return known - 1 - random() % std::min<uint64_t>(known, kEpoch);
  }

  // Shared by whoever maps the same file; made anew if `create`. Never unmapped.
  static absl::StatusOr<Board*> Map(const std::string& path, bool create) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0600);
    if (file < 0) return absl::ErrnoToStatus(errno, path);
    if (create && ftruncate(file, sizeof(Board)) != 0) return absl::ErrnoToStatus(errno, path);
    void* const map = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    const int error = errno;
    close(file);
    if (map == MAP_FAILED) return absl::ErrnoToStatus(error, path);
    return create ? new (map) Board : static_cast<Board*>(map);
  }
};

static_assert(std::atomic<uint64_t>::is_always_lock_free);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_BOARD_H_
