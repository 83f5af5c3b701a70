// SPDX-License-Identifier: Apache-2.0
// How a run is told: a table for people, JSON for machines.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "chaos/supervisor.h"

namespace holdfast::chaos {
namespace {

uint64_t Of(const std::map<std::string, uint64_t>& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

uint64_t Sum(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

void Row(const std::string& name, uint64_t count, std::string* table,
         const std::string& note = "") {
  absl::StrAppendFormat(table, "  %-34s %10d%s%s\n", name, count, note.empty() ? "" : "  ", note);
}

}  // namespace

std::string Table(const RunReport& report) {
  const CheckResult& check = report.check;
  const AuditResult& audit = report.audit;
  std::string table = absl::StrFormat(
      "store %s, seed %d: %d operations in %.1f s (%.0f/s), checked in %.2f s\n",
      report.settings.store, report.settings.seed, check.operations, report.worked,
      report.worked > 0 ? static_cast<double>(check.operations) / report.worked : 0.0,
      report.checked);
  Row("operations", check.operations, &table);
  Row("of unknown outcome", check.unknown, &table);
  Row("keys", check.keys, &table);
  Row("faults", Sum(report.faults), &table);
  for (const auto& [name, count] : report.faults) Row("  " + name, count, &table);
  Row("takeovers", report.takeovers, &table);
  Row("fenced", Of(report.answers, "FENCED"), &table);
  Row("replays", Of(report.answers, "REPLAY"), &table);
  Row("in doubt", audit.in_doubt, &table, "keys at the end");
  Row("effects", audit.effects, &table);
  Row("repeats by takeover", audit.repeats, &table, "the price of that policy");
  Row("duplicate effects", audit.duplicates, &table, "must be 0");
  Row("completed without effect", audit.lost, &table, "must be 0");
  const std::string& note = report.guarantee_note;
  Row("violations", check.violations.size(), &table, note.empty() ? "must be 0" : note);
  for (const auto& [kind, count] : report.violations) Row("  " + kind, count, &table);
  if (check.undecided > 0) Row("undecided keys", check.undecided, &table, "must be 0");
  if (audit.unread > 0) Row("unread keys", audit.unread, &table, "must be 0");
  for (const std::string& complaint : audit.complaints) absl::StrAppend(&table, complaint, "\n");
  std::set<std::string> told;  // the shortest first
  for (const Violation& violation : check.violations) {
    if (!told.insert(violation.kind).second) continue;
    absl::StrAppend(&table, "\n", violation.kind, ", the shortest impossible history:\n",
                    violation.history);
  }
  if (!report.trouble.empty()) absl::StrAppend(&table, "trouble: ", report.trouble, "\n");
  absl::StrAppend(&table, report.sound() ? "SOUND" : "BROKEN", "\n");
  if (!report.sound()) absl::StrAppend(&table, "histories: ", report.settings.folder, "\n");
  return table;
}

std::string Json(const RunReport& report) {
  const CheckResult& check = report.check;
  const AuditResult& audit = report.audit;
  nlohmann::json json = {
      {"store", report.settings.store},
      {"seed", report.settings.seed},
      {"sound", report.sound()},
      {"seconds", report.worked},
      {"check_seconds", report.checked},
      {"operations", check.operations},
      {"unknown", check.unknown},
      {"keys", check.keys},
      {"faults", report.faults},
      {"answers", report.answers},
      {"takeovers", report.takeovers},
      {"fenced", Of(report.answers, "FENCED")},
      {"replays", Of(report.answers, "REPLAY")},
      {"in_doubt", audit.in_doubt},
      {"effects", audit.effects},
      {"repeats_by_takeover", audit.repeats},
      {"duplicate_effects", audit.duplicates},
      {"completed_without_effect", audit.lost},
      {"violations", check.violations.size()},
      {"violations_by_kind", report.violations},
      {"undecided", check.undecided},
      {"unread", audit.unread},
      {"beyond_promise", report.guarantee_note},
      {"trouble", report.trouble},
  };
  if (!check.violations.empty()) json["shortest"] = check.violations.front().history;
  return json.dump(2) + "\n";
}

}  // namespace holdfast::chaos
