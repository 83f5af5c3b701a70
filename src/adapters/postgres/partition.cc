// SPDX-License-Identifier: Apache-2.0
// See partition.h. The day is the server's (or the test's) and not this process's, so the server makes the
// texts; a DO block takes no parameters, so the two numbers are written into it.
#include "adapters/postgres/partition.h"

namespace holdfast::inline v0_5::postgres {
namespace {

Query Text(std::string text) {
  Query query;
  query.text = std::move(text);
  return query;
}

constexpr char kMake[] = R"sql(DO $do$
DECLARE
  length CONSTANT bigint := 86400000000000;
  now CONSTANT bigint := $NOW;
  middle CONSTANT bigint := (now + $LIFE) / length;
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(7597133163310936436);
  FOR day IN middle..middle + 1 LOOP
    name := 'body_' || day;
    IF to_regclass(format('%I.%I', '$BARE', name)) IS NULL THEN
      EXECUTE format('CREATE TABLE %I.%I (LIKE $S.body INCLUDING DEFAULTS)', '$BARE', name);
      EXECUTE format('ALTER TABLE $S.body ATTACH PARTITION %I.%I FOR VALUES FROM (%s) TO (%s)',
                     '$BARE', name, day * length, (day + 1) * length);
    END IF;
  END LOOP;
END $do$)sql";

void Replace(std::string* text, const std::string& what, const std::string& by) {
  for (size_t at = text->find(what); at != std::string::npos; at = text->find(what, at)) {
    text->replace(at, what.size(), by);
    at += by.size();
  }
}

}  // namespace

std::vector<Query> MakePartition(const Statements& statements, hf_duration life,
                                 const std::optional<int64_t>& now) {
  std::string text = kMake;
  Replace(&text, "$NOW",
          now ? std::to_string(*now) : "(date_part('epoch',clock_timestamp())*1e6)::bigint*1000");
  Replace(&text, "$LIFE", std::to_string(life));
  Replace(&text, "$BARE", statements.schema());
  std::vector<Query> queries;
  queries.push_back(Text(InSchema(text, statements.schema())));
  return queries;
}

std::vector<Query> DropPartition(const Statements& statements, const std::string& name) {
  std::vector<Query> queries;
  queries.push_back(Text("SET LOCAL lock_timeout='200ms'"));
  queries.push_back(Text(InSchema("DROP TABLE $S." + name, statements.schema())));
  return queries;
}

}  // namespace holdfast::inline v0_5::postgres
