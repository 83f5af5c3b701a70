// SPDX-License-Identifier: Apache-2.0
// c/fault.h over engine/fault.h: what may become a rule.
#include "abi/fault.h"

#include <atomic>
#include <charconv>
#include <cstring>

#include "abi/match.h"
#include "engine/outcome.h"

namespace holdfast::abi {
namespace {

constexpr hf_duration kMaxDelay = 3600 * HF_S;
constexpr hf_duration kMinExpiry = HF_S;
constexpr hf_duration kMaxExpiry = 7 * 24 * 3600 * HF_S;
constexpr uint32_t kMaxActive = 1'000'000;

// A step that gives something back must not fail for a strange clock.
hf_time NotNegative(hf_time now) { return now < 0 ? 0 : now; }

uint64_t NextTicket() {
  static std::atomic<uint64_t> next{0x6661756c74000000};
  return next.fetch_add(1, std::memory_order_relaxed);  // only uniqueness matters
}

// "rules[3].rate": the field of a rule, built in place.
class FieldOf {
 public:
  FieldOf(uint32_t place, std::string_view name) {
    Add("rules[");
    at_ = std::to_chars(at_, text_ + sizeof(text_), place).ptr;
    Add("].");
    Add(name);
  }
  operator std::string_view() const {  // NOLINT(google-explicit-constructor): it is a name
    return {text_, static_cast<size_t>(at_ - text_)};
  }

 private:
  void Add(std::string_view part) { at_ += part.copy(at_, sizeof(text_) - (at_ - text_)); }

  char text_[48];
  char* at_ = text_;
};

hf_code BadField(hf_error* error, uint32_t place, std::string_view name, std::string_view why) {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, FieldOf(place, name), why);
}

// The rule at `place`, whatever its size; what this library does not know of it must be zero.
hf_code CopyRule(const hf_fault_options& options, uint32_t place, hf_fault_rule* out,
                 hf_error* error) {
  const auto* const bytes =
      reinterpret_cast<const unsigned char*>(options.rules) + size_t{place} * options.rule_size;
  std::memcpy(out, bytes, sizeof(*out));
  for (size_t at = sizeof(*out); at < options.rule_size; ++at) {
    if (bytes[at] == 0) continue;
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_UNSUPPORTED_FIELD, FieldOf(place, "tail"),
                     "not zero, and this library does not know it");
  }
  return HF_OK;
}

hf_code CheckPatterns(const hf_fault_rule& given, uint32_t place, engine::FaultRule* rule,
                      hf_error* error) {
  hf_error inner;
  if (CheckMatch(&inner, given.match, &rule->match) == HF_OK) return HF_OK;
  return FailField(error, HF_INVALID_ARGUMENT, inner.reason, FieldOf(place, "match"), inner.text);
}

hf_code CheckDelay(const hf_fault_rule& given, uint32_t place, hf_error* error) {
  const hf_code code =
      CheckRange(error, FieldOf(place, "delay_min"), given.delay_min, 0, kMaxDelay);
  if (code != HF_OK || given.delay_max == 0) return code;
  return CheckRange(error, FieldOf(place, "delay_max"), given.delay_max, given.delay_min,
                    kMaxDelay);
}

bool IsZero(const hf_outcome& outcome) {
  return outcome.code == 0 && outcome.verdict == 0 && outcome.effect == 0 &&
         outcome.retry_after == 0;
}

// What belongs to one kind only.
hf_code CheckKind(const hf_fault_rule& given, uint32_t place, hf_error* error) {
  const hf_code code =
      CheckRange(error, FieldOf(place, "kind"), given.kind, HF_FAULT_ERROR, HF_FAULT_RESULT);
  if (code != HF_OK) return code;
  if (!engine::OutcomeIsValid(given.outcome)) {
    return BadField(error, place, "outcome", "a code, verdict, effect or retry_after is unknown");
  }
  if (given.kind == HF_FAULT_ERROR && given.outcome.code == HF_OK) {
    return BadField(error, place, "outcome", "an ERROR needs a code but OK");
  }
  if (given.kind == HF_FAULT_DELAY && given.delay_min == 0 && given.delay_max == 0) {
    return BadField(error, place, "delay_max", "a DELAY needs one");
  }
  if (given.kind == HF_FAULT_DELAY && !IsZero(given.outcome)) {
    return BadField(error, place, "outcome", "a DELAY has none: the attempt is made");
  }
  if (given.kind == HF_FAULT_RESULT && given.result == 0) {
    return BadField(error, place, "result", "a RESULT needs a number but 0: 0 is the real attempt");
  }
  if (given.kind != HF_FAULT_RESULT && given.result != 0) {
    return BadField(error, place, "result", "only a RESULT has one");
  }
  return HF_OK;
}

hf_code CheckRule(const hf_fault_rule& given, uint32_t place, uint64_t seed,
                  engine::FaultRule* rule, hf_error* error) {
  hf_code code = CheckPatterns(given, place, rule, error);
  if (code != HF_OK) return code;
  code = CheckReserved(error, FieldOf(place, "reserved0"), given.reserved0);
  if (code != HF_OK) return code;
  if (!(given.rate > 0 && given.rate <= 1)) {  // false for not-a-number, too
    return BadField(error, place, "rate", "must be above 0 and at most 1");
  }
  code = CheckDelay(given, place, error);
  if (code != HF_OK) return code;
  code = CheckKind(given, place, error);
  if (code != HF_OK) return code;
  rule->kind = given.kind;
  rule->threshold = engine::FaultThreshold(given.rate);
  rule->seed = given.seed != 0 ? given.seed : engine::FaultRuleSeed(seed, place);
  rule->delay_min = given.delay_min;
  rule->delay_spread = given.delay_max == 0 ? 0 : given.delay_max - given.delay_min;
  rule->outcome = given.outcome;
  rule->result = given.result;
  return HF_OK;
}

hf_code CheckRuleSize(const hf_fault_options& given, hf_error* error) {
  if (given.rules == nullptr) return FailNull(error, "rules");
  const hf_code code = CheckRange(error, "rule_count", given.rule_count, 1, engine::kMaxFaultRules);
  if (code != HF_OK) return code;
  if (given.rule_size >= sizeof(hf_fault_rule) && given.rule_size <= kLargestStruct) return HF_OK;
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_STRUCT_SIZE, "rule_size",
                   "must be sizeof(hf_fault_rule)");
}

hf_code CheckOptions(const hf_fault_options* options, hf_fault_options* given,
                     engine::FaultPolicy* policy, hf_error* error) {
  if (options == nullptr) return FailNull(error, "options");
  hf_code code = CopyIn(options, given, error);
  if (code != HF_OK) return code;
  code = CheckRuleSize(*given, error);
  if (code != HF_OK) return code;
  if (given->seed == 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_ZERO_SEED, "seed", "must not be 0");
  }
  code = CheckRange(error, "expiry", given->expiry, kMinExpiry, kMaxExpiry);
  if (code != HF_OK) return code;
  if (given->max_active != 0) policy->limits.max_active = given->max_active;
  code = CheckRange(error, "max_active", policy->limits.max_active, 1, kMaxActive);
  if (code != HF_OK) return code;
  code = CheckReserved(error, "reserved0", given->reserved0);
  if (code != HF_OK) return code;
  policy->limits.max_total = given->max_total;
  policy->seed = given->seed;
  policy->expiry = given->expiry;
  policy->count = given->rule_count;
  for (uint32_t place = 0; place < given->rule_count; ++place) {
    hf_fault_rule rule;
    code = CopyRule(*given, place, &rule, error);
    if (code != HF_OK) return code;
    code = CheckRule(rule, place, given->seed, &policy->rules[place], error);
    if (code != HF_OK) return code;
  }
  return HF_OK;
}

// What draw and preview refuse.
hf_reason JudgeDraw(const hf_fault* fault, uint64_t seed, uint32_t attempt, const hf_facts* facts,
                    hf_time now, const hf_fault_decision* out) {
  if (fault == nullptr || out == nullptr) return HF_R_NULL_ARGUMENT;
  if (seed == 0) return HF_R_ZERO_SEED;
  if (attempt == 0 || now < 0) return HF_R_OUT_OF_RANGE;
  if (facts != nullptr && !engine::FactsAreValid(*facts)) return HF_R_NULL_ARGUMENT;
  return HF_R_NONE;
}

hf_code RefuseDraw(hf_reason reason, hf_fault_decision* out) {
  if (out == nullptr) return HF_INVALID_ARGUMENT;
  *out = hf_fault_decision{};
  out->reason = reason;
  return HF_INVALID_ARGUMENT;
}

}  // namespace
}  // namespace holdfast::abi

using namespace holdfast;

hf_fault::hf_fault(const engine::FaultPolicy& policy, hf_journal* journal, uint64_t object)
    : engine(policy, abi::NextTicket()) {
  engine.journal().Connect(journal, object);
}

hf_code hf_fault_new(const hf_fault_options* options, hf_fault** out, hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_fault_options given;
  engine::FaultPolicy policy;
  const hf_code code = abi::CheckOptions(options, &given, &policy, error);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, policy, given.journal, given.object);
}

void hf_fault_ref(hf_fault* fault) noexcept { abi::Ref(fault); }

void hf_fault_unref(hf_fault* fault) noexcept { abi::Unref(fault); }

hf_code hf_fault_update(hf_fault* fault, const hf_fault_options* options, hf_time now,
                        hf_error* error) noexcept {
  if (fault == nullptr) return abi::FailNull(error, "fault");
  hf_code code = abi::CheckRange(error, "now", now, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  hf_fault_options given;
  engine::FaultPolicy policy;
  code = abi::CheckOptions(options, &given, &policy, error);
  if (code != HF_OK) return code;
  fault->engine.Update(policy, now);
  return abi::Succeed(error);
}

hf_code hf_fault_start(hf_fault* fault, hf_time now, hf_error* error) noexcept {
  if (fault == nullptr) return abi::FailNull(error, "fault");
  const hf_code code = abi::CheckRange(error, "now", now, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  fault->engine.Start(now);
  return abi::Succeed(error);
}

hf_code hf_fault_stop(hf_fault* fault, hf_reason reason, hf_time now) noexcept {
  if (fault == nullptr || reason == HF_R_NONE) return HF_INVALID_ARGUMENT;
  fault->engine.Stop(reason, abi::NotNegative(now));
  return HF_OK;
}

hf_code hf_fault_draw(hf_fault* fault, uint64_t seed, uint32_t attempt, const hf_facts* facts,
                      hf_time now, hf_fault_decision* out) noexcept {
  const hf_reason wrong = abi::JudgeDraw(fault, seed, attempt, facts, now, out);
  if (wrong != HF_R_NONE) return abi::RefuseDraw(wrong, out);
  const hf_facts& known = facts != nullptr ? *facts : abi::kNoFacts;
  if (!fault->engine.Draw(seed, attempt, known, now, out)) *out = hf_fault_decision{};
  return HF_OK;
}

hf_code hf_fault_preview(hf_fault* fault, uint64_t seed, uint32_t attempt, const hf_facts* facts,
                         hf_time now, hf_fault_decision* out) noexcept {
  const hf_reason wrong = abi::JudgeDraw(fault, seed, attempt, facts, now, out);
  if (wrong != HF_R_NONE) return abi::RefuseDraw(wrong, out);
  const hf_facts& known = facts != nullptr ? *facts : abi::kNoFacts;
  if (!fault->engine.Preview(seed, attempt, known, now, out)) *out = hf_fault_decision{};
  return HF_OK;
}

hf_code hf_fault_done(hf_fault* fault, hf_fault_decision* decision) noexcept {
  if (fault == nullptr || decision == nullptr) return HF_INVALID_ARGUMENT;
  return fault->engine.Done(decision) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_fault_read(hf_fault* fault, hf_time now, hf_fault_snapshot* out) noexcept {
  if (fault == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(fault->engine.Read(abi::NotNegative(now)), out);
}
