// SPDX-License-Identifier: Apache-2.0
// From bytes in some form to events.
#ifndef HOLDFAST_CLI_ENVELOPE_READ_EVENTS_H_
#define HOLDFAST_CLI_ENVELOPE_READ_EVENTS_H_

#include <absl/status/statusor.h>
#include <holdfast/c/binding.h>
#include <holdfast/envelope.h>

#include <cstddef>
#include <string>
#include <vector>

#include "cli/envelope/forms.h"

namespace holdfast::cli::envelope {

struct EventsRead {
  Form form = Form::kAuto;       // the form they came in, never kAuto
  std::string mode;              // of a form with headers: "binary", "structured json", ...
  std::vector<Envelope> events;  // of a form for one event exactly one
  hf_binding_report tolerated{};
  std::size_t size = 0;  // bytes of all
};

// Errors: as the readers of the forms, naming the form, the byte, the line or the attribute.
absl::StatusOr<EventsRead> ReadEvents(Form form, std::string_view bytes,
                                      const EnvelopeLimits& limits);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_READ_EVENTS_H_
