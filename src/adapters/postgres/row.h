// SPDX-License-Identifier: Apache-2.0
// Parameters and columns in PostgreSQL's binary format: numbers are big-endian, bytea is itself.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_ROW_H_
#define HOLDFAST_ADAPTERS_POSTGRES_ROW_H_

#include <holdfast/c/record.h>
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/statements.h"

namespace holdfast::inline v0_5::postgres {

// The parameters of one statement, in order. Bytes are borrowed until it is sent; numbers are kept here.
class Params {
 public:
  Params& Bytes(const void* data, size_t size);
  Params& Bytes(const hf_str& bytes) { return Bytes(bytes.data, bytes.size); }
  Params& Kept(std::string bytes);  // bytes that live here
  Params& Text(std::string_view text) { return Kept(std::string(text)); }
  Params& Int64(int64_t value);
  Params& Int32(int32_t value);
  Params& Int16(int32_t value);
  Params& Boolean(bool value);
  Params& Null();
  Params& Time(const std::optional<int64_t>& time) { return time ? Int64(*time) : Null(); }

  // Copies what was borrowed.
  void KeepBorrowed();

  // As libpq wants them; valid until the next change.
  void Fill(std::vector<const char*>* values, std::vector<int>* lengths) const;
  size_t size() const { return slots_.size(); }

 private:
  struct Slot {
    const char* data;  // null: in kept_ at `at`
    size_t at;
    size_t size;
    bool null;
  };
  Params& Number(uint64_t value, size_t size);

  std::vector<Slot> slots_;
  std::string kept_;
};

// A one-dimensional array, for unnest: elements are appended in binary.
class Array {
 public:
  explicit Array(uint32_t element_oid) : oid_(element_oid) {}
  void Add(const void* data, size_t size);
  void AddInt64(int64_t value);
  void AddInt16(int32_t value);
  std::string Take();

 private:
  uint32_t oid_;
  int32_t count_ = 0;
  std::string body_;
};
inline constexpr uint32_t kByteaOid = 17, kInt8Oid = 20, kInt2Oid = 21;

// One statement to be sent. `sql`'s text must outlive it.
struct Query {
  Sql sql = Sql::kCount;  // kCount: `text`, never prepared
  std::string text;
  Params params;
};

// Reads a column; 0, "" or false where it is null or of another size.
int64_t Int64At(const PGresult* result, int row, int column);
int32_t Int32At(const PGresult* result, int row, int column);
int32_t Int16At(const PGresult* result, int row, int column);
bool BooleanAt(const PGresult* result, int row, int column);
std::string_view BytesAt(const PGresult* result, int row, int column);
bool NullAt(const PGresult* result, int row, int column);

// A record as read, and what is needed to write it.
struct Row {
  bool exists = false;     // false also for a tombstone, whose version and token still count
  bool present = false;    // there is a row, tombstone or not
  bool lost_body = false;  // its partition is gone
  int64_t now = 0;
  int32_t version = 0;
  uint64_t token = 0;
  hf_record record{};  // body and label point into the strings
  std::shared_ptr<const std::string> body;
  std::string label;
};

// Columns as kFind gives them; no row: exists and present are false.
void ReadRow(const PGresult* result, int row, Row* out);
inline constexpr int kRowColumns = 18;  // now, record, body

// The parameters of kWrite. `draw`: a new token, whatever next.token says.
Params WriteParams(const uint8_t* key_id, const Row& old, const hf_record& next, bool draw);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_ROW_H_
