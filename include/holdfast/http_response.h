// SPDX-License-Identifier: Apache-2.0
// HttpResponse: an answer of HTTP as a value, and as the bytes that a record keeps of it, so that a duplicate gets
// the status, the fields and the body that the first request got. No HTTP library is needed.
//
//   version 1 (1 byte) | status (2, big-endian) | fields (2) { name size (2) value size (4) name value } | body
//
// Store the fields that belong to the result (Content-Type, Location, ETag), not those of one exchange or one caller
// (Date, Connection, Set-Cookie, trace and CORS fields): whoever replays writes those anew.
// Threads: pure functions.
#ifndef HOLDFAST_HTTP_RESPONSE_H_
#define HOLDFAST_HTTP_RESPONSE_H_

#include <absl/status/statusor.h>
#include <holdfast/status.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5 {

struct HttpField {
  std::string name;
  std::string value;

  friend bool operator==(const HttpField&, const HttpField&) = default;
};

struct HttpResponse {
  int status = 200;  // 200..599
  std::vector<HttpField> fields{};
  std::string body{};

  friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

inline constexpr size_t kHttpFieldsMax = 64;         // fields of a stored response
inline constexpr size_t kHttpFieldBytesMax = 16384;  // bytes of one field

namespace internal {

inline constexpr char kHttpResponseVersion = 1;

inline void AppendBigEndian(std::string& bytes, size_t number, int size) {
  for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(number >> (8 * i) & 0xFF);
}

// Takes a number off the front; nullopt if there are too few bytes.
inline std::optional<size_t> TakeBigEndian(std::string_view& bytes, size_t size) {
  if (bytes.size() < size) return std::nullopt;
  size_t number = 0;
  for (size_t i = 0; i < size; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  bytes.remove_prefix(size);
  return number;
}

inline std::optional<std::string> TakeBytes(std::string_view& bytes, size_t size) {
  if (size > kHttpFieldBytesMax || bytes.size() < size) return std::nullopt;
  std::string taken(bytes.substr(0, size));
  bytes.remove_prefix(size);
  return taken;
}

inline bool IsHttpToken(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && kOthers.find(c) == std::string_view::npos) return false;
  }
  return !name.empty();
}

// A line break in a value would let it write fields of its own.
inline bool IsHttpValue(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

inline bool IsHttpField(const HttpField& field) {
  return field.name.size() <= kHttpFieldBytesMax && field.value.size() <= kHttpFieldBytesMax &&
         IsHttpToken(field.name) && IsHttpValue(field.value);
}

}  // namespace internal

// The bytes to store.
// Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE: a status outside 200..599, above 64 fields, a field that is too large;
// HF_R_MALFORMED: a name that is no token, a value with a line break. Never with the value itself.
inline absl::StatusOr<std::string> EncodeHttpResponse(const HttpResponse& response) {
  if (response.status < 200 || response.status > 599) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "status: outside 200..599");
  }
  if (response.fields.size() > kHttpFieldsMax) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "fields: more than 64");
  }
  std::string bytes(1, internal::kHttpResponseVersion);
  internal::AppendBigEndian(bytes, static_cast<size_t>(response.status), 2);
  internal::AppendBigEndian(bytes, response.fields.size(), 2);
  for (const HttpField& field : response.fields) {
    if (!internal::IsHttpField(field)) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                        "fields: one that is too large, or is no field of HTTP");
    }
    internal::AppendBigEndian(bytes, field.name.size(), 2);
    internal::AppendBigEndian(bytes, field.value.size(), 4);
    bytes.append(field.name).append(field.value);
  }
  return bytes += response.body;
}

// Any bytes; nullopt if they are no stored response.
inline std::optional<HttpResponse> DecodeHttpResponse(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != internal::kHttpResponseVersion) return std::nullopt;
  bytes.remove_prefix(1);
  const std::optional<size_t> status = internal::TakeBigEndian(bytes, 2);
  const std::optional<size_t> fields = internal::TakeBigEndian(bytes, 2);
  if (!status || *status < 200 || *status > 599 || !fields || *fields > kHttpFieldsMax) {
    return std::nullopt;
  }
  HttpResponse response{.status = static_cast<int>(*status)};
  for (size_t i = 0; i < *fields; ++i) {
    const std::optional<size_t> name_size = internal::TakeBigEndian(bytes, 2);
    const std::optional<size_t> value_size = internal::TakeBigEndian(bytes, 4);
    if (!name_size || !value_size) return std::nullopt;
    std::optional<std::string> name = internal::TakeBytes(bytes, *name_size);
    std::optional<std::string> value = internal::TakeBytes(bytes, *value_size);
    if (!name || !value) return std::nullopt;
    response.fields.push_back({*std::move(name), *std::move(value)});
    if (!internal::IsHttpField(response.fields.back())) return std::nullopt;
  }
  response.body = bytes;
  return response;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_HTTP_RESPONSE_H_
