// SPDX-License-Identifier: Apache-2.0
// See options.h of the adapter: what may be asked of a store, and what is meant by zero.
#include "adapters/sqlite/options.h"

#include <holdfast/c/idempotency.h>
#include <holdfast/sqlite/store.h>
#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr Duration kDefaultBusyTimeout = std::chrono::seconds(1);
constexpr Duration kDefaultTimeout = std::chrono::seconds(5);
constexpr uint32_t kDefaultMaxBatch = 256;
constexpr uint32_t kLargestBatch = 4096;
constexpr uint32_t kDefaultMaxQueue = 16384;
constexpr size_t kDefaultQueueBytes = size_t{64} << 20;
constexpr uint32_t kDefaultPurge = 32;
constexpr uint32_t kDefaultCheckpointPages = 1000;
constexpr uint32_t kLargestCheckpointPages = 1000000;
constexpr uint64_t kDefaultReserve = uint64_t{1} << 20;
constexpr uint64_t kLargestReserve = uint64_t{1} << 30;
constexpr uint64_t kSmallestReserve = uint64_t{64} << 10;

int64_t SystemNow() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::max<int64_t>(0, std::chrono::duration_cast<Duration>(since_epoch).count());
}

absl::Status Bad(hf_reason reason, std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, reason, text);
}

absl::Status CheckPath(const std::string& path) {
  if (path.empty()) return Bad(HF_R_OUT_OF_RANGE, "path: empty");
  if (path.find('\0') != std::string::npos) return Bad(HF_R_OUT_OF_RANGE, "path: holds a NUL");
  // SQLite would take these for something else than a file of that name.
  if (path.starts_with(":") || path.starts_with("file:")) {
    return Bad(HF_R_OUT_OF_RANGE,
               "path: not a plain file name (a store in memory: holdfast/memory)");
  }
  return absl::OkStatus();
}

template <typename Value>
void Default(Value* value, Value otherwise) {
  if (*value == Value{}) *value = otherwise;
}

}  // namespace

absl::Status CheckOptions(const Options& options) {
  if (absl::Status status = CheckPath(options.path); !status.ok()) return status;
  if (options.busy_timeout.count() < 0) return Bad(HF_R_OUT_OF_RANGE, "busy_timeout: negative");
  if (options.default_timeout.count() < 0)
    return Bad(HF_R_OUT_OF_RANGE, "default_timeout: negative");
  if (options.settle_timeout.count() < 0) return Bad(HF_R_OUT_OF_RANGE, "settle_timeout: negative");
  if (options.max_batch > kLargestBatch) return Bad(HF_R_OUT_OF_RANGE, "max_batch: above 4096");
  if (options.max_body > HF_IDEM_BODY_MAX) return Bad(HF_R_OUT_OF_RANGE, "max_body: above 8 MiB");
  if (options.checkpoint_pages > kLargestCheckpointPages) {
    return Bad(HF_R_OUT_OF_RANGE, "checkpoint_pages: above 1000000");
  }
  if (options.allow_multi_process_despite_wal_reset_bug && !options.multi_process) {
    return Bad(HF_R_BAD_OPTIONS, "allow_multi_process_despite_wal_reset_bug without multi_process");
  }
  if (options.reserve_bytes != 0 && options.reserve_bytes < kSmallestReserve) {
    return Bad(HF_R_OUT_OF_RANGE, "reserve_bytes: below 64 KiB");
  }
  if (options.reserve_bytes > kLargestReserve) {
    return Bad(HF_R_OUT_OF_RANGE, "reserve_bytes: above 1 GiB");
  }
  if (options.init_sql.find('\0') != std::string::npos) {
    return Bad(HF_R_OUT_OF_RANGE, "init_sql: holds a NUL");
  }
  if (!options.vfs.empty() && sqlite3_vfs_find(options.vfs.c_str()) == nullptr) {
    return Bad(HF_R_BAD_OPTIONS, "vfs: not registered");
  }
  const bool unsafe = options.multi_process && HasWalResetBug(sqlite3_libversion_number());
  if (unsafe && !options.allow_multi_process_despite_wal_reset_bug) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                      std::string("multi_process: SQLite ") + sqlite3_libversion() +
                          " is in the range with the WAL-reset bug, 3.7.0 to 3.51.2 but 3.44.6 and "
                          "3.50.7: it can lose or corrupt commits when two connections share a "
                          "WAL. allow_multi_process_despite_wal_reset_bug takes the risk");
  }
  return absl::OkStatus();
}

void FillDefaults(Options* options) {
  Default(&options->busy_timeout, kDefaultBusyTimeout);
  Default(&options->default_timeout, kDefaultTimeout);
  Default(&options->settle_timeout, kDefaultTimeout);
  Default(&options->max_batch, kDefaultMaxBatch);
  Default(&options->max_queue, kDefaultMaxQueue);
  Default(&options->max_queue_bytes, kDefaultQueueBytes);
  Default(&options->max_body, HF_IDEM_BODY_MAX);
  Default(&options->purge_per_batch, kDefaultPurge);
  Default(&options->checkpoint_pages, kDefaultCheckpointPages);
  Default(&options->reserve_bytes, kDefaultReserve);
  if (options->clock == nullptr) options->clock = SystemNow;
}

}  // namespace holdfast::inline v0_5::sqlite
