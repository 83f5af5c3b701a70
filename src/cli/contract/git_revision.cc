// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/git_revision.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "cli/contract/run_program.h"
#include "cli/printable.h"

namespace holdfast::cli::contract {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGit = "git:";

struct Blob {
  std::string path;  // below the tree that was listed
  std::string id;
};

// "100644 blob 8ab686ea...\tacme/order.proto" of `git ls-tree -z`.
std::optional<Blob> ProtoBlob(absl::string_view entry) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(entry, absl::MaxSplits('\t', 1));
  const std::vector<absl::string_view> words = absl::StrSplit(halves.first, ' ');
  const bool file = words.size() == 3 && absl::StartsWith(words[0], "100") && words[1] == "blob";
  if (!file || !absl::EndsWith(halves.second, ".proto")) return std::nullopt;
  return Blob{std::string(halves.second), std::string(words[2])};
}

// Git refuses to make such trees; whoever makes them by hand does not get us to write elsewhere.
bool StaysBelow(const std::string& path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  return std::none_of(parts.begin(), parts.end(), [](absl::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
}

bool IsFromHere(const std::string& path) {
  return path == "." || absl::StartsWith(path, "./") || absl::StartsWith(path, "../");
}

class Repository {
 public:
  Repository(const TempFolder& scratch, const GitRevision& git) : scratch_(scratch), git_(git) {}

  // Errors: kNotFound.
  absl::Status Open() {
    absl::StatusOr<std::string> found = IdOf(git_.revision + "^{tree}");
    if (absl::IsNotFound(found.status())) {
      return absl::NotFoundError(absl::StrCat("git: no revision ", Printable(git_.revision)));
    }
    if (!found.ok()) return found.status();
    tree_ = *std::move(found);
    // Where the current folder is in the repository; nowhere, if that has no working tree.
    const absl::StatusOr<std::string> here = Git({"rev-parse", "--show-prefix"});
    if (here.ok()) here_ = std::string(absl::StripSuffix(*here, "\n"));
    return absl::OkStatus();
  }

  // A path from the current folder as one from the top of the repository.
  std::string FromTop(const std::string& path) const {
    return (fs::path(here_) / path).lexically_normal().string();
  }

  // The object at a path from the top. Errors: kNotFound.
  absl::StatusOr<std::string> At(const std::string& path) const {
    const std::string prefix = AsPrefix(path);
    absl::StatusOr<std::string> id =
        IdOf(tree_ + ":" + std::string(absl::StripSuffix(prefix, "/")));
    if (absl::IsNotFound(id.status())) {
      return absl::NotFoundError(
          absl::StrCat("git: no ", Printable(path), " in revision ", Printable(git_.revision)));
    }
    return id;
  }

  absl::StatusOr<bool> IsFolder(const std::string& id) const {
    const absl::StatusOr<std::string> kind = Git({"cat-file", "-t", id});
    if (!kind.ok()) return kind.status();
    return absl::StripAsciiWhitespace(*kind) == "tree";
  }

  // Writes the .proto files below a path into `folder`. Errors: kNotFound, ...
  absl::Status Extract(const std::string& path, const std::string& folder) const {
    const absl::StatusOr<std::string> tree = At(path);
    if (!tree.ok()) return tree.status();
    const absl::StatusOr<std::string> listed = Git({"ls-tree", "-r", "-z", "--full-tree", *tree});
    if (!listed.ok()) return listed.status();
    std::vector<Blob> blobs;
    std::string wanted;
    for (const absl::string_view entry : absl::StrSplit(*listed, '\0', absl::SkipEmpty())) {
      std::optional<Blob> blob = ProtoBlob(entry);
      if (!blob.has_value()) continue;
      if (!StaysBelow(blob->path)) return absl::DataLossError("git: a path that leads elsewhere");
      absl::StrAppend(&wanted, blob->id, "\n");
      blobs.push_back(*std::move(blob));
    }
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return absl::UnavailableError(folder + ": " + error.message());
    const absl::StatusOr<std::string> contents = Git({"cat-file", "--batch"}, wanted);
    if (!contents.ok()) return contents.status();
    return Write(blobs, *contents, folder);
  }

 private:
  absl::StatusOr<std::string> Git(std::vector<std::string> words,
                                  const std::string& input = {}) const {
    words.insert(words.begin(), "git");
    absl::StatusOr<ProgramResult> result = RunProgram(scratch_, words, input);
    if (!result.ok()) return result.status();
    if (result->exit_code != 0) {
      return absl::DataLossError(
          "git: " + PrintableLines(std::string(absl::StripAsciiWhitespace(result->errors))));
    }
    return std::move(result->output);
  }

  absl::StatusOr<std::string> IdOf(const std::string& name) const {
    absl::StatusOr<ProgramResult> result =
        RunProgram(scratch_, {"git", "rev-parse", "--verify", "--quiet", name});
    if (!result.ok()) return result.status();
    const std::string errors(absl::StripAsciiWhitespace(result->errors));
    if (result->exit_code != 0 && errors.empty()) return absl::NotFoundError("no such object");
    if (result->exit_code != 0) return absl::DataLossError("git: " + PrintableLines(errors));
    return std::string(absl::StripAsciiWhitespace(result->output));
  }

  // `git cat-file --batch` answers ID SP "blob" SP SIZE LF BYTES LF, in the order of the questions.
  static absl::Status Write(const std::vector<Blob>& blobs, std::string_view contents,
                            const std::string& folder) {
    for (const Blob& blob : blobs) {
      const std::size_t line = contents.find('\n');
      const std::string head = blob.id + " blob ";
      std::size_t size = 0;
      if (line == contents.npos || !contents.starts_with(head) ||
          !absl::SimpleAtoi(std::string(contents.substr(head.size(), line - head.size())), &size) ||
          contents.size() - line - 1 <= size) {
        return absl::DataLossError("git: cannot read " + Printable(blob.path));
      }
      const fs::path path = fs::path(folder) / blob.path;
      std::error_code ignored;
      fs::create_directories(path.parent_path(), ignored);
      std::ofstream file(path, std::ios::binary);
      file << contents.substr(line + 1, size);
      if (!file.flush()) return absl::UnavailableError(path.string() + ": cannot be written");
      contents.remove_prefix(line + 1 + size + 1);
    }
    return absl::OkStatus();
  }

  const TempFolder& scratch_;
  const GitRevision& git_;
  std::string tree_, here_;
};

}  // namespace

absl::StatusOr<std::optional<GitRevision>> ParseGitRevision(std::string_view word) {
  if (!word.starts_with(kGit)) return std::nullopt;
  word.remove_prefix(kGit.size());
  const std::size_t colon = word.find(':');
  GitRevision git;
  git.revision = std::string(word.substr(0, colon));
  if (colon != word.npos) git.path = std::string(word.substr(colon + 1));
  if (git.revision.empty() || git.revision[0] == '-') {
    return absl::InvalidArgumentError(Printable(std::string(kGit) + std::string(word)) +
                                      ": not git:REVISION or git:REVISION:PATH");
  }
  return git;
}

absl::StatusOr<ProtoTree> TreeOf(const GitRevision& git, const std::vector<std::string>& imports,
                                 const TempFolder& scratch) {
  Repository repository(scratch, git);
  if (absl::Status opened = repository.Open(); !opened.ok()) return opened;
  const std::string path = IsFromHere(git.path) ? repository.FromTop(git.path) : git.path;
  const absl::StatusOr<std::string> at = repository.At(path);
  if (!at.ok()) return at.status();
  const absl::StatusOr<bool> folder = repository.IsFolder(*at);
  if (!folder.ok()) return folder.status();

  std::vector<std::string> inside;
  for (const std::string& import : imports) inside.push_back(repository.FromTop(import));
  const Roots roots = RootsOf(path, *folder, inside);
  ProtoTree tree;
  for (const std::string& root : roots.folders) {
    const std::string copy = scratch / absl::StrCat("tree", tree.roots.size());
    const absl::Status extracted = repository.Extract(root, copy);
    if (extracted.ok()) {
      tree.roots.push_back({copy, git.revision + ":" + AsPrefix(root)});
    } else if (absl::IsNotFound(extracted) && !tree.roots.empty()) {
      const auto word = std::find(inside.begin(), inside.end(), root) - inside.begin();
      tree.roots.push_back({imports[word], AsPrefix(imports[word])});
    } else {
      return extracted;
    }
  }
  if (!*folder) {
    tree.files.push_back(roots.rest);
    return tree;
  }
  const std::string prefix = AsPrefix(roots.rest);
  const absl::StatusOr<std::vector<std::string>> files =
      ProtosBelow(tree.roots.front().folder + "/" + prefix);
  if (!files.ok() || files->empty()) {
    return absl::DataLossError(
        absl::StrCat(Printable(git.revision), ":", Printable(path), ": no .proto file in it"));
  }
  for (const std::string& file : *files) tree.files.push_back(prefix + file);
  return tree;
}

}  // namespace holdfast::cli::contract
