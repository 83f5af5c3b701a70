// SPDX-License-Identifier: Apache-2.0
// See open_store.h. Joined work has connections of its own, as a service's would be.
#include <absl/strings/str_cat.h>
#include <holdfast/postgres/store.h>
#include <holdfast/postgres/transaction.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "chaos/open_store.h"

namespace holdfast::chaos {
namespace {

using std::chrono::milliseconds;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

std::string Url(uint16_t port) {
  return absl::StrCat("postgres://hf@127.0.0.1:", port, "/postgres");
}

class PostgresWorld final : public JoinedWorld {
 public:
  explicit PostgresWorld(uint16_t port) : url_(absl::StrCat(Url(port), "?connect_timeout=2")) {}

  StoreReply Complete(const StoreRequest& complete, const std::string& key) override {
    Connection connection = Take();
    StoreReply reply = CompleteOn(connection.get(), complete, key);
    if (PQstatus(connection.get()) == CONNECTION_OK) Put(std::move(connection));
    return reply;
  }

  absl::StatusOr<uint64_t> Effects(const std::string& key) override {
    Connection connection = Take();
    const char* const values[] = {key.c_str()};
    PGresult* const result =
        PQexecParams(connection.get(), "SELECT count(*) FROM effect WHERE key=$1", 1, nullptr,
                     values, nullptr, nullptr, 0);
    const bool told = PQresultStatus(result) == PGRES_TUPLES_OK;
    const uint64_t count = told ? std::strtoull(PQgetvalue(result, 0, 0), nullptr, 10) : 0;
    PQclear(result);
    if (!told) return absl::UnavailableError(PQerrorMessage(connection.get()));
    Put(std::move(connection));
    return count;
  }

 private:
  static StoreReply CompleteOn(PGconn* connection, const StoreRequest& complete,
                               const std::string& key) {
    if (const absl::Status begun = postgres::Begin(connection); !begun.ok()) {
      return StorageReply(HF_STORE_UNAVAILABLE, std::string(begun.message()));
    }
    const char* const values[] = {key.c_str()};
    PGresult* const row = PQexecParams(connection, "INSERT INTO effect VALUES($1)", 1, nullptr,
                                       values, nullptr, nullptr, 0);
    const bool inserted = PQresultStatus(row) == PGRES_COMMAND_OK;
    PQclear(row);
    postgres::JoinedClaim claim;
    std::copy(std::begin(complete.key_id), std::end(complete.key_id), claim.key_id);
    claim.token = complete.token;
    claim.ttl = Duration{complete.ttl};
    const std::string_view body(complete.body.data, complete.body.size);
    absl::Status status = absl::UnavailableError("no row");
    if (inserted) status = postgres::CompleteIn(connection, claim, body);
    if (!status.ok()) {
      postgres::RollBack(connection);
      const std::optional<Rejection> why = RejectionOf(status);
      const bool fenced = why.has_value() && why->reason == HF_R_IDEM_FENCED;
      return StorageReply(fenced ? HF_STORE_FENCED : HF_STORE_UNAVAILABLE,
                          std::string(status.message()));
    }
    const absl::Status committed = postgres::Commit(connection);
    if (committed.ok()) return StorageReply(HF_STORE_OK, "");
    return StorageReply(absl::IsUnknown(committed) ? HF_STORE_INDETERMINATE : HF_STORE_UNAVAILABLE,
                        std::string(committed.message()));
  }

  Connection Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Connection connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return Connection(PQconnectdb(url_.c_str()), &PQfinish);
  }
  void Put(Connection connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }

  const std::string url_;
  std::mutex mutex_;
  std::vector<Connection> idle_;
};

}  // namespace

absl::StatusOr<OpenedStore> OpenPostgres(uint16_t port, Patience patience) {
  postgres::Options options;
  options.url = Url(port);
  options.connections = 4;
  if (patience == Patience::kStorm) {
    options.default_timeout = milliseconds(1000);
    options.connect_timeout = milliseconds(1000);
  }
  options.reconnect_base = milliseconds(5);
  options.reconnect_cap = milliseconds(50);
  options.purge_interval = milliseconds(200);
  absl::StatusOr<std::unique_ptr<postgres::Store>> store =
      postgres::Store::Open(std::move(options));
  if (!store.ok()) return store.status();
  return OpenedStore{.store = *std::move(store), .joined = std::make_unique<PostgresWorld>(port)};
}

}  // namespace holdfast::chaos
