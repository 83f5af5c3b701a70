// SPDX-License-Identifier: Apache-2.0
// Pool: the store's thread, its connections, the queue, the deadlines.
//
// Everything but Post and the counters runs on that one thread, so there are no locks.
// A connection that is down comes back by holdfast's own backoff, each by itself.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_POOL_H_
#define HOLDFAST_ADAPTERS_POSTGRES_POOL_H_

#include <holdfast/postgres/options.h>
#include <holdfast/retry.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/job.h"

namespace holdfast::inline v0_5::postgres {

// Relaxed: each counts by itself.
struct Counters {
  std::atomic<uint64_t> requests{0}, express{0}, rounds{0}, conflicts{0}, statements{0}, retried{0},
      expired{0}, connects{0}, connect_failures{0}, lost{0}, ready{0}, waiting{0}, purged{0},
      dropped{0}, snapshot_age{0};
};

class Pool final : public Connection::Events {
 public:
  // Options with their defaults filled in.
  Pool(const Options& options, Link link, RetryPolicy backoff);
  // Ends every job, then the thread.
  ~Pool();

  // Any thread: begins `job` on the store's thread, to be over within `timeout`.
  void Post(std::shared_ptr<Job> job, Duration timeout);
  // On the store's thread: the same at once.
  void Begin(std::shared_ptr<Job> job, SteadyClock::time_point deadline);
  // Runs `task` on the store's thread every `interval`, jittered by half. Before the first Post.
  void Every(Duration interval, std::function<void()> task);

  bool on_thread() const { return std::this_thread::get_id() == thread_.get_id(); }
  const Options& options() const { return options_; }
  const Statements& statements() const { return statements_; }
  Counters& counters() { return counters_; }
  // The test's clock; nothing: the server's.
  std::optional<int64_t> Now() const {
    return options_.clock == nullptr ? std::nullopt : std::optional(options_.clock());
  }

 private:
  friend class Job;

  struct Place {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<boost::asio::steady_timer> again;
  };
  struct Chore {
    Duration interval;
    std::function<void()> task;
    std::unique_ptr<boost::asio::steady_timer> timer;
  };

  void OnReady(Connection& connection) override;
  void OnDown(Connection& connection, bool was_ready, const std::string& why) override;
  void OnAnswered(Connection& connection, std::shared_ptr<Job> job, Answer answer,
                  bool unread) override;

  void Queue(std::shared_ptr<Job> job, bool first);
  void Forget(Job& job);
  void Dispatch();
  Connection* Free();
  void ArmDeadlines();
  void Expire();
  void ArmLook();
  void ArmChore(Chore& chore);
  void Close();

  const Options options_;
  const Statements statements_;
  const RetryPolicy backoff_;
  Counters counters_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<Place> places_;
  std::vector<std::unique_ptr<Chore>> chores_;
  std::deque<std::shared_ptr<Job>> queue_;
  Deadlines deadlines_;
  boost::asio::steady_timer deadline_timer_;
  boost::asio::steady_timer look_timer_;
  SteadyClock::time_point armed_for_ = SteadyClock::time_point::max();
  std::string last_trouble_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_POOL_H_
