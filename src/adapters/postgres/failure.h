// SPDX-License-Identifier: Apache-2.0
// Failure: what an error of the server or a lost connection means for a transaction of ours.
//
//   seen                                            before the row count   after it, before the commit's word
//   ERROR, any SQLSTATE but 08xxx and 40003         nothing                nothing: the commit was refused
//   FATAL 57P01 57P03 53xxx 28xxx                   nothing                unknown
//   FATAL others, 08xxx, 40003, no word at all      unknown if it was sent whole
//
// The row count (CommandComplete) comes before the commit in the extended protocol, so it proves nothing; the
// word that does is the ReadyForQuery of the Sync. What was sent without its Sync was never committed. And
// after a FATAL the session is over: what was sent behind it was not read.
//
//   SQLSTATE          status        then
//   40001 40P01       UNAVAILABLE   the same again, a few times: our own statement only
//   55P03             UNAVAILABLE   likewise (a lock_timeout of the role's)
//   26000 42P05       UNAVAILABLE   likewise, prepared anew (a pooler gave us another backend)
//   57P01 57P03       UNAVAILABLE   likewise: the server restarts, or an operator ended the session
//   53100             FULL
//   53xxx others      UNAVAILABLE
//   25006             UNAVAILABLE   a standby; the connection is closed, another host may be the primary
//   57014             UNAVAILABLE   statement_timeout or an operator's cancel
//   42501             UNAVAILABLE   a right is missing
//   XX001 XX002       CORRUPT
#ifndef HOLDFAST_ADAPTERS_POSTGRES_FAILURE_H_
#define HOLDFAST_ADAPTERS_POSTGRES_FAILURE_H_

#include <absl/status/status.h>
#include <holdfast/c/record.h>
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::postgres {

struct PgResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, PgResultDeleter>;

// The SQLSTATE that the schema's fence() raises.
inline constexpr std::string_view kFencedState = "HF001";

struct Failure {
  hf_store_status status =
      0;                 // 0: none; UNAVAILABLE, FULL, CORRUPT: nothing happened; INDETERMINATE
  std::string sqlstate;  // empty: not the server's word
  std::string detail;    // the primary message alone: DETAIL may quote a key
  bool fatal = false;    // the session is over

  bool failed() const { return status != 0; }
  bool unknown() const { return status == HF_STORE_INDETERMINATE; }
  // The same transaction may be sent again at once.
  bool again() const;
  // No partition takes this body.
  bool no_partition() const { return sqlstate == "23514"; }
};

// Of an error result. `counted`: a row count of its transaction has been seen.
Failure FailureOf(const PGresult* result, bool counted);

// Of a connection that is gone. `sent`: the transaction, Sync included, may have reached the server.
Failure LostConnection(const PGconn* connection, bool sent);

// libpq's text as one line, without what follows the first.
std::string OneLine(const char* text);

// The store's status as the status that C++ callers get.
absl::Status ToStatus(hf_store_status status, std::string_view detail);
// Likewise, with PERMISSION_DENIED, UNAUTHENTICATED and FAILED_PRECONDITION where the server said so.
absl::Status ToStatus(const Failure& failure);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_FAILURE_H_
