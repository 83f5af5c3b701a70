// SPDX-License-Identifier: Apache-2.0
// What the manifest says once of a version's end, where users see it: on events, on HTTP answers and in gRPC trailers.
//
//   Announce(version, &event);                              // CloudEvents deprecation extension
//   WriteDeprecation(DeprecationOf(version), put_header);   // Deprecation, Sunset, Link; holdfast/deprecation.h
//
// gRPC sends the same names and values as trailing metadata: put is then server_context->AddTrailingMetadata.
#ifndef HOLDFAST_CONTRACT_DEPRECATION_H_
#define HOLDFAST_CONTRACT_DEPRECATION_H_

#include <absl/status/status.h>
#include <holdfast/contract/registry.h>
#include <holdfast/deprecation.h>
#include <holdfast/envelope.h>

#include <chrono>
#include <string_view>

namespace holdfast::inline v0_5::contract {

// What headers say of this version; nothing of one whose end is not foreseen. Its text is the registry's. Seconds are
// rounded up, so that nobody is told of an earlier end than there is.
inline Deprecation DeprecationOf(const RegisteredVersion& version) {
  const ContractVersion& declared = *version.declared;
  Deprecation deprecation;
  if (declared.deprecated_from) {
    deprecation.from = std::chrono::ceil<std::chrono::seconds>(*declared.deprecated_from);
  }
  if (declared.sunset)
    deprecation.sunset = std::chrono::ceil<std::chrono::seconds>(*declared.sunset);
  if (deprecation.from || deprecation.sunset) deprecation.migration = declared.migration;
  return deprecation;
}

// The attributes of CloudEvents' deprecation extension (event_deprecation.h).
inline constexpr std::string_view kDeprecationAttributes[] = {
    "deprecated", "deprecationfrom", "deprecationsunset", "deprecationmigration"};

// Sets them if the version has a deprecation or a sunset declared, past or to come; takes them away if it has none.
// Errors: as EventDeprecation::Write: the event announces a later sunset already, there is no room for another attribute.
// *event is as it was then.
absl::Status Announce(const RegisteredVersion& version, Envelope* event);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_DEPRECATION_H_
