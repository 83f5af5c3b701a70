// SPDX-License-Identifier: Apache-2.0
// `holdfast envelope`: reads and writes events in any form, for people who look for a mistake.
#ifndef HOLDFAST_CLI_ENVELOPE_NOUN_H_
#define HOLDFAST_CLI_ENVELOPE_NOUN_H_

#include <memory>

#include "cli/noun.h"

namespace holdfast::cli::envelope {

std::unique_ptr<Noun> EnvelopeNoun();

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_NOUN_H_
