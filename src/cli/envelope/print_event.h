// SPDX-License-Identifier: Apache-2.0
// An event for people, and all that was seen of it as JSON.
#ifndef HOLDFAST_CLI_ENVELOPE_PRINT_EVENT_H_
#define HOLDFAST_CLI_ENVELOPE_PRINT_EVENT_H_

#include <holdfast/envelope_view.h>

#include <nlohmann/json.hpp>

#include "cli/envelope/read_events.h"

namespace holdfast::cli::envelope {

// With its data unless they are not to be shown.
void PrintEvent(const EnvelopeView& event, bool data, const EnvelopeLimits& limits);
// How the message came, and what was put up with.
void PrintMessage(const EventsRead& read);

nlohmann::json JsonOf(const EnvelopeView& event, bool data);
nlohmann::json JsonOf(const EventsRead& read, bool data);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_PRINT_EVENT_H_
