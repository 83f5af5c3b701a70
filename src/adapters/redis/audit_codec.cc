// SPDX-License-Identifier: Apache-2.0
// See audit_codec.h.
#include "adapters/redis/audit_codec.h"

#include "adapters/redis/record_codec.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kHead = 30;
constexpr uint64_t kMostMicros = static_cast<uint64_t>(INT64_MAX / HF_US);

}  // namespace

std::string PackAudit(const AuditRow& row) {
  std::string out;
  PutNumber(&out, kVersion, 1);
  PutNumber(&out, static_cast<uint32_t>(row.verb), 1);
  PutNumber(&out, static_cast<uint32_t>(row.effect), 1);
  PutNumber(&out, static_cast<uint32_t>(row.before), 1);
  PutNumber(&out, static_cast<uint64_t>(row.at / HF_US), 8);
  PutNumber(&out, row.token_before, 8);
  PutNumber(&out, row.token_after, 8);
  PutNumber(&out, row.note.actor.size(), 2);
  return out + row.note.actor + row.note.reason;
}

bool UnpackAudit(std::string_view bytes, AuditRow* row) {
  if (bytes.size() < kHead || GetNumber(bytes, 0, 1) != kVersion) return false;
  const uint64_t at = GetNumber(bytes, 4, 8);
  const size_t actor = GetNumber(bytes, 28, 2);
  if (at > kMostMicros || actor > bytes.size() - kHead) return false;
  row->verb = static_cast<hf_store_verb>(GetNumber(bytes, 1, 1));
  row->effect = static_cast<hf_effect>(GetNumber(bytes, 2, 1));
  row->before = static_cast<hf_record_state>(GetNumber(bytes, 3, 1));
  row->at = static_cast<int64_t>(at) * HF_US;
  row->token_before = GetNumber(bytes, 12, 8);
  row->token_after = GetNumber(bytes, 20, 8);
  row->note.actor = std::string(bytes.substr(kHead, actor));
  row->note.reason = std::string(bytes.substr(kHead + actor));
  return true;
}

}  // namespace holdfast::inline v0_5::redis
