// SPDX-License-Identifier: Apache-2.0
// Connection: one libpq connection in pipeline mode on the store's thread.
//
//   state        event                          next
//   kDown        Connect                        kConnecting
//   kConnecting  connected                      kChecking: is it a primary, did the timeline change
//   kConnecting  failed, connect_timeout        kDown, OnDown
//   kChecking    a primary                      kReady, OnReady
//   kChecking    a standby, an error, time over kDown, OnDown
//   kReady       Send                           kReady: sent behind what is under way
//   kReady       a Sync comes back              kReady, OnAnswered with that transaction
//   kReady       FATAL, end of file, 25006,
//                stalled                        kDown: each transaction under way is answered, then OnDown
//   any          Close                          kDown, likewise, without OnDown
//
// A transaction is the queries of a job behind one Sync: one commit. Results come back in the order sent.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_CONNECTION_H_
#define HOLDFAST_ADAPTERS_POSTGRES_CONNECTION_H_

#include <absl/status/status.h>
#include <libpq-fe.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "adapters/postgres/job.h"
#include "adapters/postgres/session.h"
#include "adapters/postgres/statements.h"

namespace holdfast::inline v0_5::postgres {

class Connection {
 public:
  class Events {
   public:
    virtual void OnReady(Connection& connection) = 0;
    virtual void OnDown(Connection& connection, bool was_ready, const std::string& why) = 0;
    // `unread`: the server did not even read it; it may be sent elsewhere.
    virtual void OnAnswered(Connection& connection, std::shared_ptr<Job> job, Answer answer,
                            bool unread) = 0;

   protected:
    ~Events() = default;
  };

  struct Settings {
    Link link;
    const Statements* statements = nullptr;
    bool prepare = true;
    Duration connect_timeout{0};
    Duration stall_timeout{0};  // nothing came for so long while something was awaited: closed
  };

  Connection(boost::asio::io_context& io, const Settings& settings, Events& events);
  ~Connection() { Drop(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Connect();
  // Only while ready. The job's queries are copied out before this returns.
  void Send(std::shared_ptr<Job> job);
  void Close();
  // Has it stalled? Called every now and then.
  void Look(SteadyClock::time_point now);

  bool ready() const { return state_ == State::kReady; }
  size_t under_way() const { return under_way_.size(); }

  // For the pool.
  uint32_t failures = 0;   // attempts to connect that failed in a row
  Duration last_delay{0};  // before the last of them

 private:
  enum class State { kDown, kConnecting, kChecking, kReady };

  // What comes back for one transaction, in this order.
  struct Step {
    bool prepare;
    Sql sql;
  };
  struct UnderWay {
    std::shared_ptr<Job> job;
    std::vector<Step> steps;
    size_t step = 0;
    bool counted = false;
    Answer answer;
  };

  static void OnNotice(void* self, const PGresult* notice);
  void Poll();
  void Await(bool readable);
  void BeginCheck();
  void Flush();
  void AwaitReadable();
  void Readable();
  void Drain();
  void Take(PgResult result);
  void TakeCheck(PgResult result);
  void Synced();
  void Down(const Failure& failure);
  void Drop();
  bool SendSteps(const Job& job, UnderWay* sent);
  bool SendQuery(const Query& query);

  Settings settings_;
  Events& events_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  PGconn* connection_ = nullptr;
  State state_ = State::kDown;
  bool writable_awaited_ = false;
  bool read_only_ = false;
  bool checked_ = false;
  bool ended_ = false;  // the server said goodbye while nothing was under way: it reads no more
  SteadyClock::time_point heard_;
  std::deque<UnderWay> under_way_;
  std::array<bool, static_cast<size_t>(Sql::kCount)> prepared_{};
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_CONNECTION_H_
