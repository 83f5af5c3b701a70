// SPDX-License-Identifier: Apache-2.0
// `holdfast idem`: looks into a store of idempotency records, and puts it right.
#ifndef HOLDFAST_CLI_IDEM_NOUN_H_
#define HOLDFAST_CLI_IDEM_NOUN_H_

#include <memory>

#include "cli/noun.h"

namespace holdfast::cli::idem {

std::unique_ptr<Noun> IdemNoun();

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_NOUN_H_
