// SPDX-License-Identifier: Apache-2.0
// What the manifest says once of a version's end, where users see it: on events, on HTTP answers and in gRPC trailers.
//
//   Announce(version, &event);                              // CloudEvents deprecation extension
//   WriteDeprecation(DeprecationOf(version), put_header);   // Deprecation, Sunset, Link; holdfast/deprecation.h
//
// gRPC sends the same names and values as trailing metadata: put is then server_context->AddTrailingMetadata.
#ifndef HOLDFAST_CONTRACT_DEPRECATION_H_
#define HOLDFAST_CONTRACT_DEPRECATION_H_

#include <holdfast/contract/registry.h>
#include <holdfast/deprecation.h>
#include <holdfast/envelope.h>

#include <algorithm>
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

// Sets deprecated, deprecationfrom, deprecationsunset and deprecationmigration (CloudEvents' deprecation extension) if
// the version has a deprecation or a sunset declared, past or to come; takes them away if it has none. False: there is no
// room for them, the event is as it was.
bool Announce(const RegisteredVersion& version, Envelope* event);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_DEPRECATION_H_
