// SPDX-License-Identifier: Apache-2.0
// See schema.h. Numbers and defaults stand here twice, in SQL and in C++: what compares them is the tests that
// open a migrated and a new file.
#include "adapters/sqlite/schema.h"

#include <holdfast/status.h>

#include <string>

namespace holdfast::inline v0_5::sqlite {

// Names that a second table or index needs, too, when a file is migrated.
#define HOLDFAST_AUDIT_TABLE                                   \
  "CREATE TABLE holdfast_audit("                               \
  "  id INTEGER NOT NULL PRIMARY KEY,"                         \
  "  at INTEGER NOT NULL,"                                     \
  "  kid BLOB NOT NULL,"                                       \
  "  verb INTEGER NOT NULL,         -- 7 resolve, 9 release\n" \
  "  effect INTEGER NOT NULL,       -- of the request\n"       \
  "  state_before INTEGER NOT NULL,"                           \
  "  token_before INTEGER NOT NULL,"                           \
  "  token_after INTEGER NOT NULL,"                            \
  "  actor TEXT NOT NULL,"                                     \
  "  reason TEXT NOT NULL"                                     \
  ");"                                                         \
  "CREATE INDEX holdfast_audit_key ON holdfast_audit(kid);"

const char kCreateSchema[] = R"sql(
BEGIN EXCLUSIVE;
CREATE TABLE holdfast_record(
  kid BLOB NOT NULL PRIMARY KEY,  -- key id
  state INTEGER NOT NULL,         -- 1 in progress, 2 completed, 3 retryable, 4 in doubt
  on_expiry INTEGER NOT NULL,     -- 1 in doubt, 2 takeover, 3 reconcile
  fingerprint BLOB NOT NULL,
  nonce BLOB NOT NULL,
  token INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  truncated INTEGER NOT NULL,
  code INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,   -- ns since the Unix epoch, as all times
  not_before INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  completed_at INTEGER NOT NULL,
  body_sum BLOB NOT NULL,         -- 16 bytes, by the rule of format
  sum BLOB NOT NULL,              -- likewise, of all columns but body
  body BLOB NOT NULL,
  format INTEGER NOT NULL DEFAULT 1,  -- the schema version by whose rule the sums were made
  reconcile INTEGER NOT NULL DEFAULT 0,
  label BLOB NOT NULL DEFAULT x''
) WITHOUT ROWID;
CREATE INDEX holdfast_expiry ON holdfast_record(expires_at) WHERE state IN (2, 3);
CREATE TABLE holdfast_meta(name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO holdfast_meta VALUES('token_floor', 0);
)sql" HOLDFAST_AUDIT_TABLE R"sql(
PRAGMA application_id = 1751544692;
PRAGMA user_version = 2;
COMMIT;
)sql";
static_assert(kApplicationId == 1751544692 && kSchemaVersion == 2);

const char kMigrateFrom1[] = R"sql(
ALTER TABLE main.holdfast_record ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE main.holdfast_record ADD COLUMN reconcile INTEGER NOT NULL DEFAULT 0;
ALTER TABLE main.holdfast_record ADD COLUMN label BLOB NOT NULL DEFAULT x'';
)sql" HOLDFAST_AUDIT_TABLE R"sql(
PRAGMA user_version = 2;
)sql";

#undef HOLDFAST_AUDIT_TABLE

absl::Status CheckOwnerNumbers(int64_t application_id, int64_t version) {
  const auto foreign = [](const std::string& text) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS, text);
  };
  if (application_id != kApplicationId) {
    return foreign("path: an SQLite file of another program (application_id is not holdfast's)");
  }
  if (version > kSchemaVersion) {
    return foreign("path: written by a newer holdfast (schema version " + std::to_string(version) +
                   ", this one knows " + std::to_string(kSchemaVersion) + ")");
  }
  if (version < kOldestSchema) {
    return foreign("path: no schema version, not a finished holdfast store");
  }
  return absl::OkStatus();
}

}  // namespace holdfast::inline v0_5::sqlite
