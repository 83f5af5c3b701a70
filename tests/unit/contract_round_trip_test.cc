// SPDX-License-Identifier: Apache-2.0
// Conversions of generated messages, and the check that what goes up comes down as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/contract/payload.h>
#include <holdfast/contract/round_trip.h>
#include <holdfast/contract/typed_conversion.h>

#include <optional>
#include <string>
#include <vector>

#include "contract/orders.h"
#include "contract/typed.h"

namespace holdfast::contract {
namespace {

using contract_test::OrdersRegistry;
using contract_test::TypedRegistry;
using testing::HasSubstr;
using testing::StartsWith;
using v1::ErrorInfo;
using v1::StoredRefusal;

constexpr char kName[] = "com.acme.refusal";

ErrorInfo ToInfo(const StoredRefusal& old) {
  ErrorInfo info;
  // Any bytes as text.
  for (const char c : old.message())
    info.mutable_reason()->append({"abcdefghijklmnop"[c >> 4 & 15], "abcdefghijklmnop"[c & 15]});
  if (!old.details().empty())
    (*info.mutable_metadata())["details"] = std::to_string(old.details().size());
  return info;
}

StoredRefusal ToRefusal(const ErrorInfo& info) {
  StoredRefusal old;
  for (std::size_t i = 0; i + 1 < info.reason().size(); i += 2) {
    old.mutable_message()->push_back(
        static_cast<char>((info.reason()[i] - 'a') << 4 | (info.reason()[i + 1] - 'a')));
  }
  return old;
}

template <class Up, class Down>
absl::StatusOr<Converter> Both(Up up, Down down) {
  return Converter::Create(
      {.contracts = TypedRegistry(),
       .upcasts = {MakeEdge<StoredRefusal, ErrorInfo>(kName, {1, 0}, {2, 0}, up)},
       .downcasts = {MakeEdge<ErrorInfo, StoredRefusal>(kName, {2, 0}, {1, 0}, down)}});
}

Envelope EventOf(const StoredRefusal& message) {
  Envelope event;
  event.set_id("1");
  event.set_source("/s");
  event.set_type(kName);
  event.Set(TextAttribute("contractversion", "1.0"));
  EXPECT_TRUE(WritePayload(message, &event).ok());
  return event;
}

StoredRefusal Refusal(const std::string& message, const std::string& details = "") {
  StoredRefusal refusal;
  refusal.set_message(message);
  refusal.set_details(details);
  return refusal;
}

TEST(TypedConversion, ReadsAndWritesGeneratedMessages) {
  const auto converter = Both(ToInfo, ToRefusal);
  ASSERT_TRUE(converter.ok()) << converter.status();
  const auto up = converter->Upcast(EventOf(Refusal("ab")).view());
  ASSERT_TRUE(up.ok()) << up.status();
  ErrorInfo info;
  ASSERT_TRUE(ReadPayload(up->front().view(), &info).ok());
  EXPECT_EQ(info.reason(), "gbgc");
}

TEST(TypedConversion, AnswersWithOneOrSomeOrAnError) {
  const Envelope event = EventOf(Refusal("ab"));
  const auto count = [&](auto function) -> absl::StatusOr<std::size_t> {
    const auto converter = Both(function, ToRefusal);
    const auto up = converter->Upcast(event.view());
    if (!up.ok()) return up.status();
    return up->size();
  };
  const ErrorInfo one;
  EXPECT_EQ(*count([&](const StoredRefusal&) { return std::optional<ErrorInfo>(); }), 0u);
  EXPECT_EQ(*count([&](const StoredRefusal&) { return std::optional<ErrorInfo>(one); }), 1u);
  EXPECT_EQ(*count([&](const StoredRefusal&) { return std::vector<ErrorInfo>(3, one); }), 3u);
  EXPECT_EQ(*count([&](const StoredRefusal&) { return absl::StatusOr<ErrorInfo>(one); }), 1u);
  EXPECT_EQ(*count([&](const StoredRefusal&, const EnvelopeView& view) {
    return absl::StatusOr<std::vector<ErrorInfo>>(std::vector<ErrorInfo>(view.id().size(), one));
  }),
            1u);
  const absl::Status failed = count([](const StoredRefusal&) {
                                return absl::StatusOr<ErrorInfo>(absl::DataLossError("no"));
                              }).status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kDataLoss);
}

TEST(TypedConversion, EncodingAndKindOfTheDataStay) {
  const auto converter = Both(ToInfo, ToRefusal);
  Envelope event = EventOf(Refusal("ab"));
  event.set_data(DataKind::kProto, event->data(), "types.acme.example/holdfast.v1.StoredRefusal");
  const auto proto = converter->Upcast(event.view());
  EXPECT_EQ(proto->front()->data_kind(), DataKind::kProto);
  EXPECT_EQ(proto->front()->data_type(), "types.acme.example/holdfast.v1.ErrorInfo");
  event.set_data(DataKind::kText, R"({"message": "YWI="})");
  event.Set(TextAttribute("datacontenttype", "application/json"));
  const auto json = converter->Upcast(event.view());
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->front()->data_kind(), DataKind::kText);
  EXPECT_EQ(json->front()->data(), R"({"reason":"gbgc"})");
}

TEST(TypedConversion, EdgeOfAnotherMessageIsRefusedAtTheStart) {
  const auto converter = Converter::Create(
      {.contracts = TypedRegistry(),
       .upcasts = {MakeEdge<ErrorInfo, StoredRefusal>(kName, {1, 0}, {2, 0}, ToRefusal)}});
  EXPECT_THAT(
      std::string(converter.status().message()),
      HasSubstr(
          "reads holdfast.v1.ErrorInfo, and the contract's message is holdfast.v1.StoredRefusal"));
}

TEST(RoundTrip, HoldsForSamplesThatComeBackAsTheyWere) {
  const auto converter = Both(ToInfo, ToRefusal);
  const std::vector<Envelope> samples = {EventOf(Refusal("")),
                                         EventOf(Refusal(std::string("\0\xff", 2)))};
  EXPECT_TRUE(CheckRoundTrip(*converter, samples, {2, 0}).ok());
}

TEST(RoundTrip, FirstDifferenceIsNamed) {
  const auto converter = Both(ToInfo, ToRefusal);
  const std::vector<Envelope> samples = {EventOf(Refusal("a")), EventOf(Refusal("a", "lost"))};
  const absl::Status status = CheckRoundTrip(*converter, samples, {2, 0});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_CONTRACT_CONVERSION);
  EXPECT_EQ(status.message(), "sample 1 (com.acme.refusal 1.0): details: is gone");
}

TEST(RoundTrip, AttributesCountAndSoDoesTheNumberOfEvents) {
  const auto with = [](Conversion up) {
    const auto converter = Converter::Create(
        {.contracts = TypedRegistry(),
         .upcasts = {{.contract = kName, .from = {1, 0}, .to = {2, 0}, .convert = std::move(up)}},
         .downcasts = {MakeEdge<ErrorInfo, StoredRefusal>(kName, {2, 0}, {1, 0}, ToRefusal)}});
    std::vector<Envelope> samples = {EventOf(Refusal(""))};
    samples[0].Set(TextAttribute("subject", "s"));
    return std::string(CheckRoundTrip(*converter, samples, {2, 0}).message());
  };
  const auto change = [](const std::function<void(Envelope*)>& apply) -> Conversion {
    return [apply](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
      std::vector<Envelope> events{Envelope(event)};
      apply(&events[0]);
      return events;
    };
  };
  EXPECT_EQ(with(change([](Envelope*) {})), "");
  EXPECT_THAT(with(change([](Envelope* event) { event->set_id("2"); })),
              HasSubstr("): id: is another"));
  EXPECT_THAT(with(change([](Envelope* event) { event->Erase("subject"); })),
              HasSubstr("): subject: is gone"));
  EXPECT_THAT(with(change([](Envelope* event) { event->Set(TextAttribute("subject", "t")); })),
              HasSubstr("): subject: is another"));
  EXPECT_THAT(with(change([](Envelope* event) { event->Set(TextAttribute("more", "t")); })),
              HasSubstr("): more: was not there"));
  EXPECT_THAT(with([](const EnvelopeView&) { return std::vector<Envelope>(); }),
              HasSubstr("): becomes 0 events in 2.0"));
}

TEST(RoundTrip, SamplesAreTheSameForTheSameSeedAndCoverTheSchema) {
  const ContractRegistry contracts = OrdersRegistry();
  const RegisteredVersion& version = *contracts.Find("com.acme.order", {1, 1});
  const auto samples = SampleEvents(version, 100, 7);
  const auto again = SampleEvents(version, 100, 7);
  const auto other = SampleEvents(version, 100, 8);
  ASSERT_EQ(samples.size(), 100u);
  int differ = 0;
  int gifts = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i]->data(), again[i]->data());
    differ += samples[i]->data() != other[i]->data();
    const std::unique_ptr<google::protobuf::Message> message(version.prototype->New());
    ASSERT_TRUE(ReadPayload(samples[i].view(), message.get()).ok());
    gifts += message->ShortDebugString().find("gift: true") != std::string::npos;
  }
  EXPECT_GT(differ, 80);
  EXPECT_GT(gifts, 10);
}

// Bridges pass the payload on as it is, so every sample survives them.
TEST(RoundTrip, HoldsOverBridgesForRandomSamples) {
  const ContractRegistry contracts = OrdersRegistry();
  const auto same = [](const EnvelopeView& event) -> absl::StatusOr<std::vector<Envelope>> {
    return std::vector<Envelope>{Envelope(event)};
  };
  const auto converter = Converter::Create(
      {.contracts = contracts,
       .upcasts = {{.contract = "com.acme.order", .from = {1, 1}, .to = {2, 0}, .convert = same}}});
  ASSERT_TRUE(converter.ok()) << converter.status();
  const auto samples = SampleEvents(*contracts.Find("com.acme.order", {1, 0}), 300, 11);
  const absl::Status status = CheckRoundTrip(*converter, samples, {1, 1});
  EXPECT_TRUE(status.ok()) << status;
}

TEST(RoundTrip, MessageThatNeedsItselfMakesNoSample) {
  contract_test::Parts parts(R"(contract { name: "com.acme.order" version { number: "1.0"
    message: "acme.Tree" descriptor_set: "tree" } })");
  parts.Set("tree", "syntax = \"proto2\"; package acme; message Tree { required Tree child = 1; }");
  const auto contracts = parts.Create();
  EXPECT_TRUE(SampleEvents(contracts->versions()[0], 3, 1).empty());
}

}  // namespace
}  // namespace holdfast::contract
