// SPDX-License-Identifier: Apache-2.0
// Converter: events of one version of a contract as events of another, step by step.
//
//   auto converter = Converter::Create({.contracts = registry,
//                                       .upcasts = {MakeEdge<v1::Order, v2::Order>("com.acme.order", {1, 1}, {2, 0},
//                                                                                  ToV2)},
//                                       .now = now});
//   absl::StatusOr<std::vector<Envelope>> events = converter->Upcast(old_event);
//
// An edge leads from a version to the next one (an upcast) or to the one before (a downcast), and makes zero or more
// events of one. That every version still in use reaches the current one is proved when the converter is made. Rules
// after Axon's and Marten's upcasters: one step at a time, in order, and what is stored never changes.
//
// Typed conversions, as above: typed_conversion.h. Whether down(up(m)) == m: round_trip.h.
#ifndef HOLDFAST_CONTRACT_UPCAST_H_
#define HOLDFAST_CONTRACT_UPCAST_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/loss.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/registry.h>
#include <holdfast/envelope.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::contract {

// Called on the threads of Upcast and Downcast, at the same time on several. An error ends the conversion.
using Conversion = std::function<absl::StatusOr<std::vector<Envelope>>(const EnvelopeView& event)>;

struct Edge {
  std::string contract{};
  VersionNumber from{};
  VersionNumber to{};
  Conversion convert{};
  std::string
      from_message{};  // what `convert` reads and writes, compared with the manifest; empty: is not
  std::string to_message{};
  std::vector<std::string> moved{};  // fields of `from` whose values get another name: no loss
};

struct ConverterOptions {
  ContractRegistry contracts{};
  std::vector<Edge> upcasts{};
  std::vector<Edge> downcasts{};
  WallTime now{};  // versions past their sunset by then need no way to the current one
  // Between two minor versions for which no edge is given, the payload is taken as it is if every version of that major
  // number before can be read so (an upcast), or reads it so (a downcast): proved by Check (level.h). JSON of which that is not
  // proved is read and written anew.
  bool bridge_minors = true;
  bool require_downcasts = false;  // a way down to every version in use must be there as well
  std::uint32_t max_events = 64;   // that come of one, after any step: 1..65536
  PayloadLimits limits{};          // of payloads that are looked into for a loss report
};

// A cheap handle. Thread-safe.
class Converter {
 public:
  using Options = ConverterOptions;

  // Errors: kInvalidArgument, a line for each fault, naming contract and versions. HF_R_CONTRACT_CONVERSION: an edge
  // to or from something that is not registered, twice, over a version, in the wrong direction (a cycle), without a
  // function, for another message; HF_R_CONTRACT_NO_PATH: an edge that is missing; HF_R_OUT_OF_RANGE: an option.
  static absl::StatusOr<Converter> Create(Options options);

  // The events that come of `event` in the version `to`, or in the current one. What an edge leaves as it was is put
  // right: contractversion is that of the version; dataschema and what the deprecation extension said of the old one
  // are taken away; several events with the id of the one they come from are numbered, "<id>/1", so that the same event
  // gives the same ids again. `loss` (nullable) gets what was lost on the way.
  // Errors: kNotFound, kInvalidArgument: the event's contract or version, or `to`, is not registered; the event is above
  // `to`. kFailedPrecondition HF_R_CONTRACT_NO_PATH: an edge is missing. kResourceExhausted HF_R_CONTRACT_FAN_OUT.
  // kInternal HF_R_CONTRACT_CONVERSION: an edge gave an event of another contract or version, or two with the same
  // source and id. An edge's own errors, with contract and versions before their text. With `loss` also: as ReadPayload.
  absl::StatusOr<std::vector<Envelope>> Upcast(const EnvelopeView& event,
                                               LossReport* loss = nullptr) const;
  absl::StatusOr<std::vector<Envelope>> Upcast(const EnvelopeView& event, VersionNumber to,
                                               LossReport* loss = nullptr) const;
  // Likewise, downwards.
  absl::StatusOr<std::vector<Envelope>> Downcast(const EnvelopeView& event, VersionNumber to,
                                                 LossReport* loss = nullptr) const;

  const ContractRegistry& contracts() const;

 private:
  struct Impl;
  explicit Converter(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_UPCAST_H_
