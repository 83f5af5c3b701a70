// SPDX-License-Identifier: Apache-2.0
// Session: one blocking connection with a deadline on every round trip, for Open and migrations.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_SESSION_H_
#define HOLDFAST_ADAPTERS_POSTGRES_SESSION_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/postgres/options.h>
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/postgres/failure.h"

namespace holdfast::inline v0_5::postgres {

// What a connection is opened with: libpq's keywords and values, ours in front of the user's.
struct Link {
  std::vector<std::pair<std::string, std::string>> keywords;
  std::string password_file;

  // "" or what is wrong with the file; without one the password stays as it is.
  std::string ReadPassword(std::string* password) const;
  // Starts connecting; the caller polls. Null: *error says why.
  PGconn* Start(std::string* error) const;
};

// Parses options.url and adds what we need. Errors: INVALID_ARGUMENT; the text never holds a password.
absl::StatusOr<Link> MakeLink(const Options& options);

struct PgConnDeleter {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

class Session {
 public:
  static absl::StatusOr<Session> Connect(const Link& link, Duration timeout);

  // Runs SQL without parameters, several statements too; the last result, in text.
  absl::StatusOr<PgResult> Run(const std::string& sql);
  // The first column of the first row; "" if there is none.
  absl::StatusOr<std::string> Ask(const std::string& sql);

  // SQLSTATE of the last error.
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  Session(PGconn* connection, Duration timeout) : connection_(connection), timeout_(timeout) {}

  std::unique_ptr<PGconn, PgConnDeleter> connection_;
  Duration timeout_;
  std::string sqlstate_;
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_SESSION_H_
