// SPDX-License-Identifier: Apache-2.0
// Extensions of several attributes: trace, deprecation, principal, deadline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/envelope_extensions.h>
#include <rapidcheck.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr WallTime kWall{1'700'000'000s};

Envelope With(std::initializer_list<std::pair<std::string_view, std::string_view>> strings) {
  Envelope event;
  event.set_id("e1");
  event.set_source("/s");
  event.set_type("t");
  for (const auto& [name, text] : strings) EXPECT_TRUE(event.Set(TextAttribute(name, text)));
  return event;
}

template <class Extension>
std::string ComplaintOn(
    std::initializer_list<std::pair<std::string_view, std::string_view>> strings) {
  const auto read = Extension::Read(With(strings).view());
  return read.ok() ? "" : std::string(read.status().message());
}

// An event with room for `room` more attributes.
Envelope AlmostFull(std::size_t room) {
  Envelope event = With({});
  for (std::size_t i = room; i < HF_ENVELOPE_ATTRIBUTES; ++i) {
    EXPECT_TRUE(event.Set(TextAttribute("x" + std::to_string(i), "v")));
  }
  return event;
}

TEST(Extensions, AreWrittenAsAWholeOrNotAtAll) {
  const auto expect_untouched = [](const auto& extension, std::size_t needed) {
    for (std::size_t room = 0; room < needed; ++room) {
      Envelope event = AlmostFull(room);
      EXPECT_EQ(extension.Write(&event).code(), absl::StatusCode::kResourceExhausted) << room;
      EXPECT_EQ(event->attributes().size(), HF_ENVELOPE_ATTRIBUTES - room);
    }
    Envelope event = AlmostFull(needed);
    EXPECT_TRUE(extension.Write(&event).ok());
  };
  expect_untouched(EventTrace{*ParseTraceparent(kParent), *Tracestate::Parse("a=1")}, 2);
  expect_untouched(EventDeprecation{Timestamp(1, 0), Timestamp(2, 0), "https://a/b"}, 4);
  expect_untouched(EventAuth{AuthType::kUser, "a", "{}"}, 3);
  expect_untouched(EventDeadline{1s, Timestamp(kWall)}, 2);

  // An account under the type of another would be a third one.
  Envelope event = With({});
  ASSERT_TRUE((EventAuth{AuthType::kUser, "alice", {}}).Write(&event).ok());
  EXPECT_FALSE((EventAuth{AuthType::kSystem, "\x01", {}}).Write(&event).ok());
  EXPECT_EQ((*EventAuth::Read(event.view()))->type, AuthType::kUser);
  ASSERT_TRUE((EventDeprecation{Timestamp(1, 0), {}, {}}).Write(&event).ok());
  EXPECT_FALSE((EventDeprecation{Timestamp(9, 0), {}, "no uri"}).Write(&event).ok());
  EXPECT_EQ((*EventDeprecation::Read(event.view()))->from, Timestamp(1, 0));
}

TEST(Extensions, WhatGoesMakesRoomForWhatComes) {
  Envelope event = AlmostFull(2);
  ASSERT_TRUE((EventAuth{AuthType::kUser, "alice", {}}).Write(&event).ok());
  EXPECT_TRUE((EventAuth{AuthType::kUser, {}, "{}"}).Write(&event).ok());
  EXPECT_EQ((*EventAuth::Read(event.view()))->claims, "{}");
}

TEST(EventTrace, ReadsWhatItWrote) {
  Envelope event = With({});
  EXPECT_FALSE(EventTrace::Read(event.view())->has_value());
  const EventTrace trace{*ParseTraceparent(kParent), *Tracestate::Parse("a=1,b=2")};
  ASSERT_TRUE(trace.Write(&event).ok());
  const EventTrace read = **EventTrace::Read(event.view());
  EXPECT_EQ(FormatTraceparent(read.trace), kParent);
  EXPECT_EQ(read.state, trace.state);
  ASSERT_TRUE((EventTrace{trace.trace, {}}.Write(&event).ok()));
  EXPECT_EQ(event->Find("tracestate"), nullptr);
}

TEST(EventTrace, NamesWhatIsMalformed) {
  EXPECT_EQ(ComplaintOn<EventTrace>({{"traceparent", "00-x"}}), "traceparent: is malformed");
  EXPECT_THAT(ComplaintOn<EventTrace>({{"traceparent", kParent}, {"tracestate", "=="}}),
              HasSubstr("tracestate: "));
  EXPECT_EQ(ComplaintOn<EventTrace>({{"traceparent", kParent}, {"tracestate", ""}}), "");
  EXPECT_FALSE(EventTrace::Read(With({{"tracestate", "a=1"}}).view())->has_value());
  Envelope event = With({});
  EXPECT_EQ((EventTrace{}.Write(&event).message()), "traceparent: has a zero id");
}

TEST(EventTrace, IsTheOneOfTheBeginning) {
  Envelope event = With({{"traceparent", kParent}});
  const absl::Status other = EventTrace{FreshTrace(), {}}.Write(&event);
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(event->Text("traceparent"), kParent);
  EXPECT_TRUE((EventTrace{*ParseTraceparent(kParent), {}}.Write(&event).ok()));
}

TEST(EventTrace, IsALinkUnderATransportsTraceAndTheParentWithoutOne) {
  const hf_trace own = *ParseTraceparent(kParent);
  const hf_trace hop = FreshTrace();
  const auto same = [](const std::optional<hf_trace>& a, const hf_trace& b) {
    return a && FormatTraceparent(*a) == FormatTraceparent(b);
  };
  const TraceRelation many = RelateTraces(hop, own);
  EXPECT_TRUE(same(many.parent, hop) && same(many.link, own));
  const TraceRelation one = RelateTraces(own, own);
  EXPECT_TRUE(same(one.parent, own) && !one.link);
  const TraceRelation alone = RelateTraces({}, own);
  EXPECT_TRUE(same(alone.parent, own) && !alone.link);
  const TraceRelation hop_only = RelateTraces(hop, std::nullopt);
  EXPECT_TRUE(same(hop_only.parent, hop) && !hop_only.link);
  const TraceRelation none = RelateTraces({}, std::nullopt);
  EXPECT_TRUE(!none.parent && !none.link);
}

TEST(EventDeprecation, ReadsWhatItWrote) {
  Envelope event = With({});
  EXPECT_FALSE(EventDeprecation::Read(event.view())->has_value());
  EventDeprecation notice{Timestamp(100, 0), Timestamp(200, 0), "https://acme.example/v2"};
  ASSERT_TRUE(notice.Write(&event).ok());
  const EventDeprecation read = **EventDeprecation::Read(event.view());
  EXPECT_EQ(read.from, notice.from);
  EXPECT_EQ(read.sunset, notice.sunset);
  EXPECT_EQ(read.migration, notice.migration);
  EXPECT_FALSE(read.IsOver(Timestamp(199, 999'999'999)));
  EXPECT_TRUE(read.IsOver(Timestamp(200, 0)));
  ASSERT_TRUE((EventDeprecation{{}, Timestamp(300, 0), {}}.Write(&event).ok()));
  EXPECT_EQ(event->Find("deprecationfrom"), nullptr);
  EXPECT_EQ(event->Find("deprecationmigration"), nullptr);
  ASSERT_TRUE(EventDeprecation{}.Write(&event).ok());
  EXPECT_EQ(event->attributes().size(), 1u);
  EXPECT_FALSE((EventDeprecation{}.IsOver(Timestamp(253402300799, 0))));
}

TEST(EventDeprecation, SunsetIsNeverBeforeItsBeginningNorShortened) {
  Envelope event = With({});
  EXPECT_EQ((EventDeprecation{Timestamp(2, 0), Timestamp(1, 0), {}}.Write(&event).message()),
            "deprecationsunset: is before deprecationfrom");
  EXPECT_TRUE(event->attributes().empty());
  ASSERT_TRUE((EventDeprecation{Timestamp(2, 0), Timestamp(2, 0), {}}.Write(&event).ok()));
  const absl::Status shorter = EventDeprecation{{}, Timestamp(1, 0), {}}.Write(&event);
  EXPECT_EQ(shorter.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*EventDeprecation::Read(event.view()))->sunset, Timestamp(2, 0));
  EXPECT_TRUE((EventDeprecation{{}, Timestamp(3, 0), {}}.Write(&event).ok()));
}

TEST(EventDeprecation, NamesWhatIsMalformed) {
  using Case = EventDeprecation;
  EXPECT_EQ(ComplaintOn<Case>({{"deprecated", "yes"}}), "deprecated: is of another kind");
  EXPECT_EQ(ComplaintOn<Case>({{"deprecated", "true"}, {"deprecationfrom", "x"}}),
            "deprecationfrom: is of another kind");
  EXPECT_EQ(ComplaintOn<Case>({{"deprecated", "true"}, {"deprecationsunset", "x"}}),
            "deprecationsunset: is of another kind");
  EXPECT_EQ(ComplaintOn<Case>({{"deprecated", "true"}, {"deprecationmigration", "/x"}}),
            "deprecationmigration: is of another kind");
  EXPECT_EQ(ComplaintOn<Case>({{"deprecated", "true"},
                               {"deprecationfrom", "2026-01-02T00:00:00Z"},
                               {"deprecationsunset", "2026-01-01T00:00:00Z"}}),
            "deprecationsunset: is before deprecationfrom");
  EXPECT_FALSE(
      Case::Read(With({{"deprecated", "false"}, {"deprecationfrom", "x"}}).view())->has_value());
  Envelope event = With({});
  EXPECT_THAT(std::string((Case{{}, {}, "no uri"}.Write(&event).message())),
              HasSubstr("deprecationmigration: "));
}

TEST(EventAuth, KnowsAClosedSetOfTypes) {
  for (std::size_t i = 0; i < std::size(kAuthTypeWords); ++i) {
    Envelope event = With({});
    const EventAuth auth{static_cast<AuthType>(i), "u7", "{\"role\":\"clerk\"}"};
    ASSERT_TRUE(auth.Write(&event).ok());
    const EventAuth read = **EventAuth::Read(event.view());
    EXPECT_EQ(read.type, auth.type);
    EXPECT_EQ(read.id, "u7");
    EXPECT_EQ(read.claims, auth.claims);
    EXPECT_EQ(event->Text("authtype"), AuthTypeWord(auth.type));
    ASSERT_TRUE((EventAuth{auth.type, {}, {}}.Write(&event).ok()));
    EXPECT_EQ(event->attributes().size(), 1u);
  }
  EXPECT_EQ(ComplaintOn<EventAuth>({{"authtype", "root"}}), "authtype: is no type of principal");
  EXPECT_FALSE(EventAuth::Read(With({{"authid", "u7"}}).view())->has_value());
}

TEST(EventAuth, HoldsNoCredentials) {
  const std::string jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1NyJ9.c2lnbmF0dXJl";
  const std::string secrets[] = {"Bearer abc", "basic dXNlcjpwYXNz", jwt,
                                 "{\"token\":\"" + jwt + "\"}", "-----BEGIN RSA PRIVATE KEY-----"};
  for (const std::string& secret : secrets) {
    Envelope event = With({});
    const absl::Status id = EventAuth{AuthType::kUser, secret, {}}.Write(&event);
    EXPECT_EQ(id.message(), "authid: looks like a credential") << secret;
    const absl::Status claims = EventAuth{AuthType::kUser, {}, secret}.Write(&event);
    EXPECT_EQ(claims.message(), "authclaims: looks like a credential");
    EXPECT_TRUE(event->attributes().empty());
  }
  for (const char* fine :
       {"", "u7", "basically", "eyJ.x", "eyJx..y", "eyJx.y", "a.b.c", "eyJeyJ"}) {
    EXPECT_FALSE(LooksLikeCredential(fine)) << fine;
  }
  EXPECT_TRUE(LooksLikeCredential("eyJ eyJa.b.c"));
  Envelope event = With({});
  EXPECT_EQ((EventAuth{AuthType::kUser, {}, "role=clerk"}.Write(&event).message()),
            "authclaims: is no JSON object");
}

TEST(EventAuth, LooksThroughMuchTextOnce) {
  std::string text;
  while (text.size() < 3'000'000) text += "eyJ";
  EXPECT_FALSE(LooksLikeCredential(text));
  EXPECT_FALSE(LooksLikeCredential(text + "." + text));
  EXPECT_TRUE(LooksLikeCredential(text + ".e30.x"));
}

TEST(EventDeadline, ReadsWhatItWroteInWholeMilliseconds) {
  Envelope event = With({});
  EXPECT_FALSE(EventDeadline::Read(event.view())->has_value());
  ASSERT_TRUE((EventDeadline{1500999us, Timestamp(kWall)}.Write(&event).ok()));
  EventDeadline read = **EventDeadline::Read(event.view());
  EXPECT_EQ(read.left, 1500ms);
  EXPECT_EQ(read.sent, Timestamp(kWall));
  ASSERT_TRUE((EventDeadline{Duration::max(), {}}.Write(&event).ok()));
  read = **EventDeadline::Read(event.view());
  EXPECT_EQ(read.left, std::chrono::milliseconds(INT32_MAX));
  EXPECT_FALSE(read.sent);
}

TEST(EventDeadline, IsNotSentWhenItIsOver) {
  for (const Duration left : {Duration(999us), Duration(0), Duration(-1s)}) {
    Envelope event = With({});
    const absl::Status over = EventDeadline{left, Timestamp(kWall)}.Write(&event);
    EXPECT_EQ(over.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(RejectionOf(over)->reason, HF_R_DEADLINE);
    EXPECT_TRUE(event->attributes().empty());
  }
}

TEST(EventDeadline, TakesOffTheAgeAndTheMargin) {
  const EventDeadline deadline{10s, Timestamp(kWall)};
  const struct {
    Duration age, margin, left;
    bool unsure;
  } rows[] = {{0s, 0s, 10s, false},
              {3s, 0s, 7s, false},
              {3s, 1s, 6s, false},
              {10s, 0s, 0s, false},
              {11s, 0s, 0s, false},
              {-1s, 1s, 10s, false},
              {-500ms, 1s, 9500ms, false},
              {-1001ms, 1s, 10s, true},
              {-1ns, 0s, 10s, true},
              {-1h, 1s, 10s, true},
              {0s, -5s, 10s, false},
              {0s, 9s, 1s, false},
              {0s, Duration::max(), 0s, false}};
  for (const auto& row : rows) {
    const auto [left, unsure] = deadline.RemainingAt(kWall + row.age, row.margin);
    EXPECT_EQ(left, row.left) << row.age.count() << " " << row.margin.count();
    EXPECT_EQ(unsure, row.unsure) << row.age.count() << " " << row.margin.count();
  }
  const auto [left, unsure] = EventDeadline{10s, {}}.RemainingAt(kWall, 1s);
  EXPECT_EQ(left, 10s);
  EXPECT_TRUE(unsure);
}

TEST(EventDeadline, SurvivesAbsurdClocks) {
  for (const Timestamp sent : {Timestamp(-62135596800, 0), Timestamp(253402300799, 999'999'999)}) {
    const EventDeadline deadline{Duration(INT32_MAX * 1ms), sent};
    for (const WallTime now : {WallTime::min(), WallTime{}, WallTime::max()}) {
      for (const Duration margin : {Duration(0), Duration::max()}) {
        const auto [left, unsure] = deadline.RemainingAt(now, margin);
        EXPECT_GE(left, 0s);
        EXPECT_LE(left, deadline.left);
        EXPECT_EQ(unsure, sent.seconds > 0);
      }
    }
  }
}

// Whatever the sender's clock says within the margin: the end is never later than the sender meant.
TEST(EventDeadline, IsNeverLaterThanMeantWithinTheMargin) {
  EXPECT_TRUE(rc::check([] {
    const Duration margin(*rc::gen::inRange<std::int64_t>(0, 5'000'000'000));
    const Duration skew(*rc::gen::inRange(-margin.count(), margin.count() + 1));  // sender - us
    const Duration left(*rc::gen::inRange<std::int64_t>(1'000'000, 60'000'000'000));
    const Duration on_the_way(*rc::gen::inRange<std::int64_t>(0, 60'000'000'000));
    const EventDeadline deadline{left, Timestamp(kWall + skew)};
    const auto [remaining, unsure] = deadline.RemainingAt(kWall + on_the_way, margin);
    RC_ASSERT(!unsure);
    RC_ASSERT(remaining <= std::max(Duration{}, left - on_the_way));
    RC_ASSERT(remaining >= left - on_the_way - 2 * margin);
  }));
}

TEST(EventDeadline, NamesWhatIsMalformed) {
  EXPECT_EQ(ComplaintOn<EventDeadline>({{"deadlinems", "-1"}}), "deadlinems: is below 0");
  EXPECT_EQ(ComplaintOn<EventDeadline>({{"deadlinems", "soon"}}), "deadlinems: is of another kind");
  EXPECT_EQ(ComplaintOn<EventDeadline>({{"deadlinems", "5"}, {"senttime", "x"}}),
            "senttime: is of another kind");
  EXPECT_EQ((*EventDeadline::Read(With({{"deadlinems", "0"}}).view()))->left, 0s);
}

}  // namespace
}  // namespace holdfast
