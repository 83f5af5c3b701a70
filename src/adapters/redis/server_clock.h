// SPDX-License-Identifier: Apache-2.0
// ServerClock: what a server's clock shows, estimated from the last TIME it told us.
//
// The estimate is never ahead of the server as long as both clocks run alike: TIME was taken before its reply
// came in. It lags by at most one way of the network. It runs on through a suspend of this machine (BOOTTIME),
// and is wrong by the length of a pause of which this machine knows nothing until the next TIME.
// Only tokens of new keys rest on it, never a lease. Thread-safe.
#ifndef HOLDFAST_ADAPTERS_REDIS_SERVER_CLOCK_H_
#define HOLDFAST_ADAPTERS_REDIS_SERVER_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <ctime>

namespace holdfast::inline v0_5::redis {

class ServerClock {
 public:
  // `server_now`: nanoseconds since the Unix epoch.
  void Learn(int64_t server_now) { offset_.store(server_now - Local(), std::memory_order_relaxed); }
  bool known() const { return offset_.load(std::memory_order_relaxed) != 0; }
  // Not negative; meaningless before the first Learn.
  int64_t Now() const {
    const int64_t now = offset_.load(std::memory_order_relaxed) + Local();
    return now < 0 ? 0 : now;
  }

 private:
  static int64_t Local() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
  }

  std::atomic<int64_t> offset_{0};
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SERVER_CLOCK_H_
