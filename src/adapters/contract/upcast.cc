// SPDX-License-Identifier: Apache-2.0
// See contract/upcast.h.
#include <google/protobuf/arena.h>
#include <holdfast/contract/deprecation.h>
#include <holdfast/contract/upcast.h>
#include <holdfast/envelope_extensions.h>
#include <holdfast/metrics_name.h>

#include <algorithm>
#include <utility>

#include "adapters/contract/conversion_graph.h"

namespace holdfast::inline v0_5::contract {
namespace {

using Events = std::vector<Envelope>;

constexpr std::uint32_t kMostEvents = 65536;

absl::Status Refuse(hf_code code, hf_reason reason, const std::string& text) {
  return MakeStatus(code, reason, text, Duration::max());
}

// The status of an edge, and which one it was.
absl::Status InEdge(const absl::Status& status, const std::string& where) {
  absl::Status told(status.code(), where + std::string(status.message()));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& value) { told.SetPayload(url, value); });
  return told;
}

// Two events with one source and id are one event to whoever deduplicates them.
bool AreDistinct(const Events& events) {
  std::vector<std::pair<std::string_view, std::string_view>> names;
  names.reserve(events.size());
  for (const Envelope& event : events) names.emplace_back(event->source(), event->id());
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

}  // namespace

struct Converter::Impl {
  ContractRegistry contracts;
  ConversionGraph graph;
  std::uint32_t max_events;
  PayloadLimits limits;

  absl::StatusOr<const RegisteredVersion*> VersionOf(const EnvelopeView& event) const;
  absl::StatusOr<Events> Convert(const EnvelopeView& event, const RegisteredVersion& from,
                                 const RegisteredVersion& to, LossReport* loss) const;
  absl::Status Step(const Edge& edge, const RegisteredVersion& from, const RegisteredVersion& to,
                    const EnvelopeView& event, LossReport* loss, Events* out) const;
  absl::Status Tidy(const Edge& edge, const EnvelopeView& before, std::string_view numbered,
                    Envelope* after) const;
  absl::Status Report(const Edge& edge, const RegisteredVersion& from, const RegisteredVersion& to,
                      const EnvelopeView& before, std::span<const Envelope> after,
                      LossReport* loss) const;
};

absl::StatusOr<Converter> Converter::Create(Options options) {
  if (options.max_events == 0 || options.max_events > kMostEvents) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "max_events is not within 1..65536");
  }
  auto graph = ConversionGraph::Build(options.contracts, std::move(options.upcasts),
                                      std::move(options.downcasts), options.now,
                                      options.bridge_minors, options.require_downcasts);
  if (!graph.ok()) return graph.status();
  return Converter(std::make_shared<const Impl>(
      Impl{options.contracts, *std::move(graph), options.max_events, options.limits}));
}

const ContractRegistry& Converter::contracts() const { return impl_->contracts; }

absl::StatusOr<const RegisteredVersion*> Converter::Impl::VersionOf(
    const EnvelopeView& event) const {
  const auto versions = contracts.Find(event.type());
  if (versions.empty()) {
    return Refuse(HF_NOT_FOUND, HF_R_CONTRACT_UNREGISTERED,
                  "no contract is registered for type " + Quoted(event.type()));
  }
  const std::string& name = versions.front().contract->name;
  const std::string_view text = event.Text(kContractVersion.name);
  if (text.empty()) {
    return Refuse(HF_INVALID_ARGUMENT, HF_R_CONTRACT_UNVERSIONED,
                  "contract " + name + ": the event has no contractversion");
  }
  const auto number = ParseVersionNumber(text);
  const auto* const version = number ? contracts.Find(name, *number) : nullptr;
  if (version != nullptr) return version;
  return Refuse(HF_NOT_FOUND, HF_R_CONTRACT_VERSION,
                "contract " + name + ": has no version " + Quoted(text));
}

absl::StatusOr<Events> Converter::Upcast(const EnvelopeView& event, LossReport* loss) const {
  const auto from = impl_->VersionOf(event);
  if (!from.ok()) return from.status();
  return impl_->Convert(event, **from, *impl_->contracts.FindCurrent((*from)->contract->name),
                        loss);
}

absl::StatusOr<Events> Converter::Upcast(const EnvelopeView& event, VersionNumber to,
                                         LossReport* loss) const {
  const auto from = impl_->VersionOf(event);
  if (!from.ok()) return from.status();
  const RegisteredVersion* const target = impl_->contracts.Find((*from)->contract->name, to);
  if (target == nullptr || to < (*from)->number()) {
    return Refuse(target == nullptr ? HF_NOT_FOUND : HF_INVALID_ARGUMENT, HF_R_CONTRACT_VERSION,
                  "contract " + (*from)->text() + ": cannot be upcast to " + Text(to) +
                      (target == nullptr ? ", which is not registered" : ", which is older"));
  }
  return impl_->Convert(event, **from, *target, loss);
}

absl::StatusOr<Events> Converter::Downcast(const EnvelopeView& event, VersionNumber to,
                                           LossReport* loss) const {
  const auto from = impl_->VersionOf(event);
  if (!from.ok()) return from.status();
  const RegisteredVersion* const target = impl_->contracts.Find((*from)->contract->name, to);
  if (target == nullptr || to > (*from)->number()) {
    return Refuse(target == nullptr ? HF_NOT_FOUND : HF_INVALID_ARGUMENT, HF_R_CONTRACT_VERSION,
                  "contract " + (*from)->text() + ": cannot be downcast to " + Text(to) +
                      (target == nullptr ? ", which is not registered" : ", which is newer"));
  }
  return impl_->Convert(event, **from, *target, loss);
}

absl::StatusOr<Events> Converter::Impl::Convert(const EnvelopeView& event,
                                                const RegisteredVersion& from,
                                                const RegisteredVersion& to,
                                                LossReport* loss) const {
  if (loss != nullptr) *loss = {};
  Events events;
  events.emplace_back(event);
  const bool up = from.index < to.index;
  for (const RegisteredVersion* at = &from; at != &to;) {
    const RegisteredVersion* const next = up ? at + 1 : at - 1;
    const Edge* const edge = up ? graph.Up(*at) : graph.Down(*at);
    if (edge == nullptr) {
      return Refuse(HF_FAILED_PRECONDITION, HF_R_CONTRACT_NO_PATH,
                    "contract " + from.contract->name + ": no " + (up ? "upcast " : "downcast ") +
                        Text(at->number()) + " -> " + Text(next->number()));
    }
    Events made;
    for (const Envelope& each : events) {
      absl::Status stepped = Step(*edge, *at, *next, each.view(), loss, &made);
      if (!stepped.ok()) return stepped;
    }
    if (!AreDistinct(made)) {
      return Refuse(
          HF_INTERNAL, HF_R_CONTRACT_CONVERSION,
          "contract " + next->text() + ": conversions made two events with one source and id");
    }
    events = std::move(made);
    at = next;
  }
  return events;
}

absl::Status Converter::Impl::Step(const Edge& edge, const RegisteredVersion& from,
                                   const RegisteredVersion& to, const EnvelopeView& event,
                                   LossReport* loss, Events* out) const {
  const std::string where = "contract " + edge.contract + ": conversion " + Text(edge.from) +
                            " -> " + Text(edge.to) + ": ";
  absl::StatusOr<Events> made = edge.convert(event);
  if (!made.ok()) return InEdge(made.status(), where);
  if (made->size() > max_events - out->size()) {
    return Refuse(HF_RESOURCE_EXHAUSTED, HF_R_CONTRACT_FAN_OUT,
                  where + "more than " + std::to_string(max_events) + " events come of one");
  }
  const bool several = made->size() > 1;
  for (std::size_t i = 0; i < made->size(); ++i) {
    const std::string numbered =
        several ? std::string(event.id()) + "/" + std::to_string(i + 1) : std::string();
    absl::Status tidied = Tidy(edge, event, numbered, &(*made)[i]);
    if (!tidied.ok()) return InEdge(tidied, where);
  }
  if (loss != nullptr) {
    absl::Status reported = Report(edge, from, to, event, *made, loss);
    if (!reported.ok()) return InEdge(reported, where);
  }
  std::move(made->begin(), made->end(), std::back_inserter(*out));
  return {};
}

absl::Status Converter::Impl::Tidy(const Edge& edge, const EnvelopeView& before,
                                   std::string_view numbered, Envelope* after) const {
  if (after->view().type() != edge.contract) {
    return Refuse(HF_INTERNAL, HF_R_CONTRACT_CONVERSION,
                  "made an event of type " + Quoted(after->view().type()));
  }
  const std::string_view version = after->view().Text(kContractVersion.name);
  const std::string to = contract::Text(edge.to);
  if (!version.empty() && version != to && version != contract::Text(edge.from)) {
    return Refuse(HF_INTERNAL, HF_R_CONTRACT_CONVERSION,
                  "made an event of version " + Quoted(version));
  }
  if (!after->Set(TextAttribute(kContractVersion.name, to))) {
    return Refuse(HF_INTERNAL, HF_R_CONTRACT_CONVERSION,
                  "made an event without room for its contractversion");
  }
  if (after->view().Text("dataschema") == before.Text("dataschema")) after->Erase("dataschema");
  for (const std::string_view name : kDeprecationAttributes) after->Erase(name);
  if (!numbered.empty() && after->view().id() == before.id()) after->set_id(numbered);
  return {};
}

absl::Status Converter::Impl::Report(const Edge& edge, const RegisteredVersion& from,
                                     const RegisteredVersion& to, const EnvelopeView& before,
                                     std::span<const Envelope> after, LossReport* loss) const {
  google::protobuf::Arena arena;
  auto* const was = from.prototype->New(&arena);
  if (absl::Status read = ReadPayload(before, was, limits); !read.ok()) return read;
  std::vector<const google::protobuf::Message*> is;
  for (const Envelope& event : after) {
    auto* const message = to.prototype->New(&arena);
    if (absl::Status read = ReadPayload(event.view(), message, limits); !read.ok()) return read;
    is.push_back(message);
  }
  FindLosses(*was, is, edge.moved, edge.from, edge.to, loss);
  return {};
}

}  // namespace holdfast::inline v0_5::contract
