// SPDX-License-Identifier: Apache-2.0
// Partitions of the table `body`: one per day of expiry, named body_<days since the epoch>.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_PARTITION_H_
#define HOLDFAST_ADAPTERS_POSTGRES_PARTITION_H_

#include <holdfast/c/base.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/postgres/row.h"

namespace holdfast::inline v0_5::postgres {

// One transaction that makes the partitions for bodies that expire `life` from now, on the days around it
// too. Attaching takes no lock that readers or writers of the table would wait for.
std::vector<Query> MakePartition(const Statements& statements, hf_duration life,
                                 const std::optional<int64_t>& now);

// One transaction that drops `name` unless somebody is using it just now.
std::vector<Query> DropPartition(const Statements& statements, const std::string& name);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_PARTITION_H_
