// SPDX-License-Identifier: Apache-2.0
//
// Reading an event: one test for each rule of its structure, and what the error names.
#include <gtest/gtest.h>
#include <holdfast/c/envelope.h>

#include <set>
#include <string>
#include <string_view>

#include "unit/event_bytes.h"

namespace holdfast {
namespace {

using namespace testing_bytes;  // NOLINT: the words of these tests

constexpr std::string_view kUnknown = "\xF8\x01\x05";  // field 31, varint

std::string At(std::size_t byte, std::string_view before, std::string_view after) {
  return std::string(before) + ": byte " + std::to_string(byte) + ": " + std::string(after);
}

TEST(EnvelopeDecode, ReadsEveryFieldInPlace) {
  const std::string bytes =
      Required() + Attribute("deprecated", Number(1, 1)) + Attribute("sampledrate", Number(2, 7)) +
      String("subject", "order-1") + Attribute("blob", Bytes(4, "\x01\xFF")) +
      Attribute("dataschema", Bytes(5, "urn:x:y")) + Attribute("dataref", Bytes(6, "/there")) +
      Attribute("time", Bytes(7, Number(1, 1'700'000'000) + Number(2, 5))) + std::string(kUnknown) +
      Bytes(6, "payload");
  Event event;
  ASSERT_EQ(event.Decode(bytes), Said{});
  EXPECT_EQ(View(event.raw.id), "id-1");
  EXPECT_EQ(View(event.raw.source), "/here");
  EXPECT_EQ(View(event.raw.type), "acme.placed");
  EXPECT_EQ(event.raw.data_kind, HF_DATA_BINARY);
  EXPECT_EQ(View(event.raw.data), "payload");
  EXPECT_EQ(event.raw.data.data, event.bytes.data() + bytes.size() - 7);
  ASSERT_EQ(event.raw.attribute_count, 7u);
  const hf_attribute_kind kinds[] = {
      HF_ATTRIBUTE_BOOLEAN, HF_ATTRIBUTE_INTEGER, HF_ATTRIBUTE_STRING,   HF_ATTRIBUTE_BYTES,
      HF_ATTRIBUTE_URI,     HF_ATTRIBUTE_URI_REF, HF_ATTRIBUTE_TIMESTAMP};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(event.attributes[i].kind, kinds[i]) << i;
  EXPECT_EQ(event.attributes[0].number, 1);
  EXPECT_EQ(event.attributes[1].number, 7);
  EXPECT_EQ(View(event.attributes[2].name), "subject");
  EXPECT_EQ(View(event.attributes[2].text), "order-1");
  EXPECT_EQ(View(event.attributes[3].text), "\x01\xFF");
  EXPECT_EQ(event.attributes[6].number, 1'700'000'000);
  EXPECT_EQ(event.attributes[6].nanos, 5);
  ASSERT_EQ(event.raw.unknown_count, 1u);
  EXPECT_EQ(View(event.raw.unknown[0]), kUnknown);
  EXPECT_EQ(event.Encode(), bytes);
}

TEST(EnvelopeDecode, AnyOrderIsReadAndTheCanonicalOneWritten) {
  const std::string bytes = Bytes(6, "payload") + Bytes(4, "acme.placed") +
                            Bytes(5, Bytes(2, Bytes(3, "s")) + Bytes(1, "subject")) +
                            std::string(kUnknown) + Bytes(3, "1.0") + Bytes(2, "/here") +
                            Bytes(1, "id-1");
  Event event;
  ASSERT_EQ(event.Decode(bytes), Said{});
  EXPECT_EQ(event.Encode(),
            Required() + String("subject", "s") + std::string(kUnknown) + Bytes(6, "payload"));
}

TEST(EnvelopeDecode, ARequiredFieldIsMissing) {
  EXPECT_EQ(Read(""), Malformed("specversion: is missing or empty"));
  EXPECT_EQ(Read(Bytes(3, "1.0")), Malformed("id: is missing or empty"));
  EXPECT_EQ(Read(Bytes(3, "1.0") + Bytes(1, "i")), Malformed("source: is missing or empty"));
  EXPECT_EQ(Read(Bytes(3, "1.0") + Bytes(1, "i") + Bytes(2, "s")),
            Malformed("type: is missing or empty"));
  EXPECT_EQ(Read(Bytes(3, "1.0") + Bytes(1, "")), Malformed("id: byte 7: is missing or empty"));
}

TEST(EnvelopeDecode, AnotherSpecVersionIsNotSupported) {
  for (const char* version : {"0.3", "1.1", "1", "1.0.0", ""}) {
    const std::string bytes = Bytes(1, "i") + Bytes(2, "s") + Bytes(4, "t") + Bytes(3, version);
    EXPECT_EQ(Read(bytes),
              (Said{HF_UNIMPLEMENTED, HF_R_UNSUPPORTED_FIELD, "specversion: byte 11: is not 1.0"}))
        << version;
  }
}

TEST(EnvelopeDecode, AFieldGivenTwiceIsRefused) {
  const std::pair<int, std::string_view> fields[] = {
      {1, "id"}, {2, "source"}, {3, "specversion"}, {4, "type"}};
  for (const auto& [number, name] : fields) {
    EXPECT_EQ(Read(Required() + Bytes(static_cast<unsigned>(number), "1.0")),
              Malformed(At(kRequiredSize, name, "is given twice")));
  }
}

TEST(EnvelopeDecode, DataGivenTwiceIsRefused) {
  for (const unsigned first : {6u, 7u, 8u}) {
    for (const unsigned second : {6u, 7u, 8u}) {
      const std::string data = Bytes(first, first == 8 ? Bytes(1, "t/x") : "");
      EXPECT_EQ(Read(Required() + data + Bytes(second, "")),
                Malformed(At(kRequiredSize + data.size(), "data", "is given twice")));
    }
  }
}

TEST(EnvelopeDecode, SecondSubjectIsRefused) {
  const std::string first = String("subject", "a") + String("other", "b");
  EXPECT_EQ(Read(Required() + first + String("subject", "a")),
            Malformed(At(kRequiredSize + first.size() + 4, "subject", "is given twice")));
  EXPECT_EQ(Read(Required() + first + String("other", "a")),
            Malformed(At(kRequiredSize + first.size() + 4, "other", "is given twice")));
}

TEST(EnvelopeDecode, AKnownFieldOfAnotherWireTypeIsRefused) {
  for (unsigned number = 1; number <= 8; ++number) {
    EXPECT_EQ(Read(Required() + Number(number, 1)),
              Malformed(At(kRequiredSize, "event", "has a known field as another type")));
  }
}

TEST(EnvelopeDecode, ATagLongerThanItNeedsToBeIsNotAKnownField) {
  EXPECT_EQ(Read(Required() + "\xB2" + std::string(1, '\0') + std::string(1, '\0')),
            Malformed(At(kRequiredSize, "event", "has a known field as another type")));
}

TEST(EnvelopeDecode, EveryTruncationIsRefused) {
  std::string bytes = Required();
  std::set<std::size_t> ends = {bytes.size()};
  for (const std::string& field :
       {String("subject", "order-1"), std::string(kUnknown),
        Attribute("time", Bytes(7, Number(1, 300))), Attribute("n", Number(2, 300)),
        Bytes(8, Bytes(1, "t/x") + Bytes(2, "data"))}) {
    bytes += field;
    ends.insert(bytes.size());
  }
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(Read(bytes.substr(0, size)).code, ends.contains(size) ? HF_OK : HF_INVALID_ARGUMENT)
        << size;
  }
}

TEST(EnvelopeDecode, ALengthBeyondTheEndIsRefused) {
  EXPECT_EQ(Read(Required() + Tag(6, 2) + Varint(1)),
            Malformed(At(kRequiredSize + 1, "data", "has a length beyond the end")));
  EXPECT_EQ(Read(Required() + Tag(6, 2) + Varint(0xFFFFFFFF)),
            Malformed(At(kRequiredSize + 1, "data", "has a length beyond the end")));
  EXPECT_EQ(Read(Required() + Bytes(5, Tag(1, 2) + Varint(9) + "name")),
            Malformed(At(kRequiredSize + 3, "attributes", "has a length beyond the end")));
  EXPECT_EQ(Read(Required() + Attribute("subject", Tag(3, 2) + Varint(2) + "x")),
            Malformed(At(kRequiredSize + 14, "subject", "has a length beyond the end")));
}

TEST(EnvelopeDecode, AVarintOfTooManyBytesIsRefused) {
  const std::string nine(9, '\xFF');
  EXPECT_EQ(Read(Required() + Tag(31, 0) + nine + "\x01"), Said{});
  for (const char* end : {"\x02", "\xFF\x01"}) {
    EXPECT_EQ(Read(Required() + Tag(31, 0) + nine + end),
              Malformed(At(kRequiredSize + 2, "event", "has a varint that is too long")));
  }
  EXPECT_EQ(Read(Required() + Tag(6, 2) + "\x80\x80\x80\x80\x80\x01"),
            Malformed(At(kRequiredSize + 1, "data", "has a varint that is too long")));
  EXPECT_EQ(Read(Required() + Attribute("n", Tag(2, 0) + nine + "\x7F")),
            Malformed(At(kRequiredSize + 8, "n", "has a varint that is too long")));
}

TEST(EnvelopeDecode, NoTagIsNoField) {
  for (const std::string& tag :
       {Tag(0, 2), Tag(31, 6), Tag(31, 7), std::string("\xF8\xFF\xFF\xFF\x7F")}) {
    EXPECT_EQ(Read(Required() + tag + "\x01x"),
              Malformed(At(kRequiredSize, "event", "has no tag of a field there")));
  }
}

TEST(EnvelopeDecode, UnknownFieldsOfEveryWireTypeAreKept) {
  const std::string fields = Number(9, 300) + Tag(10, 1) + "12345678" + Bytes(11, "bytes") +
                             Tag(12, 3) + Tag(13, 3) + Number(1, 1) + Tag(13, 4) + Tag(12, 4) +
                             Tag(536870911, 5) + "1234";
  Event event;
  ASSERT_EQ(event.Decode(Required() + fields + Bytes(7, "text")), Said{});
  ASSERT_EQ(event.raw.unknown_count, 1u);
  EXPECT_EQ(View(event.raw.unknown[0]), fields);
  EXPECT_EQ(event.Encode(), Required() + fields + Bytes(7, "text"));
}

TEST(EnvelopeDecode, UnknownFieldsInFourPlacesAreKeptAndInFiveRefused) {
  std::string bytes = Required();
  for (const char* name : {"a", "b", "c", "d"}) bytes += String(name, "x") + std::string(kUnknown);
  Event event;
  ASSERT_EQ(event.Decode(bytes), Said{});
  EXPECT_EQ(event.raw.unknown_count, 4u);
  Event again;
  ASSERT_EQ(again.Decode(event.Encode()), Said{});
  EXPECT_EQ(again.raw.unknown_count, 1u);
  const std::string fifth = bytes + String("e", "x");
  EXPECT_EQ(Read(fifth + std::string(kUnknown)),
            Over(At(fifth.size(), "event", "has unknown fields in more than 4 places")));
}

TEST(EnvelopeDecode, GroupsAreBoundedInDepthAndBalanced) {
  std::string open, close;
  for (int i = 0; i < 16; ++i) {
    open += Tag(31, 3);
    close += Tag(31, 4);
  }
  EXPECT_EQ(Read(Required() + open + close), Said{});
  EXPECT_EQ(Read(Required() + open + Tag(31, 3) + Tag(31, 4) + close),
            Malformed(At(kRequiredSize + 32, "event", "has groups nested too deep")));
  EXPECT_EQ(Read(Required() + Tag(31, 4)),
            Malformed(At(kRequiredSize, "event", "ends a group that is not open")));
  EXPECT_EQ(Read(Required() + Tag(31, 3) + Tag(30, 4)),
            Malformed(At(kRequiredSize + 2, "event", "ends a group that is not open")));
  EXPECT_EQ(Read(Required() + Tag(31, 3)).code, HF_INVALID_ARGUMENT);
}

TEST(EnvelopeDecode, AnEntryHasOneNameAndOneValue) {
  const auto entry = [](std::string_view text) {
    return Malformed(At(kRequiredSize + 2, "attributes", text));
  };
  constexpr std::string_view kMissing = "has an entry without a name or without a value";
  EXPECT_EQ(Read(Required() + Bytes(5, "")), entry(kMissing));
  EXPECT_EQ(Read(Required() + Bytes(5, Bytes(1, "name"))), entry(kMissing));
  EXPECT_EQ(Read(Required() + Bytes(5, Bytes(2, Bytes(3, "value")))), entry(kMissing));
  EXPECT_EQ(Read(Required() + Attribute("name", "")), entry(kMissing));
  const std::string whole = Bytes(1, "name") + Bytes(2, Bytes(3, "value"));
  for (const std::string& more : {Bytes(1, "n"), Bytes(2, "v"), Bytes(3, "?"), Number(1, 1)}) {
    EXPECT_EQ(Read(Required() + Bytes(5, whole + more)),
              Malformed(At(kRequiredSize + 2 + whole.size(), "attributes",
                           "has an entry with more than a name and a value")));
  }
}

TEST(EnvelopeDecode, AValueOfAnUnknownKindIsKeptByteForByte) {
  const std::string value = Bytes(8, "what comes next") + Number(200, 1);
  Event event;
  ASSERT_EQ(event.Decode(Required() + Attribute("later", value)), Said{});
  EXPECT_EQ(event.attributes[0].kind, HF_ATTRIBUTE_OPAQUE);
  EXPECT_EQ(View(event.attributes[0].text), value);
  EXPECT_EQ(event.Encode(), Required() + Attribute("later", value));
}

TEST(EnvelopeDecode, AnUnknownKindWithAKnownOneBesideIsRefused) {
  for (unsigned number = 1; number <= 7; ++number) {
    EXPECT_EQ(Read(Required() + Attribute("later", Number(8, 1) + Number(number, 1))),
              Malformed(At(kRequiredSize + 13, "later", "has a known field among unknown ones")));
  }
  EXPECT_EQ(Read(Required() + Attribute("later", Number(2, 1) + Number(8, 1))),
            Malformed(At(kRequiredSize + 13, "later", "has more than one value")));
  EXPECT_EQ(Read(Required() + Attribute("later", Bytes(3, "a") + Bytes(3, "b"))),
            Malformed(At(kRequiredSize + 14, "later", "has more than one value")));
}

TEST(EnvelopeDecode, ABrokenValueOfAnUnknownKindIsRefused) {
  EXPECT_EQ(Read(Required() + Attribute("later", Tag(8, 2) + Varint(9) + "x")),
            Malformed(At(kRequiredSize + 12, "later", "has a length beyond the end")));
}

TEST(EnvelopeDecode, IntegersHaveTheirWholeRange) {
  for (const std::int64_t number : {-2147483648ll, -1ll, 0ll, 2147483647ll}) {
    Event event;
    const std::string bytes =
        Required() + Attribute("n", Number(2, static_cast<std::uint64_t>(number)));
    ASSERT_EQ(event.Decode(bytes), Said{});
    EXPECT_EQ(event.attributes[0].number, number);
    EXPECT_EQ(event.Encode(), bytes);
  }
  for (const std::int64_t number : {-2147483649ll, 2147483648ll, 4294967295ll}) {
    EXPECT_EQ(Read(Required() + Attribute("n", Number(2, static_cast<std::uint64_t>(number)))),
              Outside(At(kRequiredSize + 4, "n", "an Integer has 32 bits")));
  }
}

TEST(EnvelopeDecode, ABooleanIsZeroOrOne) {
  EXPECT_EQ(Read(Required() + Attribute("b", Number(1, 2))),
            Outside(At(kRequiredSize + 4, "b", "a Boolean is 0 or 1")));
}

TEST(EnvelopeDecode, ATimestampHasSecondsAndNanosecondsOnce) {
  constexpr std::string_view kMore = "has more than a Timestamp's seconds and nanoseconds";
  for (const std::string& value :
       {Number(1, 1) + Number(1, 1), Number(2, 1) + Number(2, 1), Number(1, 1) + Number(3, 1)}) {
    EXPECT_EQ(Read(Required() + Attribute("t", Bytes(7, value))),
              Malformed(At(kRequiredSize + 11, "t", kMore)));
  }
  EXPECT_EQ(Read(Required() + Attribute("t", Bytes(7, Number(2, std::uint64_t{1} << 32)))),
            Outside(At(kRequiredSize + 9, "t", "has nanoseconds beyond 32 bits")));
  EXPECT_EQ(Read(Required() + Attribute("t", Bytes(7, Number(2, 1'000'000'000)))).reason,
            HF_R_OUT_OF_RANGE);
  Event event;
  ASSERT_EQ(event.Decode(Required() + Attribute("t", Bytes(7, Number(2, 1) + Number(1, 0)))),
            Said{});
  EXPECT_EQ(event.Encode(), Required() + Attribute("t", Bytes(7, Number(2, 1))));
}

TEST(EnvelopeDecode, ATruncatedValueIsRefused) {
  EXPECT_EQ(Read(Required() + Attribute("t", Tag(7, 2) + Varint(2) + "x")),
            Malformed(At(kRequiredSize + 8, "t", "has a length beyond the end")));
  EXPECT_EQ(Read(Required() + Attribute("t", Bytes(7, Tag(1, 0)))),
            Malformed(At(kRequiredSize + 10, "t", "ends in the middle of a field")));
  EXPECT_EQ(Read(Required() + Attribute("n", Tag(2, 0) + "\x80")),
            Malformed(At(kRequiredSize + 8, "n", "ends in the middle of a field")));
}

TEST(EnvelopeDecode, ATruncatedUnknownFieldIsRefused) {
  for (const std::string& field :
       {Tag(31, 1) + "1234567", Tag(31, 5) + "123", Tag(31, 0), Tag(31, 2), std::string("\xF8")}) {
    EXPECT_EQ(Read(Required() + field).text.substr(0, 15),
              "event: byte " +
                  std::to_string(kRequiredSize + (field.size() < 4 && field.size() > 1 ? 2 : 0)) +
                  ":");
  }
}

TEST(EnvelopeDecode, ALongNameThatIsNoneIsNotShown) {
  EXPECT_EQ(Read(Required() + Attribute(std::string(65, 'n'), Tag(3, 2) + "\x09")).text,
            "an attribute: byte 103: has a length beyond the end");
}

TEST(EnvelopeDecode, ArgumentsAreLookedAt) {
  Event event;
  hf_error error{};
  EXPECT_EQ(hf_envelope_decode(nullptr, 1, nullptr, &event.raw, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "data: is NULL");
  EXPECT_EQ(hf_envelope_decode("", 0, nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "out: is NULL");
  EXPECT_EQ(hf_envelope_decode("", 0, nullptr, &event.raw, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_envelope_decode(nullptr, 0, nullptr, &event.raw, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "specversion: is missing or empty");
}

TEST(EnvelopeDecode, ProtoDataIsATypeAndAMessageInAnyOrder) {
  const std::string any = Bytes(1, "t/acme.Order") + Bytes(2, "message");
  for (const std::string& bytes : {any, Bytes(2, "message") + Bytes(1, "t/acme.Order")}) {
    Event event;
    ASSERT_EQ(event.Decode(Required() + Bytes(8, bytes)), Said{});
    EXPECT_EQ(View(event.raw.data_type), "t/acme.Order");
    EXPECT_EQ(View(event.raw.data), "message");
    EXPECT_EQ(event.Encode(), Required() + Bytes(8, any));
  }
}

TEST(EnvelopeDecode, ProtoDataWithoutAMessageIsAnEmptyMessage) {
  Event event;
  ASSERT_EQ(event.Decode(Required() + Bytes(8, Bytes(1, "t/x") + Bytes(2, ""))), Said{});
  EXPECT_EQ(event.raw.data.size, 0u);
  EXPECT_EQ(event.Encode(), Required() + Bytes(8, Bytes(1, "t/x")));
}

TEST(EnvelopeDecode, BrokenProtoDataIsRefused) {
  EXPECT_EQ(Read(Required() + Bytes(8, "")), Malformed("data_type: is missing or empty"));
  const std::string type = Bytes(1, "t/x"), value = Bytes(2, "m");
  for (const std::string& any :
       {type + Bytes(1, "t/y"), type + Number(3, 1), type + Number(1, 1)}) {
    EXPECT_EQ(Read(Required() + Bytes(8, any)),
              Malformed(At(kRequiredSize + 2 + type.size(), "data",
                           "has more than an Any's type and value")));
  }
  EXPECT_EQ(Read(Required() + Bytes(8, value + value)).code, HF_INVALID_ARGUMENT);
  EXPECT_EQ(Read(Required() + Bytes(8, Tag(2, 2) + Varint(2) + "m")).code, HF_INVALID_ARGUMENT);
  EXPECT_EQ(Read(Required() + Bytes(8, Tag(1, 2) + Varint(2) + "m")).code, HF_INVALID_ARGUMENT);
}

TEST(EnvelopeDecode, EmptyDataIsDataAllTheSame) {
  for (const unsigned field : {6u, 7u}) {
    Event event;
    ASSERT_EQ(event.Decode(Required() + Bytes(field, "")), Said{});
    EXPECT_EQ(event.raw.data_kind, field == 6 ? HF_DATA_BINARY : HF_DATA_TEXT);
    EXPECT_EQ(event.Encode(), Required() + Bytes(field, ""));
  }
}

}  // namespace
}  // namespace holdfast
