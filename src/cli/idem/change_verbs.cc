// SPDX-License-Identifier: Apache-2.0
// The verbs that change records: all through the store's own table, each with its audit row.
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "cli/idem/find_record.h"
#include "cli/idem/print_record.h"
#include "cli/idem/verbs.h"

namespace holdfast::cli::idem {
namespace {

constexpr uint32_t kSweep = 1000;

absl::StatusOr<hf_duration> TtlOf(const Arguments& arguments) {
  absl::Duration ttl = absl::Hours(24);
  if (!arguments.ttl_text.empty() && !absl::ParseDuration(arguments.ttl_text, &ttl)) {
    return absl::InvalidArgumentError("--ttl: not a duration like 90s, 10m or 24h");
  }
  if (ttl <= absl::ZeroDuration() || ttl > absl::Hours(10 * 366 * 24)) {
    return absl::InvalidArgumentError("--ttl: more than nothing, and at most ten years");
  }
  return absl::ToInt64Nanoseconds(ttl);
}

// What the store's answer to a change means to the operator.
absl::Status VerdictOf(const StoreReply& reply) {
  const auto text = [&reply](const char* what) {
    return reply.detail.empty() ? std::string(what) : absl::StrCat(what, ": ", reply.detail);
  };
  switch (reply.raw.status) {
    case HF_STORE_OK:
      return absl::OkStatus();
    case HF_STORE_ABSENT:
      return absl::NotFoundError("the record is gone or past its time");
    case HF_STORE_FENCED:
      return absl::FailedPreconditionError(
          "the record is not in doubt: nothing to resolve. To take a key from a living owner, "
          "release it");
    case HF_STORE_INDETERMINATE:
      return absl::UnknownError(
          text("the store did not tell whether it did it: look again with show"));
    case HF_STORE_CORRUPT:
      return absl::DataLossError(text("the record is damaged, and was left alone"));
    case HF_STORE_FULL:
    case HF_STORE_OVERLOADED:
      return absl::ResourceExhaustedError(text("the store has no room"));
    default:
      return absl::UnavailableError(text("the store did nothing"));
  }
}

absl::Status Change(OperableStore& store, const Arguments& arguments, StoreRequest request) {
  const absl::StatusOr<StoredRecord> record = FindRecord(store, arguments);
  if (!record.ok()) return record.status();
  if (record->record.state == HF_RECORD_COMPLETED && request.effect == HF_EFFECT_RETRYABLE) {
    return absl::FailedPreconditionError(
        "the record is completed: to run it again would lose its result. --discard says that on "
        "purpose");
  }
  std::copy(record->key_id.begin(), record->key_id.end(), request.key_id);
  const AuditNote note{.actor = arguments.actor, .reason = arguments.reason};
  const StoreReply reply = store.ExecuteAudited(request, note, kPatience);
  if (const absl::Status verdict = VerdictOf(reply); !verdict.ok()) return verdict;
  if (arguments.json) {
    fmt::print("{}\n", Line({{"id", HexOf(record->key_id)},
                             {"before", StateName(record->record, INT64_MIN)},
                             {"token_before", record->record.token},
                             {"token_after", reply.raw.token}}));
  } else {
    fmt::print("{}: was {}, token {} -> {}; noted for {}\n", HexOf(record->key_id).substr(0, 16),
               StateName(record->record, INT64_MIN), record->record.token, reply.raw.token,
               Printable(arguments.actor));
  }
  return absl::OkStatus();
}

hf_effect FateOf(const Arguments& arguments) {
  if (!arguments.result_file.empty()) return HF_EFFECT_FINAL;
  return arguments.retry ? HF_EFFECT_RETRYABLE : HF_EFFECT_NOT_STARTED;
}

}  // namespace

absl::Status Release(OperableStore& store, const Arguments& arguments) {
  StoreRequest request{};
  request.verb = HF_STORE_RELEASE;
  request.effect = FateOf(arguments);
  request.ttl = *TtlOf({});
  return Change(store, arguments, request);
}

absl::Status Resolve(OperableStore& store, const Arguments& arguments) {
  StoreRequest request{};
  request.verb = HF_STORE_RESOLVE;
  request.effect = FateOf(arguments);
  const absl::StatusOr<hf_duration> ttl = TtlOf(arguments);
  if (!ttl.ok()) return ttl.status();
  request.ttl = *ttl;
  std::string result;
  if (!arguments.result_file.empty()) {
    std::ifstream file(arguments.result_file, std::ios::binary);
    if (!file) return absl::InvalidArgumentError("--done: cannot be read");
    result.assign(std::istreambuf_iterator<char>(file), {});
    request.body = {result.data(), result.size()};
  }
  return Change(store, arguments, request);
}

absl::Status Purge(OperableStore& store, const Arguments& arguments) {
  uint64_t purged = 0;
  while (arguments.limit == 0 || purged < arguments.limit) {
    const uint64_t wanted =
        arguments.limit == 0 ? kSweep : std::min<uint64_t>(kSweep, arguments.limit - purged);
    const absl::StatusOr<uint64_t> sweep = store.Purge(static_cast<uint32_t>(wanted), kPatience);
    if (!sweep.ok()) return sweep.status();
    purged += *sweep;
    if (*sweep < wanted) break;
  }
  if (arguments.json) {
    fmt::print("{}\n", Line({{"purged", purged}}));
  } else {
    fmt::print("{} records purged\n", purged);
  }
  return absl::OkStatus();
}

}  // namespace holdfast::cli::idem
