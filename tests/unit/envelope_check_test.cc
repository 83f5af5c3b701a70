// SPDX-License-Identifier: Apache-2.0
//
// The rules of an event as a whole, and its limits: reader and writer refuse the same, for the same reason.
#include <gtest/gtest.h>
#include <holdfast/c/envelope.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/event_bytes.h"

namespace holdfast {
namespace {

using namespace testing_bytes;  // NOLINT: the words of these tests

hf_attribute Text(std::string_view name, std::string_view text,
                  hf_attribute_kind kind = HF_ATTRIBUTE_STRING) {
  return {Str(name), Str(text), 0, 0, kind};
}

// A legal event without data, to be broken.
struct Legal : Event {
  Legal() {
    raw.id = Str("id-1");
    raw.source = Str("/here");
    raw.type = Str("acme.placed");
  }
  Legal& With(const hf_attribute& attribute) {
    attributes[raw.attribute_count++] = attribute;
    return *this;
  }
};

TEST(EnvelopeCheck, TheLeastEventIsLegal) {
  EXPECT_EQ(Legal().Check(), Said{});
  EXPECT_EQ(Legal().Encode(), Required());
}

TEST(EnvelopeCheck, RequiredTextIsThere) {
  Legal id, source, type;
  id.raw.id = {};
  source.raw.source = {};
  type.raw.type = {};
  EXPECT_EQ(id.Check(), Malformed("id: is missing or empty"));
  EXPECT_EQ(source.Check(), Malformed("source: is missing or empty"));
  EXPECT_EQ(type.Check(), Malformed("type: is missing or empty"));
}

TEST(EnvelopeCheck, TextKeepsTheRulesOfCloudEvents) {
  constexpr std::string_view kRule = "holds a control character, a noncharacter or broken UTF-8";
  for (const std::string_view bad : {"ab\x01", "ab\xC3", "ab\x7F", "ab\xEF\xBF\xBE"}) {
    Legal id, type;
    id.raw.id = Str(bad);
    type.raw.type = Str(bad);
    EXPECT_EQ(id.Check(), Malformed("id: byte 2: " + std::string(kRule)));
    EXPECT_EQ(type.Check(), Malformed("type: byte 2: " + std::string(kRule)));
    EXPECT_EQ(Legal().With(Text("subject", bad)).Check(),
              Malformed("subject: byte 2: " + std::string(kRule)));
  }
}

TEST(EnvelopeCheck, TheReaderCountsFromTheBeginningOfTheEvent) {
  EXPECT_EQ(
      Read(Required() + String("subject", "ab\x01")),
      Malformed("subject: byte 48: holds a control character, a noncharacter or broken UTF-8"));
}

TEST(EnvelopeCheck, TheSourceIsAUriReference) {
  Legal event;
  event.raw.source = Str("no spaces");
  EXPECT_EQ(event.Check(), Malformed("source: byte 0: is no URI-reference (RFC 3986, 4.1)"));
}

TEST(EnvelopeCheck, ANameThatIsNoneIsNotShown) {
  for (const std::string_view name : {"Subject", "4111-1111", "\xFF", "secret!"}) {
    const Said said = Legal().With(Text(name, "x")).Check();
    EXPECT_EQ(said, Malformed("attribute name: byte 0: is made of a-z and 0-9"));
  }
  EXPECT_EQ(Legal().With(Text("", "x")).Check().reason, HF_R_MALFORMED);
  EXPECT_EQ(Legal().With(Text("data", "x")).Check(),
            Malformed("attribute name: byte 0: is not data"));
  EXPECT_EQ(Read(Required() + Attribute("Not A Name", Tag(3, 2) + "\x09")).text.find("Not"),
            std::string::npos);
  const std::string long_name(65, 'n');
  EXPECT_EQ(Legal().With(Text(long_name, "x")).Check(),
            Malformed("attribute name: byte 0: has 1 to 64 characters"));
}

TEST(EnvelopeCheck, AFieldOfTheEventIsNoAttribute) {
  for (const char* name : {"id", "type", "specversion"}) {
    EXPECT_EQ(Legal().With(Text(name, "x")).Check(),
              Malformed(std::string(name) + ": is a field of the event, and no attribute beside"));
  }
  EXPECT_EQ(Legal().With(Text("source", "x", HF_ATTRIBUTE_URI_REF)).Check().code,
            HF_INVALID_ARGUMENT);
}

TEST(EnvelopeCheck, AKnownNameHasItsKind) {
  EXPECT_EQ(Legal().With(Text("time", "noon")).Check(),
            Malformed("time: byte 0: must be a Timestamp"));
  EXPECT_EQ(Legal().With({Str("subject"), {}, 1, 0, HF_ATTRIBUTE_INTEGER}).Check(),
            Malformed("subject: must be a String"));
  EXPECT_EQ(Legal().With(Text("time", "\x42\x01x", HF_ATTRIBUTE_OPAQUE)).Check().code,
            HF_INVALID_ARGUMENT);
}

TEST(EnvelopeCheck, ANameThatOnlyLooksKnownIsNot) {
  for (const char* name : {"deprecationsunsefnsunset", "times", "tim", "subjecta", "asubject"}) {
    EXPECT_EQ(hf_attribute_kind_of(name, std::string_view(name).size()), 0) << name;
    EXPECT_EQ(Legal().With({Str(name), {}, 7, 0, HF_ATTRIBUTE_INTEGER}).Check(), Said{}) << name;
  }
}

TEST(EnvelopeCheck, NamesAreToldApartWhateverTheyHaveInCommon) {
  Legal event;
  std::vector<std::string> names;
  for (int i = 0; i < 63; ++i) {
    names.push_back("attribute" + std::string(static_cast<std::size_t>(i % 9), 'x') +
                    std::to_string(i) + "attribute");
  }
  names.push_back("subject");
  for (const std::string& name : names) event.With(Text(name, "x"));
  EXPECT_EQ(event.Check(), Said{});
  for (int i = 1; i < 64; ++i) {
    const hf_attribute was = event.attributes[i];
    event.attributes[i].name = event.attributes[i - 1].name;
    EXPECT_EQ(event.Check(),
              Malformed(names[static_cast<std::size_t>(i) - 1] + ": is given twice"));
    event.attributes[i] = was;
  }
}

TEST(EnvelopeCheck, NullIsNamed) {
  const auto null = [](std::string_view what) {
    return Said{HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT, std::string(what) + ": is NULL"};
  };
  const hf_str missing{nullptr, 3};
  Legal id, data, name, text, attributes, unknown;
  id.raw.id = missing;
  EXPECT_EQ(id.Check(), null("id"));
  data.raw.data_kind = HF_DATA_BINARY;
  data.raw.data = missing;
  EXPECT_EQ(data.Check(), null("data"));
  EXPECT_EQ(name.With({missing, {}, 0, 0, HF_ATTRIBUTE_STRING}).Check(), null("attribute name"));
  EXPECT_EQ(text.With({Str("n"), missing, 0, 0, HF_ATTRIBUTE_STRING}).Check(), null("n"));
  attributes.raw.attributes = nullptr;
  attributes.raw.attribute_count = 1;
  EXPECT_EQ(attributes.Check(), null("attributes"));
  unknown.raw.unknown_count = 1;
  EXPECT_EQ(unknown.Check(), null("unknown"));
  hf_error error{};
  EXPECT_EQ(hf_envelope_check(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(SaidOf(error), null("envelope"));
}

TEST(EnvelopeCheck, DataFitTheirKind) {
  Legal none, typed, text, proto, kind;
  none.raw.data = Str("x");
  EXPECT_EQ(none.Check(), Malformed("data: is there, but of kind NONE"));
  typed.raw.data_kind = HF_DATA_BINARY;
  typed.raw.data_type = Str("t/x");
  EXPECT_EQ(typed.Check(), Malformed("data_type: is there for PROTO alone"));
  text.raw.data_kind = HF_DATA_TEXT;
  text.raw.data = Str("a\tb\xFF");
  EXPECT_EQ(text.Check(), Malformed("data: byte 0: is not UTF-8"));
  text.raw.data = Str("a\tb\xC2\x80");
  EXPECT_EQ(text.Check(), Said{});
  proto.raw.data_kind = HF_DATA_PROTO;
  EXPECT_EQ(proto.Check(), Malformed("data_type: is missing or empty"));
  proto.raw.data_type = Str("t/\x01");
  EXPECT_EQ(proto.Check().text.substr(0, 18), "data_type: byte 2:");
  const std::string type(8193, 't');
  proto.raw.data_type = Str(type);
  EXPECT_EQ(proto.Check(), Over("data_type: is longer than max_text"));
  kind.raw.data_kind = 4;
  EXPECT_EQ(kind.Check(), Outside("data_kind: is outside 0..3"));
}

TEST(EnvelopeCheck, UnknownIsMadeOfUnknownFields) {
  Legal event;
  event.raw.unknown_count = 1;
  event.raw.unknown[0] = Str("");
  EXPECT_EQ(event.Check(), Malformed("unknown: is empty"));
  for (unsigned number = 1; number <= 8; ++number) {
    const std::string known = Number(9, 1) + Bytes(number, "x");
    event.raw.unknown[0] = Str(known);
    EXPECT_EQ(event.Check(), Malformed("unknown: byte 2: has a known field among unknown ones"));
  }
  event.raw.unknown[0] = Str("\x48");
  EXPECT_EQ(event.Check(), Malformed("unknown: byte 1: ends in the middle of a field"));
  event.raw.unknown_count = 5;
  EXPECT_EQ(event.Check(), Outside("unknown_count: is outside 0..4"));
}

TEST(EnvelopeCheck, TheSizeIsLimitedForReaderAndWriter) {
  hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
  limits.max_size = 64;
  const std::string fits = Required() + Bytes(6, std::string(31, 'x'));
  ASSERT_EQ(fits.size(), 64u);
  EXPECT_EQ(Read(fits, &limits), Said{});
  const std::string over = Required() + Bytes(6, std::string(32, 'x'));
  EXPECT_EQ(Read(over, &limits), Over("event: has more bytes than max_size"));
  Event event;
  ASSERT_EQ(event.Decode(over), Said{});
  EXPECT_EQ(event.Check(&limits), Over("event: has more bytes than max_size"));
  ASSERT_EQ(event.Decode(fits), Said{});
  EXPECT_EQ(event.Check(&limits), Said{});
}

TEST(EnvelopeCheck, AnAbsurdSizeIsRefusedBeforeAnySumIsMadeOfIt) {
  Legal data, unknown;
  data.raw.data_kind = HF_DATA_BINARY;
  data.raw.data = {"x", SIZE_MAX};
  EXPECT_EQ(data.Check(), Over("event: has more bytes than max_size"));
  unknown.raw.unknown_count = 1;
  unknown.raw.unknown[0] = {"x", SIZE_MAX};
  EXPECT_EQ(unknown.Check(), Over("event: has more bytes than max_size"));
  EXPECT_EQ(Legal().With({Str("n"), {"x", SIZE_MAX}, 0, 0, HF_ATTRIBUTE_STRING}).Check(),
            Over("n: is longer than max_text"));
}

TEST(EnvelopeCheck, TheDefaultSizeIsOneMebibyte) {
  const std::string data((1 << 20) - kRequiredSize - 4, 'x');
  EXPECT_EQ(Read(Required() + Bytes(6, data)), Said{});
  EXPECT_EQ(Read(Required() + Bytes(6, data + "x")).code, HF_RESOURCE_EXHAUSTED);
}

TEST(EnvelopeCheck, TheTextOfEachAttributeIsLimited) {
  hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
  limits.max_text = 64;
  const std::string most(64, 'x'), over(65, 'x');
  EXPECT_EQ(Legal().With(Text("n", most)).Check(&limits), Said{});
  EXPECT_EQ(Legal().With(Text("n", over)).Check(&limits), Over("n: is longer than max_text"));
  EXPECT_EQ(Legal().With(Text("n", over, HF_ATTRIBUTE_BYTES)).Check(&limits).code,
            HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(Read(Required() + String("n", over), &limits),
            Over("n: byte 40: is longer than max_text"));
  Legal event;
  event.raw.id = Str(over);
  EXPECT_EQ(event.Check(&limits), Over("id: is longer than max_text"));
  const std::string kilobytes(8192, 'x');
  EXPECT_EQ(Legal().With(Text("n", kilobytes)).Check(), Said{});
  EXPECT_EQ(Legal().With(Text("n", kilobytes + "x")).Check().code, HF_RESOURCE_EXHAUSTED);
}

TEST(EnvelopeCheck, AttributesAreCounted) {
  hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
  limits.max_attributes = 2;
  const std::string two = Required() + String("a", "x") + String("b", "x");
  EXPECT_EQ(Read(two, &limits), Said{});
  EXPECT_EQ(
      Read(two + String("c", "x"), &limits),
      Over("attributes: byte " + std::to_string(two.size()) + ": are more than max_attributes"));
  Legal event;
  event.With(Text("a", "x")).With(Text("b", "x")).With(Text("c", "x"));
  EXPECT_EQ(event.Check(&limits), Over("attributes: are more than max_attributes"));
  event.raw.attribute_count = 65;
  EXPECT_EQ(event.Check().code, HF_RESOURCE_EXHAUSTED);
}

TEST(EnvelopeCheck, TheCallersArrayIsNeverOverrun) {
  const std::string two = Required() + String("a", "x") + String("b", "x");
  Event event;
  event.raw.attribute_capacity = 1;
  EXPECT_EQ(event.Decode(two), (Said{HF_RESOURCE_EXHAUSTED, HF_R_BUFFER_TOO_SMALL,
                                     "attributes: byte 41: are more than attribute_capacity"}));
  event.raw.attribute_capacity = 0;
  event.raw.attributes = nullptr;
  EXPECT_EQ(event.Decode(Required()), Said{});
  event.raw.attribute_capacity = 1;
  EXPECT_EQ(event.Decode(Required()).reason, HF_R_NULL_ARGUMENT);
  event.raw.attributes = event.attributes;
  event.raw.attribute_capacity = 65;
  EXPECT_EQ(event.Decode(Required()).text, "attribute_capacity: 65 is outside 0..64");
}

TEST(EnvelopeCheck, LimitsHaveARange) {
  const auto with = [](auto set) {
    hf_envelope_limits limits = HF_INIT(hf_envelope_limits);
    set(limits);
    return Read(Required(), &limits).text;
  };
  EXPECT_EQ(with([](auto& limits) { limits.max_size = 63; }),
            "max_size: 63 is outside 64..2147483647");
  EXPECT_NE(with([](auto& limits) { limits.max_size = UINT64_MAX; }), "");
  EXPECT_NE(with([](auto& limits) { limits.max_attributes = 65; }), "");
  EXPECT_NE(with([](auto& limits) { limits.max_text = 63; }), "");
  EXPECT_NE(with([](auto& limits) { limits.max_text = (1 << 20) + 1; }), "");
  EXPECT_NE(with([](auto& limits) { limits.struct_size = 8; }), "");
  EXPECT_EQ(with([](auto& limits) { limits.max_size = 0x7FFFFFFF; }), "");
}

TEST(EnvelopeCheck, TheEnvelopesOwnHeaderIsLookedAt) {
  Event event;
  event.raw.struct_size = 8;
  EXPECT_EQ(event.Decode(Required()).reason, HF_R_STRUCT_SIZE);
  event.raw.struct_size = sizeof event.raw;
  event.raw.abi_level = 0;
  EXPECT_EQ(event.Decode(Required()).reason, HF_R_ABI_LEVEL);
  EXPECT_EQ(event.Check().reason, HF_R_ABI_LEVEL);
}

}  // namespace
}  // namespace holdfast
