// SPDX-License-Identifier: Apache-2.0
// A TCP proxy that lies in wait: between a client and its server it loses, delays and breaks, by a seed and rates.
// It knows no protocol. What arrives in one read is taken for one message: a request on the way to the server, a
// reply on the way back. A byte stream that lost a part is of no use any more, so what is dropped ends its
// connection, after a silence long enough for deadlines to pass.
//
//   connection   open -> silent (a message was dropped, or half-closed: nothing more that way) -> closed
//   partition    bytes stay where they are, both ways, and new connections reach nobody; heal: all flows again
//
// Thread-safe. One thread of its own.
#ifndef HOLDFAST_TESTS_CHAOS_FAULT_PROXY_H_
#define HOLDFAST_TESTS_CHAOS_FAULT_PROXY_H_

#include <absl/status/statusor.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace holdfast::chaos {

enum class Fault : uint32_t {
  kDropRequest,  // never reaches the server
  kDropReply,    // the server did it, and nobody hears
  kDelay,
  kReset,       // RST both ways
  kHalfClose,   // FIN one way
  kShortWrite,  // a few bytes at a time
  kPartition,
};
inline constexpr size_t kFaults = 7;
std::string_view FaultName(Fault fault);

// Per message, in parts of 10,000. kPartition is not drawn: see FaultProxy::Partition.
struct FaultRates {
  uint32_t drop_request = 0;
  uint32_t drop_reply = 0;
  uint32_t delay = 0;
  uint32_t reset = 0;
  uint32_t half_close = 0;
  uint32_t short_write = 0;
  std::chrono::milliseconds longest_delay{20};
  std::chrono::milliseconds silence{60};  // between a drop and the end of its connection, at most
};

class FaultProxy {
 public:
  struct Options {
    uint16_t target_port = 0;  // on 127.0.0.1
    uint16_t listen_port = 0;  // 0: a free one
    uint64_t seed = 1;
    FaultRates rates;
  };

  static absl::StatusOr<std::unique_ptr<FaultProxy>> Start(const Options& options);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  uint16_t port() const;
  void SetRates(const FaultRates& rates);
  void SetTarget(uint16_t port);  // of connections from now on: a failover
  void Partition();
  void Heal();
  void ResetAll();

  // How often each fault struck.
  std::array<uint64_t, kFaults> Struck() const;

 private:
  class Impl;
  explicit FaultProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_FAULT_PROXY_H_
