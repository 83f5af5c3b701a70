// SPDX-License-Identifier: Apache-2.0
// Level: the promise that a contract's versions keep, and whether a new version keeps it.
//
//   level      holds                                who is upgraded first
//   BACKWARD   the new version reads old data       consumers
//   FORWARD    old versions read new data           producers
//   FULL       both                                 either
//   NONE       nothing is checked
//
// Each but NONE is against the latest version, or _TRANSITIVE: against all. Where messages are stored or replayed only
// the transitive forms are sound: a field may be deleted in one step and come back as another type in the next.
#ifndef HOLDFAST_CONTRACT_LEVEL_H_
#define HOLDFAST_CONTRACT_LEVEL_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/change.h>
#include <holdfast/contract/schema.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

enum class Level {
  kNone,
  kBackward,
  kForward,
  kFull,
  kBackwardTransitive,
  kForwardTransitive,
  kFullTransitive,
};
std::string_view Name(Level level);  // "BACKWARD_TRANSITIVE"
// Errors: kInvalidArgument, naming the levels there are. In any case, with `_` or `-`.
absl::StatusOr<Level> ParseLevel(std::string_view name);

struct Policy {
  Level level = Level::kBackwardTransitive;
  Outcome tolerate = Outcome::kKept;  // the worst outcome that is still let pass
  bool json = false;                  // the JSON encoding counts as well
};

// A version of a contract as it is named to people ("1.2"), and its schema.
struct Version {
  std::string name;
  Schema schema;
};

// A change that breaks the level.
struct Break {
  std::string against;         // the name of the older version
  bool new_reads_old = false;  // which promise is broken; both may be
  bool old_reads_new = false;
  bool json = false;  // it is the JSON encoding that breaks, the binary one does not
  Change change;
};

// What of `newer` breaks the policy. `history` is from old to new; the level says how much of it counts. Thread-safe.
std::vector<Break> Check(std::span<const Version> history, const Schema& newer,
                         const Policy& policy = {});

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_LEVEL_H_
