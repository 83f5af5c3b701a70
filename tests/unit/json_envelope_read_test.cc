// SPDX-License-Identifier: Apache-2.0
//
// Events read from JSON: the rules and vectors of the JSON event format, payloads to the byte, and every refusal.
#include <gtest/gtest.h>
#include <holdfast/json/envelope.h>

#include <string>
#include <string_view>
#include <utility>

namespace holdfast {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;
using json::JsonLimits;
using json::ReadJson;
using json::ReadJsonBatch;

constexpr std::string_view kHead = R"({"specversion":"1.0","id":"1","source":"/s","type":"t")";

std::string With(std::string_view members) {
  return std::string(kHead) + "," + std::string(members) + "}";
}

Envelope Read(std::string_view members) {
  auto event = ReadJson(With(members));
  EXPECT_TRUE(event.ok()) << members << ": " << event.status();
  return event.ok() ? *std::move(event) : Envelope();
}

// Of the whole text.
std::string Refused(std::string_view text, const JsonLimits& limits = {}) {
  const auto event = ReadJson(text, limits);
  return event.ok() ? "read" : std::string(event.status().message());
}
// Of members after the required ones; the byte is counted from the first of them.
std::string Fault(std::string_view members, const JsonLimits& limits = {}) {
  const std::string text = Refused(With(members), limits);
  if (!text.starts_with("byte ")) return text;
  const std::size_t colon = text.find(':');
  const int at = std::stoi(text.substr(5)) - static_cast<int>(kHead.size()) - 1;
  return std::to_string(at) + text.substr(colon);
}

std::string Nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ReadJson, TakesEveryAttributeByItsType) {
  const auto read = ReadJson(R"( {
    "specversion" : "1.0", "type" : "com.example.someevent", "source" : "/mycontext",
    "id" : "C234-1234-1234", "time" : "2018-04-05T17:31:00Z", "subject": null, "unsetextension": null,
    "comexampleextension1" : "value", "comexampleothervalue" : 5, "flag": true, "negative": -2147483648,
    "sampledrate": 2147483647, "dataschema": "https://acme.example/s", "dataref": "a/b",
    "datacontenttype" : "application/json; charset=utf-8",
    "data" : { "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true } } )");
  ASSERT_TRUE(read.ok()) << read.status();
  const EnvelopeView& event = read->view();
  EXPECT_EQ(event.id(), "C234-1234-1234");
  EXPECT_EQ(event.source(), "/mycontext");
  EXPECT_EQ(event.type(), "com.example.someevent");
  EXPECT_EQ(event.attributes().size(), 9u);
  EXPECT_EQ(event.Find("subject"), nullptr);
  EXPECT_EQ(event.Find("time")->kind, HF_ATTRIBUTE_TIMESTAMP);
  EXPECT_EQ(event.Find("time")->number, 1522949460);
  EXPECT_EQ(event.Text("comexampleextension1"), "value");
  EXPECT_EQ(event.Find("comexampleothervalue")->kind, HF_ATTRIBUTE_INTEGER);
  EXPECT_EQ(event.Find("comexampleothervalue")->number, 5);
  EXPECT_EQ(event.Find("negative")->number, INT32_MIN);
  EXPECT_EQ(event.Find("flag")->kind, HF_ATTRIBUTE_BOOLEAN);
  EXPECT_EQ(event.Find("flag")->number, 1);
  EXPECT_EQ(event.Find("sampledrate")->number, INT32_MAX);
  EXPECT_EQ(event.Find("dataschema")->kind, HF_ATTRIBUTE_URI);
  EXPECT_EQ(event.Find("dataref")->kind, HF_ATTRIBUTE_URI_REF);
  EXPECT_EQ(event.Text("datacontenttype"), "application/json; charset=utf-8");
  EXPECT_EQ(event.data_kind(), DataKind::kBinary);
  EXPECT_EQ(event.data(), R"({ "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true })");
}

TEST(ReadJson, ReadsAKnownNameFromItsText) {
  // What was relayed from headers is a string whatever it is.
  const Envelope event = Read(R"("sampledrate":"30","deprecated":"true","tenant":"5")");
  EXPECT_EQ(event->Find("sampledrate")->number, 30);
  EXPECT_EQ(event->Find("deprecated")->kind, HF_ATTRIBUTE_BOOLEAN);
  EXPECT_EQ(event->Find("tenant")->kind, HF_ATTRIBUTE_STRING);
  EXPECT_EQ(Read(R"("other":"30")")->Find("other")->kind, HF_ATTRIBUTE_STRING);
}

TEST(ReadJson, KeepsThePayloadToTheByte) {
  for (const std::string_view payload : {"1.0"sv,
                                         "12345678901234567890"sv,
                                         "-0"sv,
                                         "1E+2"sv,
                                         "0.1e-7"sv,
                                         "1e400"sv,
                                         "true"sv,
                                         "false"sv,
                                         "null"sv,
                                         "\"\""sv,
                                         "\"a\\u0062\\/\\\"\""sv,
                                         "\"\\ud83c\\udf0e\""sv,
                                         "\"12345678901234567890\""sv,
                                         "[]"sv,
                                         "{}"sv,
                                         "[ 1 , 2.50,\t\"x\" ]"sv,
                                         "{\"z\":1.0,\"a\":{\"z\":1e2},\r\n \"z\":2}"sv,
                                         "\"Hello, \xf0\x9f\x8c\x8e!\""sv,
                                         "[[],[{}],[[[]]]]"sv,
                                         "{\"data\":{\"data\":1},\"id\":[\"data_base64\"]}"sv,
                                         "\"}\""sv,
                                         "[\"]\\\\\"]"sv}) {
    for (const std::string_view around : {""sv, " "sv, "\n\t\r "sv}) {
      const std::string blank(around);
      std::string member = "\"data\"" + blank + ":" + blank + std::string(payload) + blank;
      for (const std::string& members : {member, member + ",\"x\":1", "\"x\":1," + member}) {
        const Envelope event = Read(members);
        EXPECT_EQ(event->data(), payload) << members;
        EXPECT_EQ(event->data_kind(), DataKind::kBinary);
        EXPECT_EQ(event->Text("datacontenttype"), "application/json");
      }
      EXPECT_EQ(
          Read("\"datacontenttype\":\"application/vnd.acme.Order+JSON; v=1\"," + member)->data(),
          payload);
      EXPECT_EQ(Read(member + ",\"datacontenttype\":\"text/json\"")->data(), payload);
    }
  }
}

TEST(ReadJson, TakesAStringOfAnotherMediaTypeForText) {
  const Envelope event =
      Read(R"("data":"<much wow=\"xml\"/>","datacontenttype":"application/xml")");
  EXPECT_EQ(event->data(), "<much wow=\"xml\"/>");
  EXPECT_EQ(event->data_kind(), DataKind::kText);
  EXPECT_EQ(Read(R"("data":"","datacontenttype":"text/plain")")->data_kind(), DataKind::kText);
  EXPECT_EQ(Read(R"("data":"\u0000","datacontenttype":"text/plain")")->data(), "\0"sv);
  EXPECT_EQ(Read(R"("data":"{}","datacontenttype":"text/jsonish")")->data(), "{}");
  for (const char* data : {"1", "null", "{}", "[\"a\"]", "true"}) {
    EXPECT_EQ(Fault("\"data\":" + std::string(data) + ",\"datacontenttype\":\"text/plain\""),
              "data: is no string, and datacontenttype not that of JSON");
  }
}

TEST(ReadJson, DecodesBase64WhichImpliesNothing) {
  const Envelope event = Read(R"("data_base64":"eyAieHl6IjogMTIzIH0=")");
  EXPECT_EQ(event->data(), R"({ "xyz": 123 })");
  EXPECT_EQ(event->data_kind(), DataKind::kBinary);
  EXPECT_EQ(event->Find("datacontenttype"), nullptr);
  EXPECT_EQ(Read(R"("data_base64":"")")->data_kind(), DataKind::kBinary);
  EXPECT_EQ(Read(R"("data_base64":null)")->data_kind(), DataKind::kNone);
  EXPECT_EQ(Read(R"("data_base64":null,"data":1)")->data(), "1");
  EXPECT_EQ(Read(R"("data_base64":"AA==","datacontenttype":"application/json")")->data(), "\0"sv);
  for (const char* text :
       {"A", "AA", "AAA", "AA==A", "AB==", "A A=", "AA=A", "-_==", "\\u00e9AAA"}) {
    EXPECT_EQ(Fault("\"data_base64\":\"" + std::string(text) + "\""),
              "14: data_base64: is no base64 (RFC 4648, 4)");
  }
}

TEST(ReadJson, TakesAMessageOfProtobufForOne) {
  const Envelope event = Read(R"("data_base64":"CAE=","datacontenttype":"application/protobuf",)"
                              R"("dataschema":"https://type.googleapis.com/acme.Order")");
  EXPECT_EQ(event->data_kind(), DataKind::kProto);
  EXPECT_EQ(event->data_type(), "type.googleapis.com/acme.Order");
  EXPECT_EQ(event->data(), "\x08\x01");
  for (const char* schema :
       {"https://acme.example/a-b", "https://acme.example/", "urn:a", "https:///a.B"}) {
    EXPECT_EQ(Read("\"data_base64\":\"CAE=\",\"datacontenttype\":\"application/"
                   "protobuf\",\"dataschema\":\"" +
                   std::string(schema) + "\"")
                  ->data_kind(),
              DataKind::kBinary)
        << schema;
  }
  EXPECT_EQ(Read(R"("data_base64":"CAE=","dataschema":"https://a/b.C")")->data_kind(),
            DataKind::kBinary);
}

TEST(ReadJson, RefusesATypeThatAnAttributeCannotHave) {
  EXPECT_EQ(Fault(R"("subject":5)"), "10: subject: must be a String");
  EXPECT_EQ(Fault(R"("subject":"")"), "10: subject: is empty");
  EXPECT_EQ(Fault(R"("authid":true)"), "9: authid: must be a String");
  EXPECT_EQ(Fault(R"("time":1522949460)"), "7: time: must be a Timestamp");
  EXPECT_EQ(Fault(R"("time":"yesterday")"), "7: time: must be a Timestamp");
  EXPECT_EQ(Fault(R"("sampledrate":"a")"), "14: sampledrate: must be an Integer");
  EXPECT_EQ(
      Fault(R"("x":1.0)"),
      "4: x: a number that is no Integer: it has a fraction, an exponent, or more than 32 bits");
  EXPECT_EQ(Fault(R"("x":2147483648)"), "4: x: an Integer has 32 bits");
  EXPECT_EQ(Fault(R"("x":-2147483649)"), "4: x: an Integer has 32 bits");
  EXPECT_EQ(Fault(R"("x": 18446744073709551615)").substr(0, 40),
            "5: x: a number that is no Integer: it ha");
  EXPECT_EQ(Fault(R"("x":18446744073709551614)").substr(0, 18), "4: x: a number tha");
  EXPECT_EQ(Fault(R"("x":1e2)").substr(0, 4), "4: x");
  EXPECT_EQ(Fault(R"("x":{})"), "4: x: an attribute is no object and no array");
  EXPECT_EQ(Fault(R"("x":[1])"), "4: x: an attribute is no object and no array");
  EXPECT_EQ(Fault(R"("data_base64":5)"), "14: data_base64: must be a String");
  EXPECT_EQ(Fault(R"("data_base64":true)"), "14: data_base64: must be a String");
  EXPECT_EQ(Fault(R"("data_base64":{})"),
            "14: data_base64: an attribute is no object and no array");
  EXPECT_EQ(Fault(R"("datacontenttype":"json")"),
            "18: datacontenttype: is no media type (RFC 2046)");
  EXPECT_EQ(Fault(R"("x":"a\u0007")"),
            "4: x: holds a control character, a noncharacter or broken UTF-8");
  EXPECT_EQ(Refused(R"({"id":5})"), "byte 6: id: must be a String");
  EXPECT_EQ(Refused(R"({"source":"a b"})"), "byte 10: source: must be a URI-reference");
  EXPECT_EQ(Refused(R"({"specversion":1.0})").substr(0, 21), "byte 15: specversion:");
  EXPECT_EQ(Refused(R"({"specversion":true})"), "byte 15: specversion: must be a String");
}

TEST(ReadJson, RefusesNamesThatAreNone) {
  for (const std::string_view name :
       {"", "X", "a_b", "a-b", "data_base", "Data", "\xc3\xa9", "a b"}) {
    const std::string fault = Fault("\"" + std::string(name) + "\":null");
    EXPECT_EQ(fault.substr(fault.find(' ')),
              " a member's name has 1 to 64 characters of a-z and 0-9")
        << name;
  }
  EXPECT_EQ(Read("\"" + std::string(64, 'a') + "\":1")->attributes().size(), 1u);
  EXPECT_NE(Fault("\"" + std::string(65, 'a') + "\":1"), "read");
}

TEST(ReadJson, RefusesAMemberThatComesTwice) {
  EXPECT_EQ(Fault(R"("x":1,"x":1)"), "8: x: comes twice");
  EXPECT_EQ(Fault(R"("subject":null,"s\u0075bject":"a")"), "28: subject: comes twice");
  EXPECT_EQ(Fault(R"("id":"2")"), "3: id: comes twice");
  EXPECT_EQ(Fault(R"("data":1,"data":1)"), "14: data: comes twice");
  EXPECT_EQ(Fault(R"("data":null,"data_base64":"")"), "data_base64: there is data beside it");
  EXPECT_EQ(Fault(R"("data_base64":"","data":1)"), "data_base64: there is data beside it");
}

TEST(ReadJson, RefusesAnEventThatIsNotWhole) {
  EXPECT_EQ(Refused("{}"), "specversion: is missing");
  EXPECT_EQ(Refused(R"({"specversion":null,"id":"1","source":"/","type":"t"})"),
            "specversion: is missing");
  for (const std::string_view name : {"id", "source", "type"}) {
    std::string text = std::string(kHead) + "}";
    const std::size_t at = text.find("\"" + std::string(name) + "\":\"") + name.size() + 3;
    text.replace(at, text.find('"', at + 1) + 1 - at, "null");
    EXPECT_NE(Refused(text).find(name), std::string::npos) << Refused(text);
  }
  const auto other = ReadJson(R"({"specversion":"0.3","id":"1"})");
  EXPECT_EQ(other.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(RejectionOf(other.status())->reason, HF_R_UNSUPPORTED_FIELD);
  EXPECT_EQ(other.status().message(), "byte 15: specversion: is not 1.0");
}

TEST(ReadJson, RefusesWhatIsNoJson) {
  EXPECT_EQ(Refused(""), "byte 0: is no JSON in UTF-8");
  EXPECT_EQ(Refused("{"), "byte 1: is no JSON in UTF-8");
  EXPECT_EQ(Refused("{\"id\":\"a\xff\"}"), "byte 8: is no JSON in UTF-8");
  EXPECT_EQ(Refused("{\"id\":\"a\xc3\"}"), "byte 9: is no JSON in UTF-8");
  EXPECT_EQ(Fault("\"data\":\"\xed\xa0\x80\""), "9: is no JSON in UTF-8");
  EXPECT_EQ(Refused("[]"), "byte 0: an event is an object");
  EXPECT_EQ(Refused("1"), "byte 0: an event is an object");
  EXPECT_EQ(Refused("null"), "byte 3: an event is an object");
  EXPECT_EQ(Refused(With("\"x\":1") + "x"), "byte 61: is no JSON in UTF-8");
  EXPECT_EQ(Refused(With("\"x\":1") + "\0"s), "byte 61: is no JSON in UTF-8");
  EXPECT_EQ(Fault("\"data\":1e5000"), "12: a number beyond what can be read");
  for (const char* members :
       {"\"x\":01", "\"x\":+1", "\"x\":.5", "\"x\":'a'", "\"x\":NaN", "\"x\":1,", "x:1", "\"x\" 1",
        "\"x\":\"\n\"", "\"x\":\"\\x\"", "\"data\":[1,]", "\"data\":{\"a\"}", "/**/\"x\":1",
        "\"data\":\"\\ud800\"", "\"data\":tru"}) {
    EXPECT_NE(Fault(members).find("is no JSON in UTF-8"), std::string::npos)
        << members << Fault(members);
  }
  EXPECT_TRUE(ReadJson("\xef\xbb\xbf" + With("\"x\":1")).ok());
}

TEST(ReadJson, IsBounded) {
  EXPECT_EQ(Read("\"data\":" + Nested(64))->data(), Nested(64));
  EXPECT_EQ(Fault("\"data\":" + Nested(65)), "71: data: deeper than max_depth");
  EXPECT_EQ(Fault("\"data\":[[]]", {.max_depth = 1}), "8: data: deeper than max_depth");
  EXPECT_EQ(Fault("\"data\":" + std::string(1'000'000, '[')), "71: data: deeper than max_depth");
  JsonLimits deep{.max_depth = UINT32_MAX};
  EXPECT_TRUE(ReadJson(With("\"data\":" + Nested(500'000)), deep).ok());
  EXPECT_EQ(Refused(With("\"x\":1"), {.event = {.max_size = 64}}), "read");
  const auto large = ReadJson(With("\"x\":\"aaaaaaaaaa\""), {.event = {.max_size = 64}});
  EXPECT_EQ(large.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(large.status().message(), "larger than max_size");
  std::string many;
  for (int i = 0; i < 65; ++i) many += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":1";
  EXPECT_NE(Fault(many).find("more than 64 attributes"), std::string::npos) << Fault(many);
  std::string nulls;
  for (int i = 0; i < 100; ++i) nulls += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":null";
  EXPECT_NE(Fault(nulls).find("more than 64 attributes"), std::string::npos);
  EXPECT_NE(Fault(R"("a":1,"b":2)", {.event = {.max_attributes = 1}}), "read");
  EXPECT_NE(Fault("\"a\":\"" + std::string(65, 'a') + "\"", {.event = {.max_text = 64}}), "read");
}

TEST(ReadJson, NeverShowsAValue) {
  for (const char* members :
       {R"("x":"secret)", R"("time":"secret")", R"("data":"secret",secret)", R"("secret!":1)",
        R"("data":{"secret":secret}})", R"("data_base64":"secret")"}) {
    EXPECT_EQ(Fault(members).find("secret"), std::string::npos) << Fault(members);
  }
}

TEST(ReadJsonBatch, ReadsEveryEvent) {
  const auto none = ReadJsonBatch(" [ ] ");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->empty());
  const auto two = ReadJsonBatch("[" + With(R"("data":{"a":[1.0]})") + " ,\n" +
                                 With(R"("data_base64":"AA==")") + "]");
  ASSERT_TRUE(two.ok()) << two.status();
  ASSERT_EQ(two->size(), 2u);
  EXPECT_EQ((*two)[0]->data(), R"({"a":[1.0]})");
  EXPECT_EQ((*two)[1]->data(), "\0"sv);
  EXPECT_EQ((*two)[1]->Find("datacontenttype"), nullptr);
}

TEST(ReadJsonBatch, NamesTheEventAtFault) {
  const auto fault = [](const std::string& text, const JsonLimits& limits = {}) {
    const auto events = ReadJsonBatch(text, limits);
    return events.ok() ? "read" : std::string(events.status().message());
  };
  const std::string good = std::string(kHead) + "}";
  EXPECT_EQ(fault(good), "event 0: byte 0: a batch is an array of events");
  EXPECT_EQ(fault("1"), "event 0: byte 0: a batch is an array of events");
  EXPECT_EQ(fault("[1]"), "event 0: byte 2: an event is an object");
  EXPECT_EQ(fault("[[]]"), "event 0: byte 1: an event is an object");
  EXPECT_EQ(fault("[" + good + "," + With(R"("x":1.5)") + "]").substr(0, 20),
            "event 1: byte 116: x");
  EXPECT_EQ(fault("[" + good + ",{}]"), "event 1: specversion: is missing");
  EXPECT_EQ(fault("[" + good).substr(0, 8), "event 1:");
  EXPECT_EQ(fault("[" + good + "," + good + "]", {.max_events = 1}),
            "event 1: byte 57: more events than max_events");
  EXPECT_EQ(fault("[" + good + "," + With("\"data\":\"" + std::string(60, 'a') + "\"") + "]",
                  {.event = {.max_size = 64}}),
            "event 1: byte 181: larger than max_size");
  const JsonLimits tight{.event = {.max_size = 64}};
  EXPECT_EQ(fault("[" + With("\"x\":1234") + "]", tight), "read");
  EXPECT_EQ(fault("[" + With("\"x\":12345") + "]", tight),
            "event 0: byte 65: larger than max_size");
  EXPECT_EQ(fault("[]\0"s), "byte 2: is no JSON in UTF-8");
}

}  // namespace
}  // namespace holdfast
