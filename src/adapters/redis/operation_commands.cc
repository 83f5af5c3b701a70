// SPDX-License-Identifier: Apache-2.0
// See operation.h. Here: the commands of each phase.
#include <algorithm>
#include <array>
#include <vector>

#include "adapters/redis/audit_codec.h"
#include "adapters/redis/operation.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr int64_t kLongestLife =
    int64_t{100} * 365 * 24 * 3600 * 1000;  // ms: what EXPIRE takes at ease

int64_t CeilMillis(int64_t nanos) {
  return nanos <= 0 ? 0 : nanos / HF_MS + (nanos % HF_MS == 0 ? 0 : 1);
}

std::string TokenBytes(uint64_t token) {
  std::string bytes;
  PutNumber(&bytes, token, 8);
  return bytes;
}

}  // namespace

bool Operation::Prepare() {
  confirm = core_.options.replicas > 0;
  const int64_t now =
      core_.options.clock ? core_.options.clock() : core_.carrier->EstimateNow(request_.key_id);
  switch (request_.verb) {
    case HF_STORE_CLAIM:
      if (only_into_doubt_) break;
      return PrepareClaim(now);
    case HF_STORE_RENEW:
    case HF_STORE_CHECKPOINT:
    case HF_STORE_COMPLETE:
    case HF_STORE_FAIL:
    case HF_STORE_ABANDON:
      return PrepareSettlement(now);
    default:
      break;
  }
  phase_ = Phase::kRead;
  Compose();
  return true;
}

// The record of an absent key's winner: the table's own.
bool Operation::PrepareClaim(int64_t now) {
  hf_record next{};
  const hf_code code = hf_record_apply(nullptr, &request_, now, 0, &next, &change_, &answer_.raw);
  if (code != HF_OK) {
    answer_ = StorageReply(HF_STORE_UNAVAILABLE, "a request that no store can execute");
    return false;
  }
  const int64_t life = LifeOf(next, now);
  const bool test_clock = static_cast<bool>(core_.options.clock);
  record_ = Pack(next, {.px = life, .lease_from_set = !test_clock, .lease = request_.lease});
  px_ = std::to_string(life);
  phase_ = Phase::kExpress;
  Compose();
  return true;
}

bool Operation::PrepareSettlement(int64_t now) {
  settlement_ = SettlementOf(request_, now);
  if (!settlement_.sound) {
    answer_ = StorageReply(HF_STORE_UNAVAILABLE, "a request that no store can execute");
    return false;
  }
  phase_ = Phase::kRead;
  if (settlement_.general && settlement_.erases) {
    const int64_t memory = MemoryOf(request_.token, now);
    record_ = PackToken(request_.token, memory);
    px_ = std::to_string(memory);
    phase_ = Phase::kErase;
  } else if (settlement_.general) {
    // A lease that stays as it is counts from a SET, perhaps: its time to live must stay, too.
    const bool stays =
        settlement_.next.state == HF_RECORD_IN_PROGRESS && settlement_.lease_until.empty();
    px_ = stays ? "" : std::to_string(LifeOf(settlement_.next, now));
    phase_ = Phase::kSettle;
  }
  answer_ = StoreReply{};
  answer_.raw = settlement_.reply;
  Compose();
  return true;
}

int64_t Operation::LifeOf(const hf_record& next, int64_t now) const {
  const int64_t memory = MemoryOf(next.token, now);
  int64_t life = 0;
  if (next.state == HF_RECORD_COMPLETED || next.state == HF_RECORD_RETRYABLE) {
    life = CeilMillis(next.expires_at - now) + memory;
  } else {
    const int64_t lease = next.state == HF_RECORD_IN_PROGRESS ? next.lease_until - now : 0;
    life = std::max(CeilMillis(core_.options.retention.count()), CeilMillis(lease) + memory);
  }
  return std::clamp<int64_t>(life, 1, kLongestLife);
}

int64_t Operation::MemoryOf(uint64_t token, int64_t now) const {
  const int64_t ahead = static_cast<int64_t>(std::min<uint64_t>(token, INT64_MAX)) - now / HF_US;
  const int64_t memory =
      CeilMillis(core_.options.token_memory.count()) + std::max<int64_t>(0, ahead) / 1000;
  return std::clamp<int64_t>(memory, 1, kLongestLife);
}

std::string Operation::TestNow() const {
  return core_.options.clock ? std::to_string(core_.options.clock() / HF_US) : "";
}

void Operation::Compose() {
  switch (phase_) {
    case Phase::kExpress:
      wire = Wire({"SET", key_, record_, "NX", "GET", "PX", px_});
      return;
    case Phase::kSettle:
      return ComposeSettle();
    case Phase::kErase:
    case Phase::kGiveBack: {
      const uint64_t token = phase_ == Phase::kErase ? request_.token : answer_.raw.token;
      const std::string bytes = TokenBytes(token);
      return ComposeScript(Script::kErase, {key_},
                           std::array<std::string_view, 3>{bytes, record_, px_});
    }
    case Phase::kRead:
      return ComposeScript(Script::kRead, {key_}, {});
    case Phase::kSwap:
      return ComposeSwap();
  }
}

void Operation::ComposeSettle() {
  const std::string token = TokenBytes(request_.token);
  const std::string now = TestNow();
  const Settlement& to = settlement_;
  if (now.empty() && to.completes) {
    const std::string head = to.head + std::string(8, '\0');
    const std::string_view body(to.next.body.data, to.next.body.size);
    const std::array<std::string_view, 5> arguments = {
        token, head, std::string_view(to.expires_at).substr(1), px_, body};
    return ComposeScript(Script::kComplete, {key_}, arguments);
  }
  const std::array<std::string_view, 10> arguments = {
      token,
      now,
      to.head,
      to.keeps_head ? "1" : "",
      to.not_before,
      to.expires_at,
      to.completed_at,
      to.lease_until,
      px_,
      std::string_view(to.next.body.data, to.next.body.size)};
  ComposeScript(Script::kSettle, {key_}, std::span(arguments).first(to.keeps_body ? 9 : 10));
}

void Operation::ComposeSwap() {
  const bool claim = request_.verb == HF_STORE_CLAIM;
  const Script script = claim ? Script::kSwapNew : Script::kSwap;
  if (note_ == nullptr) {
    return ComposeScript(script, {key_}, std::array<std::string_view, 3>{expected_, record_, px_});
  }
  AuditRow row;
  row.at = decided_at_;
  row.verb = request_.verb;
  row.effect = request_.effect;
  row.before = old_.record.state;
  row.token_before = old_.record.token;
  row.token_after = answer_.raw.token;
  row.note = *note_;
  const std::string packed = PackAudit(row);
  const std::string last = std::to_string(core_.options.audit_rows - 1);
  const std::string kept = std::to_string(CeilMillis(core_.options.audit_retention.count()));
  const std::string audit = AuditKey(core_.options.prefix, request_.key_id);
  ComposeScript(script, {key_, audit},
                std::array<std::string_view, 6>{expected_, record_, px_, packed, last, kept});
}

void Operation::ComposeScript(Script script, std::initializer_list<std::string_view> keys,
                              std::span<const std::string_view> arguments) {
  const std::string_view name =
      with_source_ ? SourceOf(script) : core_.scripts[static_cast<size_t>(script)];
  std::array<std::string_view, 16> all = {with_source_ ? "EVAL" : "EVALSHA", name,
                                          keys.size() == 1 ? "1" : "2"};
  size_t count = 3;
  for (const std::string_view key : keys) all[count++] = key;
  for (const std::string_view argument : arguments) all[count++] = argument;
  wire = Wire(std::span(all).first(count));
}

}  // namespace holdfast::inline v0_5::redis
