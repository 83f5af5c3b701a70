// SPDX-License-Identifier: Apache-2.0
// VersionNumber under the name that contracts know it by: version_number.h.
#ifndef HOLDFAST_CONTRACT_VERSION_NUMBER_H_
#define HOLDFAST_CONTRACT_VERSION_NUMBER_H_

#include <holdfast/version_number.h>

namespace holdfast::inline v0_5::contract {

using holdfast::ParseVersionNumber;
using holdfast::Text;
using holdfast::VersionNumber;

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_VERSION_NUMBER_H_
