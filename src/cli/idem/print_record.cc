// SPDX-License-Identifier: Apache-2.0
#include "cli/idem/print_record.h"

#include <absl/strings/escaping.h>
#include <absl/time/time.h>
#include <holdfast/c/base.h>

#include <algorithm>

namespace holdfast::cli::idem {
namespace {

std::string HexOf(const uint8_t* bytes, size_t size) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes), size));
}

std::string_view VerbName(hf_store_verb verb) {
  return verb == HF_STORE_RELEASE ? "release" : "resolve";
}

std::string_view EffectName(hf_effect effect) {
  switch (effect) {
    case HF_EFFECT_FINAL:
      return "done";
    case HF_EFFECT_RETRYABLE:
      return "retry";
    default:
      return "discard";
  }
}

std::string_view BodyName(uint32_t truncated) {
  switch (truncated) {
    case HF_BODY_DIGEST:
      return "digest";
    case HF_BODY_REFERENCE:
      return "reference";
    default:
      return "whole";
  }
}

std::string_view PlainStateName(hf_record_state state) {
  switch (state) {
    case HF_RECORD_IN_PROGRESS:
      return "in_progress";
    case HF_RECORD_COMPLETED:
      return "completed";
    case HF_RECORD_RETRYABLE:
      return "retryable";
    case HF_RECORD_IN_DOUBT:
      return "in_doubt";
    default:
      return "absent";
  }
}

}  // namespace

std::string HexOf(const KeyId& id) { return HexOf(id.data(), id.size()); }

std::string_view StateName(const hf_record& record, int64_t store_now) {
  const bool lapsed = record.state == HF_RECORD_IN_PROGRESS && record.lease_until <= store_now;
  return lapsed ? "lapsed" : PlainStateName(record.state);
}

std::string_view PolicyName(hf_on_expiry policy) {
  switch (policy) {
    case HF_ON_EXPIRY_TAKEOVER:
      return "takeover";
    case HF_ON_EXPIRY_RECONCILE:
      return "reconcile";
    default:
      return "in_doubt";
  }
}

int64_t LastChange(const hf_record& record) {
  return record.state == HF_RECORD_COMPLETED ? record.completed_at
                                             : std::max(record.lease_until, record.not_before);
}

std::string TimeText(int64_t since_epoch) {
  if (since_epoch == 0) return "-";
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::FromUnixNanos(since_epoch),
                          absl::UTCTimeZone());
}

std::string DurationText(int64_t nanoseconds) {
  const absl::Duration exact = absl::Nanoseconds(nanoseconds);
  const absl::Duration unit =
      absl::AbsDuration(exact) < absl::Seconds(1) ? absl::Milliseconds(1) : absl::Seconds(1);
  return absl::FormatDuration(absl::Trunc(exact, unit));
}

RecordLabel LabelOf(const StoredRecord& record) {
  return DecodeRecordLabel(record.label).value_or(RecordLabel{});
}

nlohmann::json JsonOf(const StoredRecord& stored, int64_t store_now, bool body) {
  const hf_record& record = stored.record;
  const RecordLabel label = LabelOf(stored);
  nlohmann::json json = {
      {"id", HexOf(stored.key_id)},
      {"state", StateName(record, store_now)},
      {"on_expiry", PolicyName(record.on_expiry)},
      {"token", record.token},
      {"attempt", record.attempt},
      {"owner_nonce", HexOf(record.nonce, sizeof(record.nonce))},
      {"code", hf_code_name(record.code)},
      {"body", BodyName(record.truncated)},
      {"body_bytes", stored.body_bytes},
      {"damaged", stored.damaged},
      {"label",
       {{"tenant", label.tenant},
        {"operation", label.operation},
        {"owner", label.owner},
        {"space", label.space}}},
  };
  if (label.key_form == KeyForm::kPlain) json["label"]["key"] = label.key;
  if (record.reconcile != 0) json["reconciling"] = true;
  const auto time = [&json](const char* name, int64_t value) {
    if (value != 0) json[name] = TimeText(value);
  };
  time("lease_until", record.lease_until);
  time("not_before", record.not_before);
  time("completed_at", record.completed_at);
  time("expires_at", record.expires_at);
  if (body) json["body_base64"] = absl::Base64Escape(stored.body);
  return json;
}

nlohmann::json JsonOf(const AuditRow& row) {
  return {{"at", TimeText(row.at)},
          {"id", HexOf(row.key_id)},
          {"verb", VerbName(row.verb)},
          {"effect", EffectName(row.effect)},
          {"before", PlainStateName(row.before)},
          {"token_before", row.token_before},
          {"token_after", row.token_after},
          {"actor", row.note.actor},
          {"reason", row.note.reason}};
}

}  // namespace holdfast::cli::idem
