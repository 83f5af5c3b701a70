// SPDX-License-Identifier: Apache-2.0
// .proto files on disk, and protoc, which makes a descriptor set of them.
#ifndef HOLDFAST_CLI_CONTRACT_PROTO_TREE_H_
#define HOLDFAST_CLI_CONTRACT_PROTO_TREE_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "cli/contract/temp_folder.h"

namespace holdfast::cli::contract {

// Where imports are looked for.
struct ImportRoot {
  std::string folder;  // on disk
  std::string
      shown;  // as the user knows it, with what is to stand before a file: "proto/", "v1.2:proto/", ""
};

struct ProtoTree {
  std::vector<ImportRoot> roots;   // files are below the first
  std::vector<std::string> files;  // relative to it
};

// "proto/" of "proto", "" of "" and ".".
std::string AsPrefix(const std::string& folder);
// Which folder gives the files at `path` their names, and where else imports are looked for: the first is the one of `imports`
// that the path lies in, else the path itself, or the folder of the file that it is. Paths are compared as written.
struct Roots {
  std::vector<std::string> folders;
  std::string rest;  // of the path below the first of them; "." for all of it
};
Roots RootsOf(const std::string& path, bool is_folder, const std::vector<std::string>& imports);

// The .proto files at and below `path`, a folder or a file, on disk. Errors: kNotFound, kDataLoss: there are none.
absl::StatusOr<ProtoTree> TreeAt(const std::string& path, const std::vector<std::string>& imports);

// Relative paths of the .proto files below a folder, in order; links to folders and hidden folders are passed over.
absl::StatusOr<std::vector<std::string>> ProtosBelow(const std::string& folder);

// The path as the user knows it of a file that protoc knows as `name`; `name` itself if no root has it.
std::string ShownPath(const std::vector<ImportRoot>& roots, const std::string& name);

// The bytes of a descriptor set, with imports and source info. Errors: kDataLoss: what protoc says, with the files'
// paths as the user knows them; kNotFound: no protoc.
absl::StatusOr<std::string> CompileTree(const ProtoTree& tree, const std::string& protoc,
                                        const TempFolder& scratch);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_PROTO_TREE_H_
