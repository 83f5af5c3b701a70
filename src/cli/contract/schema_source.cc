// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/schema_source.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "cli/contract/git_revision.h"
#include "cli/contract/proto_tree.h"
#include "cli/contract/temp_folder.h"
#include "cli/printable.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::contract {
namespace {

// What is wrong with an input is no mistake of the command line. Without a file there is nothing to hold a schema to: it
// is what a command that failed leaves behind, and must not pass a check.
absl::StatusOr<api::Schema> Parse(const std::string& word, const std::string& bytes) {
  absl::StatusOr<api::Schema> schema = api::Schema::Parse(bytes);
  if (schema.ok() && !schema->files().empty()) return schema;
  return absl::DataLossError(
      absl::StrCat(word == "-" ? "standard input" : Printable(word), ": ",
                   schema.ok() ? "a descriptor set without a file"
                               : PrintableText(std::string(schema.status().message()))));
}

bool IsProtoTree(const std::string& word) {
  std::error_code ignored;
  return absl::EndsWith(word, ".proto") || std::filesystem::is_directory(word, ignored);
}

}  // namespace

absl::StatusOr<SchemaSource> SchemaSource::Read(const std::string& word,
                                                const SourceOptions& options) {
  const absl::StatusOr<std::optional<GitRevision>> git = ParseGitRevision(word);
  if (!git.ok()) return git.status();
  if (!git->has_value() && !IsProtoTree(word)) {
    const absl::StatusOr<std::string> bytes = ReadBytes(word, api::Schema::kMaxBytes);
    if (!bytes.ok()) return bytes.status();
    absl::StatusOr<api::Schema> schema = Parse(word, *bytes);
    if (!schema.ok()) return schema.status();
    return SchemaSource(word, *std::move(schema));
  }

  const absl::StatusOr<TempFolder> scratch = TempFolder::Create();
  if (!scratch.ok()) return scratch.status();
  const absl::StatusOr<ProtoTree> tree =
      git->has_value() ? TreeOf(**git, options.imports, *scratch) : TreeAt(word, options.imports);
  if (!tree.ok()) return tree.status();
  const absl::StatusOr<std::string> set = CompileTree(*tree, options.protoc, *scratch);
  if (!set.ok()) return set.status();
  absl::StatusOr<api::Schema> schema = Parse(word, *set);
  if (!schema.ok()) return schema.status();
  SchemaSource source(word, *std::move(schema));
  for (const google::protobuf::FileDescriptor* const file : source.schema_.files()) {
    source.paths_[file->name()] = ShownPath(tree->roots, file->name());
  }
  return source;
}

std::string SchemaSource::PathOf(const std::string& file) const {
  const auto found = paths_.find(file);
  return found == paths_.end() ? file : found->second;
}

}  // namespace holdfast::cli::contract
