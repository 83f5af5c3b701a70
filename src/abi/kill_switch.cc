// SPDX-License-Identifier: Apache-2.0
// c/kill_switch.h over engine/kill_switch.h: what may become a rule, and in which words it is refused.
#include "abi/kill_switch.h"

#include <algorithm>
#include <cstring>

#include "abi/match.h"

namespace holdfast::abi {
namespace {

constexpr hf_duration kMinExpiry = HF_S;
constexpr hf_duration kMaxExpiry = 30 * 24 * 3600 * HF_S;

// A step that gives something back must not fail for a strange clock.
hf_time NotNegative(hf_time now) { return now < 0 ? 0 : now; }

hf_code CheckOptions(const hf_kill_switch_options* options, hf_kill_switch_options* given,
                     engine::KillSwitchPolicy* policy, hf_error* error) {
  hf_code code = CopyIn(options, given, error);
  if (code != HF_OK) return code;
  if (given->capacity != 0) policy->capacity = given->capacity;
  if (given->arm_window != 0) policy->arm_window = given->arm_window;
  code = CheckRange(error, "capacity", policy->capacity, 1, engine::kMaxKillRules);
  if (code != HF_OK) return code;
  code = CheckReserved(error, "reserved0", given->reserved0);
  if (code != HF_OK) return code;
  return CheckRange(error, "arm_window", policy->arm_window, HF_S, 3600 * HF_S);
}

bool IsControl(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

// A text for people: required, of at most `size` - 1 bytes, fit for one line of a log.
hf_code CheckText(hf_error* error, std::string_view field, const hf_str& text, size_t size) {
  if (!engine::StrIsValid(text)) return FailNull(error, field);
  if (text.size == 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field, "is required");
  }
  if (text.size >= size) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field, "is too long");
  }
  if (std::any_of(text.data, text.data + text.size, IsControl)) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED, field, "has a control character");
  }
  return HF_OK;
}

template <size_t size>
void CopyText(const hf_str& text, char (&out)[size]) {
  const size_t count = std::min(text.size, size - 1);
  if (count != 0) std::memcpy(out, text.data, count);
  out[count] = '\0';
}

hf_code CheckRule(const hf_kill_options& given, engine::KillRule* rule, hf_error* error) {
  hf_kill_entry& entry = rule->entry;
  hf_code code = CheckMatch(error, given.match, &rule->match);
  if (code != HF_OK) return code;
  code = CheckText(error, "owner", given.owner, sizeof(entry.owner));
  if (code != HF_OK) return code;
  code = CheckText(error, "reason", given.reason, sizeof(entry.reason));
  if (code != HF_OK) return code;
  code = CheckRange(error, "expiry", given.expiry, kMinExpiry, kMaxExpiry);
  if (code != HF_OK) return code;
  entry.code = given.code != 0 ? given.code : HF_UNAVAILABLE;
  code = CheckRange(error, "code", entry.code, HF_CANCELLED, HF_UNAUTHENTICATED);
  if (code != HF_OK) return code;
  code = CheckReserved(error, "flags", given.flags & ~HF_KILL_EVERYTHING);
  if (code != HF_OK) return code;
  if (rule->match.shape == engine::kMeansAll && (given.flags & HF_KILL_EVERYTHING) == 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "match",
                     "means all calls, which needs HF_KILL_EVERYTHING");
  }
  entry.expiry = given.expiry;
  CopyText(given.owner, entry.owner);
  CopyText(given.reason, entry.reason);
  CopyText(given.match.operation, entry.operation);
  CopyText(given.match.tenant, entry.tenant);
  CopyText(given.match.correlation_id, entry.correlation_id);
  CopyText(given.match.target, entry.target);
  return HF_OK;
}

std::string_view ViewOf(const hf_str& text) { return {text.data, text.size}; }

}  // namespace
}  // namespace holdfast::abi

using namespace holdfast;

hf_code hf_kill_switch_new(const hf_kill_switch_options* options, hf_kill_switch** out,
                           hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_kill_switch_options given;
  engine::KillSwitchPolicy policy;
  const hf_code code = abi::CheckOptions(options, &given, &policy, error);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, policy, given.journal, given.object);
}

void hf_kill_switch_ref(hf_kill_switch* kill_switch) noexcept { abi::Ref(kill_switch); }

void hf_kill_switch_unref(hf_kill_switch* kill_switch) noexcept { abi::Unref(kill_switch); }

hf_code hf_kill_switch_update(hf_kill_switch* kill_switch, const hf_kill_switch_options* options,
                              hf_time now, hf_error* error) noexcept {
  if (kill_switch == nullptr) return abi::FailNull(error, "kill_switch");
  hf_code code = abi::CheckRange(error, "now", now, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  hf_kill_switch_options given;
  engine::KillSwitchPolicy policy;
  code = abi::CheckOptions(options, &given, &policy, error);
  if (code != HF_OK) return code;
  kill_switch->engine.Update(policy, now);
  return abi::Succeed(error);
}

hf_code hf_kill_switch_arm(hf_kill_switch* kill_switch, const hf_kill_options* options, hf_time now,
                           uint64_t* token, hf_error* error) noexcept {
  if (token != nullptr) *token = 0;
  if (kill_switch == nullptr) return abi::FailNull(error, "kill_switch");
  if (options == nullptr) return abi::FailNull(error, "options");
  if (token == nullptr) return abi::FailNull(error, "token");
  hf_code code = abi::CheckRange(error, "now", now, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  hf_kill_options given;
  code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  engine::KillRule rule;
  code = abi::CheckRule(given, &rule, error);
  if (code != HF_OK) return code;
  *token = kill_switch->engine.Arm(rule, now);
  if (*token != 0) return abi::Succeed(error);
  return abi::Fail(error, HF_RESOURCE_EXHAUSTED, HF_R_REGISTRY_FULL,
                   "as many rules as capacity allows are armed or on");
}

hf_code hf_kill_switch_fire(hf_kill_switch* kill_switch, uint64_t token, hf_time now,
                            hf_error* error) noexcept {
  if (kill_switch == nullptr) return abi::FailNull(error, "kill_switch");
  const hf_code code = abi::CheckRange(error, "now", now, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  switch (kill_switch->engine.Fire(token, now)) {
    case engine::FireAnswer::kOn:
      return abi::Succeed(error);
    case engine::FireAnswer::kLate:
      return abi::FailField(error, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, "token",
                            "arm_window is over: arm it again");
    default:
      return abi::FailField(error, HF_NOT_FOUND, HF_R_BAD_STATE, "token", "no armed rule has it");
  }
}

hf_code hf_kill_switch_lift(hf_kill_switch* kill_switch, uint64_t token, const hf_str* who,
                            hf_time now, hf_error* error) noexcept {
  if (kill_switch == nullptr) return abi::FailNull(error, "kill_switch");
  if (who == nullptr) return abi::FailNull(error, "who");
  const hf_code code = abi::CheckText(error, "who", *who, sizeof(hf_kill_entry::ended_by));
  if (code != HF_OK) return code;
  if (kill_switch->engine.Lift(token, abi::ViewOf(*who), abi::NotNegative(now))) {
    return abi::Succeed(error);
  }
  return abi::FailField(error, HF_NOT_FOUND, HF_R_BAD_STATE, "token",
                        "no rule that is armed or on has it");
}

hf_code hf_kill_switch_lift_owned(hf_kill_switch* kill_switch, const hf_str* owner,
                                  const hf_str* who, hf_time now, uint32_t* lifted,
                                  hf_error* error) noexcept {
  if (lifted != nullptr) *lifted = 0;
  if (kill_switch == nullptr) return abi::FailNull(error, "kill_switch");
  if (owner == nullptr) return abi::FailNull(error, "owner");
  if (who == nullptr) return abi::FailNull(error, "who");
  hf_code code = abi::CheckText(error, "owner", *owner, sizeof(hf_kill_entry::owner));
  if (code != HF_OK) return code;
  code = abi::CheckText(error, "who", *who, sizeof(hf_kill_entry::ended_by));
  if (code != HF_OK) return code;
  const uint32_t count =
      kill_switch->engine.LiftOwned(abi::ViewOf(*owner), abi::ViewOf(*who), abi::NotNegative(now));
  if (lifted != nullptr) *lifted = count;
  return abi::Succeed(error);
}

hf_code hf_kill_switch_check(hf_kill_switch* kill_switch, const hf_facts* facts, hf_time now,
                             hf_rejection* why) noexcept {
  if (kill_switch == nullptr) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  if (now < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  if (facts != nullptr && !engine::FactsAreValid(*facts)) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  hf_rejection answer{};
  const hf_code code =
      kill_switch->engine.Check(facts != nullptr ? *facts : abi::kNoFacts, now, &answer);
  if (why != nullptr) *why = answer;
  return code;
}

hf_code hf_kill_switch_list(hf_kill_switch* kill_switch, hf_time now, hf_kill_entry* out,
                            size_t capacity, size_t* count) noexcept {
  if (count != nullptr) *count = 0;
  if (kill_switch == nullptr || count == nullptr || (out == nullptr && capacity != 0)) {
    return HF_INVALID_ARGUMENT;
  }
  *count = kill_switch->engine.List(abi::NotNegative(now), out, capacity);
  return HF_OK;
}

hf_code hf_kill_switch_read(hf_kill_switch* kill_switch, hf_time now,
                            hf_kill_switch_snapshot* out) noexcept {
  if (kill_switch == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(kill_switch->engine.Read(abi::NotNegative(now)), out);
}
