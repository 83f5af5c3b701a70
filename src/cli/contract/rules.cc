// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/rules.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "cli/printable.h"

namespace holdfast::cli::contract {
namespace {

absl::StatusOr<api::Outcome> ToleratedBy(const std::string& name) {
  // Nobody who checks at all lets corruption pass.
  constexpr std::pair<std::string_view, api::Outcome> kNames[] = {
      {"kept", api::Outcome::kKept},
      {"lossy", api::Outcome::kLossy},
      {"dropped", api::Outcome::kDropped},
      {"error", api::Outcome::kError}};
  for (const auto& [known, outcome] : kNames) {
    if (name == known) return outcome;
  }
  return absl::InvalidArgumentError("--tolerate: one of kept, lossy, dropped, error");
}

absl::StatusOr<api::Authority> AuthorityOf(const std::string& name) {
  std::vector<std::string> names;
  for (const api::Authority authority : api::kAuthorities) {
    if (name == Name(authority)) return authority;
    names.emplace_back(Name(authority));
  }
  return absl::InvalidArgumentError(absl::StrCat("--as: one of ", absl::StrJoin(names, ", ")));
}

}  // namespace

absl::StatusOr<Rules> RulesOf(const Arguments& arguments) {
  Rules rules;
  const absl::StatusOr<api::Level> level = api::ParseLevel(arguments.level);
  if (!level.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--level: ", PrintableText(std::string(level.status().message()))));
  }
  const absl::StatusOr<api::Outcome> tolerate = ToleratedBy(arguments.tolerate);
  if (!tolerate.ok()) return tolerate.status();
  rules.policy = {*level, *tolerate, arguments.encoding != Encoding::kBinary};
  rules.encoding = arguments.encoding;
  if (arguments.as.empty()) return rules;
  const absl::StatusOr<api::Authority> authority = AuthorityOf(arguments.as);
  if (!authority.ok()) return authority.status();
  rules.authority = *authority;
  return rules;
}

bool IsBackward(api::Level level) {
  return level == api::Level::kBackward || level == api::Level::kBackwardTransitive ||
         level == api::Level::kFull || level == api::Level::kFullTransitive;
}

bool IsForward(api::Level level) {
  return level == api::Level::kForward || level == api::Level::kForwardTransitive ||
         level == api::Level::kFull || level == api::Level::kFullTransitive;
}

std::size_t FirstOf(api::Level level, std::size_t count) {
  const bool all = level == api::Level::kBackwardTransitive ||
                   level == api::Level::kForwardTransitive || level == api::Level::kFullTransitive;
  return all || count == 0 ? 0 : count - 1;
}

std::string_view Name(Encoding encoding) {
  switch (encoding) {
    case Encoding::kBinary:
      return "binary";
    case Encoding::kJson:
      return "json";
    default:
      return "both";
  }
}

absl::StatusOr<std::vector<SchemaSource>> ReadSources(const Arguments& arguments) {
  if (std::count(arguments.schemas.begin(), arguments.schemas.end(), "-") > 1) {
    return absl::InvalidArgumentError("- : there is only one standard input");
  }
  std::vector<SchemaSource> sources;
  for (const std::string& word : arguments.schemas) {
    absl::StatusOr<SchemaSource> source = SchemaSource::Read(word, arguments.source);
    if (!source.ok()) return source.status();
    sources.push_back(*std::move(source));
  }
  return sources;
}

std::vector<api::Break> BreaksOf(const Rules& rules, const std::vector<SchemaSource>& sources) {
  std::vector<api::Version> history;
  for (std::size_t i = 0; i + 1 < sources.size(); ++i) {
    history.push_back({sources[i].name(), sources[i].schema()});
  }
  std::vector<api::Break> breaks = api::Check(history, sources.back().schema(), rules.policy);
  if (rules.encoding != Encoding::kJson) return breaks;
  // The policy counts JSON beside the binary encoding; here it alone counts.
  std::vector<api::Break> json;
  for (api::Break& broken : breaks) {
    broken.new_reads_old &= broken.change.json.new_reads_old > rules.policy.tolerate;
    broken.old_reads_new &= broken.change.json.old_reads_new > rules.policy.tolerate;
    broken.json = true;
    if (broken.new_reads_old || broken.old_reads_new) json.push_back(std::move(broken));
  }
  return json;
}

}  // namespace holdfast::cli::contract
