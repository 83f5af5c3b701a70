// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/gate_core.h"

#include <google/protobuf/arena.h>
#include <holdfast/envelope_extensions.h>
#include <holdfast/metrics_name.h>

#include <utility>

namespace holdfast::inline v0_5::contract {

// In the order of GatePolicy.
enum GateCore::Fault : std::uint8_t {
  kUnregistered,
  kUnversioned,
  kVersion,
  kSunset,
  kDeprecated,
  kMessage,
  kPayload,
  kUnknownFields
};

struct GateCore::FaultKind {
  hf_reason reason;
  hf_code code;
  Rule GatePolicy::* rule;
};

const GateCore::FaultKind GateCore::kKinds[kFaults] = {
    {HF_R_CONTRACT_UNREGISTERED, HF_NOT_FOUND, &GatePolicy::unregistered},
    {HF_R_CONTRACT_UNVERSIONED, HF_INVALID_ARGUMENT, &GatePolicy::unversioned},
    {HF_R_CONTRACT_VERSION, HF_NOT_FOUND, &GatePolicy::version},
    {HF_R_CONTRACT_SUNSET, HF_FAILED_PRECONDITION, &GatePolicy::sunset},
    {HF_R_CONTRACT_DEPRECATED, HF_FAILED_PRECONDITION, &GatePolicy::deprecated},
    {HF_R_CONTRACT_MESSAGE, HF_INVALID_ARGUMENT, &GatePolicy::message},
    {HF_R_CONTRACT_PAYLOAD, HF_INVALID_ARGUMENT, &GatePolicy::payload},
    {HF_R_CONTRACT_UNKNOWN_FIELDS, HF_INVALID_ARGUMENT, &GatePolicy::unknown_fields},
};

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::string Moment(const std::optional<WallTime>& time) {
  return time ? FormatAttribute(TimeAttribute("time", *time)).value_or("?") : std::string();
}

std::string Migration(const ContractVersion& version) {
  return version.migration.empty() ? std::string() : "; see " + version.migration;
}

// Old versions read what this one writes, says its contract.
bool ReadsNewer(Level level) {
  return level == Level::kForward || level == Level::kFull || level == Level::kForwardTransitive ||
         level == Level::kFullTransitive;
}

// The newest version of this major number below it; nullptr if there is none.
const RegisteredVersion* NewestBelow(std::span<const RegisteredVersion> versions,
                                     VersionNumber number) {
  const RegisteredVersion* newest = nullptr;
  for (const RegisteredVersion& version : versions) {
    if (version.number().major == number.major && version.number() < number) newest = &version;
  }
  return newest;
}

}  // namespace

absl::StatusOr<std::shared_ptr<GateCore>> GateCore::Create(ConsumeGateOptions options,
                                                           bool consuming) {
  constexpr std::size_t kMaxSize = (std::size_t{1} << 31) - 1;
  constexpr int kMaxDepth = 1000;
  const auto wrong = [](std::string_view text) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
  };
  if (options.limits.max_size == 0 || options.limits.max_size > kMaxSize) {
    return wrong("limits.max_size is not within 1..2^31-1");
  }
  if (options.limits.max_depth < 1 || options.limits.max_depth > kMaxDepth) {
    return wrong("limits.max_depth is not within 1..1000");
  }
  if (options.sunset_grace < Duration{0}) return wrong("sunset_grace is negative");
  return std::make_shared<GateCore>(std::move(options), consuming);
}

GateCore::GateCore(ConsumeGateOptions options, bool consuming)
    : options_(std::move(options)),
      consuming_(consuming),
      rows_(options_.contracts.versions().size() + options_.contracts.contracts().size() + 1) {}

GateCore::Row& GateCore::RowOf(const Contract& contract) {
  const ContractRegistry& all = options_.contracts;
  return rows_[all.versions().size() +
               static_cast<std::size_t>(&contract - all.contracts().data())];
}

template <class Text>
absl::Status GateCore::Object(const EnvelopeView& event, Row& row, Fault fault, const Text& text) {
  const FaultKind& kind = kKinds[fault];
  const Rule rule = options_.policy.*kind.rule;
  if (rule == Rule::kIgnore) return {};
  absl::Status status = MakeStatus(kind.code, kind.reason, text(), Duration::max());
  if (rule == Rule::kRefuse) {
    row.refused[fault].fetch_add(1, kRelaxed);
    return status;
  }
  row.warned[fault].fetch_add(1, kRelaxed);
  if (options_.on_warning) options_.on_warning(event, status);
  return {};
}

absl::StatusOr<Admission> GateCore::Check(const EnvelopeView& event, WallTime now) {
  Admission admission;
  Row* row = &rows_.back();
  if (absl::Status placed = Place(event, &admission, &row); !placed.ok()) return placed;
  if (admission.version != nullptr) {
    absl::Status checked = CheckStage(event, now, &admission, *row);
    if (checked.ok()) checked = CheckPayload(event, *admission.version, *row);
    if (!checked.ok()) return checked;
  }
  row->passed.fetch_add(1, kRelaxed);
  return admission;
}

absl::Status GateCore::Place(const EnvelopeView& event, Admission* admission, Row** row) {
  const std::span<const RegisteredVersion> versions = options_.contracts.Find(event.type());
  if (versions.empty()) {
    return Object(event, **row, kUnregistered,
                  [&] { return "no contract is registered for type " + Quoted(event.type()); });
  }
  const Contract& contract = *versions.front().contract;
  *row = &RowOf(contract);
  const Attribute* const attribute = event.Find(kContractVersion.name);
  if (attribute == nullptr || attribute->kind != HF_ATTRIBUTE_STRING) {
    return Object(event, **row, kUnversioned, [&] {
      return "contract " + contract.name +
             ": the event has no contractversion, or one that is no String";
    });
  }
  const auto number = ParseVersionNumber(View(attribute->text));
  if (number) admission->version = options_.contracts.Find(contract.name, *number);
  if (consuming_ && number && admission->version == nullptr && ReadsNewer(contract.policy.level)) {
    admission->version = NewestBelow(versions, *number);
    admission->newer_minor = admission->version != nullptr;
  }
  if (admission->version == nullptr) {
    return Object(event, **row, kVersion, [&] {
      return "contract " + contract.name + ": has no version " + Quoted(View(attribute->text)) +
             "; the current one is " + Text(versions.back().number());
    });
  }
  *row = &RowOf(*admission->version);
  return {};
}

bool GateCore::Overdue(const ContractVersion& version, WallTime now) const {
  if (!version.sunset || now < *version.sunset) return false;
  if (options_.sunset_grace == Duration::max()) return false;
  // Modulo 2^64 the difference is exact, though no duration may hold it.
  const auto past = static_cast<std::uint64_t>(now.time_since_epoch().count()) -
                    static_cast<std::uint64_t>(version.sunset->time_since_epoch().count());
  return past >= static_cast<std::uint64_t>(options_.sunset_grace.count());
}

absl::Status GateCore::CheckStage(const EnvelopeView& event, WallTime now, Admission* admission,
                                  Row& row) {
  const RegisteredVersion& version = *admission->version;
  const ContractVersion& declared = *version.declared;
  admission->stage = StageAt(declared, now);
  if (Overdue(declared, now)) {
    return Object(event, row, kSunset, [&] {
      return "contract " + version.text() + ": is past its sunset of " + Moment(declared.sunset) +
             Migration(declared);
    });
  }
  if (admission->stage == Stage::kActive) return {};
  return Object(event, row, kDeprecated, [&] {
    return "contract " + version.text() + ": is deprecated" +
           (declared.sunset ? ", its sunset is " + Moment(declared.sunset) : std::string()) +
           Migration(declared);
  });
}

absl::Status GateCore::CheckPayload(const EnvelopeView& event, const RegisteredVersion& version,
                                    Row& row) {
  const GatePolicy& policy = options_.policy;
  if (policy.message == Rule::kIgnore && policy.payload == Rule::kIgnore &&
      policy.unknown_fields == Rule::kIgnore) {
    return {};
  }
  google::protobuf::Arena arena;
  std::uint64_t unknown = 0;
  const absl::Status read =
      ReadPayload(event, version.prototype->New(&arena), options_.limits, &unknown);
  row.unknown_fields.fetch_add(unknown, kRelaxed);
  const auto said = [&](std::string_view text) {
    return "contract " + version.text() + ": " + std::string(text);
  };
  if (!read.ok()) {
    const auto rejection = RejectionOf(read);
    const bool message = rejection && rejection->reason == HF_R_CONTRACT_MESSAGE;
    return Object(event, row, message ? kMessage : kPayload,
                  [&] { return said({read.message().data(), read.message().size()}); });
  }
  if (unknown == 0) return {};
  return Object(event, row, kUnknownFields, [&] {
    return said("the payload has fields that " + version.declared->message +
                " does not: " + std::to_string(unknown));
  });
}

std::vector<GateCount> GateCore::Counts() const {
  const std::vector<RegisteredVersion>& versions = options_.contracts.versions();
  const std::vector<Contract>& contracts = options_.contracts.contracts();
  std::vector<GateCount> counts;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    GateCount count;
    count.passed = row.passed.load(kRelaxed);
    count.unknown_fields = row.unknown_fields.load(kRelaxed);
    for (std::size_t fault = 0; fault < kFaults; ++fault) {
      const std::uint64_t refused = row.refused[fault].load(kRelaxed);
      const std::uint64_t warned = row.warned[fault].load(kRelaxed);
      if (refused + warned > 0) count.faults.push_back({kKinds[fault].reason, refused, warned});
    }
    if (count.passed == 0 && count.faults.empty()) continue;
    if (i < versions.size()) {
      count.contract = versions[i].contract->name;
      count.version = contract::Text(versions[i].number());
    } else if (i + 1 < rows_.size()) {
      count.contract = contracts[i - versions.size()].name;
    }
    counts.push_back(std::move(count));
  }
  return counts;
}

}  // namespace holdfast::inline v0_5::contract
