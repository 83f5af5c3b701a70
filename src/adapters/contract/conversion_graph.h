// SPDX-License-Identifier: Apache-2.0
// ConversionGraph: the edges between the versions of contracts, found sound and complete.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_CONVERSION_GRAPH_H_
#define HOLDFAST_ADAPTERS_CONTRACT_CONVERSION_GRAPH_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/upcast.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::contract {

class ConversionGraph {
 public:
  // Errors: as Converter::Create.
  static absl::StatusOr<ConversionGraph> Build(const ContractRegistry& contracts,
                                               std::vector<Edge> upcasts,
                                               std::vector<Edge> downcasts, WallTime now,
                                               bool bridge_minors, bool require_downcasts);

  // The edge from this version to the next one, or to the one before; nullptr if there is none.
  const Edge* Up(const RegisteredVersion& from) const { return At(up_, from); }
  const Edge* Down(const RegisteredVersion& from) const { return At(down_, from); }

 private:
  using Versions = std::span<const RegisteredVersion>;
  struct Fault {
    hf_reason reason;
    std::string text;
  };

  static const Edge* At(const std::vector<Edge>& edges, const RegisteredVersion& from) {
    const Edge& edge = edges[from.index];
    return edge.convert ? &edge : nullptr;
  }

  void Take(const ContractRegistry& contracts, std::vector<Edge> edges, bool up);
  std::string WhyNot(const ContractRegistry& contracts, const Edge& edge, bool up) const;
  void Bridge(Versions versions);
  void Prove(Versions versions, WallTime now, bool up);

  std::vector<Edge>
      up_;  // by the index of the version they leave; without a function there is none
  std::vector<Edge> down_;
  std::vector<Fault> faults_;
};

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_ADAPTERS_CONTRACT_CONVERSION_GRAPH_H_
