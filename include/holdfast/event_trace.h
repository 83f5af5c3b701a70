// SPDX-License-Identifier: Apache-2.0
// EventTrace: the trace in which an event began (CloudEvents extension distributed-tracing).
//
// It is the trace of the beginning, not of a hop: whoever relays the event leaves it, and the transport's own headers say
// which hop this is. So at the receiver the transport's trace is the parent and this one a link; without a trace
// of the transport it is the parent (event_context.h does so).
#ifndef HOLDFAST_EVENT_TRACE_H_
#define HOLDFAST_EVENT_TRACE_H_

#include <absl/status/statusor.h>
#include <holdfast/event_field.h>
#include <holdfast/trace.h>
#include <holdfast/tracestate.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

struct EventTrace {
  hf_trace trace = {};  // neither id is zero
  Tracestate state = {};

  // A tracestate without a traceparent says nothing: nullopt. Errors: as event_field.h.
  static absl::StatusOr<std::optional<EventTrace>> Read(const EnvelopeView& event) {
    const auto parent = kParent.Read(event);
    if (!parent.ok()) return parent.status();
    if (!*parent) return std::nullopt;
    const std::optional<hf_trace> trace = ParseTraceparent(**parent);
    if (!trace) return internal::BadField(kParent.name, "is malformed");
    const auto state = internal::FindField(event, kState.name, kState.kind);
    if (!state.ok()) return state.status();
    if (!*state) return EventTrace{*trace, {}};
    absl::StatusOr<Tracestate> members = Tracestate::Parse(View((*state)->text));
    if (!members.ok()) return members.status();
    return EventTrace{*trace, *std::move(members)};
  }

  // Errors: as event_field.h; kFailedPrecondition: the event began in another trace already.
  absl::Status Write(Envelope* event) const {
    const std::string parent = FormatTraceparent(trace);
    if (parent.empty()) return internal::BadField(kParent.name, "has a zero id");
    const Attribute* const before = event->view().Find(kParent.name);
    if (before != nullptr && View(before->text) != parent) {
      return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_STATE,
                        "traceparent: the event began in another trace");
    }
    const Attribute fields[] = {TextAttribute(kParent.name, parent),
                                internal::TextOrNone(kState, state.text())};
    return internal::SetFields(fields, event);
  }

 private:
  static constexpr TextField kParent{"traceparent"};
  static constexpr TextField kState{"tracestate"};
};

// What a receiver's own trace goes on from, and what it only points to.
struct TraceRelation {
  std::optional<hf_trace> parent = {};
  std::optional<hf_trace> link = {};
};

// `transport`: of the delivery's own headers; all zero: none.
inline TraceRelation RelateTraces(const hf_trace& transport, const std::optional<hf_trace>& event) {
  if (!HasTrace(transport)) return {event, std::nullopt};
  const bool same = event &&
                    std::memcmp(event->trace_id, transport.trace_id, sizeof event->trace_id) == 0 &&
                    std::memcmp(event->span_id, transport.span_id, sizeof event->span_id) == 0;
  return {transport, same ? std::nullopt : event};
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_TRACE_H_
