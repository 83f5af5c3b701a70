// SPDX-License-Identifier: Apache-2.0
// Gate: what this server's settings promise, and which are refused.
//
//   setting                          refused unless                  guarantee then
//   in recovery (a standby)          never allowed                   -
//   fsync=off                        allow_fsync_off                 G0
//   full_page_writes=off             allow_full_page_writes_off      G0
//   synchronous_commit=off           allow_synchronous_commit_off    G0
//   UNLOGGED tables                  allow_unlogged                  G0
//   no synchronous standby                                           G1
//   synchronous_commit=local                                         G1
//   synchronous_standby_names set, synchronous_commit remote_write,
//     on or remote_apply                                             G2
// Work that completes its record in its own transaction (postgres/transaction.h) is G3 in each case but G0.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_GATE_H_
#define HOLDFAST_ADAPTERS_POSTGRES_GATE_H_

#include <absl/status/statusor.h>
#include <holdfast/postgres/options.h>
#include <holdfast/store.h>

#include <string>

#include "adapters/postgres/session.h"

namespace holdfast::inline v0_5::postgres {

struct ServerFacts {
  bool standby = false;
  int version = 0;  // 150020
  std::string fsync;
  std::string full_page_writes;
  std::string synchronous_commit;
  std::string standby_names;
  bool unlogged = false;
};

// Of the server itself: asked before anything is created.
absl::StatusOr<ServerFacts> AskFacts(Session& session, const std::string& schema);

// Refuses, or tells what is guaranteed. Pure.
absl::StatusOr<Guarantee> Judge(const ServerFacts& facts, const Options& options);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_GATE_H_
