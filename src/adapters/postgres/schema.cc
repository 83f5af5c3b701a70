// SPDX-License-Identifier: Apache-2.0
// See schema.h. Each step is written once and never changed: what it made is out there.
#include "adapters/postgres/schema.h"

#include <holdfast/status.h>

#include <array>

#include "adapters/postgres/statements.h"

namespace holdfast::inline v0_5::postgres {
namespace {

// The number that the migration lock and the pool's clock work under: "holdfast" in ASCII.
constexpr char kAdvisoryLock[] = "7597133163310936436";

// Numbers first and by size, so that no byte is lost to alignment. fillfactor leaves room for the renewals
// and completions to come on the same page.
constexpr char kStep1[] = R"sql(
CREATE SCHEMA IF NOT EXISTS $S;
CREATE TABLE $S.meta(name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO $S.meta VALUES('version', 1), ('compatible', 1), ('timeline', 0);
CREATE SEQUENCE $S.token AS bigint MINVALUE 1 CACHE 1;
SELECT setval('$S.token', (date_part('epoch', clock_timestamp()) * 1e6)::bigint);
CREATE TABLE $S.record(
  token bigint NOT NULL,
  lease_until bigint NOT NULL,             -- ns since the Unix epoch, as all times
  not_before bigint NOT NULL DEFAULT 0,
  expires_at bigint NOT NULL DEFAULT 0,
  completed_at bigint NOT NULL DEFAULT 0,
  attempt integer NOT NULL,
  version integer NOT NULL,                -- of the row: each write adds one
  state smallint NOT NULL,                 -- 0 tombstone, 1 in progress, 2 completed, 3 retryable, 4 in doubt
  on_expiry smallint NOT NULL,             -- 1 in doubt, 2 takeover, 3 reconcile
  code smallint NOT NULL DEFAULT 0,
  truncated smallint NOT NULL DEFAULT 0,
  reconcile smallint NOT NULL DEFAULT 0,
  away boolean NOT NULL DEFAULT false,     -- the body is in the table body
  kid bytea PRIMARY KEY,
  fingerprint bytea NOT NULL,
  nonce bytea NOT NULL,
  label bytea,
  body bytea
) WITH (fillfactor=70);
CREATE INDEX record_expiry ON $S.record(expires_at) WHERE expires_at>0;
CREATE TABLE $S.body(
  expires_at bigint NOT NULL,
  token bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY(expires_at, token)
) PARTITION BY RANGE (expires_at);
-- Raises unless somebody completed something: the transaction around it can then only roll back.
CREATE FUNCTION $S.fence(completed_at bigint) RETURNS bigint LANGUAGE plpgsql AS $f$
BEGIN
  IF completed_at IS NULL THEN
    RAISE EXCEPTION 'holdfast: the claim was lost; roll back' USING ERRCODE='HF001';
  END IF;
  RETURN completed_at;
END $f$;
-- After a failover the sequence may have fallen behind tokens that the old primary gave: it jumps to the clock,
-- once per timeline. Runs as its owner, so that those who connect need no right to setval.
CREATE FUNCTION $S.follow_timeline() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  here bigint := ('x' || lpad(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), 16, '0'))::bit(64)::bigint;
BEGIN
  IF here = (SELECT value FROM $S.meta WHERE name = 'timeline') THEN
    RETURN here;
  END IF;
  PERFORM pg_advisory_xact_lock(7597133163310936436);
  IF here <> (SELECT value FROM $S.meta WHERE name = 'timeline') THEN
    PERFORM setval('$S.token', greatest((SELECT last_value FROM $S.token) + 1000,
                                        (date_part('epoch', clock_timestamp()) * 1e6)::bigint));
    UPDATE $S.meta SET value = here WHERE name = 'timeline';
  END IF;
  RETURN here;
END $f$;
)sql";

constexpr char kStep2[] = R"sql(
CREATE TABLE $S.audit(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  kid bytea NOT NULL,
  verb smallint NOT NULL,
  effect smallint NOT NULL,
  state_before smallint NOT NULL,
  token_before bigint NOT NULL,
  token_after bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL
);
CREATE INDEX audit_key ON $S.audit(kid, id);
UPDATE $S.meta SET value=2 WHERE name='version';
)sql";

constexpr std::array<const char*, kSchemaVersion> kSteps = {kStep1, kStep2};

absl::Status Precondition(const std::string& text) {
  return MakeStatus(HF_FAILED_PRECONDITION, HF_R_STORE_UNAVAILABLE, "postgres: " + text);
}

absl::StatusOr<uint32_t> Meta(Session& session, const std::string& schema, const char* name) {
  // Not to_regclass: while the migration lock is waited for, the server does not hear that others made the
  // schema, and would answer from its cache.
  const absl::StatusOr<std::string> there = session.Ask(
      "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace WHERE "
      "c.relname='meta' AND n.nspname='" +
      schema + "'");
  if (!there.ok()) return there.status();
  if (there->empty()) return 0;
  const absl::StatusOr<std::string> value =
      session.Ask(InSchema("SELECT value FROM $S.meta WHERE name='", schema) + name + "'");
  if (!value.ok()) return value.status();
  return value->empty() ? 0 : static_cast<uint32_t>(std::stoul(*value));
}

// One step, unless somebody else made it meanwhile.
absl::Status Step(Session& session, const std::string& schema, uint32_t version) {
  const auto begun =
      session.Run(std::string("BEGIN; SELECT pg_advisory_xact_lock(") + kAdvisoryLock + ")");
  if (!begun.ok()) return begun.status();
  absl::StatusOr<uint32_t> found = Meta(session, schema, "version");
  absl::Status status = found.status();
  if (found.ok() && *found == version - 1) {
    status = session.Run(InSchema(kSteps[version - 1], schema)).status();
  }
  const std::string sqlstate = session.sqlstate();
  const absl::Status ended = session.Run(status.ok() ? "COMMIT" : "ROLLBACK").status();
  if (!status.ok() && sqlstate == "42501") {
    return MakeStatus(HF_PERMISSION_DENIED, HF_R_STORE_UNAVAILABLE,
                      std::string(status.message()) +
                          "; who migrates needs CREATE on the database "
                          "and owns the schema");
  }
  return status.ok() ? ended : status;
}

}  // namespace

absl::StatusOr<uint32_t> SchemaVersion(Session& session, const std::string& schema) {
  return Meta(session, schema, "version");
}

absl::StatusOr<uint32_t> PrepareSchema(Session& session, const std::string& schema, bool migrate) {
  absl::StatusOr<uint32_t> version = SchemaVersion(session, schema);
  if (!version.ok()) return version.status();
  if (*version < kSchemaVersion && !migrate) {
    return Precondition("schema \"" + schema + "\" has version " + std::to_string(*version) +
                        ", this holdfast needs " + std::to_string(kSchemaVersion) +
                        ": run `holdfast idem migrate`");
  }
  for (uint32_t next = *version + 1; next <= kSchemaVersion; ++next) {
    const absl::Status status = Step(session, schema, next);
    if (!status.ok()) return status;
  }
  version = SchemaVersion(session, schema);
  if (!version.ok() || *version <= kSchemaVersion) return version;
  const absl::StatusOr<uint32_t> compatible = Meta(session, schema, "compatible");
  if (!compatible.ok()) return compatible.status();
  if (*compatible <= kSchemaVersion) return version;
  return Precondition("schema \"" + schema + "\" has version " + std::to_string(*version) +
                      ", which holdfast before schema version " + std::to_string(*compatible) +
                      " does not understand; this one writes " + std::to_string(kSchemaVersion));
}

}  // namespace holdfast::inline v0_5::postgres
