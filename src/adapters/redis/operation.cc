// SPDX-License-Identifier: Apache-2.0
// See operation.h. Here: what the replies mean.
#include "adapters/redis/operation.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace holdfast::inline v0_5::redis {
namespace {

constexpr int kMaxRounds = 16;

bool CannotWriteNow(std::string_view word) {
  return word == "OOM" || word == "NOREPLICAS" || word == "MISCONF";
}

// The table's body points into bytes that go away with the reply they came in.
void OwnBody(StoreReply* reply) {
  const hf_str body = reply->raw.body;
  if (body.size == 0 && reply->raw.status != HF_STORE_REPLAY) {
    reply->raw.body = {};
    return;
  }
  reply->body =
      std::make_shared<const std::string>(body.data == nullptr ? "" : body.data, body.size);
  reply->raw.body = {reply->body->data(), reply->body->size()};
}

// Nothing of it but the token is of use any more.
bool Past(const hf_record& record, int64_t now) {
  return (record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE) &&
         record.expires_at <= now;
}

bool Claimed(const StoreReply& reply) {
  return reply.raw.status == HF_STORE_WON || reply.raw.status == HF_STORE_RECONCILE;
}

}  // namespace

Operation::Operation(Core& core, const StoreRequest& request, SteadyTime until, OperationEnd& end)
    : core_(core),
      request_(request),
      end_(end),
      key_(RecordKey(core.options.prefix, request.key_id)) {
  deadline = until;
  guarded = true;
}

bool Operation::Wrote(const redisReply& reply) const {
  if (phase_ == Phase::kExpress) return IsNil(reply);
  return phase_ != Phase::kRead && IsString(reply);
}

void Operation::Go(Phase phase) {
  phase_ = phase;
  with_source_ = false;
  Compose();
  core_.carrier->Continue(*this, request_.key_id);
}

void Operation::OnReply(Reply reply, int confirmed) {
  if (phase_ == Phase::kGiveBack) {
    return End(HF_STORE_INDETERMINATE, "too few replicas have the claim; it was given back");
  }
  if (IsError(*reply)) return OnError(*reply);
  switch (phase_) {
    case Phase::kExpress:
      if (IsString(*reply)) return OnExisting(TextOf(*reply));
      if (!IsNil(*reply)) break;
      Count(core_.counters.express_claims);
      return Written(confirmed);
    case Phase::kSettle:
      if (!IsString(*reply)) return Decide(*reply);
      Count(core_.counters.settled);
      OnSettled(TextOf(*reply));
      return Written(confirmed);
    case Phase::kErase:
      if (!IsString(*reply)) return Decide(*reply);
      Count(core_.counters.settled);
      return Written(confirmed);
    case Phase::kSwap:
      if (IsString(*reply)) {
        Count(core_.counters.swaps);
        return Written(confirmed);
      }
      Count(core_.counters.swaps_lost);
      if (++rounds_ >= kMaxRounds) {
        return End(HF_STORE_UNAVAILABLE, "the record changed each time before it could be written");
      }
      return Decide(*reply);
    default:
      return Decide(*reply);
  }
  End(HF_STORE_INDETERMINATE, "a reply of an unexpected kind");
}

void Operation::OnError(const redisReply& error) {
  if (core_.carrier->Redirect(*this, request_.key_id, error)) return;
  const std::string_view text = TextOf(error);
  const std::string_view word = WordOf(text);
  if (word == "NOSCRIPT" && !with_source_) {
    Count(core_.counters.scripts_reloaded);
    with_source_ = true;
    Compose();
    return core_.carrier->Continue(*this, request_.key_id);
  }
  if (phase_ == Phase::kExpress && CannotWriteNow(word)) {
    refused_ = std::string(text);
    return Go(Phase::kRead);
  }
  hf_store_status status = StatusOfError(text);
  if (phase_ == Phase::kRead && status == HF_STORE_INDETERMINATE) status = HF_STORE_UNAVAILABLE;
  End(status, std::string(text));
}

void Operation::OnLost(const Loss& loss) {
  if (phase_ == Phase::kGiveBack) {
    return End(HF_STORE_INDETERMINATE,
               "too few replicas have the claim; giving it back: " + loss.why);
  }
  const bool maybe = loss.sent && phase_ != Phase::kRead;
  StoreReply reply = StorageReply(maybe ? HF_STORE_INDETERMINATE : HF_STORE_UNAVAILABLE, loss.why);
  reply.raw.retry_after = loss.retry_after.count();
  End(std::move(reply));
}

// Something was there, and SET GET told what. Not when it expires, nor the server's time: only what rests on
// neither is answered here.
void Operation::OnExisting(std::string_view bytes) {
  const int64_t now =
      core_.options.clock ? core_.options.clock() : core_.carrier->EstimateNow(request_.key_id);
  if (!Apply(bytes, std::nullopt, now)) return;
  // By an estimate that lags, a record that has just ended would still be alive.
  const hf_record& old = old_.record;
  const bool ends = old.state == HF_RECORD_COMPLETED || old.state == HF_RECORD_RETRYABLE;
  const bool lasts = !ends || old.expires_at - now > core_.options.token_memory.count();
  const bool timeless =
      lasts && change_ == HF_RECORD_KEEP && old_.kind == Unpacked::Kind::kRecord &&
      (answer_.raw.status == HF_STORE_REPLAY || answer_.raw.status == HF_STORE_MISMATCH ||
       answer_.raw.status == HF_STORE_IN_DOUBT || Claimed(answer_));
  if (!timeless || (Claimed(answer_) && confirm)) return Go(Phase::kRead);
  OwnBody(&answer_);
  End(std::move(answer_));
}

void Operation::OnSettled(std::string_view header) {
  if (header.size() < kHeaderSize) return;
  answer_.raw.attempt = static_cast<uint32_t>(GetNumber(header, kAttemptAt, 4));
  answer_.raw.completed_at = static_cast<int64_t>(GetNumber(header, kCompletedAt, 8)) * HF_US;
  std::copy_n(header.data() + kNonceAt, sizeof(answer_.raw.owner),
              reinterpret_cast<char*>(answer_.raw.owner));
}

bool Operation::Apply(std::string_view bytes, std::optional<int64_t> expires_ms, int64_t now) {
  old_ = Unpacked{};
  old_.kind = Unpacked::Kind::kTombstone;
  if (!bytes.empty()) old_ = Unpack(bytes, expires_ms);
  answer_ = StoreReply{};
  if (old_.kind == Unpacked::Kind::kForeign) {
    End(HF_STORE_CORRUPT, "a record of another version than 1: of a newer holdfast, or not ours");
    return false;
  }
  if (old_.kind == Unpacked::Kind::kDamaged) {
    End(HF_STORE_CORRUPT, "a record that holdfast did not write");
    return false;
  }
  if (old_.packing.lease_from_set && expires_ms.has_value()) {
    // The millisecond that its start was rounded up by must not show: no lease is longer than it was given.
    old_.record.lease_until = std::min(old_.record.lease_until, now + old_.packing.lease);
  }
  const bool there = old_.kind == Unpacked::Kind::kRecord;
  const uint64_t floor = there ? 0 : old_.record.token;
  const hf_code code = hf_record_apply(there ? &old_.record : nullptr, &request_, now, floor,
                                       &next_, &change_, &answer_.raw);
  if (code == HF_OK) return true;
  if (code == HF_DATA_LOSS) {
    End(HF_STORE_CORRUPT, "a record that cannot be");
  } else {
    End(HF_STORE_UNAVAILABLE, "a request that no store can execute");
  }
  return false;
}

void Operation::Decide(const redisReply& found) {
  const auto parts = ElementsOf(found);
  const int64_t server_now = parts.size() == 3 ? TimeOf(*parts[1]) : -1;
  if (server_now < 0 || parts[2]->type != REDIS_REPLY_INTEGER ||
      !(IsNil(*parts[0]) || IsString(*parts[0]))) {
    return End(HF_STORE_UNAVAILABLE, "a reply of an unexpected kind");
  }
  const std::string_view bytes = TextOf(*parts[0]);
  const int64_t now = core_.options.clock ? core_.options.clock() : server_now;
  if (!Apply(bytes, parts[2]->integer, now)) return;
  if (change_ == HF_RECORD_KEEP) {
    OwnBody(&answer_);
    if (request_.verb == HF_STORE_CLAIM && Claimed(answer_) && confirm) return Rewrite(bytes);
    return End(std::move(answer_));
  }
  // Not attempt > 1: a release counts attempts anew, over the same checkpoint.
  further_ = old_.kind == Unpacked::Kind::kRecord && !Past(old_.record, now);
  if (!refused_.empty()) return End(HF_STORE_UNAVAILABLE, refused_);
  const bool doubt = change_ == HF_RECORD_WRITE && next_.state == HF_RECORD_IN_DOUBT;
  if (only_into_doubt_ && !doubt) return End(HF_STORE_OK, "");
  decided_at_ = server_now;
  Swap(bytes, now);
}

void Operation::Swap(std::string_view bytes, int64_t now) {
  expected_ = std::string(bytes.substr(0, kHeaderSize));
  if (change_ == HF_RECORD_ERASE) {
    const int64_t memory = MemoryOf(next_.token, now);
    record_ = PackToken(next_.token, memory);
    px_ = std::to_string(memory);
  } else {
    const int64_t life = LifeOf(next_, now);
    record_ = Pack(
        next_, {.checkpoints = old_.packing.checkpoints + 1, .px = life, .lease = request_.lease});
    px_ = std::to_string(life);
  }
  OwnBody(&answer_);
  Go(Phase::kSwap);
}

// The owner asks again. What an earlier connection wrote is not covered by this one's WAIT, unless this one
// writes it as well.
void Operation::Rewrite(std::string_view bytes) {
  expected_ = std::string(bytes.substr(0, kHeaderSize));
  record_ = std::string(bytes);
  px_.clear();
  Go(Phase::kSwap);
}

void Operation::Written(int confirmed) {
  const auto wanted = static_cast<int>(core_.options.replicas);
  if (!confirm || confirmed >= wanted) return End(std::move(answer_));
  if (request_.verb != HF_STORE_CLAIM || !Claimed(answer_)) {
    Count(core_.counters.unconfirmed);
    answer_.detail = "unconfirmed: " + std::to_string(std::max(0, confirmed)) + " of " +
                     std::to_string(wanted) + " replicas have it";
    return End(std::move(answer_));
  }
  Count(core_.counters.given_back);
  // A first attempt leaves nothing behind. A further one is left to its nonce or to the end of its lease: the
  // record it came from, and whether to ask first, would be lost.
  if (further_ || answer_.raw.changed == 0) {
    return End(HF_STORE_INDETERMINATE, "too few replicas have the claim");
  }
  const int64_t now = core_.carrier->EstimateNow(request_.key_id);
  const int64_t memory = MemoryOf(answer_.raw.token, now);
  record_ = PackToken(answer_.raw.token, memory);
  px_ = std::to_string(memory);
  confirm = false;
  Go(Phase::kGiveBack);
}

void Operation::End(StoreReply reply) { end_.OnEnd(*this, std::move(reply)); }

}  // namespace holdfast::inline v0_5::redis
