// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a record of Redis, and as an audit row: what is read packs to something that reads the same, and
// whatever is read, the table answers.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/redis/audit_codec.h"
#include "adapters/redis/record_codec.h"

namespace {

using holdfast::redis::Unpacked;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckRecord(std::string_view bytes, std::optional<int64_t> expires_ms) {
  const Unpacked read = holdfast::redis::Unpack(bytes, expires_ms);
  if (read.kind != Unpacked::Kind::kRecord) return;
  Require(holdfast::redis::kHeaderSize + read.record.label.size + read.record.body.size ==
          bytes.size());
  holdfast::redis::Packing packing = read.packing;
  const std::string packed = holdfast::redis::Pack(read.record, packing);
  const Unpacked again = holdfast::redis::Unpack(packed, expires_ms);
  Require(again.kind == Unpacked::Kind::kRecord && again.record.token == read.record.token);
  Require(again.record.lease_until == read.record.lease_until &&
          again.record.expires_at == read.record.expires_at);
  Require(packed == holdfast::redis::Pack(again.record, again.packing));
  hf_store_request request{};
  request.verb = HF_STORE_CLAIM;
  request.on_expiry = HF_ON_EXPIRY_TAKEOVER;
  request.nonce[0] = 1;
  request.lease = HF_S;
  request.max_attempts = 3;
  hf_record next;
  hf_record_change change;
  hf_store_reply reply;
  hf_record_apply(&read.record, &request, 1700000000 * HF_S, 0, &next, &change, &reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckRecord(bytes, std::nullopt);
  CheckRecord(bytes, 1700000000000);
  CheckRecord(bytes, -1);
  holdfast::AuditRow row;
  if (holdfast::redis::UnpackAudit(bytes, &row)) {
    holdfast::AuditRow again;
    Require(holdfast::redis::UnpackAudit(holdfast::redis::PackAudit(row), &again));
    Require(again.at == row.at && again.note.reason == row.note.reason);
  }
  return 0;
}
