// SPDX-License-Identifier: Apache-2.0
// c/limiter.h over engine/limiter.h.
#include "abi/limiter.h"

#include <cstdint>

using holdfast::engine::Attempt;
using holdfast::engine::LimiterAnswer;
using holdfast::engine::Ticket;
namespace abi = holdfast::abi;

namespace holdfast::abi {
namespace {

constexpr int64_t kMostTokens = 1'000'000'000;
constexpr hf_duration kDay = 24 * 3600 * HF_S;

hf_code CheckPace(const LimiterSettings& settings, uint32_t flags, hf_error* error) {
  if (settings.warm_up != 0) {
    const hf_code code = CheckRange(error, "warm_up", settings.warm_up, HF_MS, 3600 * HF_S);
    if (code != HF_OK) return code;
  }
  const hf_code code = CheckRange(error, "cold_factor", settings.cold_factor, 2, 100);
  if (code != HF_OK) return code;
  return CheckReserved(error, "flags", flags & ~HF_LIMITER_ADAPTIVE);
}

}  // namespace

hf_code CheckLimiter(const hf_limiter_options* options, LimiterSettings* settings,
                     hf_limiter_options* known, hf_error* error) noexcept {
  hf_code code = CopyIn(options, known, error);
  if (code != HF_OK) return code;
  engine::LimiterPolicy& policy = settings->policy;
  if (known->permits != 0) policy.permits = known->permits;
  policy.burst = known->burst != 0 ? known->burst : policy.permits;
  if (known->period != 0) policy.period = known->period;
  if (known->max_wait != 0) policy.max_wait = known->max_wait;
  settings->warm_up = known->warm_up;
  if (known->cold_factor != 0) settings->cold_factor = known->cold_factor;
  settings->adaptive = (known->flags & HF_LIMITER_ADAPTIVE) != 0;
  code = CheckRange(error, "period", policy.period, 1, kDay);
  if (code != HF_OK) return code;
  const int64_t most = policy.period < kMostTokens ? policy.period : kMostTokens;
  code = CheckRange(error, "permits", policy.permits, 1, most);
  if (code != HF_OK) return code;
  code = CheckRange(error, "burst", policy.burst, 1, kMostTokens);
  if (code != HF_OK) return code;
  code = CheckRange(error, "max_wait", policy.max_wait, 1, kDay);
  if (code != HF_OK) return code;
  return CheckPace(*settings, known->flags, error);
}

}  // namespace holdfast::abi

namespace {

// A step that gives something back must not fail for a strange clock.
hf_time NotNegative(hf_time now) { return now < 0 ? 0 : now; }

uint64_t NoteOf(const hf_limiter* limiter) { return reinterpret_cast<uintptr_t>(limiter); }

hf_code Answer(LimiterAnswer answer, const Ticket& ticket, hf_time now, hf_rejection* why) {
  if (answer == LimiterAnswer::kGranted || answer == LimiterAnswer::kWait) return HF_OK;
  if (answer == LimiterAnswer::kTooDear) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  }
  const hf_duration after = ticket.at == HF_INFINITE ? HF_INFINITE : ticket.at - now;
  return abi::Reject(why, HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, after);
}

// Out of line, so that the usual answer needs no stack: what waits to be stored holds an atomic addition up.
[[gnu::noinline]] hf_code TryUnderLock(hf_limiter* limiter, uint32_t cost, hf_time now,
                                       hf_rejection* why, Attempt attempt) {
  Ticket ticket;
  const LimiterAnswer answer = limiter->engine.TakeUnderLock(cost, now, now, attempt, &ticket);
  return Answer(answer, ticket, now, why);
}

}  // namespace

hf_code hf_limiter_new(const hf_limiter_options* options, hf_limiter** out,
                       hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  abi::LimiterSettings settings;
  hf_limiter_options known;
  hf_code code = abi::CheckLimiter(options, &settings, &known, error);
  if (code != HF_OK) return code;
  code = abi::NewHandle(out, error, settings);
  if (code == HF_OK) (*out)->engine.Events().Connect(known.journal, known.object);
  return code;
}

void hf_limiter_ref(hf_limiter* limiter) noexcept { abi::Ref(limiter); }

void hf_limiter_unref(hf_limiter* limiter) noexcept { abi::Unref(limiter); }

hf_code hf_limiter_try_acquire(hf_limiter* limiter, uint32_t cost, hf_time now,
                               hf_rejection* why) noexcept {
  if (limiter == nullptr) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  if (now < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  Attempt attempt;
  if (limiter->engine.TakeByAddition(cost, now, &attempt)) return HF_OK;
  return TryUnderLock(limiter, cost, now, why, attempt);
}

hf_code hf_limiter_reserve(hf_limiter* limiter, uint32_t cost, hf_time deadline, hf_time now,
                           hf_reservation* out, hf_time* at, hf_rejection* why) noexcept {
  if (out != nullptr) *out = hf_reservation{};
  if (at != nullptr) *at = 0;
  if (limiter == nullptr || out == nullptr) {
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  if (now < 0 || deadline < 0) return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE);
  const hf_time latest = deadline == 0 ? HF_INFINITE : deadline;
  if (now >= latest) return abi::Reject(why, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE);
  Ticket ticket;
  const hf_code code = Answer(limiter->engine.Take(cost, latest, now, &ticket), ticket, now, why);
  if (code != HF_OK) return code;
  *out = hf_reservation{NoteOf(limiter), ticket.position, ticket.at, cost, 0};
  if (at != nullptr) *at = ticket.at;
  return HF_OK;
}

hf_code hf_limiter_cancel(hf_limiter* limiter, hf_reservation* reservation, hf_time now) noexcept {
  if (limiter == nullptr || reservation == nullptr) return HF_INVALID_ARGUMENT;
  if (reservation->cost == 0) return HF_OK;
  if (reservation->limiter != NoteOf(limiter)) return HF_INVALID_ARGUMENT;
  const Ticket ticket{reservation->position, reservation->at, reservation->cost};
  if (!limiter->engine.Cancel(ticket, NotNegative(now))) return HF_INVALID_ARGUMENT;
  *reservation = hf_reservation{};
  return HF_OK;
}

hf_code hf_limiter_on_outcome(hf_limiter* limiter, uint32_t throttled, hf_time now) noexcept {
  if (limiter == nullptr || throttled > 1 || now < 0) return HF_INVALID_ARGUMENT;
  limiter->engine.OnOutcome(throttled == 1, now);
  return HF_OK;
}

hf_code hf_limiter_update(hf_limiter* limiter, const hf_limiter_options* options, hf_time now,
                          hf_error* error) noexcept {
  if (limiter == nullptr) return abi::FailNull(error, "limiter");
  abi::LimiterSettings settings;
  hf_limiter_options known;
  const hf_code code = abi::CheckLimiter(options, &settings, &known, error);
  if (code != HF_OK) return code;
  if (now < 0) {
    return abi::FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "now", "is negative");
  }
  const holdfast::engine::Pace* const pace = limiter->engine.Paced();
  if (settings.adaptive != (pace != nullptr && pace->adaptive)) {
    return abi::FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE, "flags",
                          "cannot be changed by an update");
  }
  if (settings.warm_up != 0 && pace == nullptr) {
    return abi::FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE, "warm_up",
                          "cannot be added by an update");
  }
  const uint32_t number = limiter->updates.fetch_add(1) + 1;
  limiter->engine.Update(settings.policy, settings.warm_up, settings.cold_factor, number, now);
  return abi::Succeed(error);
}

hf_code hf_limiter_read(const hf_limiter* limiter, hf_time now, hf_limiter_snapshot* out) noexcept {
  if (limiter == nullptr || out == nullptr || now < 0) return HF_INVALID_ARGUMENT;
  return abi::CopyOut(limiter->engine.Read(now), out);
}
