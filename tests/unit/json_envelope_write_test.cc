// SPDX-License-Identifier: Apache-2.0
//
// Events written as JSON: what each kind of attribute and payload becomes, and that reading gives the event back.
#include <gtest/gtest.h>
#include <holdfast/json/envelope.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;
using json::JsonLimits;
using json::ReadJson;
using json::ReadJsonBatch;
using json::WriteJson;
using json::WriteJsonBatch;

constexpr std::string_view kHead = R"({"specversion":"1.0","id":"1","source":"/s","type":"t")";

EnvelopeView Event() {
  EnvelopeView event;
  event.set_id("1");
  event.set_source("/s");
  event.set_type("t");
  return event;
}

std::string Text(const EnvelopeView& event, const JsonLimits& limits = {}) {
  std::string out = "before";
  const absl::Status status = WriteJson(event, &out, limits);
  if (!status.ok()) return out + ": " + std::string(status.message());
  return out.substr(6);
}

// What comes after the required attributes.
std::string Rest(const EnvelopeView& event, const JsonLimits& limits = {}) {
  const std::string text = Text(event, limits);
  if (!text.starts_with(kHead) || !text.ends_with('}')) return text;
  return text.substr(kHead.size(), text.size() - kHead.size() - 1);
}

std::string DataMember(DataKind kind, std::string_view data, std::string_view type) {
  EnvelopeView event = Event();
  if (!type.empty()) event.Set(TextAttribute("datacontenttype", type));
  event.set_data(kind, data);
  const std::string rest = Rest(event);
  const std::size_t at = std::min(rest.find(",\"data\":"), rest.find(",\"data_base64\":"));
  return at == std::string::npos ? rest : rest.substr(at + 1);
}
std::string Binary(std::string_view data, std::string_view type) {
  return DataMember(DataKind::kBinary, data, type);
}

TEST(WriteJson, WritesEachKindOfAttribute) {
  EnvelopeView event = Event();
  event.Set(BooleanAttribute("yes", true));
  event.Set(BooleanAttribute("no", false));
  event.Set(IntegerAttribute("most", INT32_MAX));
  event.Set(IntegerAttribute("least", INT32_MIN));
  event.Set(TextAttribute("text", "a\"b\\c \xf0\x9f\x8c\x8e/"));
  event.Set(TextAttribute("bytes", "\0\xff"sv, HF_ATTRIBUTE_BYTES));
  event.Set(TextAttribute("dataschema", "urn:a", HF_ATTRIBUTE_URI));
  event.Set(TimeAttribute("time", WallTime(std::chrono::milliseconds(1500))));
  EXPECT_EQ(Rest(event),
            R"(,"yes":true,"no":false,"most":2147483647,"least":-2147483648,"text":"a\"b\\c )"
            "\xf0\x9f\x8c\x8e"
            R"(/","bytes":"AP8=","dataschema":"urn:a","time":"1970-01-01T00:00:01.500Z")");
  EXPECT_EQ(Text(Event()), std::string(kHead) + "}");
}

TEST(WriteJson, EmbedsWhatIsJsonToTheByte) {
  for (const char* payload :
       {"1.0", "12345678901234567890", "null", "\"a\"", "{\"b\":1.50,\"a\":[ 1e400 ]}", "[\n]"}) {
    for (const char* type :
         {"application/json", "text/json; charset=utf-8", "application/x+JSON"}) {
      EXPECT_EQ(Binary(payload, type), "\"data\":" + std::string(payload));
      EXPECT_EQ(DataMember(DataKind::kText, payload, type), "\"data\":" + std::string(payload));
    }
  }
  EXPECT_EQ(Binary(" \t{\"a\": 1}\r\n", "application/json"), "\"data\":{\"a\": 1}");
}

TEST(WriteJson, EncodesWhatOnlyClaimsToBeJson) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},
      {" ", "IA=="},
      {"{", "ew=="},
      {"1 2", "MSAy"},
      {"\xef\xbb\xbf"
       "1",
       "77u/MQ=="},
      {"1\0"sv, "MQA="},
      {"\"\xff\"", "Iv8i"},
      {"1e5000", "MWU1MDAw"},
      {"},\"id\":\"2\"", "fSwiaWQiOiIyIg=="}};
  for (const auto& [payload, base64] : rows) {
    EXPECT_EQ(Binary(payload, "application/json"),
              "\"data_base64\":\"" + std::string(base64) + "\"");
  }
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  EXPECT_TRUE(Binary(deep, "application/json").starts_with("\"data_base64\":\"W1tb"));
}

TEST(WriteJson, WritesTextAsAStringAndTheRestAsBase64) {
  EXPECT_EQ(Binary("Hello, \xf0\x9f\x8c\x8e!\n", "text/plain"),
            "\"data\":\"Hello, \xf0\x9f\x8c\x8e!\\n\"");
  EXPECT_EQ(Binary("", "TEXT/xml"), "\"data\":\"\"");
  EXPECT_EQ(Binary("\xff", "text/plain"), "\"data_base64\":\"/w==\"");
  EXPECT_EQ(DataMember(DataKind::kText, "<a/>", "application/xml"), "\"data\":\"<a/>\"");
  EXPECT_EQ(Binary("<a/>", "application/xml"), "\"data_base64\":\"PGEvPg==\"");
  // Without a type a string would be read as JSON.
  EXPECT_EQ(DataMember(DataKind::kText, "a", ""), "\"data_base64\":\"YQ==\"");
  EXPECT_EQ(Binary("1", ""), "\"data_base64\":\"MQ==\"");
}

TEST(WriteJson, SaysOfAMessageWhatItIs) {
  EnvelopeView event = Event();
  event.set_data(DataKind::kProto, "\x08\x01", "type.googleapis.com/acme.Order");
  constexpr std::string_view kSchema = R"("dataschema":"https://type.googleapis.com/acme.Order")";
  EXPECT_EQ(Rest(event), R"(,"datacontenttype":"application/protobuf",)" + std::string(kSchema) +
                             R"(,"data_base64":"CAE=")");
  event.Set(
      TextAttribute("dataschema", "https://type.googleapis.com/acme.Order", HF_ATTRIBUTE_URI));
  EXPECT_EQ(Rest(event), "," + std::string(kSchema) +
                             R"(,"datacontenttype":"application/protobuf","data_base64":"CAE=")");
  event.Set(TextAttribute("dataschema", "https://acme.example/other", HF_ATTRIBUTE_URI));
  EXPECT_EQ(
      Rest(event),
      "before: dataschema: is not the type URL of the data, which JSON has no other place for");
  event.Erase("dataschema");
  event.Set(TextAttribute("datacontenttype", "application/x-protobuf"));
  EXPECT_EQ(Rest(event),
            "before: datacontenttype: is not application/protobuf, as that of the data is");
  for (const char* url : {"acme.Order", "/acme.Order", "a/1b", "a b/c.D"}) {
    EnvelopeView other = Event();
    other.set_data(DataKind::kProto, "", url);
    EXPECT_NE(Rest(other).find("before: data_type: is no"), std::string::npos) << Rest(other);
  }
}

TEST(WriteJson, GivesAMessageNoMoreAttributesThanAReaderTakes) {
  Envelope event(Event());
  for (std::size_t i = 0; event->attributes().size() < 63; ++i) {
    event.Set(TextAttribute("y" + std::to_string(i), "v"));
  }
  event.set_data(DataKind::kProto, "", "type.googleapis.com/acme.Order");
  std::string out;
  EXPECT_EQ(WriteJson(event.view(), &out).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(out, "");
  event.Erase("y0");
  ASSERT_TRUE(WriteJson(event.view(), &out).ok());
  EXPECT_EQ(ReadJson(out)->view().attributes().size(), 64u);
}

TEST(WriteJson, RefusesWhatItCannotCarry) {
  EnvelopeView event;
  event.set_type("t");
  event.set_source("/s");
  EXPECT_TRUE(Text(event).starts_with("before: id")) << Text(event);
  event = Event();
  event.Set(TextAttribute("strange", "\x4a\x00"sv, HF_ATTRIBUTE_OPAQUE));
  EXPECT_EQ(Text(event).substr(0, 15), "before: strange") << Text(event);
  event = Event();
  event.raw().unknown_count = 1;
  event.raw().unknown[0] = Borrow("\x48\x01");
  EXPECT_EQ(Text(event), "before: unknown: JSON cannot carry fields that are not known");
  event = Event();
  event.set_data(DataKind::kBinary, "0123456789012345678901234567890123456789");
  EXPECT_EQ(Text(event, {.event = {.max_size = 90}}), "before: larger than max_size as JSON");
}

TEST(WriteJsonBatch, WritesEveryEventOrNothing) {
  std::vector<Envelope> events;
  std::string out = "x";
  EXPECT_TRUE(WriteJsonBatch(events, &out).ok());
  EXPECT_EQ(out, "x[]");
  events.assign(2, Envelope(Event()));
  out.clear();
  EXPECT_TRUE(WriteJsonBatch(events, &out).ok());
  EXPECT_EQ(out, "[" + std::string(kHead) + "}," + std::string(kHead) + "}]");
  events[1].set_id("");
  const absl::Status status = WriteJsonBatch(events, &out);
  EXPECT_EQ(status.message().substr(0, 11), "event 1: id") << status;
  EXPECT_EQ(out.size(), 2 * kHead.size() + 5);
  EXPECT_EQ(WriteJsonBatch(events, &out, {.max_events = 1}).message(),
            "more events than max_events");
}

// --- There and back ------------------------------------------------------------------------------

std::string Canonical(const Attribute& attribute) { return *FormatAttribute(attribute); }

void RequireSame(const EnvelopeView& a, const EnvelopeView& b) {
  RC_ASSERT(a.id() == b.id() && a.source() == b.source() && a.type() == b.type());
  RC_ASSERT(a.attributes().size() == b.attributes().size());
  for (const Attribute& attribute : a.attributes()) {
    const Attribute* const other = b.Find(View(attribute.name));
    RC_ASSERT(other != nullptr);
    RC_ASSERT(Canonical(*other) == Canonical(attribute));
    if (hf_attribute_kind_of(attribute.name.data, attribute.name.size) != 0) {
      RC_ASSERT(other->kind == attribute.kind);
    }
  }
  RC_ASSERT(a.data() == b.data() && a.data_type() == b.data_type());
  RC_ASSERT((a.data_kind() == DataKind::kProto) == (b.data_kind() == DataKind::kProto));
}

std::string RandomJson(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0:
      return *rc::gen::element("null"s, "true"s, "1.0"s, "-0.50E+7"s, "12345678901234567890123"s);
    case 1:
      return std::to_string(*rc::gen::arbitrary<std::int64_t>());
    case 2:
      return "\"" +
             *rc::gen::element(""s, "a\\\"}"s, "\xf0\x9f\x8c\x8e"s, "\\u0000\\ud83c\\udf0e"s) +
             "\"";
    case 3:
      return "[]";
    case 4:
      return "{ }";
    case 5:
      return "[" + RandomJson(depth - 1) + " ,\n" + RandomJson(depth - 1) + "]";
    default:
      return "{\"z\": " + RandomJson(depth - 1) + ",\"a\" :" + RandomJson(depth - 1) + "}";
  }
}

Envelope RandomEvent() {
  Envelope event(Event());
  const auto some = [] { return *rc::gen::inRange(0, 3) != 0; };
  const std::string word =
      *rc::gen::element("x"s, "a b"s, "\"\\/"s, "\xc3\xa9\xf0\x9f\x8c\x8e"s, "null"s, "1.0"s);
  event.set_id(word);
  if (some()) event.Set(TextAttribute("subject", word));
  if (some()) event.Set(IntegerAttribute("attempt", *rc::gen::arbitrary<std::int32_t>()));
  if (some()) event.Set(BooleanAttribute("deprecated", *rc::gen::arbitrary<bool>()));
  if (some()) event.Set(IntegerAttribute("myinteger", *rc::gen::arbitrary<std::int32_t>()));
  if (some()) event.Set(TextAttribute("mybytes", word, HF_ATTRIBUTE_BYTES));
  if (some()) event.Set(TextAttribute("dataref", "a/b?c#d", HF_ATTRIBUTE_URI_REF));
  if (some()) {
    const auto nanos = *rc::gen::inRange<std::int64_t>(0, 1'900'000'000'000'000'000);
    event.Set(TimeAttribute("time", WallTime(std::chrono::nanoseconds(nanos))));
  }
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      break;
    case 1:
      event.Set(TextAttribute("datacontenttype", "application/json"));
      event.set_data(DataKind::kBinary, RandomJson(4));
      break;
    case 2:
      event.Set(TextAttribute("datacontenttype", "text/plain"));
      event.set_data(DataKind::kText, word);
      break;
    case 3:
      event.set_data(DataKind::kProto, *rc::gen::arbitrary<std::string>(),
                     "type.googleapis.com/acme.Order");
      event.Set(TextAttribute("datacontenttype", "application/protobuf"));
      event.Set(
          TextAttribute("dataschema", "https://type.googleapis.com/acme.Order", HF_ATTRIBUTE_URI));
      break;
    default:
      if (some())
        event.Set(TextAttribute("datacontenttype",
                                *rc::gen::element("application/json"s, "text/x"s, "a/b"s)));
      event.set_data(DataKind::kBinary, *rc::gen::arbitrary<std::string>());
  }
  return event;
}

TEST(WriteJson, ReadingGivesTheEventBackThroughEveryFormat) {
  EXPECT_TRUE(rc::check([] {
    const Envelope event = RandomEvent();
    std::string text;
    RC_ASSERT(WriteJson(event.view(), &text).ok());
    const auto read = ReadJson(text);
    RC_ASSERT(read.ok());
    RequireSame(event.view(), read->view());
    // protobuf's format between, and JSON again: the same text.
    std::string bytes, again;
    RC_ASSERT(read->view().Encode(&bytes).ok());
    const auto decoded = Envelope::Decode(bytes);
    RC_ASSERT(decoded.ok());
    RequireSame(event.view(), decoded->view());
    RC_ASSERT(WriteJson(decoded->view(), &again).ok());
    RC_ASSERT(again == text);
  }));
}

TEST(WriteJsonBatch, ReadingGivesTheEventsBack) {
  EXPECT_TRUE(rc::check([] {
    std::vector<Envelope> events;
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) events.push_back(RandomEvent());
    std::string text;
    RC_ASSERT(WriteJsonBatch(events, &text).ok());
    const auto read = ReadJsonBatch(text);
    RC_ASSERT(read.ok() && read->size() == events.size());
    for (std::size_t i = 0; i < events.size(); ++i)
      RequireSame(events[i].view(), (*read)[i].view());
  }));
}

}  // namespace
}  // namespace holdfast
