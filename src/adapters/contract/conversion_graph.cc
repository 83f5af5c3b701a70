// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/conversion_graph.h"

#include <google/protobuf/arena.h>
#include <holdfast/contract/level.h>
#include <holdfast/contract/payload.h>
#include <holdfast/metrics_name.h>

#include <algorithm>

namespace holdfast::inline v0_5::contract {
namespace {

std::string Named(std::string_view contract) {
  return IsText(contract) ? "contract " + std::string(contract) : "contract " + Quoted(contract);
}

std::string Way(const Edge& edge) { return Text(edge.from) + " -> " + Text(edge.to); }

absl::StatusOr<std::vector<Envelope>> AsItIs(const EnvelopeView& event) {
  std::vector<Envelope> events;
  events.emplace_back(event);
  return events;
}

// The names of JSON are not those of the binary encoding: what is proved of the one is read by it, and written in the
// other again. The prototypes are the registry's, as the converter is that holds this.
Conversion ByWayOfBinary(const RegisteredVersion& from, const RegisteredVersion& to) {
  return [was = from.prototype,
          is = to.prototype](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
    const absl::StatusOr<Encoding> encoding = EncodingOf(event);
    if (!encoding.ok() || *encoding != Encoding::kJson) return AsItIs(event);
    google::protobuf::Arena arena;
    auto* const before = was->New(&arena);
    if (absl::Status read = ReadPayload(event, before); !read.ok()) return read;
    auto* const after = is->New(&arena);
    if (!after->ParsePartialFromString(before->SerializePartialAsString())) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_CONTRACT_PAYLOAD,
                        "the payload does not parse as " + after->GetDescriptor()->full_name());
    }
    std::vector<Envelope> events;
    absl::Status written = WritePayload(*after, &events.emplace_back(event));
    if (!written.ok()) return written;
    return events;
  };
}

// Over two versions of which `policy` holds; their promise may be about the binary encoding alone.
Edge BridgeOver(std::span<const Version> history, const Schema& newer, Policy policy,
                const RegisteredVersion& from, const RegisteredVersion& to) {
  policy.json = true;
  const bool json = Check(history, newer, policy).empty();
  return {from.contract->name, from.number(), to.number(),
          json ? Conversion(AsItIs) : ByWayOfBinary(from, to)};
}

bool InUse(const RegisteredVersion& version, WallTime now) {
  return StageAt(*version.declared, now) != Stage::kSunset;
}

}  // namespace

absl::StatusOr<ConversionGraph> ConversionGraph::Build(const ContractRegistry& contracts,
                                                       std::vector<Edge> upcasts,
                                                       std::vector<Edge> downcasts, WallTime now,
                                                       bool bridge_minors, bool require_downcasts) {
  ConversionGraph graph;
  graph.up_.resize(contracts.versions().size());
  graph.down_.resize(contracts.versions().size());
  graph.Take(contracts, std::move(upcasts), /*up=*/true);
  graph.Take(contracts, std::move(downcasts), /*up=*/false);
  for (const Contract& contract : contracts.contracts()) {
    const Versions versions = contracts.Find(contract.name);
    if (bridge_minors) graph.Bridge(versions);
    graph.Prove(versions, now, /*up=*/true);
    if (require_downcasts) graph.Prove(versions, now, /*up=*/false);
  }
  if (graph.faults_.empty()) return graph;
  std::string text;
  for (const Fault& fault : graph.faults_) text += (text.empty() ? "" : "\n") + fault.text;
  return MakeStatus(HF_INVALID_ARGUMENT, graph.faults_.front().reason, text);
}

void ConversionGraph::Take(const ContractRegistry& contracts, std::vector<Edge> edges, bool up) {
  for (Edge& edge : edges) {
    const std::string why = WhyNot(contracts, edge, up);
    if (why.empty()) {
      std::vector<Edge>& place = up ? up_ : down_;
      place[contracts.Find(edge.contract, edge.from)->index] = std::move(edge);
    } else {
      faults_.push_back(
          {HF_R_CONTRACT_CONVERSION,
           Named(edge.contract) + ": " + (up ? "upcast " : "downcast ") + Way(edge) + ": " + why});
    }
  }
}

std::string ConversionGraph::WhyNot(const ContractRegistry& contracts, const Edge& edge,
                                    bool up) const {
  if (contracts.Find(edge.contract).empty()) return "no such contract is registered";
  const RegisteredVersion* const from = contracts.Find(edge.contract, edge.from);
  const RegisteredVersion* const to = contracts.Find(edge.contract, edge.to);
  if (from == nullptr) return Text(edge.from) + " is not registered";
  if (to == nullptr) return Text(edge.to) + " is not registered";
  if (from == to) return "leads to where it comes from, a cycle";
  if ((from->index < to->index) != up) {
    return up ? "leads back, a cycle with the upcasts from there"
              : "leads forward, a cycle with the downcasts from there";
  }
  const RegisteredVersion* const next = up ? from + 1 : from - 1;
  if (to != next) return "leads over " + Text(next->number()) + ": edges join neighbours";
  if (!edge.convert) return "has no function";
  if (At(up ? up_ : down_, *from) != nullptr) return "is there twice";
  if (!edge.from_message.empty() && edge.from_message != from->declared->message) {
    return "reads " + edge.from_message + ", and the contract's message is " +
           from->declared->message;
  }
  if (!edge.to_message.empty() && edge.to_message != to->declared->message) {
    return "makes " + edge.to_message + ", and the contract's message is " + to->declared->message;
  }
  return {};
}

// Payloads are passed on unread over several bridges, so each is about all versions of the major number up to it: a field
// that one version has dropped lives on in the bytes, and a later one may give its number another meaning.
void ConversionGraph::Bridge(Versions versions) {
  std::vector<Version> history;
  for (std::size_t i = 0; i + 1 < versions.size(); ++i) {
    const RegisteredVersion& older = versions[i];
    const RegisteredVersion& newer = versions[i + 1];
    if (!history.empty() && versions[i - 1].number().major != older.number().major) history.clear();
    history.push_back({Text(older.number()), older.schema});
    if (older.number().major != newer.number().major) continue;
    Policy policy = older.contract->policy;
    policy.level = Level::kBackwardTransitive;
    if (!up_[older.index].convert && Check(history, newer.schema, policy).empty()) {
      up_[older.index] = BridgeOver(history, newer.schema, policy, older, newer);
    }
    policy.level = Level::kForwardTransitive;
    if (!down_[newer.index].convert && Check(history, newer.schema, policy).empty()) {
      down_[newer.index] = BridgeOver(history, newer.schema, policy, newer, older);
    }
  }
}

void ConversionGraph::Prove(Versions versions, WallTime now, bool up) {
  const auto oldest =
      std::find_if(versions.begin(), versions.end(),
                   [&](const RegisteredVersion& version) { return InUse(version, now); });
  // From the oldest version in use to the current one, each step is needed, whether or not the versions between are.
  for (auto older = oldest; older != versions.end() && older + 1 != versions.end(); ++older) {
    const auto newer = older + 1;
    if ((up ? Up(*older) : Down(*newer)) != nullptr) continue;
    const std::string text =
        "contract " + older->contract->name + ": no " + (up ? "upcast " : "downcast ") +
        (up ? Text(older->number()) + " -> " + Text(newer->number())
            : Text(newer->number()) + " -> " + Text(older->number())) +
        ": " + Text(oldest->number()) + ", which is in use, " +
        (up ? "cannot become " : "cannot be made of ") + Text(versions.back().number());
    faults_.push_back({HF_R_CONTRACT_NO_PATH, text});
  }
}

}  // namespace holdfast::inline v0_5::contract
