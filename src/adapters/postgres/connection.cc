// SPDX-License-Identifier: Apache-2.0
// See connection.h.
#include "adapters/postgres/connection.h"

#include <utility>

namespace holdfast::inline v0_5::postgres {
namespace {

namespace net = boost::asio;

Failure Trouble(std::string detail) {
  Failure failure;
  failure.status = HF_STORE_UNAVAILABLE;
  failure.fatal = true;
  failure.detail = std::move(detail);
  return failure;
}

}  // namespace

Connection::Connection(net::io_context& io, const Settings& settings, Events& events)
    : settings_(settings), events_(events), descriptor_(io), timer_(io) {}

void Connection::Connect() {
  std::string error;
  connection_ = settings_.link.Start(&error);
  if (connection_ == nullptr) return Down(Trouble("postgres: " + error));
  if (PQstatus(connection_) == CONNECTION_BAD) {
    return Down(LostConnection(connection_, false));
  }
  state_ = State::kConnecting;
  timer_.expires_after(settings_.connect_timeout);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && state_ != State::kReady && state_ != State::kDown) {
      Down(Trouble("postgres: no connection within connect_timeout"));
    }
  });
  // By default libpq prints notices and warnings.
  PQsetNoticeReceiver(connection_, &Connection::OnNotice, this);
  Await(false);
}

// libpq hands over as a notice what comes while no answer is awaited, the server's goodbye too.
void Connection::OnNotice(void* self, const PGresult* notice) {
  if (PQresultStatus(notice) == PGRES_FATAL_ERROR || FailureOf(notice, false).fatal) {
    static_cast<Connection*>(self)->ended_ = true;
  }
}

// The socket may be another one at each step: libpq tries one address after another.
void Connection::Await(bool readable) {
  if (descriptor_.is_open()) descriptor_.release();
  boost::system::error_code error;
  descriptor_.assign(PQsocket(connection_), error);
  if (error) return Down(Trouble("postgres: " + error.message()));
  const auto kind =
      readable ? net::posix::descriptor_base::wait_read : net::posix::descriptor_base::wait_write;
  descriptor_.async_wait(kind, [this](const boost::system::error_code& failed) {
    if (!failed && state_ == State::kConnecting) Poll();
  });
}

void Connection::Poll() {
  switch (PQconnectPoll(connection_)) {
    case PGRES_POLLING_READING:
      return Await(true);
    case PGRES_POLLING_WRITING:
      return Await(false);
    case PGRES_POLLING_OK:
      return BeginCheck();
    default:
      return Down(LostConnection(connection_, false));
  }
}

void Connection::BeginCheck() {
  state_ = State::kChecking;
  // Closing is libpq's, so the socket has to be given back each time.
  if (descriptor_.is_open()) descriptor_.release();
  boost::system::error_code error;
  descriptor_.assign(PQsocket(connection_), error);
  if (error) return Down(Trouble("postgres: " + error.message()));
  const std::string check = InSchema(
      "SELECT pg_is_in_recovery(),CASE WHEN pg_is_in_recovery() THEN NULL ELSE "
      "$S.follow_timeline() END",
      settings_.statements->schema());
  if (PQsetnonblocking(connection_, 1) != 0 ||
      PQsendQueryParams(connection_, check.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) ==
          0) {
    return Down(LostConnection(connection_, false));
  }
  AwaitReadable();
  Flush();
}

void Connection::TakeCheck(PgResult result) {
  if (result != nullptr) {
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
      return Down(FailureOf(result.get(), false));
    }
    if (BooleanAt(result.get(), 0, 0)) return Down(Trouble("postgres: this server is a standby"));
    checked_ = true;
    return;
  }
  if (!checked_ || PQenterPipelineMode(connection_) != 1) {
    return Down(LostConnection(connection_, false));
  }
  timer_.cancel();
  state_ = State::kReady;
  failures = 0;
  last_delay = Duration{0};
  events_.OnReady(*this);
}

bool Connection::SendQuery(const Query& query) {
  query.params.Fill(&values_, &lengths_);
  formats_.assign(values_.size(), 1);
  const int count = static_cast<int>(values_.size());
  const Statements& statements = *settings_.statements;
  if (query.sql != Sql::kCount && settings_.prepare) {
    return PQsendQueryPrepared(connection_, statements.name(query.sql).c_str(), count,
                               values_.data(), lengths_.data(), formats_.data(), 1) == 1;
  }
  const std::string& text = query.sql == Sql::kCount ? query.text : statements.of(query.sql);
  return PQsendQueryParams(connection_, text.c_str(), count, nullptr, values_.data(),
                           lengths_.data(), formats_.data(), 1) == 1;
}

bool Connection::SendSteps(const Job& job, UnderWay* sent) {
  for (const Query& query : job.queries) {
    const auto sql = static_cast<size_t>(query.sql);
    if (query.sql != Sql::kCount && settings_.prepare && !prepared_[sql]) {
      const Statements& statements = *settings_.statements;
      if (PQsendPrepare(connection_, statements.name(query.sql).c_str(),
                        statements.of(query.sql).c_str(), 0, nullptr) != 1) {
        return false;
      }
      prepared_[sql] = true;
      sent->steps.push_back({true, query.sql});
    }
    if (!SendQuery(query)) return false;
    sent->steps.push_back({false, query.sql});
  }
  return PQpipelineSync(connection_) == 1;
}

void Connection::Send(std::shared_ptr<Job> job) {
  UnderWay sent;
  sent.job = job;
  if (under_way_.empty()) heard_ = SteadyClock::now();
  if (!SendSteps(*job, &sent)) {
    // Without its Sync nothing of it can be committed.
    const Failure failure = LostConnection(connection_, false);
    Down(failure);  // first, or the pool sends it here again, and again
    return events_.OnAnswered(*this, std::move(job), Answer{failure, {}}, true);
  }
  under_way_.push_back(std::move(sent));
  Flush();
}

void Connection::Flush() {
  if (writable_awaited_ || state_ == State::kDown) return;
  const int left = PQflush(connection_);
  if (left < 0) return Down(LostConnection(connection_, true));
  if (left == 0) return;
  writable_awaited_ = true;
  descriptor_.async_wait(net::posix::descriptor_base::wait_write,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           writable_awaited_ = false;
                           Flush();
                         });
}

void Connection::AwaitReadable() {
  descriptor_.async_wait(net::posix::descriptor_base::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (!error) Readable();
                         });
}

void Connection::Readable() {
  heard_ = SteadyClock::now();
  const bool open = PQconsumeInput(connection_) == 1;
  const PGconn* const before = connection_;
  Drain();
  if (connection_ != before || state_ == State::kDown) return;
  if (!open || PQstatus(connection_) == CONNECTION_BAD) {
    return Down(LostConnection(connection_, true));
  }
  AwaitReadable();
  Flush();
}

void Connection::Drain() {
  int empty = 0;  // libpq separates the answers of a pipeline by one null
  while (state_ != State::kDown && PQisBusy(connection_) == 0) {
    if (state_ == State::kChecking) {
      TakeCheck(PgResult(PQgetResult(connection_)));
      continue;
    }
    if (under_way_.empty()) return;
    PgResult result(PQgetResult(connection_));
    if (result != nullptr) {
      empty = 0;
      Take(std::move(result));
    } else if (++empty > 1) {
      return;
    } else if (under_way_.front().step < under_way_.front().steps.size()) {
      ++under_way_.front().step;
    }
  }
}

void Connection::Take(PgResult result) {
  UnderWay& front = under_way_.front();
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_PIPELINE_SYNC) return Synced();
  if (status == PGRES_PIPELINE_ABORTED) {
    if (front.step < front.steps.size() && front.steps[front.step].prepare) {
      prepared_[static_cast<size_t>(front.steps[front.step].sql)] = false;
    }
    return;
  }
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    if (front.answer.failed()) return;  // the first one counts
    front.answer.failure = FailureOf(result.get(), front.counted);
    const Failure& failure = front.answer.failure;
    read_only_ = read_only_ || failure.sqlstate == "25006";
    if (front.step >= front.steps.size()) return;
    const Step& step = front.steps[front.step];
    const auto sql = static_cast<size_t>(step.sql);
    if (sql >= prepared_.size()) return;
    if (failure.sqlstate == "26000" || step.prepare) prepared_[sql] = false;
    if (failure.sqlstate == "42P05") prepared_[sql] = true;
    return;
  }
  if (front.step < front.steps.size() && front.steps[front.step].prepare) return;
  front.counted = true;
  front.answer.results.push_back(std::move(result));
}

void Connection::Synced() {
  UnderWay done = std::move(under_way_.front());
  under_way_.pop_front();
  // The server goes on, so whatever it said, the transaction is rolled back.
  events_.OnAnswered(*this, std::move(done.job), std::move(done.answer), false);
  if (read_only_ && state_ == State::kReady && under_way_.empty()) {
    Down(Trouble("postgres: this server is read-only"));
  }
}

void Connection::Look(SteadyClock::time_point now) {
  if (state_ != State::kReady || under_way_.empty()) return;
  if (now - heard_ > settings_.stall_timeout)
    Down(Trouble("postgres: the server stopped answering"));
}

void Connection::Close() {
  if (state_ == State::kDown) return;
  Down(Trouble("postgres: the store is closing"));
}

void Connection::Down(const Failure& failure) {
  std::deque<UnderWay> left = std::move(under_way_);
  under_way_.clear();
  const bool was_ready = state_ == State::kReady;
  bool unread = ended_;  // a FATAL in front: the session ended before it came to this one
  Drop();
  for (UnderWay& one : left) {
    // The server's word; what libpq says of a lost connection tells less than a goodbye before it.
    const bool spoken = one.answer.failed() && !one.answer.failure.sqlstate.empty();
    Answer answer;
    answer.failure = spoken ? one.answer.failure : failure;
    if (!spoken) answer.failure.status = unread ? HF_STORE_UNAVAILABLE : HF_STORE_INDETERMINATE;
    // Class 08 is a pooler's, who may have passed on what is behind.
    const std::string& state = one.answer.failure.sqlstate;
    const bool word = spoken && one.answer.failure.fatal && !state.starts_with("08");
    events_.OnAnswered(*this, std::move(one.job), std::move(answer), !spoken && unread);
    unread = unread || word;
  }
  events_.OnDown(*this, was_ready, failure.detail);
}

void Connection::Drop() {
  state_ = State::kDown;
  writable_awaited_ = read_only_ = checked_ = ended_ = false;
  prepared_.fill(false);
  timer_.cancel();
  if (descriptor_.is_open()) descriptor_.release();
  if (connection_ != nullptr) PQfinish(connection_);
  connection_ = nullptr;
}

}  // namespace holdfast::inline v0_5::postgres
