// SPDX-License-Identifier: Apache-2.0
//
// Events written around a payload in its place: the bytes are those of any other writer, and an error leaves no trace.
#include <gtest/gtest.h>
#include <holdfast/envelope_body.h>

#include <cstring>
#include <string>
#include <string_view>

namespace holdfast {
namespace {

EnvelopeView Event() {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/orders");
  event.set_type("placed");
  event.Set(TextAttribute("subject", "s"));
  return event;
}

absl::Status Around(const EnvelopeView& event, DataKind kind, std::string_view payload,
                    std::string* out, std::string_view type_url = {}) {
  return EncodeAround(
      event, {.kind = kind, .size = payload.size(), .type_url = type_url},
      [&](char* place) {
        if (!payload.empty()) std::memcpy(place, payload.data(), payload.size());
      },
      out);
}

TEST(EncodeAround, GivesTheBytesOfEncode) {
  for (const std::size_t size : {0, 1, 127, 128, 20'000}) {
    const std::string payload(size, 'p');
    for (const DataKind kind : {DataKind::kBinary, DataKind::kText, DataKind::kProto}) {
      const std::string_view url = kind == DataKind::kProto ? "type.googleapis.com/acme.Order" : "";
      EnvelopeView event = Event();
      std::string around = "before";
      ASSERT_TRUE(Around(event, kind, payload, &around, url).ok());
      event.set_data(kind, payload, url);
      std::string encoded = "before";
      ASSERT_TRUE(event.Encode(&encoded).ok());
      EXPECT_TRUE(around == encoded) << size;
    }
  }
}

TEST(EncodeAround, NothingIsAskedForAnEventThatMayNotBeSent) {
  std::string out = "before";
  const auto never = [](char*) { FAIL() << "called"; };
  EnvelopeView event = Event();
  EXPECT_FALSE(EncodeAround(event, {.kind = DataKind::kNone, .size = 1}, never, &out).ok());
  EXPECT_FALSE(EncodeAround(event, {.kind = DataKind::kProto, .size = 1}, never, &out).ok());
  EXPECT_FALSE(EncodeAround(event, {.size = 2 << 20}, never, &out).ok());
  event.set_id("");
  EXPECT_FALSE(EncodeAround(event, {.size = 1}, never, &out).ok());
  EXPECT_EQ(out, "before");
}

TEST(EncodeAround, TextThatIsNoneIsTakenBack) {
  std::string out = "before";
  const absl::Status written = Around(Event(), DataKind::kText, "\xFF", &out);
  EXPECT_EQ(written.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace holdfast
