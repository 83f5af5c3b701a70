// SPDX-License-Identifier: Apache-2.0
// ConsumeGate: whether an event that came in is to be handled, and with which schema it is read.
//
// It differs from the gate of who publishes (gate.h) in what the sender may know better:
//   - A newer minor version of a known major one is read with the newest minor that is known, if the contract promises
//     that old versions read new data (FORWARD, FULL); if it does not, GatePolicy::version decides.
//   - An event past its version's sunset is taken for as long as `sunset_grace` allows: queues hold what was sent before.
#ifndef HOLDFAST_CONTRACT_CONSUME_GATE_H_
#define HOLDFAST_CONTRACT_CONSUME_GATE_H_

#include <holdfast/contract/gate.h>

#include <memory>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::contract {

struct ConsumeGateOptions {
  ContractRegistry contracts{};
  // Unknown fields are what a newer minor version is made of: not worth a warning here.
  GatePolicy policy{.unknown_fields = Rule::kIgnore};
  PayloadLimits limits{};
  GateWarning on_warning{};
  Duration sunset_grace = Duration{0};  // after the sunset; Duration::max(): for ever
};

// How to read an event.
struct Admission {
  // The version whose schema reads it. nullptr: none is known, and the policy let it pass.
  const RegisteredVersion* version = nullptr;
  bool newer_minor = false;  // it was written in a newer one than that
  Stage stage = Stage::kActive;
};

// A cheap handle. Thread-safe; takes no lock.
class ConsumeGate {
 public:
  using Options = ConsumeGateOptions;

  // Errors: kInvalidArgument HF_R_OUT_OF_RANGE: a limit, a negative grace.
  static absl::StatusOr<ConsumeGate> Create(Options options);

  // Errors: as PublishGate::Check. What is refused belongs to the dead letters; an unknown version may be known
  // after the next deployment.
  absl::StatusOr<Admission> Check(const EnvelopeView& event, WallTime now) const;

  std::vector<GateCount> Counts() const;

 private:
  explicit ConsumeGate(std::shared_ptr<GateCore> core) : core_(std::move(core)) {}
  std::shared_ptr<GateCore> core_;
};

void Collect(ObjectMetrics& out, const ConsumeGate& gate);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_CONSUME_GATE_H_
