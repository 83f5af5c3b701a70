// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <absl/strings/str_cat.h>
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

namespace checkout {
namespace {

struct Line {
  const char* label;
  std::function<std::string(const Tally&)> value;
};

std::string PerOrder(uint32_t count, const Tally& run) {
  return fmt::format("{:.2f}", run.orders == 0 ? 0.0 : static_cast<double>(count) / run.orders);
}

std::string Money(int64_t cents) {
  return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents) / 100,
                     std::abs(cents) % 100);
}

const std::vector<Line>& Lines() {
  using T = const Tally&;
  static const std::vector<Line> lines = {
      {"orders asked", [](T run) { return fmt::format("{}", run.orders); }},
      {"confirmed", [](T run) { return fmt::format("{}", run.confirmed); }},
      {"failed", [](T run) { return fmt::format("{}", run.failed); }},
      {"without a final state", [](T run) { return fmt::format("{}", run.unfinished); }},
      {"charged twice", [](T run) { return fmt::format("{}", run.charged_twice); }},
      {"charged but lost", [](T run) { return fmt::format("{}", run.lost); }},
      {"confirmed but not charged", [](T run) { return fmt::format("{}", run.unpaid); }},
      {"shopper told otherwise", [](T run) { return fmt::format("{}", run.contradicted); }},
      {"money taken too much", [](T run) { return Money(run.overcharged_cents); }},
      {"", nullptr},
      {"client attempts per order", [](T run) { return PerOrder(run.place_attempts, run); }},
      {"charge attempts per order", [](T run) { return PerOrder(run.charge_attempts, run); }},
      {"charge attempts in vain", [](T run) { return fmt::format("{}", run.charge_failures); }},
      {"duplicates answered from a store", [](T run) { return fmt::format("{}", run.replays); }},
      {"breaker openings", [](T run) { return fmt::format("{}", run.breaker_openings); }},
      {"calls ended by an open breaker",
       [](T run) { return fmt::format("{}", run.breaker_refusals); }},
      {"retries refused by the budget",
       [](T run) { return fmt::format("{}", run.budget_refusals); }},
      {"latency p50", [](T run) { return fmt::format("{:.0f} ms", run.p50_ms); }},
      {"latency p99", [](T run) { return fmt::format("{:.0f} ms", run.p99_ms); }},
      {"", nullptr},
      {"payment service killed", [](T run) { return fmt::format("{}", run.payment_kills); }},
      {"order service killed", [](T run) { return fmt::format("{}", run.order_kills); }},
      {"time", [](T run) { return fmt::format("{:.1f} s", run.seconds); }},
  };
  return lines;
}

// What the part that was left out buys.
std::string Bought(const Tally& with, const Tally& without) {
  return fmt::format(
      "\nWhat that part buys, with -> without: orders charged twice {} -> {}, money taken too much "
      "{} -> {}, charge attempts in vain {} -> {}, breaker openings {} -> {}, retries refused {} "
      "-> {}, "
      "p99 {:.0f} -> {:.0f} ms.",
      with.charged_twice, without.charged_twice, Money(with.overcharged_cents),
      Money(without.overcharged_cents), with.charge_failures, without.charge_failures,
      with.breaker_openings, without.breaker_openings, with.budget_refusals,
      without.budget_refusals, with.p99_ms, without.p99_ms);
}

nlohmann::json ToJson(const Tally& run) {
  return {{"orders", run.orders},
          {"confirmed", run.confirmed},
          {"failed", run.failed},
          {"unfinished", run.unfinished},
          {"charged_twice", run.charged_twice},
          {"charged_but_lost", run.lost},
          {"confirmed_not_charged", run.unpaid},
          {"told_otherwise", run.contradicted},
          {"overcharged_cents", run.overcharged_cents},
          {"client_attempts", run.place_attempts},
          {"charge_attempts", run.charge_attempts},
          {"charge_failures", run.charge_failures},
          {"replays", run.replays},
          {"breaker_openings", run.breaker_openings},
          {"breaker_refusals", run.breaker_refusals},
          {"budget_refusals", run.budget_refusals},
          {"payment_kills", run.payment_kills},
          {"order_kills", run.order_kills},
          {"p50_ms", run.p50_ms},
          {"p99_ms", run.p99_ms},
          {"seconds", run.seconds}};
}

}  // namespace

std::string Table(const std::vector<Tally>& runs) {
  std::string table = fmt::format("{:<34}", "");
  for (const Tally& run : runs) table += fmt::format("{:>22}", run.name);
  table += '\n' + std::string(34 + 22 * runs.size(), '-') + '\n';
  for (const Line& line : Lines()) {
    if (line.value != nullptr) {
      table += fmt::format("{:<34}", line.label);
      for (const Tally& run : runs) table += fmt::format("{:>22}", line.value(run));
    }
    table += '\n';
  }
  return table;
}

Verdict Judge(const std::vector<Tally>& runs) {
  const Tally& bare = runs.front();
  const Tally& judged = runs.back();
  const std::string bought = runs.size() < 3 ? "" : Bought(runs[1], judged);
  for (size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].KeepsThePromise()) continue;
    return {
        kBroken,
        fmt::format(
            "BROKEN: {} charged {} orders twice, lost {}, left {} unpaid and {} without a final "
            "state, confirmed {} of {}.{}",
            runs[i].name, runs[i].charged_twice, runs[i].lost, runs[i].unpaid, runs[i].unfinished,
            runs[i].confirmed, runs[i].orders, bought)};
  }
  if (bare.charged_twice == 0) {
    return {
        kTooSmall,
        absl::StrCat(
            "TOO SMALL: in this run even plain gRPC charged nothing twice, so it shows nothing. "
            "Take more --orders, or a harder --faults file.",
            bought)};
  }
  return {kHeld, fmt::format(
                     "HELD: {} charged every order once and lost none; plain gRPC charged {} twice "
                     "and lost {}, under the same faults.{}",
                     judged.name, bare.charged_twice, bare.lost, bought)};
}

absl::Status WriteJson(const std::string& file, const Settings& settings,
                       const std::vector<Tally>& runs, const Verdict& verdict, const Story& story) {
  nlohmann::json json = {{"seed", settings.seed},
                         {"orders", settings.orders},
                         {"exit_code", static_cast<int>(verdict.code)},
                         {"verdict", verdict.text},
                         {"story", {{"order", story.order}, {"correlation", story.correlation}}}};
  for (const Tally& run : runs) json["runs"][run.name] = ToJson(run);
  std::ofstream out(file);
  out << json.dump(2) << '\n';
  out.close();
  if (!out) return absl::UnavailableError(absl::StrCat("cannot write ", file));
  return absl::OkStatus();
}

}  // namespace checkout
