// SPDX-License-Identifier: Apache-2.0
// RoundTrip: for tests of conversions: what goes up and comes down again is what it was.
//
//   ASSERT_TRUE(CheckRoundTrip(converter, SampleEvents(*registry.Find("com.acme.order", {1, 0}), 200, seed), {2, 0}).ok());
#ifndef HOLDFAST_CONTRACT_ROUND_TRIP_H_
#define HOLDFAST_CONTRACT_ROUND_TRIP_H_

#include <absl/status/status.h>
#include <holdfast/contract/registry.h>
#include <holdfast/contract/upcast.h>
#include <holdfast/envelope.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace holdfast::inline v0_5::contract {

// Whether each sample, upcast to `to` and downcast again to the version it was in, is the same: id, source, attributes
// (dataschema and the deprecation extension excepted, see Converter::Upcast), and the payload, field by field.
// Errors: kFailedPrecondition HF_R_CONTRACT_CONVERSION: the first difference: "sample 3 (com.acme.order 1.0): items[1].sku:
// is another", or a way that makes other than one event; what stopped a conversion, with the sample before its text.
absl::Status CheckRoundTrip(const Converter& converter, std::span<const Envelope> samples,
                            VersionNumber to);

// Events of this version with payloads drawn at random: set and unset fields, lists, maps, all members of each oneof,
// limits of each number type, known values of each enum, text that is UTF-8. The same seed gives the same events.
// Of what google.protobuf gives a meaning (Timestamp, Any, Struct, ...), nothing is set.
std::vector<Envelope> SampleEvents(const RegisteredVersion& version, std::size_t count,
                                   std::uint64_t seed);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_ROUND_TRIP_H_
