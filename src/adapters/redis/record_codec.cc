// SPDX-License-Identifier: Apache-2.0
// See record_codec.h.
#include "adapters/redis/record_codec.h"

#include <algorithm>
#include <limits>

namespace holdfast::inline v0_5::redis {
namespace {

constexpr int64_t kMicro = HF_US;
constexpr int64_t kMostMicros = std::numeric_limits<int64_t>::max() / kMicro;
// A script adds a length, which ended at the last time there is as we estimated its clock, to a clock that is
// further on by now: such a time is the last one, too.
constexpr uint64_t kBeyond = uint64_t{24} * 3600 * 1000000;

uint64_t ToMicros(int64_t nanos) {
  if (nanos <= 0) return 0;
  return static_cast<uint64_t>(nanos / kMicro + (nanos % kMicro == 0 ? 0 : 1));
}

// False: no time that we could have written.
bool FromMicros(uint64_t micros, int64_t* nanos) {
  if (micros > static_cast<uint64_t>(kMostMicros) + kBeyond) return false;
  *nanos = std::min<int64_t>(static_cast<int64_t>(micros), kMostMicros) * kMicro;
  return true;
}

template <size_t kSize>
void Store(char* at, uint64_t value) {
  for (size_t i = 0; i < kSize; ++i) at[i] = static_cast<char>(value >> (8 * i) & 0xff);
}

bool Zero(std::string_view bytes, size_t at, size_t size) {
  return GetNumber(bytes, at, size) == 0;
}

}  // namespace

void PutNumber(std::string* out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

uint64_t GetNumber(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return value;
}

std::string Pack(const hf_record& record, const Packing& packing) {
  std::string out;
  out.reserve(kHeaderSize + record.label.size + record.body.size);
  out.resize(kHeaderSize);
  char* const head = out.data();
  Store<1>(head, kRecordVersion);
  Store<1>(head + 1, static_cast<uint32_t>(record.state));
  Store<1>(head + 2, record.reconcile);
  Store<1>(head + 3, record.truncated);
  Store<4>(head + 4, static_cast<uint32_t>(record.code));
  Store<8>(head + 8, ToMicros(record.not_before));
  Store<8>(head + 16, ToMicros(record.expires_at));
  Store<8>(head + kCompletedAt, ToMicros(record.completed_at));
  Store<8>(head + 32, packing.lease_from_set ? 0 : ToMicros(record.lease_until));
  Store<8>(head + kTokenAt, record.token);
  Store<4>(head + kAttemptAt, record.attempt);
  Store<4>(head + 52, packing.checkpoints);
  Store<1>(head + 56, static_cast<uint32_t>(record.on_expiry));
  Store<2>(head + 58, record.label.size);
  Store<8>(head + 64, ToMicros(packing.lease));
  Store<8>(head + 72, static_cast<uint64_t>(packing.px));
  std::copy_n(record.nonce, sizeof(record.nonce), head + kNonceAt);
  std::copy_n(record.fingerprint, sizeof(record.fingerprint), head + 96);
  if (record.label.size > 0) out.append(record.label.data, record.label.size);
  if (record.body.size > 0) out.append(record.body.data, record.body.size);
  return out;
}

std::string PackToken(uint64_t token, int64_t px) {
  hf_record record{};
  record.token = token;
  return Pack(record, {.px = px});
}

Unpacked Unpack(std::string_view bytes, std::optional<int64_t> expires_ms) {
  Unpacked out;
  if (bytes.empty()) return out;
  if (static_cast<uint8_t>(bytes[0]) != kRecordVersion) {
    out.kind = Unpacked::Kind::kForeign;
    return out;
  }
  if (bytes.size() < kHeaderSize) return out;
  hf_record& record = out.record;
  record.state = static_cast<hf_record_state>(GetNumber(bytes, 1, 1));
  record.reconcile = static_cast<uint32_t>(GetNumber(bytes, 2, 1));
  record.truncated = static_cast<uint32_t>(GetNumber(bytes, 3, 1));
  record.code = static_cast<hf_code>(GetNumber(bytes, 4, 4));
  record.token = GetNumber(bytes, kTokenAt, 8);
  record.attempt = static_cast<uint32_t>(GetNumber(bytes, kAttemptAt, 4));
  out.packing.checkpoints = static_cast<uint32_t>(GetNumber(bytes, 52, 4));
  record.on_expiry = static_cast<hf_on_expiry>(GetNumber(bytes, 56, 1));
  const size_t label = GetNumber(bytes, 58, 2);
  const uint64_t px = GetNumber(bytes, 72, 8);
  int64_t lease = 0;
  const bool times = FromMicros(GetNumber(bytes, 8, 8), &record.not_before) &&
                     FromMicros(GetNumber(bytes, 16, 8), &record.expires_at) &&
                     FromMicros(GetNumber(bytes, kCompletedAt, 8), &record.completed_at) &&
                     FromMicros(GetNumber(bytes, 32, 8), &record.lease_until) &&
                     FromMicros(GetNumber(bytes, 64, 8), &lease);
  if (!times || !Zero(bytes, 57, 1) || !Zero(bytes, 60, 4) ||
      px > static_cast<uint64_t>(kMostMicros) || label > bytes.size() - kHeaderSize) {
    return out;
  }
  out.packing.lease = lease;
  out.packing.px = static_cast<int64_t>(px);
  std::copy_n(bytes.data() + kNonceAt, sizeof(record.nonce), reinterpret_cast<char*>(record.nonce));
  std::copy_n(bytes.data() + 96, sizeof(record.fingerprint),
              reinterpret_cast<char*>(record.fingerprint));
  record.label = {bytes.data() + kHeaderSize, label};
  record.body = {bytes.data() + kHeaderSize + label, bytes.size() - kHeaderSize - label};
  if (record.state == HF_RECORD_ABSENT) {
    if (record.token == 0 || record.token >= uint64_t{std::numeric_limits<int64_t>::max()}) {
      return out;
    }
    out.kind = Unpacked::Kind::kTombstone;
    return out;
  }
  if (record.state == HF_RECORD_IN_PROGRESS && record.lease_until == 0) {
    out.packing.lease_from_set = true;
    out.kind = Unpacked::Kind::kRecord;
    record.lease_until = std::numeric_limits<int64_t>::max();
    if (!expires_ms.has_value()) return out;
    out.kind = Unpacked::Kind::kDamaged;
    // When the SET ran, to the millisecond below: one more, lest the lease be shorter than it was given.
    const int64_t set_ms = *expires_ms - out.packing.px;
    if (*expires_ms < 0 || set_ms < 0 || lease <= 0) return out;
    const int64_t set = set_ms > kMostMicros / 1000 - 1 ? 0 : (set_ms + 1) * HF_MS;
    if (set == 0 || lease > std::numeric_limits<int64_t>::max() - set) return out;
    record.lease_until = set + lease;
  }
  out.kind = Unpacked::Kind::kRecord;
  return out;
}

}  // namespace holdfast::inline v0_5::redis
