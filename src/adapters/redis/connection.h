// SPDX-License-Identifier: Apache-2.0
// Connection: one pipelined connection to one server, kept up by itself.
//
//   state       event                                    next         done
//   IDLE        Start                                    CONNECTING
//   CONNECTING  greeted, and the owner content           READY        what was queued is sent
//   CONNECTING  refused, failed, connect_timeout         RESTING      what was queued is lost, not sent
//   READY       end, error, not RESP, unanswered for     RESTING      what was sent is lost as sent; what was
//               round_trip_timeout, owner not content                 queued stays queued
//   RESTING     the backoff is over                      CONNECTING
//   any         Stop                                     STOPPED      all is lost
//
// All that is submitted while a write is under way goes out with the next one: one write per turn, one WAIT for
// all of it. Replies come in the order of requests; that is the only thing that says which is whose.
//
// Invariants:
//  - Of each exchange accepted, exactly one of OnReply and OnLost is called, once.
//  - A command is never sent twice. Loss.sent is false only if no byte of it was given to the socket.
//  - A place in the order outlives its exchange: one that has missed its deadline is answered to nobody.
//  - While attempts to connect fail, Submit is lost at once: waiting would not help.
// Locks: inbox_mutex_ for what other threads hand in, held for no call. All else lives on the io thread.
#ifndef HOLDFAST_ADAPTERS_REDIS_CONNECTION_H_
#define HOLDFAST_ADAPTERS_REDIS_CONNECTION_H_

#include <absl/status/status.h>
#include <holdfast/redis/server.h>
#include <holdfast/retry.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/redis/exchange.h"
#include "adapters/redis/server_clock.h"
#include "adapters/redis/stream.h"
#include "adapters/redis/wire.h"

namespace holdfast::inline v0_5::redis {

class Connection;

// Whoever knows what a server must be like. On the io thread.
class ConnectionOwner {
 public:
  // Sent on each new connection, after AUTH, SELECT and TIME, and before anything else.
  virtual std::vector<Wire> Greeting() = 0;
  // Their replies. Not OK: the connection is not used, and tried anew later.
  virtual absl::Status OnGreeting(Connection& connection, std::span<const Reply> replies) = 0;
  // Sent about every second. Replies that are not OK end the connection.
  virtual std::vector<Wire> Pulse() { return {}; }
  virtual absl::Status OnPulse(Connection& /*connection*/, std::span<const Reply> /*replies*/) {
    return absl::OkStatus();
  }
  // Why nothing guarded may be sent now; null: it may. What is refused is lost, not sent.
  virtual const char* Refusal() const { return nullptr; }
  // READY, or an attempt that failed.
  virtual void OnAttempt(Connection& /*connection*/, const absl::Status& /*status*/) {}

 protected:
  ~ConnectionOwner() = default;
};

// How WAIT is asked where exchanges want to be confirmed.
struct Replication {
  uint32_t replicas = 0;
  Duration timeout{0};
};

struct ConnectionCounters {
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> failures{0};  // attempts to connect that failed, and connections that broke
  std::atomic<uint64_t> commands{0};
  std::atomic<uint64_t> writes{0};  // to the socket
  std::atomic<uint64_t> waits{0};   // WAIT
};

// Fills in the defaults. Errors: INVALID_ARGUMENT naming the field.
absl::Status PrepareServer(Server* server);

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  enum class Accepted { kYes, kOverloaded, kStopped };

  // `server` as PrepareServer leaves it. `owner` and `counters` outlive the io thread.
  Connection(boost::asio::io_context& io, Server server, TlsContext tls, Replication replication,
             ConnectionOwner* owner, ConnectionCounters* counters);

  // Any thread.
  void Start();
  void Stop();
  Accepted Submit(Exchange& exchange);
  // All or none, next to each other on the wire.
  Accepted Submit(std::span<Exchange* const> exchanges);
  bool ready() const { return ready_.load(std::memory_order_relaxed); }
  const ServerClock& clock() const { return clock_; }
  const Server& server() const { return server_; }

  // The io thread: a further step of something that was accepted before. Goes out with this turn's write.
  void Continue(Exchange& exchange);

 private:
  enum class State { kIdle, kConnecting, kReady, kResting, kStopped };

  // A place in the order of replies.
  struct Place {
    enum class Kind { kExchange, kAsking, kWait, kHandshake, kPulse };
    Kind kind = Kind::kExchange;
    bool confirm = false;
    bool required = false;         // kHandshake: an error ends the attempt
    Exchange* exchange = nullptr;  // null: nobody waits any more
    size_t bytes = 0;
    SteadyTime sent{};
  };
  struct Held {  // answered, but not yet confirmed
    Exchange* exchange = nullptr;
    Reply reply;
    size_t bytes = 0;
  };

  // connection.cc: the life of the connection.
  void Connect();
  void Shake();
  std::string ReadPassword(std::string* password) const;
  void OnHandshaken();
  void Break(const std::string& why, bool attempt_failed);
  void Rest();
  void ArmWatch(SteadyTime at);
  void Watch();
  void ExpireQueued(SteadyTime now);
  void ExpireSent(SteadyTime now);

  // connection_flow.cc: what goes over it.
  void Drain();
  void Flush();
  void Write(const std::string& writing);
  void Read();
  void OnRead(std::string_view bytes);
  void TakeReply(Reply reply);
  void TakeInternal(const Place& place, Reply reply);
  void Confirm(const redisReply& reply);
  void Append(const Wire& wire, Place place);
  void Lose(Exchange* exchange, size_t bytes, const Loss& loss);
  void Answer(Exchange* exchange, size_t bytes, Reply reply, int confirmed);
  void LoseSent(const std::string& why);
  void LoseQueued(const Loss& loss);
  void Admit(Exchange* exchange);
  void Leave(size_t bytes);

  boost::asio::io_context& io_;
  const Server server_;
  const TlsContext tls_;
  const Replication replication_;
  ConnectionOwner* const owner_;
  ConnectionCounters* const counters_;
  ServerClock clock_;
  RetryPolicy backoff_;
  std::atomic<bool> ready_{false};
  std::atomic<uint32_t> load_{0};  // exchanges accepted and not over
  std::atomic<size_t> load_bytes_{0};

  std::mutex inbox_mutex_;
  std::vector<Exchange*> inbox_;
  bool drain_posted_ = false;
  bool closed_ = false;

  State state_ = State::kIdle;
  std::shared_ptr<Stream> stream_;
  std::optional<ReplyParser> parser_;
  std::array<char, 65536> read_buffer_;
  std::shared_ptr<std::string>
      writing_;       // being written; one per stream, which may outlive its use here
  std::string next_;  // handshakes and pulses that go before what is queued
  bool write_under_way_ = false;
  bool in_turn_ = false;                            // a Flush comes at the end of this turn
  std::deque<std::pair<Exchange*, size_t>> queue_;  // not sent
  std::deque<Place> places_;
  std::vector<Held> held_;
  std::vector<Reply> internal_replies_;
  std::string handshake_error_;
  uint32_t failures_ = 0;  // attempts in a row
  Duration last_delay_{0};
  std::string last_error_;
  SteadyTime retry_at_{};
  SteadyTime pulse_at_{};
  SteadyTime watch_at_ = SteadyTime::max();
  bool pulse_under_way_ = false;
  boost::asio::steady_timer watch_;
  boost::asio::steady_timer pace_;  // the limit of an attempt, or the pause before the next
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CONNECTION_H_
