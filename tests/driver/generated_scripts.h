// SPDX-License-Identifier: Apache-2.0
// The generated action scripts: themes that each bring one guard or one demand of the caller into play,
// mixed at random from a fixed seed, each then again with a caller who gives up at one point of it.
//
// A script is known by its number: the same in every run, on every machine, for every driver. What it must
// lead to is in no script; it is found by the reference (reference.h).
#ifndef HOLDFAST_TESTS_DRIVER_GENERATED_SCRIPTS_H_
#define HOLDFAST_TESTS_DRIVER_GENERATED_SCRIPTS_H_

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "driver/generated_beats.h"
#include "driver/generated_themes.h"
#include "driver/reference.h"
#include "driver/script.h"
#include "model/dice.h"

namespace holdfast::driver_test {

// A point at which a caller gives up: in the n-th stay at a place (3: any later one, too), or before all.
struct CancelPoint {
  bool before = false;  // the first stay, which would be there; nth 0: there is none
  Where where = Where::kAttempt;
  int nth = 0;
  bool heeded = false;      // by the attempt under way
  bool on_the_dot = false;  // at the very moment at which a sleep ends
  auto operator<=>(const CancelPoint&) const = default;
};

class ScriptGenerator {
 public:
  static constexpr uint64_t kSeed = 20260101;
  static constexpr int kTurns = 12;  // of each theme

  static std::vector<Script> Generate() {
    ScriptGenerator generator;
    for (int turn = 0; turn < kTurns; ++turn) {
      for (size_t theme = 0; theme < std::size(kThemes); ++theme) generator.Add(theme, turn);
    }
    return std::move(generator.scripts_);
  }

  // How often a caller gives up where.
  static std::map<CancelPoint, int> CancelPoints() {
    ScriptGenerator generator;
    for (int turn = 0; turn < kTurns; ++turn) {
      for (size_t theme = 0; theme < std::size(kThemes); ++theme) generator.Add(theme, turn);
    }
    return std::move(generator.points_);
  }

 private:
  static constexpr int kEnoughRefused = 8;  // where there is nothing to be cancelled

  struct Choice {
    CancelPoint point;
    Duration after;
  };

  void Add(size_t theme, int turn) {
    model::Dice dice(kSeed + scripts_.size());
    Script script;
    script.name = kThemes[theme].name;
    script.seed = 1 + dice.Below(1u << 30);
    kThemes[theme].apply(script, turn, dice);
    if (turn >= 2 && dice.Chance(60)) {
      const Theme& second = kThemes[dice.Below(kMixable)];
      script.name += std::string("And") + second.name;
      second.apply(script, static_cast<int>(dice.Below(6)), dice);
    }
    script.beats = beats_.Next(script.max_attempts, dice);
    scripts_.push_back(script);
    AddCancelled(script, dice);
  }

  // The same once more, with a caller who gives up where that was tried least.
  void AddCancelled(Script script, model::Dice& dice) {
    Recording recording(script);
    Reference reference(recording);
    reference.Play();
    const std::vector<Choice> choices = Choices(reference.stays(), dice);
    const Choice* rarest = &choices.front();
    for (const Choice& choice : choices) {
      if (points_[choice.point] < points_[rarest->point]) rarest = &choice;
    }
    if (rarest->point.nth == 0 && points_[rarest->point] >= kEnoughRefused) return;
    ++points_[rarest->point];
    script.name += "Cancelled";
    script.cancelled_after = rarest->after;
    script.heeds_cancel = rarest->point.heeded;
    scripts_.push_back(std::move(script));
  }

  static std::vector<Choice> Choices(const std::vector<Stay>& stays, model::Dice& dice) {
    constexpr hf_time kStart = HF_S;  // of a virtual clock
    const bool refused = stays.empty();
    const CancelPoint before{.before = true,
                             .where = refused ? Where::kAttempt : stays.front().where,
                             .nth = refused ? 0 : 1};
    std::vector<Choice> choices = {{before, Duration{0}}};
    std::map<Where, int> seen;
    for (const Stay& stay : stays) {
      const int nth = std::min(++seen[stay.where], 3);
      if (stay.to - stay.from < 2) continue;
      const bool runs = stay.where == Where::kAttempt;
      const bool sleeps =
          !runs && stay.where != Where::kBulkhead && stay.where != Where::kCallBulkhead;
      const bool on_the_dot = sleeps && dice.Chance(20);
      // Off by a few nanoseconds, so that nothing else happens at that moment.
      const hf_time at = on_the_dot ? stay.to : stay.from + (stay.to - stay.from) / 2 - 1;
      choices.push_back({{.where = stay.where,
                          .nth = nth,
                          .heeded = runs && dice.Chance(50),
                          .on_the_dot = on_the_dot},
                         Duration{at - kStart}});
    }
    return choices;
  }

  std::vector<Script> scripts_;
  std::map<CancelPoint, int> points_;
  BeatSource beats_;
};

inline const std::vector<Script>& GeneratedScripts() {
  static const std::vector<Script> scripts = ScriptGenerator::Generate();
  return scripts;
}

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_GENERATED_SCRIPTS_H_
