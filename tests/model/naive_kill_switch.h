// SPDX-License-Identifier: Apache-2.0
// A kill switch that takes its time: whole strings, one list of places, and every question answered by
// looking at all of it. A new rule takes the first place that was never used, or that of the rule which has
// been over for longest; what ends in one step ends in the order of the places.
#ifndef HOLDFAST_TESTS_MODEL_NAIVE_KILL_SWITCH_H_
#define HOLDFAST_TESTS_MODEL_NAIVE_KILL_SWITCH_H_

#include <holdfast/c/kill_switch.h>

#include <algorithm>
#include <string>
#include <vector>

namespace holdfast::model {

struct NaiveRule {
  uint64_t token = 0;
  hf_kill_state state = 0;
  std::string operation, owner, ended_by;
  hf_code code = HF_OK;
  hf_duration expiry = 0;
  hf_time from = 0, until = 0;
  uint64_t hits = 0, watched = 0, ended = 0;

  bool live() const { return state == HF_KILL_ARMED || state == HF_KILL_ON; }
  bool Means(const std::string& call) const {
    if (operation.empty()) return true;
    if (operation.back() == '*')
      return call.rfind(operation.substr(0, operation.size() - 1), 0) == 0;
    return call == operation;
  }
};

struct NaiveKillSwitch {
  std::vector<NaiveRule> rules;  // by place; token 0: never used
  size_t capacity = 0;
  hf_duration arm_window = 0;
  hf_time newest = 0;
  uint64_t armed = 0, fired = 0, ended = 0, refused = 0, updates = 0;
  uint64_t switched = 0;  // events of that kind

  void End(NaiveRule& rule, hf_kill_state state, const std::string& who) {
    if (rule.state == HF_KILL_ON) ++switched;
    rule.state = state;
    rule.ended_by = who;
    rule.ended = ++ended;
  }

  void Pass(hf_time now) {
    newest = std::max(newest, now);
    for (NaiveRule& rule : rules) {
      if (!rule.live() || newest < rule.until) continue;
      End(rule, rule.state == HF_KILL_ON ? HF_KILL_EXPIRED : HF_KILL_LAPSED, "");
    }
  }

  NaiveRule* Find(uint64_t token) {
    for (NaiveRule& rule : rules) {
      if (token != 0 && rule.token == token) return &rule;
    }
    return nullptr;
  }

  uint64_t Arm(NaiveRule rule, hf_time now) {
    Pass(now);
    const auto live = static_cast<size_t>(
        std::count_if(rules.begin(), rules.end(), [](const NaiveRule& r) { return r.live(); }));
    if (live >= capacity) return 0;
    NaiveRule* place = nullptr;
    for (NaiveRule& other : rules) {
      if (!other.live() && (place == nullptr || other.ended < place->ended)) place = &other;
    }
    rule.token = ++armed;
    rule.state = HF_KILL_ARMED;
    rule.from = newest;
    rule.until = newest + arm_window;
    *place = rule;
    return rule.token;
  }

  // HF_OK, HF_NOT_FOUND or HF_DEADLINE_EXCEEDED.
  hf_code Fire(uint64_t token, hf_time now) {
    Pass(now);
    NaiveRule* const rule = Find(token);
    if (rule != nullptr && rule->state == HF_KILL_LAPSED) return HF_DEADLINE_EXCEEDED;
    if (rule == nullptr || rule->state != HF_KILL_ARMED) return HF_NOT_FOUND;
    rule->state = HF_KILL_ON;
    rule->from = newest;
    rule->until = newest + rule->expiry;
    ++fired;
    ++switched;
    return HF_OK;
  }

  bool Lift(uint64_t token, const std::string& who, hf_time now) {
    Pass(now);
    NaiveRule* const rule = Find(token);
    if (rule == nullptr || !rule->live()) return false;
    End(*rule, HF_KILL_LIFTED, who);
    return true;
  }

  uint32_t LiftOwned(const std::string& owner, const std::string& who, hf_time now) {
    Pass(now);
    uint32_t lifted = 0;
    for (NaiveRule& rule : rules) {
      if (!rule.live() || rule.owner != owner) continue;
      End(rule, HF_KILL_LIFTED, who);
      ++lifted;
    }
    return lifted;
  }

  // The rules there are, by token.
  std::vector<NaiveRule> List(hf_time now) {
    Pass(now);
    std::vector<NaiveRule> list;
    for (const NaiveRule& rule : rules) {
      if (rule.token != 0) list.push_back(rule);
    }
    std::sort(list.begin(), list.end(),
              [](const NaiveRule& a, const NaiveRule& b) { return a.token < b.token; });
    return list;
  }

  // Of two that end together the first place speaks.
  hf_rejection Check(const std::string& call, hf_time now) {
    hf_rejection why{};
    bool due = false;
    for (NaiveRule& rule : rules) {
      if (!rule.live()) continue;
      due = due || now >= rule.until;
      if (now >= rule.until || !rule.Means(call)) continue;
      ++(rule.state == HF_KILL_ON ? rule.hits : rule.watched);
      if (rule.state != HF_KILL_ON) continue;
      const hf_duration left = rule.until - std::max(now, rule.from);
      if (left > why.retry_after) why = {rule.code, HF_R_KILLED, left};
    }
    if (due) Pass(now);
    if (why.code != HF_OK) ++refused;
    return why;
  }
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_NAIVE_KILL_SWITCH_H_
