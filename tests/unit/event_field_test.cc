// SPDX-License-Identifier: Apache-2.0
// Attributes of one value each: read as what they mean, refused by name, written by the rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/envelope_extensions.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>

#include "codec/request_id.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

Envelope Event() {
  Envelope event;
  event.set_id("e1");
  event.set_source("/orders");
  event.set_type("acme.order.placed");
  return event;
}

Envelope With(const Attribute& attribute) {
  Envelope event = Event();
  EXPECT_TRUE(event.Set(attribute));
  return event;
}

// "" or what is wrong.
template <class Field>
std::string ComplaintOn(const Field& field, const Attribute& attribute) {
  const auto read = field.Read(With(attribute).view());
  return read.ok() ? "" : std::string(read.status().message());
}

TEST(EventField, IsNothingWhereTheAttributeIsNot) {
  const Envelope event = Event();
  EXPECT_EQ(*kSubject.Read(event.view()), std::nullopt);
  EXPECT_EQ(*kSampledRate.Read(event.view()), std::nullopt);
  EXPECT_EQ(*kTime.Read(event.view()), std::nullopt);
  EXPECT_EQ(*BooleanField{"deprecated"}.Read(event.view()), std::nullopt);
  EXPECT_EQ(*kContractVersion.Read(event.view()), std::nullopt);
  EXPECT_EQ(*kCriticality.Read(event.view()), std::nullopt);
  EXPECT_EQ(*kSequence.Read(event.view()), std::nullopt);
}

TEST(EventField, ReadsWhatItWrote) {
  Envelope event = Event();
  const Timestamp time(1'700'000'000, 123'000'000);
  ASSERT_TRUE(kSubject.Write("order 7", &event).ok());
  ASSERT_TRUE(kDataRef.Write("../blobs/7", &event).ok());
  ASSERT_TRUE(kDataSchema.Write("urn:acme:order", &event).ok());
  ASSERT_TRUE(kTime.Write(time, &event).ok());
  ASSERT_TRUE(kSampledRate.Write(30, &event).ok());
  ASSERT_TRUE(BooleanField{"deprecated"}.Write(false, &event).ok());
  ASSERT_TRUE(kContractVersion.Write({2, 11}, &event).ok());
  ASSERT_TRUE(kCriticality.Write(Criticality::kSheddablePlus, &event).ok());
  ASSERT_TRUE(event->Check().ok());
  EXPECT_EQ(*kSubject.Read(event.view()), "order 7");
  EXPECT_EQ(*kDataRef.Read(event.view()), "../blobs/7");
  EXPECT_EQ(*kDataSchema.Read(event.view()), "urn:acme:order");
  EXPECT_EQ(*kTime.Read(event.view()), time);
  EXPECT_EQ(*kSampledRate.Read(event.view()), 30);
  EXPECT_EQ(*BooleanField{"deprecated"}.Read(event.view()), false);
  EXPECT_EQ(**kContractVersion.Read(event.view()), (VersionNumber{2, 11}));
  EXPECT_EQ(*kCriticality.Read(event.view()), Criticality::kSheddablePlus);
}

TEST(Timestamp, IsEveryMomentOfTheWallClock) {
  for (const WallTime time : {WallTime::min(), WallTime::max(), WallTime{}}) {
    const Timestamp said(time);
    EXPECT_GE(said.nanos, 0);
    EXPECT_LT(said.nanos, 1'000'000'000);
    EXPECT_EQ(said.Nearest(), time);
  }
  EXPECT_EQ(Timestamp(WallTime::min()), Timestamp(-9'223'372'037, 145'224'192));
  EXPECT_EQ(Timestamp(WallTime::max()), Timestamp(9'223'372'036, 854'775'807));
  EXPECT_EQ(Timestamp(-9'223'372'037, 145'224'191).Nearest(), WallTime::min());
  EXPECT_EQ(Timestamp(-9'223'372'037, 145'224'193).Nearest(),
            WallTime::min() + std::chrono::nanoseconds(1));
  EXPECT_EQ(Timestamp(9'223'372'036, 854'775'806).Nearest(),
            WallTime::max() - std::chrono::nanoseconds(1));
  EXPECT_EQ(Timestamp(INT64_MAX, 0).Nearest(), WallTime::max());
  EXPECT_EQ(Timestamp(INT64_MIN, 0).Nearest(), WallTime::min());
}

TEST(EventField, ReadsTheStringsThatHeadersBring) {
  EXPECT_EQ(*kSampledRate.Read(With(TextAttribute("sampledrate", "30")).view()), 30);
  EXPECT_EQ(*kTime.Read(With(TextAttribute("time", "1970-01-01T00:00:01Z")).view()),
            Timestamp(1, 0));
  EXPECT_EQ(*kDataRef.Read(With(TextAttribute("dataref", "a:b", HF_ATTRIBUTE_URI)).view()), "a:b");
  EXPECT_EQ(*BooleanField{"deprecated"}.Read(With(TextAttribute("deprecated", "true")).view()),
            true);
}

TEST(EventField, NamesTheAttributeThatIsWrongAndNotItsValue) {
  EXPECT_EQ(ComplaintOn(kSubject, TextAttribute("subject", "")), "subject: is empty");
  EXPECT_EQ(ComplaintOn(kTenant, IntegerAttribute("tenant", 77)), "tenant: is of another kind");
  EXPECT_EQ(ComplaintOn(kSampledRate, IntegerAttribute("sampledrate", 0)),
            "sampledrate: is below 1");
  EXPECT_EQ(ComplaintOn(kSampledRate, TextAttribute("sampledrate", "many")),
            "sampledrate: is of another kind");
  EXPECT_EQ(ComplaintOn(kTime, TextAttribute("time", "noon")), "time: is of another kind");
  EXPECT_EQ(ComplaintOn(kContractVersion, TextAttribute("contractversion", "2")),
            "contractversion: is no version, major.minor");
  EXPECT_EQ(ComplaintOn(kCriticality, TextAttribute("criticality", "very")),
            "criticality: is no word for a criticality");
  EXPECT_EQ(ComplaintOn(kSequence, TextAttribute("sequence", "")), "sequence: is empty");
}

TEST(EventField, RefusesToWriteWhatItWouldNotRead) {
  Envelope event = Event();
  EXPECT_EQ(kSubject.Write("", &event).message(), "subject: is empty");
  EXPECT_THAT(std::string(kSubject.Write("a\nb", &event).message()), HasSubstr("subject: holds a"));
  EXPECT_THAT(std::string(kDataRef.Write("a b", &event).message()), HasSubstr("URI-reference"));
  EXPECT_EQ(kAttempt.Write(0, &event).message(), "attempt: is below 1");
  EXPECT_EQ(RejectionOf(kAttempt.Write(0, &event))->reason, HF_R_OUT_OF_RANGE);
  EXPECT_THAT(std::string(kTime.Write({0, -1}, &event).message()), HasSubstr("time: a Timestamp"));
  EXPECT_EQ(kContractVersion.Write({100'000, 0}, &event).message(),
            "contractversion: has more than five digits");
  EXPECT_THAT(std::string(kCriticality.Write(Criticality{9}, &event).message()),
              HasSubstr("criticality: "));
  EXPECT_THAT(std::string(TextField{"Region"}.Write("x", &event).message()),
              HasSubstr("attribute name"));
  EXPECT_TRUE(event->attributes().empty());
}

TEST(EventField, FullEventTakesNoMore) {
  Envelope event = Event();
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(event.Set(IntegerAttribute("n" + std::to_string(i), i)));
  }
  const absl::Status full = kTenant.Write("t", &event);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(full.message(), "tenant: the event has no room for it");
}

TEST(Criticality, HasTheWordsOfTheHeaders) {
  for (hf_criticality each = HF_CRITICAL_PLUS; each <= HF_SHEDDABLE; ++each) {
    const auto criticality = static_cast<Criticality>(each);
    EXPECT_EQ(CriticalityWord(criticality), codec::FormatCriticality(each));
    EXPECT_EQ(ParseCriticality(CriticalityWord(criticality)), criticality);
  }
  EXPECT_EQ(ParseCriticality(""), std::nullopt);
  EXPECT_EQ(ParseCriticality("Critical"), std::nullopt);
}

TEST(ContractVersion, IsOrderedByNumbers) {
  EXPECT_LT((VersionNumber{1, 9}), (VersionNumber{1, 10}));
  EXPECT_LT((VersionNumber{1, 99999}), (VersionNumber{2, 0}));
  for (const char* text : {"", ".", "1", "1.", ".1", "1.2.3", "01.2", "1.02", "+1.2", "1.-2",
                           "1 .2", "100000.1", "1.100000", "v1.2", "1.2 "}) {
    EXPECT_EQ(ParseVersionNumber(text), std::nullopt) << text;
  }
  EXPECT_TRUE(rc::check([] {
    const VersionNumber number{*rc::gen::inRange(0u, 100'000u), *rc::gen::inRange(0u, 100'000u)};
    RC_ASSERT(ParseVersionNumber(Text(number)) == number);
  }));
}

TEST(Sequence, SortsAsTextAsItDoesAsNumber) {
  EXPECT_TRUE(rc::check([](std::uint64_t a, std::uint64_t b) {
    Envelope first = Event(), second = Event();
    RC_ASSERT(kSequence.Write(a, &first).ok());
    RC_ASSERT(kSequence.Write(b, &second).ok());
    const std::string_view x = **kSequence.Read(first.view());
    const std::string_view y = **kSequence.Read(second.view());
    RC_ASSERT((x < y) == (a < b));
    RC_ASSERT(SequenceField::NumberOf(x) == a);
  }));
  EXPECT_EQ(SequenceField::NumberOf("18446744073709551615"), UINT64_MAX);
  for (const char* other : {"", "7", "18446744073709551616", "0000000000000000000x",
                            "000000000000000000001", "-0000000000000000001"}) {
    EXPECT_EQ(SequenceField::NumberOf(other), std::nullopt) << other;
  }
}

TEST(ExpiryTime, IsOverAtTheMomentItself) {
  Envelope event = Event();
  EXPECT_EQ(*IsExpired(event.view(), Timestamp(253402300799, 0)), false);
  ASSERT_TRUE(kExpiryTime.Write({100, 5}, &event).ok());
  EXPECT_EQ(*IsExpired(event.view(), Timestamp(100, 4)), false);
  EXPECT_EQ(*IsExpired(event.view(), Timestamp(100, 5)), true);
  event.Set(TextAttribute("expirytime", "never"));
  EXPECT_EQ(IsExpired(event.view(), Timestamp()).status().message(),
            "expirytime: is of another kind");
}

TEST(IdempotencyKeyOfEvents, IsTheAttributeElseSourceAndId) {
  Envelope event = Event();
  EXPECT_EQ(*IdempotencyKeyOf(event.view()), "/orders e1");
  ASSERT_TRUE(kIdempotencyKey.Write("k-9", &event).ok());
  EXPECT_EQ(*IdempotencyKeyOf(event.view()), "k-9");
  event.Set(IntegerAttribute("idempotencykey", 9));
  EXPECT_EQ(IdempotencyKeyOf(event.view()).status().message(),
            "idempotencykey: is of another kind");
}

}  // namespace
}  // namespace holdfast
