// SPDX-License-Identifier: Apache-2.0
// See session.h.
#include "adapters/postgres/session.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>

namespace holdfast::inline v0_5::postgres {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// False: the time is over.
bool AwaitSocket(const PGconn* connection, short events, SteadyTime deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd wanted{PQsocket(connection), events, 0};
  if (left.count() <= 0) return false;
  return poll(&wanted, 1, static_cast<int>(left.count())) >= 0 || errno == EINTR;
}

// libpq quotes what it does not understand, and that may be the secret: of a URL as soon as it has a user, of a
// string the word without its "=".
bool MayQuoteASecret(const std::string& url, const std::string& why) {
  return url.find('@') != std::string::npos || url.find("pass") != std::string::npos ||
         why.starts_with("missing");
}

absl::Status BadUrl(const Options& options, const char* why) {
  std::string text = "url: not a connection string that libpq understands";
  if (why != nullptr && !MayQuoteASecret(options.url, why)) text += ": " + OneLine(why);
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, text);
}

long Milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

}  // namespace

absl::StatusOr<Link> MakeLink(const Options& options) {
  if (options.url.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "url: must not be empty");
  }
  if (options.url.find('\0') != std::string::npos) return BadUrl(options, nullptr);
  char* error = nullptr;
  PQconninfoOption* const parsed = PQconninfoParse(options.url.c_str(), &error);
  if (parsed == nullptr) {
    const absl::Status status = BadUrl(options, error);
    PQfreemem(error);
    return status;
  }
  Link link;
  link.password_file = options.password_file;
  std::string session;
  for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    if (std::string_view(option->keyword) == "options") {
      session = option->val;
      continue;
    }
    link.keywords.emplace_back(option->keyword, option->val);
  }
  PQconninfoFree(parsed);
  if (!options.pooled) {
    session += " -c statement_timeout=" + std::to_string(Milliseconds(options.statement_timeout));
    session += " -c default_transaction_isolation=read\\ committed";
    session += " -c default_transaction_read_only=off -c search_path=pg_catalog";
  }
  if (!session.empty()) link.keywords.emplace_back("options", session);
  link.keywords.emplace_back("client_encoding", "UTF8");
  link.keywords.emplace_back("fallback_application_name", "holdfast");
  return link;
}

std::string Link::ReadPassword(std::string* password) const {
  if (password_file.empty()) return "";
  std::ifstream in(password_file, std::ios::binary);
  std::getline(in, *password);
  if (!password->empty() && password->back() == '\r') password->pop_back();
  // libpq would take an empty one from somewhere else.
  return password->empty() ? "password_file: not readable, or empty" : "";
}

PGconn* Link::Start(std::string* error) const {
  std::string password;
  *error = ReadPassword(&password);
  if (!error->empty()) return nullptr;
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : keywords) {
    if (!password_file.empty() && name == "password") continue;
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  if (!password_file.empty()) {
    names.push_back("password");
    values.push_back(password.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const connection = PQconnectStartParams(names.data(), values.data(), 0);
  if (connection == nullptr) *error = "no memory";
  return connection;
}

absl::StatusOr<Session> Session::Connect(const Link& link, Duration timeout) {
  std::string password;
  if (const std::string error = link.ReadPassword(&password); !error.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, error);
  }
  std::string error;
  Session session(link.Start(&error), timeout);
  PGconn* const connection = session.connection_.get();
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  PostgresPollingStatusType want = PGRES_POLLING_WRITING;
  if (connection == nullptr || PQstatus(connection) == CONNECTION_BAD) want = PGRES_POLLING_FAILED;
  while (want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED) {
    const short events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!AwaitSocket(connection, events, deadline)) {
      return ToStatus(HF_STORE_UNAVAILABLE, "postgres: no connection within connect_timeout");
    }
    want = PQconnectPoll(connection);
  }
  if (want == PGRES_POLLING_OK) {
    PQsetNoticeReceiver(connection, [](void*, const PGresult*) {}, nullptr);  // not to stderr
    return session;
  }
  const std::string why = connection == nullptr ? error : OneLine(PQerrorMessage(connection));
  // libpq keeps no SQLSTATE of a refused connection.
  const bool refused = why.find("authentication failed") != std::string::npos ||
                       why.find("no password supplied") != std::string::npos ||
                       why.find("pg_hba.conf") != std::string::npos;
  return MakeStatus(refused ? HF_UNAUTHENTICATED : HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE,
                    "postgres: " + why);
}

absl::StatusOr<PgResult> Session::Run(const std::string& sql) {
  PGconn* const connection = connection_.get();
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout_;
  sqlstate_.clear();
  if (PQsendQuery(connection, sql.c_str()) == 0) return ToStatus(LostConnection(connection, false));
  PgResult last;
  Failure failure;
  for (;;) {
    while (PQisBusy(connection) == 1) {
      if (!AwaitSocket(connection, POLLIN, deadline)) {
        return ToStatus(HF_STORE_INDETERMINATE, "postgres: no answer in time");
      }
      if (PQconsumeInput(connection) == 0) return ToStatus(LostConnection(connection, true));
    }
    PgResult result(PQgetResult(connection));
    if (result == nullptr) break;
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      failure = FailureOf(result.get(), false);
      sqlstate_ = failure.sqlstate;
    }
    last = std::move(result);
  }
  if (failure.failed()) return ToStatus(failure);
  return last;
}

absl::StatusOr<std::string> Session::Ask(const std::string& sql) {
  absl::StatusOr<PgResult> result = Run(sql);
  if (!result.ok()) return result.status();
  if (*result == nullptr || PQntuples(result->get()) == 0) return std::string();
  return std::string(PQgetvalue(result->get(), 0, 0));
}

}  // namespace holdfast::inline v0_5::postgres
