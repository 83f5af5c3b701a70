// SPDX-License-Identifier: Apache-2.0
// See contract/gate.h and contract/consume_gate.h: the two ends of one core.
#include <holdfast/contract/gate.h>

#include <utility>

#include "adapters/contract/gate_core.h"

namespace holdfast::inline v0_5::contract {
namespace {

constexpr MetricFamily kPassed{"contract_passed", MetricKind::kCounter,
                               "Events that a contract gate let pass."};
constexpr MetricFamily kRefused{"contract_refused", MetricKind::kCounter,
                                "Events that a contract gate refused, by reason."};
constexpr MetricFamily kWarned{"contract_warned", MetricKind::kCounter,
                               "Faults of events that a contract gate let pass, by reason."};
constexpr MetricFamily kUnknownFields{
    "contract_unknown_fields", MetricKind::kCounter,
    "Fields of payloads that the schema of their version does not know."};

}  // namespace

void CollectCounts(ObjectMetrics& out, const std::vector<GateCount>& counts) {
  for (const GateCount& count : counts) {
    const std::vector<MetricLabel> labels = {{"contract", count.contract},
                                             {"version", count.version}};
    out.Set(kPassed, count.passed, labels);
    out.Set(kUnknownFields, count.unknown_fields, labels);
    for (const GateCount::Fault& fault : count.faults) {
      std::vector<MetricLabel> with_reason = labels;
      with_reason.push_back({"reason", hf_reason_name(fault.reason)});
      out.Set(kRefused, fault.refused, with_reason);
      out.Set(kWarned, fault.warned, std::move(with_reason));
    }
  }
}

absl::StatusOr<PublishGate> PublishGate::Create(Options options) {
  auto core = GateCore::Create({.contracts = std::move(options.contracts),
                                .policy = options.policy,
                                .limits = options.limits,
                                .on_warning = std::move(options.on_warning)},
                               /*consuming=*/false);
  if (!core.ok()) return core.status();
  return PublishGate(*std::move(core));
}

absl::Status PublishGate::Check(const EnvelopeView& event, WallTime now) const {
  return core_->Check(event, now).status();
}

std::vector<GateCount> PublishGate::Counts() const { return core_->Counts(); }

void Collect(ObjectMetrics& out, const PublishGate& gate) { CollectCounts(out, gate.Counts()); }

absl::StatusOr<ConsumeGate> ConsumeGate::Create(Options options) {
  auto core = GateCore::Create(std::move(options), /*consuming=*/true);
  if (!core.ok()) return core.status();
  return ConsumeGate(*std::move(core));
}

absl::StatusOr<Admission> ConsumeGate::Check(const EnvelopeView& event, WallTime now) const {
  return core_->Check(event, now);
}

std::vector<GateCount> ConsumeGate::Counts() const { return core_->Counts(); }

void Collect(ObjectMetrics& out, const ConsumeGate& gate) { CollectCounts(out, gate.Counts()); }

}  // namespace holdfast::inline v0_5::contract
