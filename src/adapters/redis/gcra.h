// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a fleet's limit: what the script is given, and what its answer means. Pure.
//
// A limit of `permits` a `period` with `burst` saved up is kept as one number, the debt: how long it takes until
// the bucket is full again. A cost of c adds c * period / permits to it, time takes it off, and it never
// exceeds burst * period / permits. That is GCRA (ITU-T I.371), whose "theoretical arrival time" is now + debt.
//
// Debts are whole microseconds and a fraction in `permits`ths of one, so that three a second stay three a second
// for ever: no rounding, and every number the script sees is below 2^53.
#ifndef HOLDFAST_ADAPTERS_REDIS_GCRA_H_
#define HOLDFAST_ADAPTERS_REDIS_GCRA_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::redis {

inline constexpr int64_t kMaxPermits = 10'000'000;
inline constexpr int64_t kMaxBurst = 10'000'000;
inline constexpr int64_t kMaxPeriodUs = int64_t{24} * 3600 * 1'000'000;
inline constexpr int64_t kMaxFillUs = int64_t{366} * 24 * 3600 * 1'000'000;

__extension__ typedef __int128 Wide;

// Microseconds, and `part` permits-ths of one more.
struct Debt {
  int64_t us = 0;
  int64_t part = 0;

  friend bool operator==(const Debt&, const Debt&) = default;
};

// Within the limits above.
struct Limit {
  int64_t permits = 0;
  int64_t period_us = 0;
  int64_t burst = 0;
};

// What `cost` tokens add. cost: 0..burst.
Debt DebtOf(const Limit& limit, int64_t cost);

// Whole tokens that are left at that debt: 0..burst.
int64_t RemainingAt(const Limit& limit, const Debt& debt);

// Rounded up.
int64_t CeilUs(const Debt& debt);

// KEYS[1]: the limit's key. ARGV: the cost's us, part; the burst's us, part; permits; 1 to take, 0 to look.
// Answers {1 or 0, microseconds to wait, debt's us, part}, after the take. Keeps the key until the debt is paid.
//
// The head sets `now`, in microseconds since the epoch, by the server's clock. Tests put another head before the
// same body; a script that takes the time from its caller is not part of the library.
extern const std::string_view kGcraHead;
extern const std::string_view kGcraBody;
inline std::string GcraScript() { return std::string(kGcraHead) + std::string(kGcraBody); }

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_GCRA_H_
