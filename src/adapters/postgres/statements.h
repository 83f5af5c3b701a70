// SPDX-License-Identifier: Apache-2.0
// Statements: every SQL text that touches records, for one schema. All names are qualified.
//
// Two rules keep tokens rising for ever per key. They are drawn from one sequence, by the statement that
// writes them; and a row whose key became free stays as a tombstone (state 0) for kTombstone, so that no
// claim that drew its number before the row's last one can still insert: it gave up long ago.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_STATEMENTS_H_
#define HOLDFAST_ADAPTERS_POSTGRES_STATEMENTS_H_

#include <holdfast/c/base.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::postgres {

// Longer than any request may wait (5 min).
inline constexpr hf_duration kTombstone = 600 * HF_S;
// A body above this is kept apart from its record, in a partition that is dropped whole.
inline constexpr size_t kInlineBody = 1024;
// Partitions are one per day, so bodies that live longer than this stay with their record.
inline constexpr hf_duration kAwayLife = int64_t{400} * 24 * 3600 * HF_S;

enum class Sql : size_t {
  kClaim,         // kid now lease on_expiry fingerprint nonce label -> token
  kRenew,         // kid now token lease -> attempt nonce
  kComplete,      // kid now token code truncated ttl body -> attempt nonce completed_at
  kCompleteAway,  // likewise, the body in its partition
  kFind,          // kid now -> now + record (row.h)
  kWrite,         // the whole record, if it is as it was read (row.h) -> token
  kWriteAudited,  // likewise, and an audit row
  kClaimMany,     // now, then arrays as kClaim -> kid nonce token
  kScan,          // cursor limit now bodies -> now kid body_bytes + record
  kAudit,         // kid or null, limit
  kPurge,         // now limit -> count
  kInfo,
  kSnapshotAge,
  kPartitions,      // now -> name of partitions that no record needs
  kCompleteJoined,  // as kComplete; raises unless it is this token's to complete
  kCount,
};

class Statements {
 public:
  explicit Statements(const std::string& schema);

  const std::string& of(Sql sql) const { return texts_[static_cast<size_t>(sql)]; }
  // The name it is prepared under.
  const std::string& name(Sql sql) const { return names_[static_cast<size_t>(sql)]; }
  const std::string& schema() const { return schema_; }

 private:
  std::string& Of(Sql sql) { return texts_[static_cast<size_t>(sql)]; }
  void Records();
  void Operators();

  std::string schema_;
  std::array<std::string, static_cast<size_t>(Sql::kCount)> texts_;
  std::array<std::string, static_cast<size_t>(Sql::kCount)> names_;
};

// 1..48 of [a-z0-9_], no digit first: what needs no care in quotes.
bool IsSchemaName(std::string_view name);

// `text` with "$S" replaced by the quoted schema.
std::string InSchema(std::string text, const std::string& schema);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_STATEMENTS_H_
