// SPDX-License-Identifier: Apache-2.0
// `holdfast contract check`: does the newest schema keep the level, and what would others say?
#include <absl/strings/str_cat.h>
#include <fmt/core.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/level.h>
#include <holdfast/contract/verdict.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "cli/contract/print_change.h"
#include "cli/contract/rules.h"
#include "cli/contract/verbs.h"
#include "cli/printable.h"

namespace holdfast::cli::contract {
namespace {

using Sources = std::vector<SchemaSource>;

struct Objection {
  const SchemaSource* against;
  Pair judged;  // of FORWARD the new schema is the older one
  api::Violation violation;
};

// What a check found. Sources are the history and, last, the new schema.
struct Findings {
  std::vector<api::Break> breaks;
  std::vector<Objection> objections;  // of the authority of --as, instead of the breaks
  // Of each authority: of how many things it complains.
  std::vector<std::pair<api::Authority, std::size_t>> verdicts;
};

std::vector<Objection> ObjectionsOf(api::Authority authority, api::Level level,
                                    const Sources& sources) {
  std::vector<Objection> objections;
  const SchemaSource& newer = sources.back();
  for (std::size_t i = FirstOf(level, sources.size() - 1); i + 1 < sources.size(); ++i) {
    const auto judge = [&](const SchemaSource& from, const SchemaSource& to) {
      for (api::Violation& violation : api::Judge(authority, from.schema(), to.schema())) {
        objections.push_back({&sources[i], {from, to}, std::move(violation)});
      }
    };
    if (IsBackward(level)) judge(sources[i], newer);
    if (IsForward(level)) judge(newer, sources[i]);
  }
  return objections;
}

const SchemaSource& Named(const Sources& sources, const std::string& name) {
  return *std::find_if(sources.begin(), sources.end(),
                       [&](const SchemaSource& source) { return source.name() == name; });
}

void PrintBreak(const api::Break& broken, const Rules& rules, const Pair& pair) {
  fmt::print("{}: {}\n", TextOf(WhereOf(broken.change, pair)), TextOf(broken.change));
  fmt::print("    breaks {} against {}{}\n", Name(rules.policy.level), Printable(broken.against),
             broken.json ? ", as JSON" : "");
  fmt::print("    {}\n", EffectsOf(broken.change));
  if (!broken.change.why.empty()) fmt::print("    {}\n", PrintableText(broken.change.why));
}

void PrintObjection(const Objection& objection) {
  fmt::print("{}: {}: {}\n", TextOf(WhereOf(objection.violation, objection.judged)),
             Printable(objection.violation.rule), PrintableText(objection.violation.text));
}

void PrintText(const Findings& findings, const Rules& rules, const Sources& sources) {
  for (const api::Break& broken : findings.breaks) {
    PrintBreak(broken, rules, {Named(sources, broken.against), sources.back()});
  }
  for (const Objection& objection : findings.objections) PrintObjection(objection);
  const std::string rule = rules.authority.has_value()
                               ? absl::StrCat(std::string(Name(*rules.authority)), ", ")
                               : std::string();
  const std::size_t count = findings.breaks.size() + findings.objections.size();
  fmt::print("{}{}: {}\n", rule, Name(rules.policy.level),
             count == 0   ? "compatible"
             : count == 1 ? "1 finding"
                          : absl::StrCat(count, " findings"));
  fmt::print("what others say of it:");
  for (const auto& [authority, complaints] : findings.verdicts) {
    fmt::print("  {} {}", Name(authority),
               complaints == 0 ? "ok" : absl::StrCat("NO(", complaints, ")"));
  }
  fmt::print("\n");
}

nlohmann::json JsonOf(const api::Break& broken, const Pair& pair) {
  return {{"against", broken.against},
          {"new_reads_old", broken.new_reads_old},
          {"old_reads_new", broken.old_reads_new},
          {"json_only", broken.json},
          {"change", JsonOf(broken.change, pair)}};
}

nlohmann::json JsonOf(const Objection& objection) {
  nlohmann::json json = {{"against", objection.against->name()},
                         {"rule", objection.violation.rule},
                         {"element", objection.violation.element},
                         {"text", objection.violation.text}};
  AddWhere(WhereOf(objection.violation, objection.judged), &json);
  return json;
}

void PrintJson(const Findings& findings, const Rules& rules, const Sources& sources) {
  nlohmann::json json = {
      {"compatible", findings.breaks.empty() && findings.objections.empty()},
      {"level", Name(rules.policy.level)},
      {"tolerate", Name(rules.policy.tolerate)},
      {"encoding", Name(rules.encoding)},
      {"as", rules.authority.has_value() ? nlohmann::json(Name(*rules.authority)) : nullptr},
      {"newer", sources.back().name()},
      {"older", nlohmann::json::array()},
      {"breaks", nlohmann::json::array()},
      {"violations", nlohmann::json::array()},
      {"verdicts", nlohmann::json::array()}};
  for (std::size_t i = 0; i + 1 < sources.size(); ++i) json["older"].push_back(sources[i].name());
  for (const api::Break& broken : findings.breaks) {
    json["breaks"].push_back(JsonOf(broken, {Named(sources, broken.against), sources.back()}));
  }
  for (const Objection& objection : findings.objections) {
    json["violations"].push_back(JsonOf(objection));
  }
  for (const auto& [authority, complaints] : findings.verdicts) {
    json["verdicts"].push_back({{"authority", Name(authority)},
                                {"compatible", complaints == 0},
                                {"violations", complaints}});
  }
  fmt::print("{}\n", Line(json));
}

}  // namespace

absl::StatusOr<Exit> Check(const Arguments& arguments) {
  const absl::StatusOr<Rules> rules = RulesOf(arguments);
  if (!rules.ok()) return rules.status();
  const absl::StatusOr<Sources> sources = ReadSources(arguments);
  if (!sources.ok()) return sources.status();

  Findings findings;
  const bool checked = rules->policy.level != api::Level::kNone;
  const api::Level level = checked ? rules->policy.level : api::Level::kBackward;
  for (const api::Authority authority : api::kAuthorities) {
    std::vector<Objection> objections = ObjectionsOf(authority, level, *sources);
    findings.verdicts.emplace_back(authority, objections.size());
    if (checked && rules->authority == authority) findings.objections = std::move(objections);
  }
  if (!rules->authority.has_value()) findings.breaks = BreaksOf(*rules, *sources);
  arguments.json ? PrintJson(findings, *rules, *sources) : PrintText(findings, *rules, *sources);
  return findings.breaks.empty() && findings.objections.empty() ? Exit::kDone : Exit::kRefused;
}

absl::StatusOr<Exit> Diff(const Arguments& arguments) {
  const absl::StatusOr<Sources> sources = ReadSources(arguments);
  if (!sources.ok()) return sources.status();
  const Pair pair{sources->front(), sources->back()};
  const std::vector<api::Change> changes = api::Compare(pair.older.schema(), pair.newer.schema());
  if (arguments.json) {
    nlohmann::json json = {{"older", pair.older.name()},
                           {"newer", pair.newer.name()},
                           {"changes", nlohmann::json::array()}};
    for (const api::Change& change : changes) json["changes"].push_back(JsonOf(change, pair));
    fmt::print("{}\n", Line(json));
    return Exit::kDone;
  }
  for (const api::Change& change : changes) {
    fmt::print("{}: {}\n    {}\n", TextOf(WhereOf(change, pair)), TextOf(change),
               EffectsOf(change));
    if (!change.why.empty()) fmt::print("    {}\n", PrintableText(change.why));
  }
  fmt::print("{}\n", changes.size() == 1 ? "1 change" : absl::StrCat(changes.size(), " changes"));
  return Exit::kDone;
}

}  // namespace holdfast::cli::contract
