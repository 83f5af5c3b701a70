// SPDX-License-Identifier: Apache-2.0
// GateCore: what the gates at both ends do to an event, and what they count of it.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_GATE_CORE_H_
#define HOLDFAST_ADAPTERS_CONTRACT_GATE_CORE_H_

#include <holdfast/contract/consume_gate.h>
#include <holdfast/contract/gate.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::contract {

// Nothing is ever taken out of it, so that a check takes no lock.
class GateCore {
 public:
  // `consuming` is what the two ends differ by.
  static absl::StatusOr<std::shared_ptr<GateCore>> Create(ConsumeGateOptions options,
                                                          bool consuming);
  GateCore(ConsumeGateOptions options, bool consuming);

  absl::StatusOr<Admission> Check(const EnvelopeView& event, WallTime now);
  std::vector<GateCount> Counts() const;

 private:
  enum Fault : std::uint8_t;
  struct FaultKind;
  static const FaultKind kKinds[];
  static constexpr std::size_t kFaults = 8;

  struct Row {
    std::atomic<std::uint64_t> passed{0};
    std::atomic<std::uint64_t> unknown_fields{0};
    std::array<std::atomic<std::uint64_t>, kFaults> refused{};
    std::array<std::atomic<std::uint64_t>, kFaults> warned{};
  };

  Row& RowOf(const RegisteredVersion& version) { return rows_[version.index]; }
  Row& RowOf(const Contract& contract);
  // Finds the version that reads the event. Errors: as Check.
  absl::Status Place(const EnvelopeView& event, Admission* admission, Row** row);
  absl::Status CheckStage(const EnvelopeView& event, WallTime now, Admission* admission, Row& row);
  absl::Status CheckPayload(const EnvelopeView& event, const RegisteredVersion& version, Row& row);
  bool Overdue(const ContractVersion& version, WallTime now) const;
  // Does to the event what the policy says. OK: it passes.
  template <class Text>
  absl::Status Object(const EnvelopeView& event, Row& row, Fault fault, const Text& text);

  const ConsumeGateOptions options_;
  const bool consuming_;
  std::vector<Row> rows_;  // of each version, then of each contract, then of all other events
};

void CollectCounts(ObjectMetrics& out, const std::vector<GateCount>& counts);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_ADAPTERS_CONTRACT_GATE_CORE_H_
