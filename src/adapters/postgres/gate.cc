// SPDX-License-Identifier: Apache-2.0
// See gate.h.
#include "adapters/postgres/gate.h"

#include <holdfast/status.h>

#include <cstdlib>

#include "adapters/postgres/statements.h"

namespace holdfast::inline v0_5::postgres {
namespace {

constexpr int kOldestVersion = 140000;  // pipelines, and the catalogue that we ask

absl::Status Refused(const std::string& why) {
  return MakeStatus(HF_FAILED_PRECONDITION, HF_R_STORE_UNAVAILABLE, "postgres: " + why);
}

}  // namespace

absl::StatusOr<ServerFacts> AskFacts(Session& session, const std::string& schema) {
  const absl::StatusOr<PgResult> result = session.Run(InSchema(
      "SELECT pg_is_in_recovery(),current_setting('server_version_num'),current_setting('fsync'),"
      "current_setting('full_page_writes'),current_setting('synchronous_commit'),"
      "current_setting('synchronous_standby_names'),EXISTS(SELECT FROM pg_class WHERE "
      "relnamespace=to_regnamespace('$S') AND relkind IN ('r','S') AND relpersistence='u')",
      schema));
  if (!result.ok()) return result.status();
  const auto column = [&](int i) { return std::string(PQgetvalue(result->get(), 0, i)); };
  ServerFacts facts;
  facts.standby = column(0) == "t";
  facts.version = std::atoi(column(1).c_str());
  facts.fsync = column(2);
  facts.full_page_writes = column(3);
  facts.synchronous_commit = column(4);
  facts.standby_names = column(5);
  facts.unlogged = column(6) == "t";
  return facts;
}

absl::StatusOr<Guarantee> Judge(const ServerFacts& facts, const Options& options) {
  if (facts.version < kOldestVersion) return Refused("servers before version 14 are not supported");
  if (facts.standby) {
    return Refused(
        "this server is a standby: it takes no claims; connect to the primary "
        "(several hosts and target_session_attrs=read-write in the URL find it)");
  }
  std::string unsafe;
  const auto check = [&](bool bad, bool allowed, const char* what, const char* option) {
    if (bad && !allowed && unsafe.empty()) unsafe = std::string("!") + what + "; " + option;
    if (bad && allowed && unsafe.empty()) unsafe = std::string(what) + ", allowed by " + option;
  };
  check(facts.fsync == "off", options.allow_fsync_off,
        "fsync=off: a crash of the machine can corrupt or lose everything", "allow_fsync_off");
  check(facts.full_page_writes == "off", options.allow_full_page_writes_off,
        "full_page_writes=off: a torn page after a crash of the machine corrupts records",
        "allow_full_page_writes_off");
  check(facts.synchronous_commit == "off", options.allow_synchronous_commit_off,
        "synchronous_commit=off: a crash forgets claims that were answered",
        "allow_synchronous_commit_off");
  check(facts.unlogged, options.allow_unlogged,
        "the schema's tables are UNLOGGED: a crash of the server empties them", "allow_unlogged");
  if (unsafe.starts_with('!')) {
    return Refused("refused: " + unsafe.substr(1) + " would override this, and promise nothing");
  }
  if (!unsafe.empty()) return Guarantee{GuaranteeLevel::kProcess, unsafe};
  const std::string joined =
      "; work that completes its record in its own transaction is joined (G3)";
  if (facts.standby_names.empty()) {
    return Guarantee{GuaranteeLevel::kDurable,
                     "on this server's disk before the answer; no standby is waited for, so a "
                     "failover may forget claims" +
                         joined};
  }
  if (facts.synchronous_commit == "local") {
    return Guarantee{GuaranteeLevel::kDurable,
                     "synchronous_commit=local: on this server's disk before the answer, the "
                     "standbys are not waited for" +
                         joined};
  }
  return Guarantee{GuaranteeLevel::kReplicated,
                   "commits wait for synchronous standbys (synchronous_commit=" +
                       facts.synchronous_commit + "); a failover to any other forgets" + joined};
}

}  // namespace holdfast::inline v0_5::postgres
