// SPDX-License-Identifier: Apache-2.0
// See model.h. First every outcome the contract allows is listed, then those that contradict the answer are dropped.
#include "chaos/model.h"

#include <absl/strings/str_format.h>

#include <algorithm>

namespace holdfast::chaos {
namespace {

constexpr std::array<uint8_t, 16> kNobody{};

int64_t Later(int64_t moment, int64_t by) {
  return moment > kForever - by ? kForever : moment + by;
}

class Possible {
 public:
  Possible(const KeyState& state, const Operation& operation, const ModelOptions& options)
      : state_(state), op_(operation), request_(operation.request), options_(options) {}

  std::vector<Outcome> List() {
    if (MayBeExpired()) Gone();
    if (MayBeUnexpired() || MayBeFoundExpired()) Live();
    std::erase_if(outcomes_, [&](Outcome& outcome) { return !Fits(outcome); });
    return std::move(outcomes_);
  }

 private:
  bool MayBeOver(const Window& window) const {
    return !options_.judge_time || Later(op_.returned, options_.tolerance) >= window.earliest;
  }
  bool MayBeAhead(const Window& window, int64_t lag = 0) const {
    return !options_.judge_time || From() < Later(window.latest, options_.tolerance + lag);
  }
  bool MayLinger(const Window& window) const { return MayBeAhead(window, options_.retention_lag); }
  // The operation takes effect no earlier than this.
  int64_t From() const { return std::max(request_.at, state_.written); }
  Window After(hf_duration duration) const {
    return {Later(From(), duration), Later(op_.returned, duration)};
  }

  bool Forgettable() const {
    return state_.state == HF_RECORD_COMPLETED || state_.state == HF_RECORD_RETRYABLE;
  }
  bool MayBeExpired() const {
    return state_.state == HF_RECORD_ABSENT || (Forgettable() && MayBeOver(state_.expires));
  }
  bool MayBeUnexpired() const {
    if (state_.state == HF_RECORD_ABSENT) return false;
    return !Forgettable() || MayLinger(state_.expires);
  }

  // A store need not have erased what is past its time: a late settlement may still be told what became of it.
  bool MayBeFoundExpired() const {
    return Forgettable() && request_.verb != HF_STORE_CLAIM && request_.verb != HF_STORE_READ &&
           request_.verb != HF_STORE_RELEASE;
  }

  void Keep(hf_store_status status) { outcomes_.push_back({status, state_, false}); }
  KeyState& Write(hf_store_status status) {
    Outcome& outcome = outcomes_.emplace_back(Outcome{status, state_, true});
    outcome.next.written = From();
    return outcome.next;
  }

  // The answer names the token of after the request; without one it is only known to be higher.
  void RaiseToken(KeyState* next) const {
    next->token_known = op_.answered && op_.reply.token > state_.token;
    next->token = next->token_known ? op_.reply.token : state_.token;
    if (!next->token_known && !state_.token_known) ++next->token;
  }

  enum class Past { kForgotten, kKept };

  void Win(hf_store_status status, Past past) {
    KeyState& next = Write(status);
    if (past == Past::kForgotten) Erase(&next);
    RaiseToken(&next);
    next.state = HF_RECORD_IN_PROGRESS;
    next.on_expiry = status == HF_STORE_RECONCILE ? HF_ON_EXPIRY_RECONCILE : request_.on_expiry;
    next.nonce = request_.nonce;
    ++next.attempt;
    next.reconcile = status == HF_STORE_RECONCILE;
    next.code = 0;
    next.truncated = 0;
    next.lease = After(request_.lease);
    next.not_before = {};
    next.expires = {};
    if (next.fingerprint == 0) next.fingerprint = request_.fingerprint;
  }

  static void Erase(KeyState* next) {
    KeyState empty;
    empty.token = next->token;
    empty.token_known = next->token_known;
    empty.written = next->written;
    *next = empty;
  }

  // The key is not there, or nobody need know that it is.
  void Gone() {
    switch (request_.verb) {
      case HF_STORE_CLAIM:
        return Win(HF_STORE_WON, Past::kForgotten);
      case HF_STORE_READ:
      case HF_STORE_RESOLVE:
      case HF_STORE_RELEASE:
        return Keep(HF_STORE_ABSENT);
      default:
        return Keep(HF_STORE_FENCED);
    }
  }

  void Live() {
    switch (request_.verb) {
      case HF_STORE_CLAIM:
      case HF_STORE_READ:
        return Ask();
      case HF_STORE_RESOLVE:
        return Resolve();
      case HF_STORE_RELEASE:
        return Force();
      default:
        return Settle();
    }
  }

  bool Reads() const { return request_.verb == HF_STORE_READ; }

  void Ask() {
    const bool both = request_.fingerprint != 0 && state_.fingerprint != 0;
    if (both && request_.fingerprint != state_.fingerprint) return Keep(HF_STORE_MISMATCH);
    switch (state_.state) {
      case HF_RECORD_COMPLETED:
        return Keep(HF_STORE_REPLAY);
      case HF_RECORD_IN_DOUBT:
        return Keep(HF_STORE_IN_DOUBT);
      case HF_RECORD_RETRYABLE:
        if (MayLinger(state_.not_before)) Keep(HF_STORE_BACKOFF);
        if (MayBeOver(state_.not_before)) TakeOver(HF_STORE_WON);
        return;
      default:
        break;
    }
    if (request_.nonce != kNobody && request_.nonce == state_.nonce) {
      return Keep(state_.reconcile ? HF_STORE_RECONCILE : HF_STORE_WON);
    }
    if (MayBeAhead(state_.lease)) Keep(HF_STORE_BUSY);
    if (!MayBeOver(state_.lease)) return;
    if (state_.on_expiry == HF_ON_EXPIRY_IN_DOUBT) return Doubt(HF_STORE_IN_DOUBT);
    TakeOver(state_.on_expiry == HF_ON_EXPIRY_RECONCILE ? HF_STORE_RECONCILE : HF_STORE_WON);
  }

  void TakeOver(hf_store_status status) {
    if (request_.max_attempts > 0 && state_.attempt >= request_.max_attempts) {
      return Doubt(HF_STORE_POISON);
    }
    if (Reads()) return Keep(HF_STORE_ABSENT);
    Win(status, Past::kKept);
  }

  void Doubt(hf_store_status status) {
    if (Reads()) return Keep(status);
    KeyState& next = Write(status);
    next.state = HF_RECORD_IN_DOUBT;
    next.reconcile = false;
  }

  // RENEW CHECKPOINT COMPLETE FAIL ABANDON.
  void Settle() {
    const bool own_if_known = request_.token == state_.token;
    const bool own = state_.token_known ? own_if_known : request_.token > state_.token;
    if (!own || !state_.token_known) Keep(HF_STORE_FENCED);
    if (!own) return;
    if (state_.state == HF_RECORD_COMPLETED && request_.verb == HF_STORE_COMPLETE) {
      return Keep(HF_STORE_ALREADY);
    }
    if (state_.state != HF_RECORD_IN_PROGRESS) return Keep(HF_STORE_FENCED);
    switch (request_.verb) {
      case HF_STORE_RENEW:
        Own().lease = After(request_.lease);
        return;
      case HF_STORE_CHECKPOINT:
        Own().body = request_.body;
        return;
      case HF_STORE_COMPLETE:
        return Complete(&Own());
      case HF_STORE_FAIL:
        return Fail();
      default:
        return Erase(&Own());
    }
  }

  KeyState& Own() {
    KeyState& next = Write(HF_STORE_OK);
    next.token = request_.token;
    next.token_known = true;
    return next;
  }

  void Complete(KeyState* next) const {
    next->state = HF_RECORD_COMPLETED;
    next->code = request_.code;
    next->truncated = request_.truncated;
    next->body = request_.body;
    next->reconcile = false;
    next->expires = After(request_.ttl);
  }

  void Retry(KeyState* next) const {
    next->state = HF_RECORD_RETRYABLE;
    next->code = request_.code;
    next->reconcile = false;
    next->not_before = request_.retry_after == 0 ? Window{} : After(request_.retry_after);
    next->expires = After(std::max(request_.ttl, request_.retry_after));
  }

  void Fail() {
    KeyState& next = Own();
    const bool retry =
        request_.effect == HF_EFFECT_RETRYABLE || state_.on_expiry == HF_ON_EXPIRY_TAKEOVER;
    if (retry) return Retry(&next);
    next.code = request_.code;
    if (state_.on_expiry == HF_ON_EXPIRY_RECONCILE && request_.on_expiry != HF_ON_EXPIRY_IN_DOUBT) {
      next.lease = After(request_.retry_after);
      return;
    }
    next.state = HF_RECORD_IN_DOUBT;
    next.reconcile = false;
  }

  void Resolve() {
    const bool lapsing =
        state_.state == HF_RECORD_IN_PROGRESS && state_.on_expiry == HF_ON_EXPIRY_IN_DOUBT;
    const bool doubted = state_.state == HF_RECORD_IN_DOUBT;
    if (!doubted && !(lapsing && !MayBeAhead(state_.lease))) Keep(HF_STORE_FENCED);
    if (doubted || (lapsing && MayBeOver(state_.lease))) Force();
  }

  // The answer to an erasure names a token too: that of the record as it went.
  void Force() {
    KeyState& next = Write(HF_STORE_OK);
    RaiseToken(&next);
    if (state_.state == HF_RECORD_COMPLETED) {
      next.body = 0;
      next.truncated = 0;
    }
    switch (request_.effect) {
      case HF_EFFECT_FINAL:
        return Complete(&next);
      case HF_EFFECT_RETRYABLE:
        next.attempt = 0;
        return Retry(&next);
      default:
        return Erase(&next);
    }
  }

  // Does the answer allow it? May learn the token from it.
  bool Fits(Outcome& outcome) const {
    if (!op_.answered) return outcome.writes;
    const Event& reply = op_.reply;
    KeyState& next = outcome.next;
    if (reply.status != outcome.status) return false;
    if (!TokenFits(&next)) return false;
    const bool says_owner = reply.nonce != kNobody && next.state != HF_RECORD_ABSENT;
    if (says_owner && reply.nonce != next.nonce) return false;
    switch (reply.status) {
      case HF_STORE_WON:
      case HF_STORE_RECONCILE:
        return reply.token != 0 && reply.attempt == next.attempt &&
               (reply.body == next.body || !options_.judge_checkpoints);
      case HF_STORE_REPLAY:
        return reply.body == next.body && reply.code == next.code &&
               reply.truncated == next.truncated;
      default:
        return reply.body == 0;
    }
  }

  bool TokenFits(KeyState* next) const {
    const uint64_t told = op_.reply.token;
    // Nothing said. Of a key that is gone a store may know more or less than its last token.
    if (told == 0 || state_.state == HF_RECORD_ABSENT || op_.reply.status == HF_STORE_ABSENT) {
      return true;
    }
    if (next->token_known) return told == next->token;
    if (told <= next->token) return false;
    next->token = told;
    next->token_known = true;
    return true;
  }

  const KeyState& state_;
  const Operation& op_;
  const Event& request_;
  const ModelOptions& options_;
  std::vector<Outcome> outcomes_;
};

std::string At(int64_t moment, int64_t origin) {
  if (moment == kForever) return "ever";
  return absl::StrFormat("%.3f", static_cast<double>(moment - origin) / HF_MS);
}

}  // namespace

std::vector<Outcome> Apply(const KeyState& state, const Operation& operation,
                           const ModelOptions& options) {
  return Possible(state, operation, options).List();
}

std::string Describe(const KeyState& state, int64_t origin) {
  static constexpr const char* kStates[] = {"ABSENT", "IN_PROGRESS", "COMPLETED", "RETRYABLE",
                                            "IN_DOUBT"};
  std::string text = absl::StrFormat("%s token %s%d", kStates[state.state],
                                     state.token_known ? "" : "above ", state.token);
  if (state.state == HF_RECORD_ABSENT) return text;
  absl::StrAppendFormat(&text, " attempt %d body %08x", state.attempt, state.body >> 32);
  const Window* window = nullptr;
  if (state.state == HF_RECORD_IN_PROGRESS) window = &state.lease;
  if (state.state == HF_RECORD_COMPLETED) window = &state.expires;
  if (state.state == HF_RECORD_RETRYABLE) window = &state.not_before;
  if (window != nullptr) {
    absl::StrAppendFormat(&text, " until %s..%s", At(window->earliest, origin),
                          At(window->latest, origin));
  }
  return text;
}

}  // namespace holdfast::chaos
