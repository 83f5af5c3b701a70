// SPDX-License-Identifier: Apache-2.0
// The verbs that change nothing.
#include <absl/strings/str_cat.h>
#include <fmt/core.h>
#include <holdfast/c/idempotency.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "cli/idem/explain_record.h"
#include "cli/idem/find_record.h"
#include "cli/idem/print_record.h"
#include "cli/idem/verbs.h"

namespace holdfast::cli::idem {
namespace {

constexpr uint32_t kListed = 100;
constexpr uint32_t kPage = 1000;
constexpr uint32_t kAuditRows = 20;

struct Filter {
  const Arguments& arguments;
  absl::Duration older_than;

  bool Passes(const StoredRecord& stored, int64_t store_now) const {
    if (!arguments.state.empty() && StateName(stored.record, store_now) != arguments.state) {
      return false;
    }
    if (older_than > absl::ZeroDuration() &&
        absl::Nanoseconds(store_now - LastChange(stored.record)) < older_than) {
      return false;
    }
    const RecordLabel label = LabelOf(stored);
    return (arguments.tenant.empty() || label.tenant == arguments.tenant) &&
           (arguments.operation.empty() || label.operation == arguments.operation);
  }
};

// What the store can filter by itself: a lapsed lease is in progress to it.
std::optional<hf_record_state> StoredState(const std::string& name) {
  if (name == "in_progress" || name == "lapsed") return HF_RECORD_IN_PROGRESS;
  if (name == "completed") return HF_RECORD_COMPLETED;
  if (name == "retryable") return HF_RECORD_RETRYABLE;
  if (name == "in_doubt") return HF_RECORD_IN_DOUBT;
  return std::nullopt;
}

void PrintHead() {
  fmt::print("{:<16}  {:<11}  {:>7}  {:<24}  {:<18}  {:<18}  {}\n", "id", "state", "attempt",
             "lease or result", "tenant", "operation", "owner");
}

void PrintRow(const StoredRecord& stored, int64_t store_now) {
  const RecordLabel label = LabelOf(stored);
  const std::string state =
      stored.damaged ? "DAMAGED" : std::string(StateName(stored.record, store_now));
  fmt::print("{:<16}  {:<11}  {:>7}  {:<24}  {:<18}  {:<18}  {}\n",
             HexOf(stored.key_id).substr(0, 16), state, stored.record.attempt,
             TimeText(LastChange(stored.record)), Printable(label.tenant),
             Printable(label.operation), Printable(label.owner));
}

void PrintField(std::string_view name, std::string_view value) {
  if (!value.empty()) fmt::print("{:<13} {}\n", name, value);
}

void PrintRecord(const StoredRecord& stored, int64_t store_now) {
  const hf_record& record = stored.record;
  const RecordLabel label = LabelOf(stored);
  PrintField("id", HexOf(stored.key_id));
  if (stored.damaged) PrintField("DAMAGED", "its check sum fails; what follows may be wrong");
  PrintField("state", StateName(record, store_now));
  PrintField("tenant", Printable(label.tenant));
  PrintField("operation", Printable(label.operation));
  PrintField("namespace", Printable(label.space));
  if (label.key_form == KeyForm::kPlain) PrintField("key", Printable(label.key));
  PrintField("owner", Printable(label.owner));
  PrintField("on expiry", PolicyName(record.on_expiry));
  PrintField("attempt", absl::StrCat(record.attempt));
  PrintField("token", absl::StrCat(record.token));
  const auto time = [store_now](std::string_view name, int64_t value) {
    if (value == 0) return;
    const std::string distance =
        DurationText(value > store_now ? value - store_now : store_now - value);
    PrintField(name, TimeText(value) + (value > store_now ? " (in " + distance + ")"
                                                          : " (" + distance + " ago)"));
  };
  const bool leased = record.state == HF_RECORD_IN_PROGRESS || record.state == HF_RECORD_IN_DOUBT;
  time("lease until", leased ? record.lease_until : 0);
  time("not before", record.not_before);
  time("completed", record.completed_at);
  time("expires", record.expires_at);
  if (record.state == HF_RECORD_COMPLETED) PrintField("code", hf_code_name(record.code));
  const bool completed = record.state == HF_RECORD_COMPLETED;
  if (completed || stored.body_bytes > 0) {
    PrintField(completed ? "result" : "checkpoint", absl::StrCat(stored.body_bytes, " bytes"));
  }
}

void PrintAudit(const std::vector<AuditRow>& rows) {
  if (rows.empty()) return;
  fmt::print("\nchanged by hand, newest first\n");
  for (const AuditRow& row : rows) {
    fmt::print("{}  {}  {}  token {} -> {}  {}\n", TimeText(row.at),
               row.verb == HF_STORE_RELEASE ? "release" : "resolve", Printable(row.note.actor),
               row.token_before, row.token_after, Printable(row.note.reason));
  }
}

// The store's clock, as only the store has it. A page of more than one: where the first records are damaged in their
// keys, a store may find no place to go on at, and others are to be shown all the same.
absl::StatusOr<int64_t> StoreNow(OperableStore& store) {
  const absl::StatusOr<ScanPage> page = store.Scan({.limit = 100}, kPatience);
  if (!page.ok()) return page.status();
  return page->store_now;
}

absl::StatusOr<std::string> FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

absl::Status List(OperableStore& store, const Arguments& arguments) {
  Filter filter{arguments, absl::ZeroDuration()};
  if (!arguments.older_than_text.empty() &&
      (!absl::ParseDuration(arguments.older_than_text, &filter.older_than) ||
       filter.older_than < absl::ZeroDuration())) {
    return absl::InvalidArgumentError("--older-than: not a duration like 90s, 10m or 3h");
  }
  const uint32_t limit = arguments.limit == 0 ? kListed : arguments.limit;
  uint32_t shown = 0;
  bool more = false;
  const ScanQuery query{.limit = kPage, .state = StoredState(arguments.state)};
  const absl::Status scanned =
      ForEachRecord(store, query, [&](const StoredRecord& record, int64_t store_now) {
        if (!filter.Passes(record, store_now)) return true;
        more = shown == limit;
        if (more) return false;
        if (arguments.json) {
          fmt::print("{}\n", Line(JsonOf(record, store_now, false)));
        } else {
          if (shown == 0) PrintHead();
          PrintRow(record, store_now);
        }
        ++shown;
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (arguments.json) return absl::OkStatus();
  if (shown == 0) fmt::print("no such record\n");
  if (more) fmt::print("... and more: raise --limit\n");
  return absl::OkStatus();
}

absl::Status Show(OperableStore& store, const Arguments& arguments) {
  const absl::StatusOr<StoredRecord> record = FindRecord(store, arguments);
  if (!record.ok()) return record.status();
  const absl::StatusOr<int64_t> now = StoreNow(store);
  if (!now.ok()) return now.status();
  const auto audit = store.Audit(record->key_id, kAuditRows, kPatience);
  if (!audit.ok()) return audit.status();
  if (arguments.json) {
    nlohmann::json json = JsonOf(*record, *now, false);
    json["audit"] = nlohmann::json::array();
    for (const AuditRow& row : *audit) json["audit"].push_back(JsonOf(row));
    fmt::print("{}\n", Line(json));
    return absl::OkStatus();
  }
  PrintRecord(*record, *now);
  PrintAudit(*audit);
  return absl::OkStatus();
}

absl::Status Explain(OperableStore& store, const Arguments& arguments) {
  const absl::StatusOr<StoredRecord> record = FindRecord(store, arguments);
  if (!record.ok()) return record.status();
  const absl::StatusOr<int64_t> now = StoreNow(store);
  if (!now.ok()) return now.status();
  std::vector<std::string> sentences = ExplainRecord(*record, *now);
  if (!arguments.request_file.empty()) {
    const absl::StatusOr<std::string> request = FileBytes(arguments.request_file);
    if (!request.ok()) return request.status();
    sentences.push_back(ExplainRequest(*record, *request));
  }
  if (arguments.json) {
    fmt::print("{}\n", Line({{"id", HexOf(record->key_id)}, {"explanation", sentences}}));
    return absl::OkStatus();
  }
  for (const std::string& sentence : sentences) fmt::print("{}\n", sentence);
  return absl::OkStatus();
}

absl::Status Export(OperableStore& store, const Arguments& arguments) {
  const ScanQuery query{.limit = kPage, .bodies = arguments.bodies};
  return ForEachRecord(store, query, [&](const StoredRecord& record, int64_t store_now) {
    fmt::print("{}\n", Line(JsonOf(record, store_now, arguments.bodies)));
    return true;
  });
}

absl::Status Verify(OperableStore& store, const Arguments& arguments) {
  uint64_t records = 0, bytes = 0;
  std::vector<std::string> damaged;
  const ScanQuery query{.limit = kPage, .bodies = true};
  const absl::Status scanned =
      ForEachRecord(store, query, [&](const StoredRecord& record, int64_t) {
        ++records;
        bytes += record.body_bytes;
        if (record.damaged) damaged.push_back(HexOf(record.key_id));
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (arguments.json) {
    fmt::print("{}\n", Line({{"records", records}, {"body_bytes", bytes}, {"damaged", damaged}}));
  } else {
    for (const std::string& id : damaged) fmt::print("damaged  {}\n", id);
    fmt::print("{} records, {} bytes of bodies read, {} damaged\n", records, bytes, damaged.size());
  }
  if (damaged.empty()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      damaged.size(),
      " damaged records: neither believed nor overwritten; restore them from a backup"));
}

}  // namespace holdfast::cli::idem
