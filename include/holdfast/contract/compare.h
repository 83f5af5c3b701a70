// SPDX-License-Identifier: Apache-2.0
// Compare: what changed between two versions of a schema.
//
// Messages, enums and services are matched by full name, wherever they are declared. Two messages of different names are
// compared as well where a field's type changed from one to the other. The entries of maps are part of their field and no
// messages of their own. Imported files of google.protobuf are taken to be the same.
#ifndef HOLDFAST_CONTRACT_COMPARE_H_
#define HOLDFAST_CONTRACT_COMPARE_H_

#include <holdfast/contract/change.h>
#include <holdfast/contract/schema.h>

#include <vector>

namespace holdfast::inline v0_5::contract {

// All changes, by file and line of the newer version (of the older one for what is gone), always in the same order.
// Thread-safe. Cost: linear in the two schemas, if few fields changed to messages of other names; if so many did that
// more than 200,000 changes come of it, one that is corrupt each way stands for those that were not looked for.
std::vector<Change> Compare(const Schema& older, const Schema& newer);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_COMPARE_H_
