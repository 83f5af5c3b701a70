// SPDX-License-Identifier: Apache-2.0
// The .proto files of a git revision, without a checkout.
#ifndef HOLDFAST_CLI_CONTRACT_GIT_REVISION_H_
#define HOLDFAST_CLI_CONTRACT_GIT_REVISION_H_

#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/contract/proto_tree.h"
#include "cli/contract/temp_folder.h"

namespace holdfast::cli::contract {

// What `git:REV` or `git:REV:PATH` says. PATH is as git takes it: from the top of the repository, or from the current
// folder if it begins with `./`; without one it is all of the repository.
struct GitRevision {
  std::string revision;
  std::string path;
};

// std::nullopt if the word does not begin with `git:`. Errors: kInvalidArgument: no revision, or one that git could take
// for an option.
absl::StatusOr<std::optional<GitRevision>> ParseGitRevision(std::string_view word);

// Writes the .proto files into folders below `scratch`: regular files only, whatever else is in the tree. The first root is
// found as TreeAt does it; of `imports` the relative ones are taken from the revision if they are in it, others from the
// disk. Errors: kNotFound: no such revision or path, no git; kDataLoss: no .proto files, or what git says.
absl::StatusOr<ProtoTree> TreeOf(const GitRevision& git, const std::vector<std::string>& imports,
                                 const TempFolder& scratch);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_GIT_REVISION_H_
