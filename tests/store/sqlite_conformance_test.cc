// SPDX-License-Identifier: Apache-2.0
// The SQLite store held to what every store must do.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <memory>

#include "store/conformance.h"
#include "store/fault_vfs.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

struct SqliteFactory {
  static constexpr bool kDurable = true;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    sqlite::Options options;
    options.path = folder / "store.db";
    options.clock = std::move(clock);
    options.reserve_bytes = 65536;
    return sqlite::Store::Open(std::move(options)).value();
  }
  testing::TempFolder folder;
};

// Every file operation of a whole suite, with batches of one: nothing may rest on being grouped. Without the real
// syncs, of which there are many then.
struct LoneRequestFactory : SqliteFactory {
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    sqlite::Options options;
    options.path = folder / "store.db";
    options.clock = std::move(clock);
    options.reserve_bytes = 65536;
    options.vfs = disk.name();
    options.max_batch = 1;
    options.checkpoint_pages = 1;
    return sqlite::Store::Open(std::move(options)).value();
  }
  testing::FaultVfs disk;
};

}  // namespace

HF_STORE_CONFORMANCE(Sqlite, SqliteFactory);
HF_STORE_CONFORMANCE(SqliteOneByOne, LoneRequestFactory);

}  // namespace holdfast
