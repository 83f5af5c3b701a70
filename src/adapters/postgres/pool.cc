// SPDX-License-Identifier: Apache-2.0
// See pool.h and job.h.
#include "adapters/postgres/pool.h"

#include <holdfast/entropy.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace holdfast::inline v0_5::postgres {
namespace {

namespace net = boost::asio;

constexpr int kMaxAgain = 4;
constexpr Duration kLookInterval = std::chrono::milliseconds(250);

void Add(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

void Job::Again() {
  if (!over_) pool_->Queue(shared_from_this(), false);
}

void Job::Over() {
  if (over_) return;
  over_ = true;
  Add(pool_->counters().requests);
  pool_->Forget(*this);
}

void Job::Fail(const Failure& failure) {
  Over();
  OnEnd(failure.status, failure.detail);
}

Pool::Pool(const Options& options, Link link, RetryPolicy backoff)
    : options_(options),
      statements_(options.schema),
      backoff_(std::move(backoff)),
      work_(net::make_work_guard(io_)),
      deadline_timer_(io_),
      look_timer_(io_) {
  Connection::Settings settings;
  settings.link = std::move(link);
  settings.statements = &statements_;
  settings.prepare = !options_.no_prepare;
  settings.connect_timeout = options_.connect_timeout;
  settings.stall_timeout = options_.statement_timeout + std::chrono::seconds(5);
  for (uint32_t i = 0; i < options_.connections; ++i) {
    places_.push_back({std::make_unique<Connection>(io_, settings, *this),
                       std::make_unique<net::steady_timer>(io_)});
  }
  net::post(io_, [this] {
    for (Place& place : places_) place.connection->Connect();
    ArmLook();
  });
  thread_ = std::thread([this] { io_.run(); });
}

Pool::~Pool() {
  net::post(io_, [this] { Close(); });
  work_.reset();
  thread_.join();
}

void Pool::Close() {
  closing_ = true;
  deadline_timer_.cancel();
  look_timer_.cancel();
  for (const auto& chore : chores_) chore->timer->cancel();
  for (Place& place : places_) {
    place.again->cancel();
    place.connection->Close();
  }
  std::deque<std::shared_ptr<Job>> queued = std::move(queue_);
  queue_.clear();
  for (const auto& job : queued) {
    if (job->over()) continue;
    job->Over();
    job->OnEnd(HF_STORE_UNAVAILABLE, "postgres: the store is closing");
  }
}

void Pool::Post(std::shared_ptr<Job> job, Duration timeout) {
  if (timeout <= Duration{0}) timeout = options_.default_timeout;
  timeout = std::min<Duration>(timeout, std::chrono::minutes(5));
  const auto deadline = SteadyClock::now() + timeout;
  net::post(io_,
            [this, job = std::move(job), deadline]() mutable { Begin(std::move(job), deadline); });
}

void Pool::Begin(std::shared_ptr<Job> job, SteadyClock::time_point deadline) {
  Job& begun = *job;
  begun.pool_ = this;
  begun.deadline_ = deadline;
  begun.timer_ = deadlines_.emplace(deadline, std::move(job));
  const auto held = begun.timer_->second;  // Begin may be over at once
  if (queue_.size() >= options_.max_queue) {
    begun.Over();
    return begun.OnEnd(HF_STORE_OVERLOADED, "postgres: too many requests wait for a connection");
  }
  begun.Begin();
  ArmDeadlines();
}

void Pool::Queue(std::shared_ptr<Job> job, bool first) {
  if (closing_) {
    job->Over();
    return job->OnEnd(HF_STORE_UNAVAILABLE, "postgres: the store is closing");
  }
  job->sent_ = false;
  if (first) {
    queue_.push_front(std::move(job));
  } else {
    queue_.push_back(std::move(job));
  }
  Dispatch();
}

void Pool::Forget(Job& job) { deadlines_.erase(job.timer_); }

Connection* Pool::Free() {
  Connection* best = nullptr;
  for (const Place& place : places_) {
    Connection* const one = place.connection.get();
    if (!one->ready() || one->under_way() >= options_.pipeline_depth) continue;
    if (best == nullptr || one->under_way() < best->under_way()) best = one;
    if (best->under_way() == 0) break;
  }
  return best;
}

void Pool::Dispatch() {
  while (!queue_.empty()) {
    if (queue_.front()->over()) {
      queue_.pop_front();
      continue;
    }
    Connection* const connection = Free();
    if (connection == nullptr) break;
    std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    job->sent_ = true;
    Add(counters_.statements);
    connection->Send(std::move(job));
  }
  counters_.waiting.store(queue_.size(), std::memory_order_relaxed);
}

void Pool::OnAnswered(Connection&, std::shared_ptr<Job> job, Answer answer, bool unread) {
  if (!job->over()) {
    // What changes nothing may simply be asked again.
    const bool harmless = answer.failure.fatal && !job->writing;
    const bool again = answer.failed() && answer.failure.again() && job->again_ < kMaxAgain;
    if (unread || harmless) {
      Queue(std::move(job), true);
    } else if (again) {
      ++job->again_;
      Add(counters_.retried);
      Queue(std::move(job), false);
    } else {
      job->OnAnswer(std::move(answer));
    }
  }
  Dispatch();
}

void Pool::OnReady(Connection&) {
  Add(counters_.connects);
  Add(counters_.ready);
  Dispatch();
}

void Pool::OnDown(Connection& connection, bool was_ready, const std::string& why) {
  last_trouble_ = why;
  Add(was_ready ? counters_.lost : counters_.connect_failures);
  if (was_ready) counters_.ready.fetch_sub(1, std::memory_order_relaxed);
  if (closing_) return;
  ++connection.failures;
  const absl::StatusOr<Duration> delay = backoff_.Delay(std::min<uint32_t>(connection.failures, 30),
                                                        FreshSeed(), connection.last_delay);
  connection.last_delay = delay.ok() ? *delay : options_.reconnect_cap;
  for (Place& place : places_) {
    if (place.connection.get() != &connection) continue;
    place.again->expires_after(connection.last_delay);
    place.again->async_wait([this, &connection](const boost::system::error_code& error) {
      if (!error && !closing_) connection.Connect();
    });
  }
}

void Pool::ArmDeadlines() {
  const auto next = deadlines_.empty() ? SteadyClock::time_point::max() : deadlines_.begin()->first;
  // An alarm that comes too early finds nothing and is set anew: cheaper than moving it each time.
  if (closing_ || next >= armed_for_) return;
  armed_for_ = next;
  deadline_timer_.expires_at(next);
  deadline_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || closing_) return;
    armed_for_ = SteadyClock::time_point::max();
    Expire();
    ArmDeadlines();
  });
}

void Pool::Expire() {
  const auto now = SteadyClock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::shared_ptr<Job> job = deadlines_.begin()->second;
    const bool unknown = job->sent_ && job->writing;
    job->Over();
    Add(counters_.expired);
    if (unknown) {
      job->OnEnd(HF_STORE_INDETERMINATE, "postgres: sent, and no answer in time");
    } else {
      const bool down = counters_.ready.load(std::memory_order_relaxed) == 0;
      job->OnEnd(HF_STORE_UNAVAILABLE,
                 "postgres: no time left" + (down ? "; " + last_trouble_ : std::string()));
    }
  }
}

void Pool::ArmLook() {
  look_timer_.expires_after(kLookInterval);
  look_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || closing_) return;
    for (Place& place : places_) place.connection->Look(SteadyClock::now());
    ArmLook();
  });
}

void Pool::Every(Duration interval, std::function<void()> task) {
  net::post(io_, [this, interval, task = std::move(task)] {
    chores_.push_back(
        std::make_unique<Chore>(Chore{interval, task, std::make_unique<net::steady_timer>(io_)}));
    ArmChore(*chores_.back());
  });
}

void Pool::ArmChore(Chore& chore) {
  const auto spread = static_cast<uint64_t>(chore.interval.count());
  chore.timer->expires_after(chore.interval / 2 +
                             Duration{static_cast<int64_t>(FreshSeed() % spread)});
  chore.timer->async_wait([this, &chore](const boost::system::error_code& error) {
    if (error || closing_) return;
    chore.task();
    ArmChore(chore);
  });
}

}  // namespace holdfast::inline v0_5::postgres
