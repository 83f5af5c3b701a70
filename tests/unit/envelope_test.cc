// SPDX-License-Identifier: Apache-2.0
//
// Events as values of C++: the view over somebody else's bytes, and the one that owns its text.
#include <gtest/gtest.h>
#include <holdfast/envelope.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/event_bytes.h"

namespace holdfast {
namespace {

using testing_bytes::Bytes;
using testing_bytes::Required;
using testing_bytes::String;

std::string Whole() {
  return Required() + String("subject", "order-1") + String("tenant", "acme") +
         Bytes(31, "unknown") + Bytes(8, Bytes(1, "t/x") + Bytes(2, "message"));
}

std::string Encoded(const EnvelopeView& event) {
  std::string bytes;
  EXPECT_EQ(event.Encode(&bytes), absl::OkStatus());
  return bytes;
}

// Whether its attributes are its own: not those of the one it came from.
bool IsPinned(const EnvelopeView& event) {
  const auto* const begin = reinterpret_cast<const char*>(&event);
  const auto* const at = reinterpret_cast<const char*>(event.raw().attributes);
  return at > begin && at < begin + sizeof event;
}

TEST(EnvelopeView, BeginsEmptyAndSaysWhatIsMissing) {
  const EnvelopeView event;
  EXPECT_TRUE(event.id().empty() && event.attributes().empty());
  EXPECT_EQ(event.data_kind(), DataKind::kNone);
  EXPECT_EQ(event.Check().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(event.Check().message(), "id: is missing or empty");
}

TEST(EnvelopeView, ReadsInPlace) {
  const std::string bytes = Whole();
  EnvelopeView event;
  ASSERT_EQ(event.Decode(bytes), absl::OkStatus());
  EXPECT_EQ(event.id(), "id-1");
  EXPECT_EQ(event.source(), "/here");
  EXPECT_EQ(event.type(), "acme.placed");
  EXPECT_EQ(event.Text("subject"), "order-1");
  EXPECT_EQ(event.Text("nobody"), "");
  EXPECT_EQ(event.Find("nobody"), nullptr);
  EXPECT_EQ(event.data_kind(), DataKind::kProto);
  EXPECT_EQ(event.data_type(), "t/x");
  EXPECT_EQ(event.data(), "message");
  EXPECT_EQ(event.data().data(), bytes.data() + bytes.size() - 7);
  EXPECT_EQ(Encoded(event), bytes);
}

TEST(EnvelopeView, TextIsOfTextOnly) {
  EnvelopeView event;
  ASSERT_TRUE(event.Set(IntegerAttribute("n", 7)));
  ASSERT_TRUE(event.Set(TextAttribute("b", "bytes", HF_ATTRIBUTE_BYTES)));
  ASSERT_TRUE(event.Set(TextAttribute("u", "urn:x", HF_ATTRIBUTE_URI)));
  EXPECT_EQ(event.Text("n"), "");
  EXPECT_EQ(event.Text("b"), "");
  EXPECT_EQ(event.Text("u"), "urn:x");
}

TEST(EnvelopeView, AnErrorLeavesNoEventBehind) {
  const std::string bytes = Whole();
  EnvelopeView event;
  ASSERT_EQ(event.Decode(bytes), absl::OkStatus());
  const absl::Status status = event.Decode(bytes + Bytes(1, "x"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_MALFORMED);
  EXPECT_TRUE(event.id().empty() && event.attributes().empty() && event.data().empty());
  EXPECT_EQ(event.raw().unknown_count, 0u);
  ASSERT_EQ(event.Decode(bytes), absl::OkStatus());  // and is good for the next one
}

TEST(EnvelopeView, LimitsAreTheCallers) {
  EnvelopeView event;
  EXPECT_EQ(event.Decode(Whole(), {.max_attributes = 1}).code(),
            absl::StatusCode::kResourceExhausted);
  ASSERT_EQ(event.Decode(Whole(), {.max_size = 128, .max_attributes = 2, .max_text = 64}),
            absl::OkStatus());
}

TEST(EnvelopeView, CopiesKeepTheirOwnAttributes) {
  const std::string bytes = Whole();
  EnvelopeView event;
  ASSERT_EQ(event.Decode(bytes), absl::OkStatus());
  EnvelopeView copy = event;
  EXPECT_TRUE(IsPinned(copy));
  ASSERT_TRUE(event.Set(TextAttribute("subject", "other")));
  EXPECT_EQ(copy.Text("subject"), "order-1");
  EnvelopeView assigned;
  ASSERT_TRUE(assigned.Set(TextAttribute("gone", "x")));
  assigned = copy;
  EXPECT_TRUE(IsPinned(assigned));
  EXPECT_EQ(assigned.Find("gone"), nullptr);
  EXPECT_EQ(Encoded(assigned), bytes);
  EnvelopeView& self = assigned;
  assigned = self;
  EXPECT_EQ(Encoded(assigned), bytes);
  std::vector<EnvelopeView> many(3, assigned);
  many.resize(40, copy);
  for (const EnvelopeView& each : many) {
    EXPECT_TRUE(IsPinned(each));
    EXPECT_EQ(Encoded(each), bytes);
  }
}

TEST(EnvelopeView, SetReplacesAndEraseKeepsTheOrderOfTheRest) {
  EnvelopeView event;
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(event.Set(TextAttribute(name, name)));
  ASSERT_TRUE(event.Set(BooleanAttribute("b", true)));
  ASSERT_EQ(event.attributes().size(), 3u);
  EXPECT_EQ(event.attributes()[1].kind, HF_ATTRIBUTE_BOOLEAN);
  EXPECT_TRUE(event.Erase("a"));
  EXPECT_FALSE(event.Erase("a"));
  ASSERT_EQ(event.attributes().size(), 2u);
  EXPECT_EQ(View(event.attributes()[0].name), "b");
  EXPECT_EQ(View(event.attributes()[1].name), "c");
  EXPECT_TRUE(event.Erase("c"));
  EXPECT_TRUE(event.Erase("b"));
  EXPECT_TRUE(event.attributes().empty());
}

TEST(EnvelopeView, ThereIsRoomForSixtyFour) {
  EnvelopeView event;
  std::vector<std::string> names;
  for (int i = 0; i < 65; ++i) names.push_back("a" + std::to_string(i));
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(event.Set(TextAttribute(names[i], "x"))) << i;
  EXPECT_FALSE(event.Set(TextAttribute(names[64], "x")));
  EXPECT_TRUE(event.Set(TextAttribute(names[63], "y")));
  EXPECT_EQ(event.Text("a63"), "y");
  EXPECT_TRUE(event.Erase("a0"));
  EXPECT_TRUE(event.Set(TextAttribute(names[64], "x")));
  event.Clear();
  EXPECT_TRUE(event.attributes().empty());
}

TEST(EnvelopeView, EncodeAppendsAndAnErrorAppendsNothing) {
  EnvelopeView event;
  std::string out = "before";
  EXPECT_FALSE(event.Encode(&out).ok());
  EXPECT_EQ(out, "before");
  const std::string bytes = Whole();
  ASSERT_EQ(event.Decode(bytes), absl::OkStatus());
  ASSERT_EQ(event.Encode(&out), absl::OkStatus());
  EXPECT_EQ(out, "before" + bytes);
  std::string head;
  ASSERT_EQ(event.EncodeHead(&head), absl::OkStatus());
  EXPECT_EQ(head + std::string(event.data()), bytes);
}

TEST(EnvelopeView, EncodeFindsRoomForWhatIsLongerThanItGuessed) {
  const std::string unknown = Bytes(31, std::string(3000, 'u')), text(4000, 't');
  const std::string bytes = Required() + String("long", text) + unknown;
  EnvelopeView event;
  ASSERT_EQ(event.Decode(bytes), absl::OkStatus());
  EXPECT_EQ(Encoded(event), bytes);
}

TEST(Envelope, HasAFreshId) {
  const Envelope first("acme.placed", "/here"), second("acme.placed", "/here");
  EXPECT_EQ(first->id().size(), 36u);
  EXPECT_NE(first->id(), second->id());
  EXPECT_EQ(first->Check(), absl::OkStatus());
}

TEST(Envelope, OwnsWhatItWasGiven) {
  Envelope event;
  {
    const std::string id(100, 'i'), source(100, 's'), type(100, 't'), name(50, 'n'), text(100, 'x');
    event.set_id(id);
    event.set_source(source);
    event.set_type(type);
    event.set_data(DataKind::kProto, std::string(100, 'd'), std::string(100, 'u'));
    ASSERT_TRUE(event.Set(TextAttribute(name, text)));
  }
  EXPECT_EQ(event->id(), std::string(100, 'i'));
  EXPECT_EQ(event->source(), std::string(100, 's'));
  EXPECT_EQ(event->type(), std::string(100, 't'));
  EXPECT_EQ(event->data(), std::string(100, 'd'));
  EXPECT_EQ(event->data_type(), std::string(100, 'u'));
  EXPECT_EQ(event->Text(std::string(50, 'n')), std::string(100, 'x'));
}

TEST(Envelope, DecodeOwnsTheBytes) {
  absl::StatusOr<Envelope> event = Envelope::Decode(Whole());
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(Encoded(event->view()), Whole());
  EXPECT_EQ(Envelope::Decode("\x0F").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(Envelope::Decode(Whole(), {.max_attributes = 1}).ok());
}

TEST(Envelope, CopiesMovesAndAssignsToItself) {
  const std::string bytes = Whole();
  Envelope event = *Envelope::Decode(bytes);
  {
    Envelope copy = event;
    EXPECT_EQ(Encoded(copy.view()), bytes);
    EXPECT_NE(copy->id().data(), event->id().data());
    const Envelope moved = std::move(copy);
    EXPECT_EQ(Encoded(moved.view()), bytes);
    EXPECT_TRUE(copy->id().empty() && copy->attributes().empty());  // NOLINT: that is the test
    EXPECT_TRUE(IsPinned(moved.view()));
    event = moved;
  }
  EXPECT_EQ(Encoded(event.view()), bytes);
  EXPECT_TRUE(IsPinned(event.view()));
  Envelope& self = event;
  event = self;
  EXPECT_EQ(Encoded(event.view()), bytes);
  event = std::move(self);
  EXPECT_EQ(Encoded(event.view()), bytes);
}

TEST(Envelope, KeepsAShortTextWhereItIsMoved) {
  Envelope event("t", "s");  // short enough to lie inside a string
  event.set_id("i");
  ASSERT_TRUE(event.Set(TextAttribute("n", "v")));
  std::vector<Envelope> many;
  many.push_back(std::move(event));
  many.resize(20);
  EXPECT_EQ(many[0]->id(), "i");
  EXPECT_EQ(many[0]->Text("n"), "v");
  EXPECT_EQ(many[0]->Check(), absl::OkStatus());
}

TEST(Envelope, CopyOfAViewOutlivesItsBytes) {
  Envelope event;
  {
    const std::string bytes = Whole();
    EnvelopeView view;
    ASSERT_EQ(view.Decode(bytes), absl::OkStatus());
    event = Envelope(view);
  }
  EXPECT_EQ(Encoded(event.view()), Whole());
}

TEST(Envelope, SetReplacesEraseErasesAndFullIsSaid) {
  Envelope event("acme.placed", "/here");
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(event.Set(TextAttribute("a" + std::to_string(i), "x")));
  EXPECT_FALSE(event.Set(TextAttribute("more", "x")));
  EXPECT_TRUE(event.Set(TextAttribute("a7", event->id())));  // its own text
  EXPECT_EQ(event->Text("a7"), event->id());
  EXPECT_TRUE(event.Erase("a7"));
  EXPECT_FALSE(event.Erase("a7"));
  EXPECT_EQ(event->Check(), absl::OkStatus());
  event.Clear();
  EXPECT_TRUE(event->id().empty() && event->attributes().empty());
}

}  // namespace
}  // namespace holdfast
