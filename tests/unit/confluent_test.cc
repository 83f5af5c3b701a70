// SPDX-License-Identifier: Apache-2.0
//
// Confluent's framing: its vectors, every producer's variant, and every way to be broken.
#include <gtest/gtest.h>
#include <holdfast/confluent.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

constexpr auto kProtobuf = ConfluentForm::kProtobuf;
const std::string kGuid = "\x6e\xf0\x85\x05\x43\x24\x4a\x15\x9b\xf3\x26\x4e\x25\x4c\x14\x6a";

ConfluentFrame Frame(std::vector<std::int32_t> indexes, std::int64_t id = 1) {
  ConfluentFrame frame{};
  frame.schema_id = id;
  frame.form = indexes.empty() ? HF_CONFLUENT_PLAIN : HF_CONFLUENT_PROTOBUF;
  frame.index_count = static_cast<std::uint32_t>(indexes.size());
  std::copy(indexes.begin(), indexes.end(), frame.indexes);
  return frame;
}

std::string Written(const ConfluentFrame& frame) {
  std::string bytes;
  const absl::Status status = WriteConfluentFrame(frame, &bytes);
  return status.ok() ? bytes : "error: " + std::string(status.message());
}

std::string Fault(std::string_view bytes, ConfluentForm form = kProtobuf) {
  const auto frame = ReadConfluentFrame(bytes, form);
  if (frame.ok()) return "read";
  EXPECT_EQ(RejectionOf(frame.status())->reason, HF_R_MALFORMED);
  return std::string(frame.status().message());
}

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

std::vector<std::int32_t> Indexes(std::string_view bytes) {
  const auto frame = ReadConfluentFrame(bytes, kProtobuf);
  if (!frame.ok()) return {-1};
  return {frame->indexes, frame->indexes + frame->index_count};
}

void ExpectEqual(const ConfluentFrame& got, const ConfluentFrame& want) {
  EXPECT_EQ(0, std::memcmp(&got, &want, sizeof got)) << Written(got) << " " << Written(want);
}

TEST(Confluent, WritesAndReadsTheVectors) {
  const std::pair<std::vector<std::int32_t>, std::string_view> rows[] = {
      {{0}, "\0\0\0\0\1\0"sv},
      {{1}, "\0\0\0\0\1\2\2"sv},
      {{1, 0}, "\0\0\0\0\1\4\2\0"sv},
      {{0, 0}, "\0\0\0\0\1\4\0\0"sv},
      {{}, "\0\0\0\0\1"sv},
      {{64}, "\0\0\0\0\1\2\x80\1"sv},
      {{INT32_MAX}, "\0\0\0\0\1\2\xfe\xff\xff\xff\x0f"sv}};
  for (const auto& [indexes, bytes] : rows) {
    EXPECT_EQ(Written(Frame(indexes)), bytes);
    std::size_t used = 0;
    const std::string with_payload = std::string(bytes) + "payload";
    const auto form = indexes.empty() ? ConfluentForm::kPlain : kProtobuf;
    const auto frame = ReadConfluentFrame(with_payload, form, &used);
    ASSERT_TRUE(frame.ok()) << frame.status();
    EXPECT_EQ(used, bytes.size());
    ExpectEqual(*frame, Frame(indexes));
  }
  EXPECT_EQ(Written(Frame({}, 0x12345678)), "\0\x12\x34\x56\x78"sv);
}

TEST(Confluent, ReadsTheFirstMessageInItsLongForm) {
  EXPECT_EQ(Indexes("\0\0\0\0\1\2\0"sv), std::vector<std::int32_t>{0});
  EXPECT_EQ(Indexes("\0\0\0\0\1\2\x82\0"sv), std::vector<std::int32_t>{1});  // padded
}

TEST(Confluent, SaysWhenAWriterUsesPlainVarints) {
  for (const std::string_view bytes :
       {"\0\0\0\0\1\1\0"sv, "\0\0\0\0\1\1\1"sv, "\0\0\0\0\1\3\0"sv}) {
    EXPECT_EQ(Fault(bytes), "byte 5: a negative number: written with plain varints, not zigzag");
  }
  // [1,0] of such a writer: one index, which is negative. Of its [2,0] nothing tells.
  EXPECT_EQ(Fault("\0\0\0\0\1\2\1\0"sv),
            "byte 6: a negative number: written with plain varints, not zigzag");
  EXPECT_EQ(Indexes("\0\0\0\0\1\2\2\0"sv), std::vector<std::int32_t>{1});
}

TEST(Confluent, NamesTheByteOfWhatIsBroken) {
  EXPECT_EQ(Fault(""), "byte 0: the frame ends too early");
  EXPECT_EQ(Fault("\0\0\0"sv), "byte 3: the frame ends too early");
  EXPECT_EQ(Fault("\0\0\0\0\1"sv), "byte 5: the frame ends too early");
  EXPECT_EQ(Fault("\0\0\0\0\1\4\2"sv), "byte 7: the frame ends too early");
  EXPECT_EQ(Fault("\0\0\0\0\1\2\x80"sv), "byte 7: the frame ends too early");
  EXPECT_EQ(Fault("\1" + kGuid.substr(1)), "byte 16: the frame ends too early");
  EXPECT_EQ(Fault("{}"), "byte 0: neither 00 nor 01: no frame begins so");
  EXPECT_EQ(Fault("\0\0\0\0\1\x22"sv), "byte 5: more than 16 message indexes");
  EXPECT_EQ(Fault("\0\0\0\0\1\2\x80\x80\x80\x80\x80\0"sv), "byte 6: a varint of more than 5 bytes");
  EXPECT_EQ(Fault("\0\0\0\0\1\2\x80\x80\x80\x80\x10"sv), "byte 6: a varint beyond 32 bits");
  EXPECT_EQ(Fault("\0\xff\xff\xff\xff"sv, ConfluentForm::kPlain),
            "byte 1: a schema id below 1: is it one of 8 bytes (Apicurio)?");
  EXPECT_EQ(Fault("\0\0\0\0\0\0\0\0"sv, ConfluentForm::kWide), "byte 8: the frame ends too early");
  EXPECT_EQ(Fault("\0\0\0\0\0\0\0\0\0"sv, ConfluentForm::kWide), "byte 1: a schema id below 1");
  EXPECT_EQ(Fault("\1" + kGuid, ConfluentForm::kWide),
            "byte 0: version 1 has a GUID, no id of 8 bytes");
}

TEST(Confluent, ReadsIdsOfEightBytesWhenToldSo) {
  const std::string bytes = "\0\0\0\0\0\0\0\1\2payload"s;
  EXPECT_EQ(Fault(bytes, ConfluentForm::kPlain),
            "byte 1: a schema id below 1: is it one of 8 bytes (Apicurio)?");
  const auto read = ReadConfluent(bytes, {}, {.form = ConfluentForm::kWide});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->frame->schema_id, 258);
  EXPECT_EQ(read->payload, "payload");
  EXPECT_EQ(Written(*read->frame), bytes.substr(0, 9));
}

TEST(Confluent, TakesTheLastHeaderThenThePrefix) {
  const std::string old_header = "\1" + std::string(16, 'x') + "\2\2";
  const std::string header = "\1" + kGuid + "\4\2"s + '\0';
  const hf_header headers[] = {{Str(kValueSchemaId), Str(old_header)},
                               {Str(kKeySchemaId), Str("broken")},
                               {Str(kValueSchemaId), Str(header)}};
  auto read = ReadConfluent("payload", headers, {.form = kProtobuf});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->in_header);
  EXPECT_EQ(read->payload, "payload");
  EXPECT_EQ(read->frame->version, 1u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(read->frame->guid), 16), kGuid);
  EXPECT_EQ(read->frame->index_count, 2u);
  EXPECT_EQ(Written(*read->frame), header);

  const std::string framed = Written(Frame({1}, 7)) + "payload";
  read = ReadConfluent(framed, std::span(headers).subspan(1, 1), {.form = kProtobuf});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->in_header);
  EXPECT_EQ(read->frame->schema_id, 7);
  EXPECT_EQ(read->payload, "payload");

  read = ReadConfluent(framed, headers, {.form = kProtobuf, .header = kKeySchemaId});
  EXPECT_EQ(read.status().message(),
            "__key_schema_id: byte 0: neither 00 nor 01: no frame begins so");
  read = ReadConfluent("payload", headers);  // Avro expected, written as protobuf
  EXPECT_EQ(read.status().message(), "__value_schema_id: byte 17: the frame has ended here");
}

TEST(Confluent, LeavesAPayloadWithoutAFrameAsItIs) {
  for (const std::string_view bytes : {""sv, "{\"a\":1}"sv, "\x0a\2hi"sv, "\3\0 glue"sv}) {
    const auto read = ReadConfluent(bytes, {}, {.form = kProtobuf});
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_FALSE(read->frame.has_value());
    EXPECT_EQ(read->payload, bytes);
  }
  EXPECT_FALSE(ReadConfluent("\0"sv, {}).ok());
  EXPECT_FALSE(ReadConfluent("\1"sv, {}).ok());
  EXPECT_TRUE(ReadConfluent("\1" + kGuid, {}).ok());
}

TEST(Confluent, RefusesToWriteWhatItWouldNotRead) {
  EXPECT_EQ(Written(Frame({}, 0)), "error: schema_id: 0 is outside 1..2147483647");
  EXPECT_EQ(Written(Frame({}, INT64_C(1) << 31)),
            "error: schema_id: 2147483648 is outside 1..2147483647");
  EXPECT_EQ(Written(Frame({-1})), "error: indexes: -1 is outside 0..2147483647");
  ConfluentFrame frame = Frame({0});
  frame.index_count = 17;
  EXPECT_EQ(Written(frame), "error: index_count: 17 is outside 1..16");
  frame.index_count = 0;
  EXPECT_EQ(Written(frame), "error: index_count: 0 is outside 1..16");
  frame = Frame({});
  frame.index_count = 1;
  EXPECT_EQ(Written(frame), "error: index_count: 1 is outside 0..0");
  frame = Frame({});
  frame.version = 2;
  EXPECT_EQ(Written(frame), "error: version: 2 is outside 0..1");
  frame.version = 1;
  frame.form = HF_CONFLUENT_WIDE;
  EXPECT_EQ(Written(frame), "error: form: version 1 has a GUID, no id of 8 bytes");
  frame.form = 3;
  EXPECT_EQ(Written(frame), "error: form: 3 is outside 0..2");
  frame = Frame({});
  frame.reserved0 = 1;
  EXPECT_NE(Written(frame).find("reserved0"), std::string::npos);
}

TEST(Confluent, RefusesNull) {
  hf_confluent frame{};
  std::size_t size = 0;
  hf_error error{};
  char out[HF_CONFLUENT_MAX];
  EXPECT_EQ(hf_confluent_read(nullptr, 1, 0, &frame, &size, &error), HF_INVALID_ARGUMENT);
  EXPECT_STREQ(error.text, "data: is NULL");
  EXPECT_EQ(hf_confluent_read("", 0, 0, nullptr, &size, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_confluent_read("", 0, 0, &frame, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_confluent_read("", 0, 3, &frame, &size, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(hf_confluent_write(nullptr, out, &size, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_confluent_write(&frame, nullptr, &size, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_confluent_write(&frame, out, nullptr, &error), HF_INVALID_ARGUMENT);
}

TEST(Confluent, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_TRUE(rc::check([] {
    ConfluentFrame frame{};
    frame.form = *rc::gen::inRange<hf_confluent_form>(HF_CONFLUENT_PLAIN, HF_CONFLUENT_WIDE + 1);
    frame.version = frame.form == HF_CONFLUENT_WIDE ? 0u : *rc::gen::inRange<std::uint32_t>(0, 2);
    if (frame.version == 0) {
      const std::int64_t most = frame.form == HF_CONFLUENT_WIDE ? INT64_MAX : INT32_MAX;
      frame.schema_id = *rc::gen::inRange<std::int64_t>(1, most);
    } else {
      for (auto& byte : frame.guid) byte = *rc::gen::arbitrary<std::uint8_t>();
    }
    if (frame.form == HF_CONFLUENT_PROTOBUF) {
      frame.index_count = *rc::gen::inRange<std::uint32_t>(1, HF_CONFLUENT_INDEXES + 1);
      for (std::uint32_t i = 0; i < frame.index_count; ++i) {
        frame.indexes[i] = *rc::gen::oneOf(rc::gen::inRange(0, 3), rc::gen::inRange(0, INT32_MAX));
      }
    }
    const std::string bytes = Written(frame);
    RC_ASSERT(bytes.size() <= HF_CONFLUENT_MAX);
    std::size_t used = 0;
    const auto back =
        ReadConfluentFrame(bytes + "x", static_cast<ConfluentForm>(frame.form), &used);
    RC_ASSERT(back.ok());
    RC_ASSERT(used == bytes.size());
    RC_ASSERT(std::memcmp(&*back, &frame, sizeof frame) == 0);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      RC_ASSERT(
          !ReadConfluentFrame(bytes.substr(0, cut), static_cast<ConfluentForm>(frame.form)).ok());
    }
  }));
}

}  // namespace
}  // namespace holdfast
