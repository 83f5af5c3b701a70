// SPDX-License-Identifier: Apache-2.0
// A context onto an event, and an event into a context: what Propagator does for headers, by the same rules.
//
//   attribute                  in the context         from a stranger (Boundary::kIngress)
//   traceparent, tracestate    trace, tracestate      tracestate is not believed
//   correlationid              correlation id
//   id                         causation id
//   deadlinems, senttime       deadline
//   tenant, criticality        likewise               not believed
//   attempt                    attempt                not believed
//
// Nothing that an event says of its context is an error: context describes work, it must not stop it. To a stranger no
// tracestate, tenant or criticality is told; what an event has of them already is taken off.
#ifndef HOLDFAST_EVENT_CONTEXT_H_
#define HOLDFAST_EVENT_CONTEXT_H_

#include <absl/status/statusor.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/envelope_extensions.h>
#include <holdfast/propagation.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

// One moment on both clocks: that of deadlines and that of the wall.
struct EventMoment {
  hf_time steady = 0;
  WallTime wall = {};

  static EventMoment Now() {
    return {
        ToTime(std::chrono::steady_clock::now()),
        std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now())};
  }
};

// Writes what `step` says onto an event that is about to be sent. A trace, a correlation id and a causation id that the
// event has already are those of its beginning, and stay.
// Errors: kDeadlineExceeded HF_R_DEADLINE: nothing is to be sent, and nothing was written; kResourceExhausted: the event
// has no room for all of it, and may have some.
inline absl::Status WriteContext(const Context& step, const EventMoment& now, Boundary boundary,
                                 Envelope* event) {
  absl::Status status;
  const auto write = [&](bool told, const auto& field, const auto& value) {
    if (status.ok() && told) status = field.Write(value, event);
  };
  const auto has = [&](std::string_view name) { return event->view().Find(name) != nullptr; };
  if (step.deadline() != 0 && step.deadline() != HF_INFINITE) {
    status = EventDeadline{Duration(step.deadline() - now.steady), now.wall}.Write(event);
  }
  const bool ours = boundary == Boundary::kInternal;
  if (status.ok() && !ours) {
    for (const std::string_view name :
         {std::string_view("tracestate"), kTenant.name, kCriticality.name}) {
      event->Erase(name);
    }
  }
  if (status.ok() && HasTrace(step.trace()) && !has("traceparent")) {
    EventTrace trace{step.trace(), {}};
    if (ours) trace.state = Tracestate::Parse(step.tracestate()).value_or(Tracestate());
    status = trace.Write(event);
  }
  write(!step.correlation_id().empty() && !has(kCorrelationId.name), kCorrelationId,
        step.correlation_id());
  write(!step.causation_id().empty() && !has(kCausationId.name), kCausationId, step.causation_id());
  write(ours && !step.tenant().empty(), kTenant, step.tenant());
  write(ours && step.criticality().has_value(), kCriticality,
        step.criticality().value_or(Criticality::kCritical));
  return status;
}

struct ReadContextOptions {
  Boundary boundary = Boundary::kIngress;  // who published the event
  EventMoment now = {};  // all zero: what the event tells of a deadline is left out
  Duration margin = {};  // how far the publisher's clock and ours may be apart
  Context received =
      {};  // of the delivery's own headers (Propagator::Extract); empty: they had none
};

struct EventContext {
  Context context;  // of the work that the event causes: a step, with a span of its own
  std::optional<hf_trace> link =
      {};                        // the trace in which the event began, if the parent is another one
  std::uint32_t carried = 0;     // HF_FIELD_* that were taken from the event
  std::uint32_t malformed = 0;   // that could not be read
  std::uint32_t untrusted = 0;   // that were not believed
  bool deadline_unsure = false;  // EventDeadline::Remaining::unsure
};

namespace internal {

// Puts the readable parts of an event where the options of a context have them, and keeps account.
class EventReading {
 public:
  EventReading(const EnvelopeView& event, const ReadContextOptions& options, EventContext* account)
      : event_(event), options_(options), account_(*account) {}

  void ReadInto(ContextOptions* context) {
    ReadTrace(context);
    Take(kCorrelationId.Read(event_), HF_FIELD_CORRELATION_ID, true, [&](std::string_view id) {
      return IsId(id, HF_CONTEXT_ID_MAX) && (context->correlation_id = id, true);
    });
    Take(kTenant.Read(event_), HF_FIELD_TENANT, ours(), [&](std::string_view tenant) {
      return IsId(tenant, HF_CONTEXT_NAME_MAX) && (context->tenant = tenant, true);
    });
    Take(kCriticality.Read(event_), HF_FIELD_CRITICALITY, ours(), [&](Criticality criticality) {
      context->criticality = criticality;
      return true;
    });
    Take(kAttempt.Read(event_), HF_FIELD_ATTEMPT, ours(), [&](std::int32_t attempt) {
      context->attempt = static_cast<std::uint32_t>(attempt);
      return true;
    });
    Take(EventDeadline::Read(event_), HF_FIELD_DEADLINE, true,
         [&](const EventDeadline& deadline) { return AddDeadline(deadline, context); });
  }

  // The event's id if a context can hold it, else empty: the causing step is then the parent span.
  std::string_view Causation() {
    const bool fits = IsId(event_.id(), HF_CONTEXT_ID_MAX);
    (fits ? account_.carried : account_.malformed) |= HF_FIELD_CAUSATION_ID;
    return fits ? event_.id() : std::string_view();
  }

 private:
  bool ours() const { return options_.boundary == Boundary::kInternal; }

  static bool IsId(std::string_view text, std::size_t max) {
    return !text.empty() && text.size() <= max &&
           std::all_of(text.begin(), text.end(),
                       [](char byte) { return byte > ' ' && byte < '\x7F'; });
  }

  template <class Read, class Use>
  void Take(const Read& read, std::uint32_t field, bool believed, Use use) {
    if (read.ok() && !*read) return;
    if (!believed) {
      account_.untrusted |= field;
    } else {
      (read.ok() && use(**read) ? account_.carried : account_.malformed) |= field;
    }
  }

  void ReadTrace(ContextOptions* context) {
    const auto parent = TextField{"traceparent"}.Read(event_);
    std::optional<hf_trace> trace;
    Take(parent, HF_FIELD_TRACEPARENT, true, [&](std::string_view text) {
      trace = ParseTraceparent(text);
      return trace.has_value();
    });
    const TraceRelation relation = RelateTraces(context->trace, trace);
    account_.link = relation.link;
    if (HasTrace(context->trace) || !trace) return;
    context->trace = *trace;
    Take(TextField{"tracestate"}.Read(event_), HF_FIELD_TRACESTATE, ours(),
         [&](std::string_view state) {
           return Tracestate::Parse(state).ok() && (context->tracestate = state, true);
         });
  }

  bool AddDeadline(const EventDeadline& deadline, ContextOptions* context) {
    if (options_.now.steady == 0) return false;
    const auto [left, unsure] = deadline.RemainingAt(options_.now.wall, options_.margin);
    account_.deadline_unsure = unsure;
    const hf_time told = AddTime(options_.now.steady, left);
    context->deadline = context->deadline == 0 ? told : std::min(context->deadline, told);
    return true;
  }

  const EnvelopeView& event_;
  const ReadContextOptions& options_;
  EventContext& account_;
};

}  // namespace internal

// The context of the work that an event causes. Of `received` it has all that the event does not tell; and the earlier
// deadline counts. Errors: kResourceExhausted.
inline absl::StatusOr<EventContext> ReadContext(const EnvelopeView& event,
                                                const ReadContextOptions& options) {
  EventContext read;
  hf_context_options received = HF_INIT(hf_context_options);
  hf_context_get(options.received.raw(), &received);
  ContextOptions told = ContextOptions::From(received);
  internal::EventReading reading(event, options, &read);
  reading.ReadInto(&told);
  absl::StatusOr<Context> story = Context::Start(told);
  if (!story.ok()) return story.status();
  absl::StatusOr<Context> step = story->Child({.causation_id = reading.Causation()});
  if (!step.ok()) return step.status();
  read.context = *std::move(step);
  return read;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_CONTEXT_H_
