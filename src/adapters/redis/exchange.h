// SPDX-License-Identifier: Apache-2.0
// Exchange: one command of a caller, and who hears what became of it.
#ifndef HOLDFAST_ADAPTERS_REDIS_EXCHANGE_H_
#define HOLDFAST_ADAPTERS_REDIS_EXCHANGE_H_

#include <holdfast/status.h>

#include <chrono>
#include <string>

#include "adapters/redis/wire.h"

namespace holdfast::inline v0_5::redis {

using SteadyTime = std::chrono::steady_clock::time_point;

// No answer.
struct Loss {
  bool sent = false;  // false: the server never saw a byte of it
  std::string why;    // for people; no secrets
  Duration retry_after{0};
};

// What is known about replicas where Exchange::confirm was set.
inline constexpr int kNotAsked = -1;  // the connection broke, or WAIT was refused

// It lives until OnReply or OnLost, of which exactly one is called, once, on the thread of the connection
// and with no lock held; it may be destroyed or submitted again there.
class Exchange {
 public:
  virtual void OnReply(Reply reply, int confirmed) = 0;
  virtual void OnLost(const Loss& loss) = 0;
  // Did the server write something, so that it is worth waiting for replicas?
  virtual bool Wrote(const redisReply& reply) const { return !IsError(reply); }

  Wire wire;
  // Not to be sent while the owner of the connection refuses, however long ago it was accepted.
  bool guarded = false;
  SteadyTime deadline = SteadyTime::max();
  // Asks how many replicas have it before OnReply: one WAIT for all exchanges of one write.
  bool confirm = false;
  // ASKING goes right before it, on the same connection: to the node that a cluster's ASK named.
  bool asking = false;

 protected:
  ~Exchange() = default;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_EXCHANGE_H_
