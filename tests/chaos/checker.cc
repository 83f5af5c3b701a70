// SPDX-License-Identifier: Apache-2.0
// See checker.h. An operation is
//   due       answered: it must be in the order before whatever was invoked after its return
//   optional  of unknown outcome: in the order if that helps, and if it has an end, decided before that
#include "chaos/checker.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "chaos/culprit.h"
#include "chaos/invariants.h"

namespace holdfast::chaos {
namespace {

using Hash128 = std::pair<uint64_t, uint64_t>;

constexpr std::array<uint8_t, 16> kNobody{};

uint64_t Mix(uint64_t value) {  // splitmix64
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

Hash128 HashOf(const KeyState& s) {
  Hash128 hash{1, 2};
  const auto add = [&](uint64_t value) {
    hash.first = Mix(hash.first ^ value);
    hash.second = Mix(hash.second + 3 * value + 1);
  };
  uint64_t nonce[2];
  std::memcpy(nonce, s.nonce.data(), sizeof(nonce));
  for (const uint64_t word : {nonce[0], nonce[1], s.token, s.fingerprint, s.body}) add(word);
  add(static_cast<uint64_t>(s.state) << 32 | static_cast<uint64_t>(s.on_expiry) << 16 |
      static_cast<uint64_t>(s.token_known) << 1 | static_cast<uint64_t>(s.reconcile));
  add(static_cast<uint64_t>(s.attempt) << 32 | s.truncated);
  add(static_cast<uint64_t>(s.code));
  for (const Window& window : {s.lease, s.not_before, s.expires}) {
    add(static_cast<uint64_t>(window.earliest));
    add(static_cast<uint64_t>(window.latest));
  }
  add(static_cast<uint64_t>(s.written));
  return hash;
}

class Search {
 public:
  Search(const std::vector<Operation>& operations, const CheckOptions& options)
      : operations_(operations), options_(options), next_(operations.size() + 1) {
    for (size_t i = 0; i <= operations.size(); ++i) next_[i] = i + 1;
    previous_.resize(operations.size() + 2);
    for (size_t i = 0; i <= operations.size() + 1; ++i) previous_[i] = i == 0 ? 0 : i - 1;
    for (const Operation& operation : operations) {
      if (!operation.answered) continue;
      ++due_;
      if (operation.reply.nonce != kNobody) owners_.insert(operation.reply.nonce);
    }
  }

  // Depth first. A frame is a configuration with the ways on from it.
  Verdict Run() {
    Enter(KeyState{});
    while (due_ > 0 && !frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.chosen) {
        PutBack(*frame.chosen);
        frame.chosen.reset();
      }
      if (frame.tried == frame.choices.size()) {
        Leave();
        continue;
      }
      const Choice& choice = frame.choices[frame.tried++];
      frame.chosen = choice.operation;
      Take(choice.operation);
      if (visited_.size() >= options_.max_configurations) return Verdict::kUndecided;
      Enter(KeyState(choice.next));
    }
    return due_ == 0 ? Verdict::kPossible : Verdict::kImpossible;
  }

  uint64_t configurations() const { return visited_.size(); }

 private:
  struct Choice {
    size_t operation;
    KeyState next;
  };
  struct Frame {
    std::vector<size_t> harmless;  // taken on entering, without a choice
    std::vector<Choice> choices;
    size_t tried = 0;
    std::optional<size_t> chosen;
  };

  // Operations are numbered from 1 in lists, 0 being the head; those taken are unlinked.
  const Operation& At(size_t index) const { return operations_[index - 1]; }
  void Take(size_t index) {
    next_[previous_[index]] = next_[index];
    previous_[next_[index]] = previous_[index];
    Count(index, -1);
  }
  void PutBack(size_t index) {
    next_[previous_[index]] = index;
    previous_[next_[index]] = index;
    Count(index, 1);
  }
  void Count(size_t index, int by) {
    due_ = static_cast<size_t>(static_cast<int64_t>(due_) + (At(index).answered ? by : 0));
    taken_.first ^= Mix(index);
    taken_.second ^= Mix(~index);
  }

  // The last moment at which the next operation may be invoked: something is due, or must be decided, by then.
  int64_t Horizon() const {
    int64_t horizon = kForever;
    for (size_t i = next_[0]; i <= operations_.size(); i = next_[i]) {
      if (At(i).request.at > horizon) break;
      horizon = std::min(horizon, At(i).returned);
    }
    return horizon;
  }

  // A configuration that has been here before gets a frame without choices: the way back.
  void Enter(KeyState state) {
    Frame frame;
    const int64_t horizon = TakeHarmless(state, &frame);
    if (due_ > 0) {
      const Hash128 hash = HashOf(state);
      const bool is_new =
          visited_.emplace(hash.first ^ taken_.first, hash.second ^ taken_.second).second;
      if (is_new) Offer(state, horizon, &frame);
    }
    frames_.push_back(std::move(frame));
  }

  int64_t TakeHarmless(const KeyState& state, Frame* frame) {
    for (;;) {
      const int64_t horizon = Horizon();
      bool taken = false;
      for (size_t i = next_[0]; i <= operations_.size(); i = next_[i]) {
        const Operation& operation = At(i);
        if (operation.request.at > horizon) break;
        if (!operation.answered) continue;
        for (const Outcome& outcome : OutcomesBy(horizon, state, operation)) {
          if (!(outcome.next == state)) continue;
          frame->harmless.push_back(i);
          Take(i);
          taken = true;
          break;
        }
      }
      if (!taken) return horizon;
    }
  }

  // What is put first now takes effect before whatever is due returns.
  std::vector<Outcome> OutcomesBy(int64_t horizon, const KeyState& state,
                                  const Operation& operation) const {
    if (operation.returned <= horizon) return Apply(state, operation, options_.model);
    Operation bounded = operation;
    bounded.returned = horizon;
    return Apply(state, bounded, options_.model);
  }

  // What is known to have happened first, then what somebody saw traces of: the more an operation explains, the
  // sooner a way is found, if there is one.
  void Offer(const KeyState& state, int64_t horizon, Frame* frame) {
    std::vector<Choice> seen;
    std::vector<Choice> unknown;
    std::vector<Choice> never;
    for (size_t i = next_[0]; i <= operations_.size(); i = next_[i]) {
      const Operation& operation = At(i);
      if (operation.request.at > horizon) break;
      std::vector<Choice>& list = operation.answered                          ? frame->choices
                                  : owners_.contains(operation.request.nonce) ? seen
                                                                              : unknown;
      for (Outcome& outcome : OutcomesBy(horizon, state, operation)) {
        list.push_back({i, outcome.next});
      }
      if (!operation.answered && operation.returned == horizon && horizon != kForever) {
        never.push_back({i, state});
      }
    }
    for (const std::vector<Choice>* list : {&seen, &unknown, &never}) {
      frame->choices.insert(frame->choices.end(), list->begin(), list->end());
    }
  }

  void Leave() {
    std::vector<size_t>& harmless = frames_.back().harmless;
    for (size_t i = harmless.size(); i > 0; --i) PutBack(harmless[i - 1]);
    frames_.pop_back();
  }

  const std::vector<Operation>& operations_;
  const CheckOptions& options_;
  std::vector<size_t> next_;
  std::vector<size_t> previous_;
  size_t due_ = 0;
  absl::flat_hash_set<std::array<uint8_t, 16>> owners_;  // named in answers
  Hash128 taken_{};
  absl::flat_hash_set<Hash128> visited_;
  std::vector<Frame> frames_;
};

// What was known at a moment, and no more.
std::vector<Operation> Beginning(const std::vector<Operation>& operations, int64_t until) {
  std::vector<Operation> beginning;
  for (const Operation& operation : operations) {
    if (operation.request.at > until) continue;
    beginning.push_back(operation);
    if (operation.returned <= until) continue;
    beginning.back().answered = false;
    beginning.back().returned = kForever;
  }
  return beginning;
}

// A history that can be has beginnings that all can be: the shortest impossible one is found by halving.
std::vector<Operation> ShortestImpossible(const std::vector<Operation>& operations,
                                          const CheckOptions& options) {
  std::vector<int64_t> returns;
  for (const Operation& operation : operations) {
    if (operation.answered) returns.push_back(operation.returned);
  }
  std::sort(returns.begin(), returns.end());
  size_t possible = 0;  // returns in the longest beginning known to be possible
  size_t impossible = returns.size();
  while (impossible - possible > 1) {
    const size_t middle = (possible + impossible) / 2;
    const Verdict verdict = CheckKey(Beginning(operations, returns[middle - 1]), options, nullptr);
    (verdict == Verdict::kImpossible ? impossible : possible) = middle;
  }
  return Beginning(operations, returns[impossible - 1]);
}

// Only what a winner was handed is wrong, not that it won.
bool IsLostCheckpoint(const std::vector<Operation>& operations, CheckOptions options) {
  options.model.judge_checkpoints = false;
  return CheckKey(operations, options, nullptr) == Verdict::kPossible;
}

}  // namespace

Verdict CheckKey(const std::vector<Operation>& operations, const CheckOptions& options,
                 uint64_t* configurations) {
  Search search(operations, options);
  const Verdict verdict = search.Run();
  if (configurations != nullptr) *configurations += search.configurations();
  return verdict;
}

CheckResult Check(std::vector<Operation> operations, const CheckOptions& options) {
  CheckResult result;
  result.operations = operations.size();
  absl::flat_hash_map<uint64_t, std::vector<Operation>> keys;
  for (Operation& operation : operations) {
    result.unknown += operation.answered ? 0 : 1;
    keys[operation.request.key].push_back(operation);
  }
  result.keys = keys.size();
  for (auto& [key, of_key] : keys) {
    std::stable_sort(of_key.begin(), of_key.end(), [](const Operation& a, const Operation& b) {
      return a.request.at < b.request.at;
    });
    if (const std::optional<Breach> breach = FirstBreach(of_key)) {
      const std::vector<Operation> shortest = Beginning(of_key, breach->at);
      result.violations.push_back({.key = key,
                                   .kind = breach->kind,
                                   .history = Story(shortest),
                                   .operations = shortest.size()});
      continue;
    }
    const Verdict verdict = CheckKey(of_key, options, &result.configurations);
    if (verdict == Verdict::kUndecided) ++result.undecided;
    if (verdict != Verdict::kImpossible) continue;
    const std::vector<Operation> shortest = ShortestImpossible(of_key, options);
    result.violations.push_back(
        {.key = key,
         .kind = IsLostCheckpoint(shortest, options) ? "lost checkpoint" : KindOf(shortest),
         .history = Story(shortest),
         .operations = shortest.size()});
  }
  std::sort(result.violations.begin(), result.violations.end(),
            [](const Violation& a, const Violation& b) {
              return std::pair(a.operations, a.key) < std::pair(b.operations, b.key);
            });
  return result;
}

}  // namespace holdfast::chaos
