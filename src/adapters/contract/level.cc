// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/level.h>
#include <holdfast/status.h>

#include <algorithm>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

struct Promise {
  Level level;
  std::string_view name;
  bool backward;
  bool forward;
  bool transitive;
};

constexpr Promise kPromises[] = {
    {Level::kNone, "NONE", false, false, false},
    {Level::kBackward, "BACKWARD", true, false, false},
    {Level::kForward, "FORWARD", false, true, false},
    {Level::kFull, "FULL", true, true, false},
    {Level::kBackwardTransitive, "BACKWARD_TRANSITIVE", true, false, true},
    {Level::kForwardTransitive, "FORWARD_TRANSITIVE", false, true, true},
    {Level::kFullTransitive, "FULL_TRANSITIVE", true, true, true},
};

const Promise& PromiseOf(Level level) { return kPromises[static_cast<int>(level)]; }

class Promised {
 public:
  explicit Promised(const Policy& policy) : policy_(policy), promise_(PromiseOf(policy.level)) {}

  void Against(const Version& older, const Schema& newer, std::vector<Break>* breaks) const {
    for (Change& change : Compare(older.schema, newer)) {
      const Effect binary = Broken(change.binary);
      const Effect json = policy_.json ? Broken(change.json) : Effect{};
      const bool in_binary = Any(binary);
      if (!in_binary && !Any(json)) continue;
      const bool forth =
          binary.new_reads_old != Outcome::kKept || json.new_reads_old != Outcome::kKept;
      const bool back =
          binary.old_reads_new != Outcome::kKept || json.old_reads_new != Outcome::kKept;
      breaks->push_back({older.name, forth, back, !in_binary, std::move(change)});
    }
  }

 private:
  // What is left of an effect if all is taken out that was not promised, or is tolerated.
  Effect Broken(Effect effect) const {
    if (!promise_.backward || effect.new_reads_old <= policy_.tolerate)
      effect.new_reads_old = Outcome::kKept;
    if (!promise_.forward || effect.old_reads_new <= policy_.tolerate)
      effect.old_reads_new = Outcome::kKept;
    return effect;
  }
  static bool Any(const Effect& effect) {
    return effect.new_reads_old != Outcome::kKept || effect.old_reads_new != Outcome::kKept;
  }

  const Policy& policy_;
  const Promise& promise_;
};

}  // namespace

std::string_view Name(Level level) { return PromiseOf(level).name; }

absl::StatusOr<Level> ParseLevel(std::string_view name) {
  std::string word;
  for (const char letter : name) word += letter == '-' ? '_' : absl::ascii_toupper(letter);
  std::string known;
  for (const Promise& promise : kPromises) {
    if (word == promise.name) return promise.level;
    known += (known.empty() ? "" : ", ") + std::string(promise.name);
  }
  const std::string shown =
      absl::CHexEscape(absl::string_view(name.data(), std::min<std::size_t>(name.size(), 64)));
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                    "\"" + shown + "\" is no level; there are " + known);
}

std::vector<Break> Check(std::span<const Version> history, const Schema& newer,
                         const Policy& policy) {
  std::vector<Break> breaks;
  if (policy.level == Level::kNone || history.empty()) return breaks;
  const Promised promised(policy);
  if (!PromiseOf(policy.level).transitive) history = history.last(1);
  for (const Version& older : history) promised.Against(older, newer, &breaks);
  return breaks;
}

}  // namespace holdfast::inline v0_5::contract
