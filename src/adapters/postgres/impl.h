// SPDX-License-Identifier: Apache-2.0
// What postgres::Store holds.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_IMPL_H_
#define HOLDFAST_ADAPTERS_POSTGRES_IMPL_H_

#include <holdfast/postgres/store.h>

#include <cstdint>
#include <utility>

#include "adapters/postgres/pool.h"

namespace holdfast::inline v0_5::postgres {

class Store::Impl {
 public:
  Impl(const Options& options, Link link, RetryPolicy backoff, Guarantee given)
      : guarantee(std::move(given)), pool(options, std::move(link), std::move(backoff)) {}

  // `note`: nullable.
  StoreReply Execute(const StoreRequest& request, const AuditNote* note, Duration timeout);

  const Guarantee guarantee;
  Pool pool;
};

// This process's clock, nanoseconds since the Unix epoch.
int64_t SystemNow();

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_IMPL_H_
