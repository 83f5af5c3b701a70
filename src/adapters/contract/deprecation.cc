// SPDX-License-Identifier: Apache-2.0
// See contract/deprecation.h.
#include <holdfast/contract/deprecation.h>
#include <holdfast/event_deprecation.h>

#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::contract {

absl::Status Announce(const RegisteredVersion& version, Envelope* event) {
  const ContractVersion& declared = *version.declared;
  Envelope announced(event->view());
  if (declared.deprecated_from || declared.sunset) {
    const EventDeprecation deprecation{declared.deprecated_from, declared.sunset,
                                       declared.migration};
    if (absl::Status written = deprecation.Write(&announced); !written.ok()) return written;
  } else {
    for (const std::string_view name : kDeprecationAttributes) announced.Erase(name);
  }
  *event = std::move(announced);
  return absl::OkStatus();
}

}  // namespace holdfast::inline v0_5::contract
