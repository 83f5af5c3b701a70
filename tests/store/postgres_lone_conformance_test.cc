// SPDX-License-Identifier: Apache-2.0
// The PostgreSQL store on one connection, held to what every store must do.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include <memory>

#include "store/conformance.h"
#include "store/postgres_store.h"

namespace holdfast {
namespace {

struct PostgresFactory {
  static constexpr bool kDurable = true;
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    postgres::Options options = OptionsOf(std::move(clock));
    return postgres::Store::Open(std::move(options)).value();
  }
  postgres::Options OptionsOf(testing::StoreClockFn clock) {
    postgres::Options options;
    options.url = testing::SharedServer().Url();
    options.schema = schema;
    options.clock = std::move(clock);
    options.purge_interval = Duration::max();
    options.connections = 4;
    return options;
  }
  const std::string schema = testing::FreshSchema();
};

// One connection, deep pipeline: nothing may rest on having several.
struct LoneConnectionFactory : PostgresFactory {
  std::unique_ptr<OperableStore> Make(testing::StoreClockFn clock) {
    postgres::Options options = OptionsOf(std::move(clock));
    options.connections = 1;
    options.pipeline_depth = 64;
    return postgres::Store::Open(std::move(options)).value();
  }
};

}  // namespace

HF_STORE_CONFORMANCE(PostgresLoneConnection, LoneConnectionFactory);

}  // namespace holdfast
