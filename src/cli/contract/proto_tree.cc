// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/proto_tree.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "cli/contract/run_program.h"
#include "cli/printable.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::contract {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostSet = std::size_t{64} << 20;

absl::Status Unreadable(const std::string& path, const std::error_code& error) {
  return absl::NotFoundError(Printable(path) + ": " + error.message());
}

// protoc's lines are FILE:LINE:COLUMN: text, with its own names of files.
std::string InUsersWords(const std::vector<ImportRoot>& roots, const std::string& errors) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(errors, '\n', absl::SkipEmpty())) {
    const std::size_t colon = line.find(':');
    const std::string name(line.substr(0, colon));
    const bool place = colon != absl::string_view::npos && absl::StrContains(name, ".proto");
    lines.push_back(place ? PrintableText(ShownPath(roots, name) + std::string(line.substr(colon)))
                          : PrintableText(std::string(line)));
  }
  return absl::StrJoin(lines, "\n");
}

fs::path Normal(const std::string& path) {
  const fs::path normal = fs::path(path).lexically_normal();
  return normal.empty() ? "." : normal.has_filename() ? normal : normal.parent_path();
}

bool IsBelow(const std::string& folder, const std::string& path) {
  const fs::path above = Normal(folder), below = Normal(path);
  if (above == ".") return below.is_relative() && *below.begin() != "..";
  return std::mismatch(above.begin(), above.end(), below.begin(), below.end()).first == above.end();
}

}  // namespace

std::string AsPrefix(const std::string& folder) {
  const fs::path normal = Normal(folder);
  return normal == "." ? "" : (normal / "").string();
}

absl::StatusOr<std::vector<std::string>> ProtosBelow(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> found;
  fs::recursive_directory_iterator at(folder, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (at->is_directory(error) && absl::StartsWith(at->path().filename().string(), ".")) {
      at.disable_recursion_pending();
    } else if (at->path().extension() == ".proto" && at->is_regular_file(error)) {
      found.push_back(at->path().lexically_relative(folder).string());
    }
  }
  if (error) return Unreadable(folder, error);
  std::sort(found.begin(), found.end());
  return found;
}

Roots RootsOf(const std::string& path, bool is_folder, const std::vector<std::string>& imports) {
  const auto above = std::find_if(imports.begin(), imports.end(),
                                  [&](const std::string& import) { return IsBelow(import, path); });
  Roots roots;
  const fs::path own = is_folder ? Normal(path) : Normal(Normal(path).parent_path().string());
  roots.folders.push_back(above != imports.end() ? *above : own.string());
  const std::string root = roots.folders.front();
  std::copy_if(imports.begin(), imports.end(), std::back_inserter(roots.folders),
               [&root](const std::string& import) { return import != root; });
  roots.rest = Normal(path).lexically_relative(Normal(root)).string();
  return roots;
}

absl::StatusOr<ProtoTree> TreeAt(const std::string& path, const std::vector<std::string>& imports) {
  std::error_code error;
  const bool folder = fs::is_directory(path, error);
  if (error) return Unreadable(path, error);

  const Roots roots = RootsOf(path, folder, imports);
  ProtoTree tree;
  for (const std::string& root : roots.folders) tree.roots.push_back({root, AsPrefix(root)});
  if (!folder) {
    tree.files.push_back(roots.rest);
    return tree;
  }
  absl::StatusOr<std::vector<std::string>> files = ProtosBelow(path);
  if (!files.ok()) return files.status();
  if (files->empty()) return absl::DataLossError(Printable(path) + ": no .proto file in it");
  const std::string prefix = AsPrefix(roots.rest);
  for (const std::string& file : *files) tree.files.push_back(prefix + file);
  return tree;
}

std::string ShownPath(const std::vector<ImportRoot>& roots, const std::string& name) {
  std::error_code ignored;
  for (const ImportRoot& root : roots) {
    if (fs::exists(fs::path(root.folder) / name, ignored)) return root.shown + name;
  }
  return name;
}

absl::StatusOr<std::string> CompileTree(const ProtoTree& tree, const std::string& protoc,
                                        const TempFolder& scratch) {
  const std::string set = scratch / "set.binpb";
  std::vector<std::string> words = {protoc, "--include_imports", "--include_source_info",
                                    "--descriptor_set_out=" + set};
  for (const ImportRoot& root : tree.roots) {
    if (absl::StrContains(root.folder, ":")) {
      return absl::DataLossError(Printable(root.folder) + ": protoc takes no folder with a colon");
    }
    words.push_back("--proto_path==" +
                    root.folder);  // VIRTUAL=FOLDER: the folder may have a `=` then
  }
  // With its folder before it no file's name is taken for an option.
  for (const std::string& file : tree.files) {
    words.push_back((fs::path(".") / tree.roots.front().folder / file).string());
  }
  const absl::StatusOr<ProgramResult> result = RunProgram(scratch, words);
  if (absl::IsNotFound(result.status())) {
    return absl::NotFoundError(
        absl::StrCat(std::string(result.status().message()),
                     " (protoc reads .proto files: --protoc says where it is)"));
  }
  if (!result.ok()) return result.status();
  if (result->exit_code != 0) {
    const std::string errors = InUsersWords(tree.roots, result->errors);
    return absl::DataLossError(errors.empty() ? absl::StrCat("protoc ended with status ",
                                                             result->exit_code, " and no word")
                                              : "protoc refuses it\n" + errors);
  }
  return ReadBytes(set, kMostSet);
}

}  // namespace holdfast::cli::contract
