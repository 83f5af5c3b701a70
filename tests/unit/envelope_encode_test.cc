// SPDX-License-Identifier: Apache-2.0
//
// Writing an event, whole and without its data; reading one of which the data are not at hand; batches; and finding.
#include <gtest/gtest.h>
#include <holdfast/c/envelope.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/event_bytes.h"

namespace holdfast {
namespace {

using namespace testing_bytes;  // NOLINT: the words of these tests

const Said kShort{HF_OUT_OF_RANGE, HF_R_BUFFER_TOO_SMALL, ""};

// Events with each kind of data, of more bytes than one length byte tells.
std::vector<std::string> Whole() {
  const std::string head = Required() + String("subject", "order-1") + Bytes(31, "unknown");
  const std::string text = "\xE2\x82\xAC" + std::string(200, 'x') + "\xE2\x82\xAC";
  return {head + Bytes(6, text), head + Bytes(7, text),
          head + Bytes(8, Bytes(1, "t/x") + Bytes(2, text))};
}

TEST(EnvelopeEncode, NothingIsWrittenIfItDoesNotFit) {
  for (const std::string& bytes : Whole()) {
    Event event;
    ASSERT_EQ(event.Decode(bytes), Said{});
    std::string out(bytes.size(), '?');
    std::size_t need = 0;
    hf_error error{};
    EXPECT_EQ(hf_envelope_encode(&event.raw, nullptr, out.data(), out.size() - 1, &need, &error),
              HF_RESOURCE_EXHAUSTED);
    EXPECT_EQ(error.reason, HF_R_BUFFER_TOO_SMALL);
    EXPECT_EQ(out, std::string(bytes.size(), '?'));
    EXPECT_EQ(need, bytes.size());
    EXPECT_EQ(hf_envelope_encode(&event.raw, nullptr, out.data(), need, nullptr, nullptr), HF_OK);
    EXPECT_EQ(out, bytes);
  }
}

TEST(EnvelopeEncode, HeadAndDataAreTheEvent) {
  for (const std::string& bytes : Whole()) {
    Event event;
    ASSERT_EQ(event.Decode(bytes), Said{});
    std::string head(bytes.size(), '?');
    std::size_t need = 0;
    ASSERT_EQ(
        hf_envelope_encode_head(&event.raw, nullptr, head.data(), head.size(), &need, nullptr),
        HF_OK);
    head.resize(need);
    EXPECT_EQ(head + std::string(View(event.raw.data)), bytes);
  }
}

TEST(EnvelopeEncode, WhatIsRefusedIsNotWritten) {
  Event event;
  char out[8] = "???????";
  std::size_t need = 7;
  hf_error error{};
  EXPECT_EQ(hf_envelope_encode(&event.raw, nullptr, out, sizeof out, &need, &error),
            HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "id: is missing or empty");
  EXPECT_EQ(need, 0u);
  EXPECT_STREQ(out, "???????");
  EXPECT_EQ(hf_envelope_encode(&event.raw, nullptr, nullptr, 8, &need, &error),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_envelope_encode_head(nullptr, nullptr, out, 8, &need, &error), HF_INVALID_ARGUMENT);
}

TEST(EnvelopeEncode, LengthsOfEverySizeAreWrittenAsTheyAreRead) {
  for (const std::size_t size : {0u, 1u, 126u, 127u, 128u, 16383u, 16384u, 300000u}) {
    for (const unsigned field : {6u, 7u}) {
      Event event;
      const std::string bytes = Required() + Bytes(field, std::string(size, 'x'));
      ASSERT_EQ(event.Decode(bytes), Said{});
      EXPECT_EQ(event.Encode(), bytes);
    }
    if (size > 8000) continue;
    Event event;
    const std::string bytes = Required() + String("n", std::string(size, 'x')) +
                              Attribute("b", Bytes(4, std::string(size, 'x')));
    ASSERT_EQ(event.Decode(bytes), Said{});
    EXPECT_EQ(event.Encode(), bytes);
  }
}

TEST(EnvelopeHead, EveryPrefixIsTheWholeOrTooShort) {
  for (const std::string& bytes : Whole()) {
    const std::size_t data_begin = bytes.size() - 206;
    for (std::size_t have = 0; have < bytes.size(); ++have) {
      Event event;
      const Said said = event.DecodeHead(bytes.substr(0, have), bytes.size());
      if (have < data_begin) {
        EXPECT_EQ(said.code, kShort.code) << have;
        EXPECT_EQ(said.reason, kShort.reason) << have;
        continue;
      }
      ASSERT_EQ(said, Said{}) << have;
      EXPECT_EQ(event.raw.data.size, 206u);
      EXPECT_EQ(event.raw.data.data, event.bytes.data() + data_begin);
      EXPECT_EQ(View(event.attributes[0].text), "order-1");
    }
  }
}

TEST(EnvelopeHead, AFieldAfterTheDataMustBeAtHand) {
  const std::string data = Bytes(6, std::string(200, 'x'));
  const std::string bytes = Bytes(3, "1.0") + Bytes(1, "i") + Bytes(2, "s") + data + Bytes(4, "t");
  for (std::size_t have = 0; have < bytes.size(); ++have) {
    Event event;
    EXPECT_EQ(event.DecodeHead(bytes.substr(0, have), bytes.size()).code, kShort.code) << have;
  }
}

TEST(EnvelopeHead, AnAnyOfWhichTheTypeComesLastMustBeAtHand) {
  const std::string any = Bytes(2, std::string(200, 'x')) + Bytes(1, "t/x");
  for (const std::string& after : {std::string(), Bytes(4, "t")}) {
    const std::string bytes =
        (after.empty() ? Required() : Bytes(3, "1.0") + Bytes(1, "i") + Bytes(2, "s")) +
        Bytes(8, any) + after;
    for (std::size_t have = 0; have < bytes.size(); ++have) {
      Event event;
      EXPECT_EQ(event.DecodeHead(bytes.substr(0, have), bytes.size()).code, kShort.code) << have;
    }
  }
}

TEST(EnvelopeHead, TextIsCheckedAsFarAsItIsAtHand) {
  const std::string text = Required() + Bytes(7, "\xF0\x9F\x98\x80 x \xFF y");
  const std::size_t data_begin = kRequiredSize + 2;
  for (std::size_t have = data_begin; have < text.size(); ++have) {
    Event event;
    EXPECT_EQ(event.DecodeHead(text.substr(0, have), text.size()).code,
              have <= data_begin + 7 ? HF_OK : HF_INVALID_ARGUMENT)
        << have;
  }
  Event event;
  const std::string overlong = Required() + Bytes(7, "\xE0\x80\x80 and on");
  EXPECT_EQ(event.DecodeHead(overlong.substr(0, data_begin + 2), overlong.size()).code,
            HF_INVALID_ARGUMENT);
}

TEST(EnvelopeHead, WhatIsWrongAlreadyIsSaidAtOnce) {
  const std::string bytes = Required() + Bytes(1, "again") + Bytes(6, std::string(200, 'x'));
  Event event;
  EXPECT_EQ(event.DecodeHead(bytes.substr(0, 60), bytes.size()),
            Malformed("id: byte 31: is given twice"));
  EXPECT_EQ(event.DecodeHead(Required() + Tag(6, 2) + Varint(100), kRequiredSize + 50),
            Malformed("data: byte 32: has a length beyond the end"));
  hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
  limits.max_size = 100;
  EXPECT_EQ(event.DecodeHead(bytes.substr(0, 60), bytes.size(), &limits),
            Over("event: has more bytes than max_size"));
}

TEST(EnvelopeHead, MoreAtHandThanThereIsIsRefused) {
  Event event;
  EXPECT_EQ(event.DecodeHead(Required(), 3), Outside("have: more than the size"));
}

TEST(EnvelopeFind, TellsNamesApart) {
  Event event;
  ASSERT_EQ(event.Decode(Required() + String("abc", "1") + String("abd", "2") + String("ab", "3")),
            Said{});
  EXPECT_EQ(hf_envelope_find(&event.raw, "abd", 3), &event.attributes[1]);
  EXPECT_EQ(hf_envelope_find(&event.raw, "ab", 2), &event.attributes[2]);
  EXPECT_EQ(hf_envelope_find(&event.raw, "abcd", 4), nullptr);
  EXPECT_EQ(hf_envelope_find(&event.raw, "id", 2), nullptr);
  EXPECT_EQ(hf_envelope_find(&event.raw, nullptr, 0), nullptr);
  EXPECT_EQ(hf_envelope_find(nullptr, "ab", 2), nullptr);
  event.attributes[0].name = {nullptr, 3};
  EXPECT_EQ(hf_envelope_find(&event.raw, "abd", 3), &event.attributes[1]);
  event.attributes[0].name = {nullptr, 0};
  EXPECT_EQ(hf_envelope_find(&event.raw, "", 0), nullptr);
  event.raw.attribute_count = UINT32_MAX;  // an event has no such number
  EXPECT_EQ(hf_envelope_find(&event.raw, "x", 1), nullptr);
  event.raw.attributes = nullptr;
  EXPECT_EQ(hf_envelope_find(&event.raw, "ab", 2), nullptr);
}

// The events of a batch, or what was said instead.
std::vector<std::string> Events(std::string_view batch, Said* said) {
  std::vector<std::string> events;
  std::size_t at = 0;
  for (;;) {
    hf_str event{};
    hf_error error{};
    if (hf_envelope_batch_next(batch.data(), batch.size(), &at, &event, &error) != HF_OK) {
      *said = SaidOf(error);
      return events;
    }
    if (event.data == nullptr) return events;
    events.emplace_back(View(event));
  }
}

TEST(EnvelopeBatch, EventsComeOneByOneAndOtherFieldsArePassedOver) {
  Said said;
  EXPECT_EQ(Events("", &said), std::vector<std::string>{});
  EXPECT_EQ(Events(Bytes(1, "a") + Number(2, 7) + Bytes(1, "") + Bytes(3, "?") + Bytes(1, "c") +
                       Tag(4, 3) + Bytes(1, "not this") + Tag(4, 4),
                   &said),
            (std::vector<std::string>{"a", "", "c"}));
  EXPECT_EQ(said, Said{});
}

TEST(EnvelopeBatch, WhatIsBrokenNamesTheByte) {
  Said said;
  EXPECT_EQ(Events(Bytes(1, "abc") + Tag(1, 2) + Varint(2) + "x", &said).size(), 1u);
  EXPECT_EQ(said, Malformed("batch: byte 6: has a length beyond the end"));
  EXPECT_EQ(Events(Bytes(1, "abc") + Tag(1, 2), &said).size(), 1u);
  EXPECT_EQ(said, Malformed("batch: byte 6: ends in the middle of a field"));
  Events(Number(1, 1), &said);
  EXPECT_EQ(said, Malformed("batch: byte 0: has its events as another type"));
}

TEST(EnvelopeBatch, ThePrefixIsWhatTheReaderTakes) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 70000u}) {
    char prefix[HF_ENVELOPE_PREFIX];
    std::size_t prefix_size = 0;
    ASSERT_EQ(hf_envelope_batch_prefix(size, prefix, &prefix_size), HF_OK);
    Said said;
    const std::string event(size, 'x');
    EXPECT_EQ(Events(std::string(prefix, prefix_size) + event, &said),
              std::vector<std::string>{event});
  }
  char prefix[HF_ENVELOPE_PREFIX];
  std::size_t prefix_size = 0;
  EXPECT_EQ(hf_envelope_batch_prefix(0x80000000u, prefix, &prefix_size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_envelope_batch_prefix(1, nullptr, &prefix_size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_envelope_batch_prefix(1, prefix, nullptr), HF_INVALID_ARGUMENT);
}

TEST(EnvelopeBatch, ArgumentsAreLookedAt) {
  std::size_t at = 9;
  hf_str event{};
  hf_error error{};
  EXPECT_EQ(hf_envelope_batch_next("", 0, &at, &event, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "at: is beyond the end of the batch");
  at = 0;
  EXPECT_EQ(hf_envelope_batch_next(nullptr, 1, &at, &event, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_envelope_batch_next("", 0, nullptr, &event, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_envelope_batch_next("", 0, &at, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_envelope_batch_next(nullptr, 0, &at, &event, &error), HF_OK);
}

}  // namespace
}  // namespace holdfast
