// SPDX-License-Identifier: Apache-2.0
// See settlement.h.
#include "adapters/redis/settlement.h"

#include <cstring>
#include <string_view>

#include "adapters/redis/record_codec.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr std::string_view kOneBody = "1";
constexpr std::string_view kOtherBody = "2";

hf_record StandIn(const hf_store_request& request, int64_t now, bool other) {
  hf_record record{};
  record.state = HF_RECORD_IN_PROGRESS;
  record.on_expiry = other ? HF_ON_EXPIRY_IN_DOUBT : HF_ON_EXPIRY_TAKEOVER;
  record.nonce[0] = 1;
  record.token = request.token;
  record.attempt = 1;
  record.code = other ? HF_CANCELLED : HF_UNKNOWN;
  record.reconcile = other ? 1 : 0;
  const int64_t mark = other ? 3 : 7;  // no time that a request can lead to
  record.lease_until = now + mark;
  record.not_before = mark;
  record.expires_at = mark;
  record.completed_at = mark;
  const std::string_view body = other ? kOtherBody : kOneBody;
  record.body = {body.data(), body.size()};
  return record;
}

// "" if both kept their own.
std::string Number(int64_t one, int64_t other, int64_t now) {
  if (one != other) return "";
  if (one == 0) return "0";
  const int64_t delta = one > now ? one - now : 0;
  return "+" + std::to_string(delta / HF_US + (delta % HF_US == 0 ? 0 : 1));
}

}  // namespace

Settlement SettlementOf(const hf_store_request& request, int64_t now) {
  Settlement out;
  if (request.token == 0 || request.token >= uint64_t{INT64_MAX}) {
    out.general = false;  // no record has it
    return out;
  }
  const hf_record one = StandIn(request, now, false);
  const hf_record other = StandIn(request, now, true);
  hf_record next_one{};
  hf_record next_other{};
  hf_record_change change = HF_RECORD_KEEP;
  hf_record_change change_other = HF_RECORD_KEEP;
  hf_store_reply reply_other{};
  const hf_code code = hf_record_apply(&one, &request, now, 0, &next_one, &change, &out.reply);
  out.sound = code == HF_OK;
  if (!out.sound) return out;
  hf_record_apply(&other, &request, now, 0, &next_other, &change_other, &reply_other);
  out.general = change != HF_RECORD_KEEP && change == change_other &&
                next_one.state == next_other.state && out.reply.status == reply_other.status;
  if (!out.general) return out;
  out.next = next_one;
  out.erases = change == HF_RECORD_ERASE;
  if (out.erases) return out;
  out.keeps_head = next_one.code != next_other.code;
  const std::string packed = Pack(next_one, {});
  out.head = packed.substr(0, 8);
  out.not_before = Number(next_one.not_before, next_other.not_before, now);
  out.expires_at = Number(next_one.expires_at, next_other.expires_at, now);
  out.completed_at = Number(next_one.completed_at, next_other.completed_at, now);
  out.lease_until = Number(next_one.lease_until, next_other.lease_until, now);
  out.keeps_body = next_one.body.data != next_other.body.data;
  out.completes = !out.keeps_head && out.not_before == "0" && out.expires_at.starts_with('+') &&
                  out.completed_at == "+0" && out.lease_until.empty() && !out.keeps_body;
  return out;
}

}  // namespace holdfast::inline v0_5::redis
