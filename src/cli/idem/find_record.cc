// SPDX-License-Identifier: Apache-2.0
#include "cli/idem/find_record.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <holdfast/c/idempotency.h>

#include <algorithm>
#include <optional>
#include <string>

#include "cli/idem/print_record.h"

namespace holdfast::cli::idem {
namespace {

constexpr size_t kShortestPrefix = 8;  // what logs show

absl::StatusOr<KeyId> IdOfKey(const Arguments& arguments) {
  const auto bytes = [](const std::string& text) { return hf_str{text.data(), text.size()}; };
  const hf_str space = bytes(arguments.space), tenant = bytes(arguments.tenant);
  const hf_str operation = bytes(arguments.operation), key = bytes(arguments.key);
  KeyId id;
  const hf_code code = hf_idem_key_id(&space, &tenant, &operation, &key, id.data());
  if (code != HF_OK) return absl::InvalidArgumentError("the key or one of its parts is too long");
  return id;
}

absl::StatusOr<StoredRecord> FindByPrefix(OperableStore& store, const std::string& prefix) {
  std::optional<StoredRecord> found;
  bool several = false;
  ScanQuery query{.limit = 1000};
  const absl::Status scanned =
      ForEachRecord(store, query, [&](const StoredRecord& record, int64_t) {
        if (!absl::StartsWith(HexOf(record.key_id), prefix)) return true;
        several = found.has_value() && found->key_id != record.key_id;
        found = record;
        return !several;
      });
  if (!scanned.ok()) return scanned;
  if (several) {
    return absl::InvalidArgumentError(
        absl::StrCat("several ids begin with ", prefix, ": give more digits"));
  }
  if (!found.has_value())
    return absl::NotFoundError(absl::StrCat("no record's id begins with ", prefix));
  return store.Find(found->key_id, kPatience);  // with all there is to it
}

}  // namespace

absl::StatusOr<StoredRecord> FindRecord(OperableStore& store, const Arguments& arguments) {
  if (arguments.id.empty() == arguments.key.empty()) {
    return absl::InvalidArgumentError("say which record: either --id or --key");
  }
  if (!arguments.key.empty()) {
    const absl::StatusOr<KeyId> id = IdOfKey(arguments);
    if (!id.ok()) return id.status();
    return store.Find(*id, kPatience);
  }
  const std::string prefix = absl::AsciiStrToLower(arguments.id);
  const bool hex = std::all_of(prefix.begin(), prefix.end(), absl::ascii_isxdigit);
  if (!hex || prefix.size() < kShortestPrefix || prefix.size() > 2 * KeyId{}.size()) {
    return absl::InvalidArgumentError("--id: 8 to 64 hex digits");
  }
  if (prefix.size() < 2 * KeyId{}.size()) return FindByPrefix(store, prefix);
  KeyId id;
  const std::string bytes = absl::HexStringToBytes(prefix);
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return store.Find(id, kPatience);
}

absl::Status ForEachRecord(OperableStore& store, const ScanQuery& first,
                           absl::FunctionRef<bool(const StoredRecord&, int64_t)> see) {
  ScanQuery query = first;
  do {
    absl::StatusOr<ScanPage> page = store.Scan(query, kPatience);
    if (!page.ok()) return page.status();
    for (const StoredRecord& record : page->records) {
      if (!see(record, page->store_now)) return absl::OkStatus();
    }
    query.cursor = page->cursor;
  } while (!query.cursor.empty());
  return absl::OkStatus();
}

}  // namespace holdfast::cli::idem
