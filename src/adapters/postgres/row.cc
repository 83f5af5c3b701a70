// SPDX-License-Identifier: Apache-2.0
// See row.h.
#include "adapters/postgres/row.h"

#include <algorithm>
#include <cstring>

namespace holdfast::inline v0_5::postgres {
namespace {

void AppendBigEndian(uint64_t value, size_t size, std::string* out) {
  for (size_t i = size; i > 0; --i) out->push_back(static_cast<char>(value >> (8 * (i - 1))));
}

uint64_t BigEndianAt(const PGresult* result, int row, int column, int size) {
  if (NullAt(result, row, column) || PQgetlength(result, row, column) != size) return 0;
  const char* const data = PQgetvalue(result, row, column);
  uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(data[i]);
  return value;
}

bool CopyBytes(std::string_view from, uint8_t* to, size_t size) {
  if (from.size() != size) return false;
  std::memcpy(to, from.data(), size);
  return true;
}

}  // namespace

Params& Params::Bytes(const void* data, size_t size) {
  slots_.push_back({size == 0 ? "" : static_cast<const char*>(data), 0, size, false});
  return *this;
}

Params& Params::Kept(std::string bytes) {
  slots_.push_back({nullptr, kept_.size(), bytes.size(), false});
  kept_ += bytes;
  return *this;
}

Params& Params::Number(uint64_t value, size_t size) {
  slots_.push_back({nullptr, kept_.size(), size, false});
  AppendBigEndian(value, size, &kept_);
  return *this;
}

Params& Params::Int64(int64_t value) { return Number(static_cast<uint64_t>(value), 8); }
Params& Params::Int32(int32_t value) { return Number(static_cast<uint32_t>(value), 4); }
Params& Params::Int16(int32_t value) { return Number(static_cast<uint32_t>(value), 2); }
Params& Params::Boolean(bool value) { return Number(value ? 1 : 0, 1); }

Params& Params::Null() {
  slots_.push_back({nullptr, 0, 0, true});
  return *this;
}

void Params::KeepBorrowed() {
  for (Slot& slot : slots_) {
    if (slot.data == nullptr) continue;
    const size_t at = kept_.size();
    kept_.append(slot.data, slot.size);
    slot.data = nullptr;
    slot.at = at;
  }
}

void Params::Fill(std::vector<const char*>* values, std::vector<int>* lengths) const {
  values->clear();
  lengths->clear();
  for (const Slot& slot : slots_) {
    const char* const kept = slot.null ? nullptr : kept_.data() + slot.at;
    values->push_back(slot.data != nullptr ? slot.data : kept);
    lengths->push_back(static_cast<int>(slot.size));
  }
}

void Array::Add(const void* data, size_t size) {
  AppendBigEndian(size, 4, &body_);
  if (size > 0) body_.append(static_cast<const char*>(data), size);
  ++count_;
}

void Array::AddInt64(int64_t value) {
  AppendBigEndian(8, 4, &body_);
  AppendBigEndian(static_cast<uint64_t>(value), 8, &body_);
  ++count_;
}

void Array::AddInt16(int32_t value) {
  AppendBigEndian(2, 4, &body_);
  AppendBigEndian(static_cast<uint32_t>(value), 2, &body_);
  ++count_;
}

std::string Array::Take() {
  std::string all;
  AppendBigEndian(1, 4, &all);  // dimensions
  AppendBigEndian(0, 4, &all);  // no nulls
  AppendBigEndian(oid_, 4, &all);
  AppendBigEndian(static_cast<uint32_t>(count_), 4, &all);
  AppendBigEndian(1, 4, &all);  // the first index
  return all + body_;
}

int64_t Int64At(const PGresult* result, int row, int column) {
  return static_cast<int64_t>(BigEndianAt(result, row, column, 8));
}
int32_t Int32At(const PGresult* result, int row, int column) {
  return static_cast<int32_t>(BigEndianAt(result, row, column, 4));
}
int32_t Int16At(const PGresult* result, int row, int column) {
  return static_cast<int16_t>(BigEndianAt(result, row, column, 2));
}
bool BooleanAt(const PGresult* result, int row, int column) {
  return BigEndianAt(result, row, column, 1) != 0;
}
std::string_view BytesAt(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column))};
}
bool NullAt(const PGresult* result, int row, int column) {
  return PQgetisnull(result, row, column) == 1;
}

void ReadRow(const PGresult* result, int row, Row* out) {
  *out = Row{};
  if (row >= PQntuples(result)) return;
  hf_record& record = out->record;
  out->now = Int64At(result, row, 0);
  out->token = record.token = static_cast<uint64_t>(Int64At(result, row, 1));
  record.lease_until = Int64At(result, row, 2);
  record.not_before = Int64At(result, row, 3);
  record.expires_at = Int64At(result, row, 4);
  record.completed_at = Int64At(result, row, 5);
  record.attempt = static_cast<uint32_t>(Int32At(result, row, 6));
  out->version = Int32At(result, row, 7);
  record.state = Int16At(result, row, 8);
  record.on_expiry = Int16At(result, row, 9);
  record.code = Int16At(result, row, 10);
  record.truncated = static_cast<uint32_t>(Int16At(result, row, 11));
  record.reconcile = static_cast<uint32_t>(Int16At(result, row, 12));
  const bool sound = CopyBytes(BytesAt(result, row, 13), record.fingerprint, 32) &&
                     CopyBytes(BytesAt(result, row, 14), record.nonce, 16);
  if (!sound) record.state = -1;  // which the table calls damage
  out->label = BytesAt(result, row, 15);
  out->lost_body = BooleanAt(result, row, 16) && NullAt(result, row, 17);
  out->body = std::make_shared<const std::string>(BytesAt(result, row, 17));
  record.body = {out->body->data(), out->body->size()};
  record.label = {out->label.data(), out->label.size()};
  out->present = true;
  out->exists = record.state != HF_RECORD_ABSENT;
}

Params WriteParams(const uint8_t* key_id, const Row& old, const hf_record& next, bool draw) {
  Params params;
  params.Bytes(key_id, 32).Int32(old.version).Int64(static_cast<int64_t>(old.token));
  params.Boolean(draw).Int64(static_cast<int64_t>(next.token));
  params.Int64(next.lease_until).Int64(next.not_before);
  params.Int64(next.expires_at).Int64(next.completed_at);
  params.Int32(static_cast<int32_t>(next.attempt)).Int16(next.state).Int16(next.on_expiry);
  params.Int16(next.code).Int16(static_cast<int32_t>(next.truncated));
  params.Int16(static_cast<int32_t>(next.reconcile));
  const auto copy = [](const uint8_t* data, size_t size) {
    return std::string(reinterpret_cast<const char*>(data), size);
  };
  params.Kept(copy(next.fingerprint, 32)).Kept(copy(next.nonce, 16));
  return params.Bytes(next.label).Bytes(next.body);
}

}  // namespace holdfast::inline v0_5::postgres
