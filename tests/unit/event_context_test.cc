// SPDX-License-Identifier: Apache-2.0
// A context onto an event and back, among ourselves and from a stranger.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/event_context.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr EventMoment kNow{1'000 * HF_S, WallTime{1'700'000'000s}};

std::string_view TraceId(const hf_trace& trace) {
  return {reinterpret_cast<const char*>(trace.trace_id), sizeof trace.trace_id};
}

Envelope Event() {
  Envelope event;
  event.set_id("e1");
  event.set_source("/s");
  event.set_type("t");
  return event;
}

Context Step() {
  return *Context::Create({.correlation_id = "story",
                           .causation_id = "cause",
                           .trace = FreshTrace(),
                           .deadline = kNow.steady + 5 * HF_S,
                           .tracestate = "a=1",
                           .tenant = "acme",
                           .criticality = Criticality::kSheddable});
}

Envelope Sent(Boundary boundary) {
  Envelope event = Event();
  EXPECT_TRUE(WriteContext(Step(), kNow, boundary, &event).ok());
  EXPECT_TRUE(event->Check().ok());
  return event;
}

EventContext Received(const Envelope& event, ReadContextOptions options = {}) {
  if (options.now.steady == 0) options.now = kNow;
  absl::StatusOr<EventContext> read = ReadContext(event.view(), options);
  EXPECT_TRUE(read.ok()) << read.status();
  return *std::move(read);
}

TEST(EventContext, TellsOursEverything) {
  const Envelope event = Sent(Boundary::kInternal);
  EXPECT_EQ(event->Text("correlationid"), "story");
  EXPECT_EQ(event->Text("causationid"), "cause");
  EXPECT_EQ(event->Text("tracestate"), "a=1");
  EXPECT_EQ(event->Text("tenant"), "acme");
  EXPECT_EQ(event->Text("criticality"), "sheddable");
  EXPECT_EQ(event->Find("deadlinems")->number, 5000);
  EXPECT_EQ(event->Find("senttime")->number, 1'700'000'000);
}

TEST(EventContext, TellsAStrangerNoTenantCriticalityOrTracestate) {
  const Envelope event = Sent(Boundary::kIngress);
  EXPECT_NE(event->Find("traceparent"), nullptr);
  EXPECT_EQ(event->Text("correlationid"), "story");
  EXPECT_NE(event->Find("deadlinems"), nullptr);
  for (const char* name : {"tracestate", "tenant", "criticality"}) {
    EXPECT_EQ(event->Find(name), nullptr) << name;
  }
}

TEST(EventContext, TellsAStrangerNoneOfThemOfAnEventOfOursThatIsRelayed) {
  Envelope event = Sent(Boundary::kInternal);
  const std::string parent(event->Text("traceparent"));
  ASSERT_TRUE(WriteContext(Context(), kNow, Boundary::kIngress, &event).ok());
  EXPECT_EQ(event->Text("traceparent"), parent);
  EXPECT_EQ(event->Text("correlationid"), "story");
  for (const char* name : {"tracestate", "tenant", "criticality"}) {
    EXPECT_EQ(event->Find(name), nullptr) << name;
  }
}

TEST(EventContext, LeavesTheBeginningOfARelayedEvent) {
  Envelope event = Sent(Boundary::kInternal);
  const std::string parent(event->Text("traceparent"));
  const Context other = *Context::Start({.correlation_id = "other"});
  ASSERT_TRUE(WriteContext(other, kNow, Boundary::kInternal, &event).ok());
  EXPECT_EQ(event->Text("traceparent"), parent);
  EXPECT_EQ(event->Text("correlationid"), "story");
  EXPECT_EQ(event->Text("causationid"), "cause");
}

TEST(EventContext, WritesNothingOfAnEmptyContextOrAfterTheDeadline) {
  Envelope event = Event();
  EXPECT_TRUE(WriteContext(Context(), kNow, Boundary::kInternal, &event).ok());
  EXPECT_TRUE(event->attributes().empty());
  const EventMoment late{kNow.steady + 5 * HF_S, kNow.wall};
  EXPECT_EQ(WriteContext(Step(), late, Boundary::kInternal, &event).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(event->attributes().empty());
  const Context endless = *Context::Create({.deadline = HF_INFINITE});
  EXPECT_TRUE(WriteContext(endless, kNow, Boundary::kInternal, &event).ok());
  EXPECT_TRUE(event->attributes().empty());
}

TEST(EventContext, IsReadBackAmongOurselves) {
  const Envelope event = Sent(Boundary::kInternal);
  const EventMoment later{2'000 * HF_S, kNow.wall + 2s};
  const EventContext read =
      Received(event, {.boundary = Boundary::kInternal, .now = later, .margin = 1s});
  EXPECT_EQ(read.context.correlation_id(), "story");
  EXPECT_EQ(read.context.causation_id(), "e1");
  EXPECT_EQ(read.context.tracestate(), "a=1");
  EXPECT_EQ(read.context.tenant(), "acme");
  EXPECT_EQ(read.context.criticality(), Criticality::kSheddable);
  EXPECT_EQ(read.context.deadline(), later.steady + 2 * HF_S);
  const EventTrace trace = **EventTrace::Read(event.view());
  EXPECT_EQ(TraceId(read.context.trace()), TraceId(trace.trace));
  EXPECT_NE(FormatTraceparent(read.context.trace()), FormatTraceparent(trace.trace));
  EXPECT_FALSE(read.link);
  EXPECT_EQ(read.malformed | read.untrusted, 0u);
  EXPECT_EQ(read.carried, HF_FIELD_TRACEPARENT | HF_FIELD_TRACESTATE | HF_FIELD_CORRELATION_ID |
                              HF_FIELD_CAUSATION_ID | HF_FIELD_TENANT | HF_FIELD_CRITICALITY |
                              HF_FIELD_DEADLINE);
  EXPECT_FALSE(read.deadline_unsure);
}

TEST(EventContext, OfAStrangerIsNotBelievedWhatPrivilegeHangsOn) {
  Envelope event = Sent(Boundary::kInternal);
  ASSERT_TRUE(kAttempt.Write(3, &event).ok());
  const EventContext read = Received(event);
  EXPECT_EQ(read.context.correlation_id(), "story");
  EXPECT_EQ(read.context.deadline(), kNow.steady + 5 * HF_S);
  EXPECT_EQ(read.context.tenant(), "");
  EXPECT_EQ(read.context.criticality(), std::nullopt);
  EXPECT_EQ(read.context.tracestate(), "");
  EXPECT_EQ(read.context.attempt(), 0u);
  EXPECT_EQ(read.untrusted,
            HF_FIELD_TRACESTATE | HF_FIELD_TENANT | HF_FIELD_CRITICALITY | HF_FIELD_ATTEMPT);
}

TEST(EventContext, OfAMalformedEventIsStillAContext) {
  Envelope event = Event();
  event.set_id("not an id of a header");
  event.Set(TextAttribute("traceparent", "00-x"));
  event.Set(TextAttribute("tracestate", "a=1"));
  event.Set(TextAttribute("correlationid", "caf\xC3\xA9"));
  event.Set(TextAttribute("tenant", "a b"));
  event.Set(TextAttribute("criticality", "very"));
  event.Set(TextAttribute("attempt", "-1"));
  event.Set(TextAttribute("deadlinems", "soon"));
  const EventContext read = Received(event, {.boundary = Boundary::kInternal});
  EXPECT_EQ(read.carried | read.untrusted, 0u);
  EXPECT_EQ(read.malformed, HF_FIELD_TRACEPARENT | HF_FIELD_CORRELATION_ID | HF_FIELD_CAUSATION_ID |
                                HF_FIELD_TENANT | HF_FIELD_CRITICALITY | HF_FIELD_ATTEMPT |
                                HF_FIELD_DEADLINE);
  EXPECT_TRUE(HasTrace(read.context.trace()));
  EXPECT_EQ(read.context.correlation_id().size(), 32u);  // of the fresh trace
  EXPECT_EQ(read.context.causation_id().size(), 16u);    // its span
  EXPECT_EQ(read.context.deadline(), 0);
  EXPECT_EQ(read.context.tracestate(), "");
}

TEST(EventContext, MalformedTracestateLeavesTheTrace) {
  Envelope event = Sent(Boundary::kInternal);
  event.Set(TextAttribute("tracestate", "=="));
  const EventContext read = Received(event, {.boundary = Boundary::kInternal});
  EXPECT_EQ(read.malformed, HF_FIELD_TRACESTATE);
  EXPECT_NE(read.carried & HF_FIELD_TRACEPARENT, 0u);
}

TEST(EventContext, OfATransportIsTheParentAndTheEventsALink) {
  const Envelope event = Sent(Boundary::kInternal);
  const Context received = *Context::Create({.correlation_id = "hop",
                                             .trace = FreshTrace(),
                                             .deadline = kNow.steady + 3 * HF_S,
                                             .tracestate = "t=1",
                                             .baggage = "k=v",
                                             .request_id = "r1",
                                             .principal = "clerk"});
  const EventContext read =
      Received(event, {.boundary = Boundary::kInternal, .received = received});
  EXPECT_EQ(TraceId(read.context.trace()), TraceId(received.trace()));
  ASSERT_TRUE(read.link);
  EXPECT_EQ(FormatTraceparent(*read.link), event->Text("traceparent"));
  EXPECT_EQ(read.context.tracestate(), "t=1");
  EXPECT_EQ(read.context.correlation_id(), "story");
  EXPECT_EQ(read.context.baggage(), "k=v");
  EXPECT_EQ(read.context.request_id(), "r1");
  EXPECT_EQ(read.context.principal(), "clerk");
  EXPECT_EQ(read.context.tenant(), "acme");
  EXPECT_EQ(read.context.deadline(), kNow.steady + 3 * HF_S);  // the earlier one
  EXPECT_EQ(read.context.causation_id(), "e1");
}

TEST(EventContext, FlagsADeadlineFromTheFuture) {
  const Envelope event = Sent(Boundary::kInternal);
  const EventMoment behind{kNow.steady, kNow.wall - 10s};
  const EventContext read = Received(event, {.now = behind, .margin = 1s});
  EXPECT_TRUE(read.deadline_unsure);
  EXPECT_EQ(read.context.deadline(), kNow.steady + 5 * HF_S);
}

TEST(EventContext, WithoutAClockHasNoDeadline) {
  absl::StatusOr<EventContext> read = ReadContext(Sent(Boundary::kInternal).view(), {});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->context.deadline(), 0);
  EXPECT_EQ(read->malformed, HF_FIELD_DEADLINE);
}

TEST(EventContext, GoesOnInTheNextEvent) {
  const EventContext read = Received(Sent(Boundary::kInternal), {.boundary = Boundary::kInternal});
  Envelope next = Event();
  next.set_id("e2");
  ASSERT_TRUE(WriteContext(read.context, kNow, Boundary::kInternal, &next).ok());
  EXPECT_EQ(next->Text("correlationid"), "story");
  EXPECT_EQ(next->Text("causationid"), "e1");
  EXPECT_EQ(next->Text("tenant"), "acme");
  EXPECT_EQ(next->Find("deadlinems")->number, 5000);
}

TEST(EventMoment, ReadsBothClocks) {
  const EventMoment now = EventMoment::Now();
  EXPECT_GT(now.steady, 0);
  EXPECT_GT(now.wall, WallTime{});
}

}  // namespace
}  // namespace holdfast
