// SPDX-License-Identifier: Apache-2.0
// See core.h.
#include "adapters/redis/core.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Duration kDay = hours(24);
constexpr Duration kYear = hours(24 * 365);
constexpr size_t kMaxPrefix = 64;
constexpr size_t kKeyIdSize = 32;

absl::Status Bad(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

void AppendHex(std::string* out, const uint8_t* bytes, size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; ++i) {
    out->push_back(kDigits[bytes[i] >> 4]);
    out->push_back(kDigits[bytes[i] & 15]);
  }
}

std::string Tagged(std::string_view prefix, std::string_view kind, const uint8_t* key_id) {
  std::string key;
  key.reserve(prefix.size() + kind.size() + 2 * kKeyIdSize + 2);
  key.append(prefix).append(kind).push_back('{');
  AppendHex(&key, key_id, kKeyIdSize);
  key.push_back('}');
  return key;
}

bool GoodPrefix(std::string_view prefix) {
  return prefix.size() <= kMaxPrefix && std::all_of(prefix.begin(), prefix.end(), [](char c) {
           return c > ' ' && c < 0x7f &&
                  std::string_view("{}*?[]\\^").find(c) == std::string_view::npos;
         });
}

// Range and default of a duration at once.
absl::Status Settle(Duration* value, const char* name, Duration low, Duration high,
                    Duration otherwise) {
  if (value->count() == 0) *value = otherwise;
  if (*value < low || *value > high) return Bad(std::string(name) + ": out of range");
  return absl::OkStatus();
}

}  // namespace

std::string RecordKey(std::string_view prefix, const uint8_t* key_id) {
  return Tagged(prefix, "", key_id);
}

std::string AuditKey(std::string_view prefix, const uint8_t* key_id) {
  return Tagged(prefix, "audit:", key_id);
}

hf_store_status StatusOfError(std::string_view error) {
  // Redis refuses with these before it runs a command or a script; see processCommand and the script flags.
  constexpr std::array<std::string_view, 13> kRefused = {
      "OOM",      "NOREPLICAS",  "LOADING",  "BUSY",   "MISCONF", "MASTERDOWN", "READONLY",
      "NOSCRIPT", "CLUSTERDOWN", "TRYAGAIN", "NOPERM", "NOAUTH",  "CROSSSLOT"};
  const std::string_view word = WordOf(error);
  if (word == "WRONGTYPE") return HF_STORE_CORRUPT;
  if (std::find(kRefused.begin(), kRefused.end(), word) != kRefused.end()) {
    return HF_STORE_UNAVAILABLE;
  }
  if (word == "MOVED" || word == "ASK") return HF_STORE_UNAVAILABLE;
  return HF_STORE_INDETERMINATE;
}

absl::Status PrepareOptions(Options* options) {
  if (absl::Status status = PrepareServer(&options->server); !status.ok()) return status;
  if (options->connections == 0) options->connections = 1;
  if (options->connections > 64) return Bad("connections: above 64");
  if (options->prefix.empty()) options->prefix = "hf:";
  if (!GoodPrefix(options->prefix)) {
    return Bad("prefix: longer than 64, or holds a space, a brace or one of *?[]\\^");
  }
  if (options->audit_rows == 0) options->audit_rows = 100;
  if (options->audit_rows > 10000) return Bad("audit_rows: above 10000");
  if (options->replicas > 1000) return Bad("replicas: above 1000");
  const absl::Status settled[] = {
      Settle(&options->retention, "retention", hours(1), 10 * kYear, 30 * kDay),
      Settle(&options->token_memory, "token_memory", seconds(1), kDay, seconds(10)),
      Settle(&options->audit_retention, "audit_retention", hours(1), 100 * kYear, kYear),
      Settle(&options->default_timeout, "default_timeout", Duration(1), kDay, seconds(5)),
      Settle(&options->replica_timeout, "replica_timeout", std::chrono::milliseconds(1), kDay,
             seconds(1)),
  };
  for (const absl::Status& status : settled) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ToStatus(hf_store_status status, std::string_view detail) {
  switch (status) {
    case HF_STORE_INDETERMINATE:
      return MakeStatus(HF_UNKNOWN, HF_R_STORE_INDETERMINATE, detail);
    case HF_STORE_CORRUPT:
      return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, detail);
    case HF_STORE_OVERLOADED:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, detail);
    default:
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, detail);
  }
}

}  // namespace holdfast::inline v0_5::redis
