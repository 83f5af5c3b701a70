// SPDX-License-Identifier: Apache-2.0
// See statements.h. Parameter types are written out, so that nothing is left to be inferred.
#include "adapters/postgres/statements.h"

#include <algorithm>

namespace holdfast::inline v0_5::postgres {
namespace {

// The store's clock: a test's, or the server's; never now(), which stands still in a transaction.
std::string Now(const char* parameter) {
  return std::string("coalesce(") + parameter +
         "::bigint,(date_part('epoch',clock_timestamp())*1e6)::bigint*1000)";
}

// In the order that row.cc reads.
constexpr char kRecordColumns[] =
    "r.token,r.lease_until,r.not_before,r.expires_at,r.completed_at,r.attempt,r.version,r.state,"
    "r.on_expiry,r.code,r.truncated,r.reconcile,r.fingerprint,r.nonce,coalesce(r.label,''),r.away";
constexpr char kBody[] =
    "CASE WHEN r.away THEN (SELECT b.body FROM $S.body b WHERE b.expires_at=r.expires_at AND "
    "b.token=r.token) ELSE coalesce(r.body,'') END";
constexpr char kWriteRecord[] =
    "UPDATE $S.record r SET token=CASE WHEN $4::boolean THEN nextval('$S.token') ELSE $5::bigint "
    "END,"
    "lease_until=$6::bigint,not_before=$7::bigint,expires_at=$8::bigint,completed_at=$9::bigint,"
    "attempt=$10::int,version=r.version+1,state=$11::smallint,on_expiry=$12::smallint,"
    "code=$13::smallint,truncated=$14::smallint,reconcile=$15::smallint,fingerprint=$16::bytea,"
    "nonce=$17::bytea,label=nullif($18::bytea,''),away=false,body=nullif($19::bytea,'') "
    "WHERE r.kid=$1::bytea AND r.version=$2::int AND r.token=$3::bigint RETURNING r.token";

std::string Completion(const std::string& body, const char* away, const char* returning) {
  return "UPDATE $S.record r SET state=2,code=$4::smallint,truncated=$5::smallint,reconcile=0,"
         "not_before=0,completed_at=" +
         Now("$2") + ",expires_at=" + Now("$2") + "+$6::bigint,version=r.version+1,away=" + away +
         ",body=" + body +
         " WHERE r.kid=$1::bytea AND r.token=$3::bigint AND r.state=1 RETURNING " + returning;
}

}  // namespace

bool IsSchemaName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= 48 && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::string InSchema(std::string text, const std::string& schema) {
  const std::string quoted = "\"" + schema + "\"";
  for (size_t at = text.find("$S"); at != std::string::npos; at = text.find("$S", at)) {
    text.replace(at, 2, quoted);
  }
  return text;
}

Statements::Statements(const std::string& schema) : schema_(schema) {
  Records();
  Operators();
  for (size_t i = 0; i < texts_.size(); ++i) {
    texts_[i] = InSchema(texts_[i], schema);
    names_[i] = "holdfast_1_" + schema + "_" + std::to_string(i);
  }
}

void Statements::Records() {
  const std::string columns =
      "INSERT INTO $S.record(kid,token,lease_until,attempt,version,state,on_expiry,fingerprint,"
      "nonce,label) ";
  Of(Sql::kClaim) = columns + "VALUES($1::bytea,nextval('$S.token')," + Now("$2") +
                    "+$3::bigint,1,1,1,$4::smallint,$5::bytea,$6::bytea,nullif($7::bytea,'')) "
                    "ON CONFLICT (kid) DO NOTHING RETURNING token";
  Of(Sql::kClaimMany) =
      columns + "SELECT v.kid,nextval('$S.token')," + Now("$1") +
      "+v.lease,1,1,1,v.on_expiry,v.fingerprint,v.nonce,nullif(v.label,'') FROM "
      "unnest($2::bytea[],$3::bigint[],$4::smallint[],$5::bytea[],$6::bytea[],$7::bytea[]) "
      "v(kid,lease,on_expiry,fingerprint,nonce,label) "
      "ON CONFLICT (kid) DO NOTHING RETURNING kid,nonce,token";
  Of(Sql::kRenew) = "UPDATE $S.record r SET lease_until=" + Now("$2") +
                    "+$4::bigint,version=r.version+1 WHERE r.kid=$1::bytea AND r.token=$3::bigint "
                    "AND r.state=1 RETURNING r.attempt,r.nonce";
  Of(Sql::kComplete) =
      Completion("nullif($7::bytea,'')", "false", "r.attempt,r.nonce,r.completed_at");
  Of(Sql::kCompleteAway) =
      "WITH u AS (" +
      Completion("NULL", "true", "r.attempt,r.nonce,r.completed_at,r.expires_at,r.token") +
      "),b AS (INSERT INTO $S.body(expires_at,token,body) SELECT u.expires_at,u.token,$7::bytea "
      "FROM u) SELECT u.attempt,u.nonce,u.completed_at FROM u";
  Of(Sql::kCompleteJoined) = "WITH u AS (" +
                             Completion("nullif($7::bytea,'')", "false", "r.completed_at") +
                             ") SELECT $S.fence((SELECT u.completed_at FROM u))";
  Of(Sql::kFind) = "SELECT " + Now("$2") + "," + kRecordColumns + "," + kBody +
                   " FROM $S.record r WHERE r.kid=$1::bytea";
  Of(Sql::kWrite) = kWriteRecord;
}

void Statements::Operators() {
  Of(Sql::kWriteAudited) =
      std::string("WITH w AS (") + kWriteRecord +
      ") INSERT INTO "
      "$S.audit(at,kid,verb,effect,state_before,token_before,token_after,actor,reason) "
      "SELECT " +
      Now("$20") +
      ",$1::bytea,$21::smallint,$22::smallint,$23::smallint,$3::bigint,w.token,$24::text,$25::text "
      "FROM w RETURNING token_after";
  Of(Sql::kScan) = "SELECT " + Now("$3") + "," + kRecordColumns + ",CASE WHEN $4::boolean THEN " +
                   kBody +
                   " ELSE ''::bytea END,r.kid,coalesce(CASE WHEN r.away THEN (SELECT "
                   "octet_length(b.body) FROM $S.body b WHERE b.expires_at=r.expires_at AND "
                   "b.token=r.token) ELSE octet_length(r.body) END,0)::bigint FROM $S.record r "
                   "WHERE r.kid>$1::bytea ORDER BY r.kid LIMIT $2::bigint";
  Of(Sql::kAudit) =
      "SELECT at,kid,verb,effect,state_before,token_before,token_after,actor,reason FROM $S.audit "
      "WHERE $1::bytea IS NULL OR kid=$1::bytea ORDER BY id DESC LIMIT $2::bigint";
  // Old enough to go; what is younger becomes a tombstone first.
  const std::string old =
      "(r.state=2 AND r.completed_at<=d.t-$3::bigint OR r.state<>2 AND "
      "r.expires_at<=d.t-$3::bigint)";
  Of(Sql::kPurge) =
      "WITH clock AS MATERIALIZED (SELECT " + Now("$1") +
      " AS t),d AS MATERIALIZED (SELECT r.kid,c.t FROM $S.record r,clock c WHERE r.expires_at>0 "
      "AND r.expires_at<=c.t AND (r.state IN (2,3) OR r.state=0 AND r.expires_at<=c.t-$3::bigint) "
      "ORDER BY r.expires_at LIMIT $2::bigint FOR UPDATE OF r SKIP LOCKED),"
      "gone AS (DELETE FROM $S.record r USING d WHERE r.kid=d.kid AND " +
      old +
      " RETURNING r.state),faded AS (UPDATE $S.record r SET state=0,version=r.version+1,away=false,"
      "body=NULL,label=NULL FROM d WHERE r.kid=d.kid AND NOT " +
      old +
      " RETURNING 1) SELECT (SELECT count(*) FROM gone WHERE state<>0)+(SELECT count(*) FROM "
      "faded),"
      "(SELECT count(*) FROM gone)";
  // Few are counted, many are estimated.
  Of(Sql::kInfo) =
      "SELECT version(),(SELECT count(*) FROM (SELECT FROM $S.record WHERE state<>0 LIMIT 10001) "
      "x),"
      "(SELECT greatest(reltuples,0)::bigint FROM pg_class WHERE oid='$S.record'::regclass),"
      "pg_total_relation_size('$S.record')+(SELECT "
      "coalesce(sum(pg_total_relation_size(inhrelid)),0)"
      "::bigint FROM pg_inherits WHERE inhparent='$S.body'::regclass),"
      "(SELECT value FROM $S.meta WHERE name='version')";
  Of(Sql::kSnapshotAge) =
      "SELECT coalesce(max(age(backend_xmin)),0)::bigint FROM pg_stat_activity WHERE backend_xmin "
      "IS "
      "NOT NULL AND pid<>pg_backend_pid()";
  // The upper bound is in the name: body_<day>, days since the epoch.
  Of(Sql::kPartitions) =
      "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid=i.inhrelid WHERE "
      "i.inhparent='$S.body'::regclass AND c.relname ~ '^body_[0-9]+$' AND "
      "(substr(c.relname,6)::bigint+1)*86400000000000<=" +
      Now("$1") +
      "-$2::bigint AND NOT EXISTS (SELECT FROM $S.record r WHERE r.expires_at>0 AND "
      "r.expires_at<(substr(c.relname,6)::bigint+1)*86400000000000)";
}

}  // namespace holdfast::inline v0_5::postgres
