// SPDX-License-Identifier: Apache-2.0
// PublishGate: whether an event may go out: its contract is registered, the version is not past its sunset, and the
// payload is what the contract says.
//
//   auto gate = PublishGate::Create({.contracts = registry, .policy = {.unknown_fields = Rule::kRefuse}});
//   if (absl::Status allowed = gate->Check(event, now); !allowed.ok()) return allowed;
//
// For the other end: consume_gate.h.
#ifndef HOLDFAST_CONTRACT_GATE_H_
#define HOLDFAST_CONTRACT_GATE_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/registry.h>
#include <holdfast/envelope_view.h>
#include <holdfast/metrics_series.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::contract {

enum class Rule : std::uint8_t {
  kRefuse,  // the event is refused
  kWarn,    // it passes; it is counted, and on_warning is told
  kIgnore,  // it passes
};

// What to do about each fault, in the order in which they are looked for. After a fault that passes, what can still be
// checked is checked: of an event whose contract or version is not known, that is nothing.
struct GatePolicy {
  Rule unregistered =
      Rule::kRefuse;  // HF_R_CONTRACT_UNREGISTERED: no contract is called like the event's type
  Rule unversioned = Rule::kRefuse;  // HF_R_CONTRACT_UNVERSIONED: no attribute contractversion
  Rule version = Rule::kRefuse;      // HF_R_CONTRACT_VERSION: the contract has no such version
  Rule sunset = Rule::kRefuse;       // HF_R_CONTRACT_SUNSET: it is past its sunset
  Rule deprecated = Rule::kIgnore;   // HF_R_CONTRACT_DEPRECATED
  Rule message = Rule::kRefuse;      // HF_R_CONTRACT_MESSAGE: its type URL names another message
  Rule payload = Rule::kRefuse;      // HF_R_CONTRACT_PAYLOAD: it does not parse, or there is none
  Rule unknown_fields =
      Rule::kWarn;  // HF_R_CONTRACT_UNKNOWN_FIELDS: drift: written with another schema
};

// Told of each fault that passes with kWarn, on the thread of the check. The status carries the reason (RejectionOf).
using GateWarning = std::function<void(const EnvelopeView& event, const absl::Status& fault)>;

struct GateOptions {
  ContractRegistry contracts{};
  GatePolicy policy{};
  PayloadLimits limits{};
  GateWarning on_warning{};
};

// What a gate has seen of one version since it was made. Of a contract whose version was not known `version` is empty,
// of events of no contract `contract` as well.
struct GateCount {
  struct Fault {
    hf_reason reason = HF_R_NONE;
    std::uint64_t refused = 0;
    std::uint64_t warned = 0;
  };
  std::string contract;
  std::string version;
  std::uint64_t passed = 0;
  std::uint64_t unknown_fields = 0;  // in payloads, of events that passed or not
  std::vector<Fault> faults;         // those that happened
};

class GateCore;  // of both gates

// A cheap handle. Thread-safe; takes no lock.
class PublishGate {
 public:
  using Options = GateOptions;

  // Errors: kInvalidArgument HF_R_OUT_OF_RANGE, naming the limit.
  static absl::StatusOr<PublishGate> Create(Options options);

  // Whether `event` may be published at `now`. Errors: kNotFound: unregistered, version; kFailedPrecondition: sunset,
  // deprecated; kInvalidArgument: all others. The status carries the reason and retry_after = Duration::max(): never by
  // itself. It names contract and version, and never what the payload holds.
  absl::Status Check(const EnvelopeView& event, WallTime now) const;

  // Only of versions that were seen. Not one moment for all, but no count is lost.
  std::vector<GateCount> Counts() const;

 private:
  explicit PublishGate(std::shared_ptr<GateCore> core) : core_(std::move(core)) {}
  std::shared_ptr<GateCore> core_;
};

// Puts a gate on a metrics page (metrics_page.h): contract_passed, contract_refused, contract_warned,
// contract_unknown_fields, by contract, version and reason.
void Collect(ObjectMetrics& out, const PublishGate& gate);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_GATE_H_
