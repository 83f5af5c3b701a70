// SPDX-License-Identifier: Apache-2.0
// Events over a real wire: librdkafka's producer, a broker of its mock cluster on a port of its own choosing, and librdkafka's
// consumer. What comes out is what went in, headers, key and null values among it.
#include <gtest/gtest.h>
#include <holdfast/envelope_headers.h>
#include <holdfast/envelope_kafka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{30'000};
constexpr const char* kTopic = "events";

struct DestroyClient {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
};
struct DestroyCluster {
  void operator()(rd_kafka_mock_cluster_t* cluster) const {
    rd_kafka_mock_cluster_destroy(cluster);
  }
};
struct DestroyMessage {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using Client = std::unique_ptr<rd_kafka_t, DestroyClient>;
using Cluster = std::unique_ptr<rd_kafka_mock_cluster_t, DestroyCluster>;
using Message = std::unique_ptr<rd_kafka_message_t, DestroyMessage>;
using Settings = std::vector<std::pair<const char*, std::string>>;

Client MakeClient(rd_kafka_type_t type, const Settings& settings) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  char error[256] = "";
  for (const auto& [name, value] : settings) {
    EXPECT_EQ(rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error), RD_KAFKA_CONF_OK)
        << error;
  }
  return Client(rd_kafka_new(type, conf, error, sizeof error));
}

// A record as it is sent.
struct Record {
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const hf_header> headers;
};

class KafkaEnvelope : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_ = MakeClient(RD_KAFKA_PRODUCER, {{"log_level", "2"}});
    ASSERT_NE(broker_, nullptr);
    cluster_.reset(rd_kafka_mock_cluster_new(broker_.get(), 1));
    ASSERT_NE(cluster_, nullptr);
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_.get(), kTopic, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    const std::string servers = rd_kafka_mock_cluster_bootstraps(cluster_.get());
    producer_ = MakeClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", servers}, {"linger.ms", "0"}});
    consumer_ = MakeClient(
        RD_KAFKA_CONSUMER,
        {{"bootstrap.servers", servers}, {"group.id", "test"}, {"fetch.wait.max.ms", "20"}});
    ASSERT_NE(producer_, nullptr);
    ASSERT_NE(consumer_, nullptr);
    rd_kafka_topic_partition_list_t* const places = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(places, kTopic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    EXPECT_EQ(rd_kafka_assign(consumer_.get(), places), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(places);
  }

  // Sends a record, and waits until the broker has it.
  void Produce(const Record& record) {
    rd_kafka_headers_t* const headers = rd_kafka_headers_new(record.headers.size());
    for (const hf_header& header : record.headers) {
      ASSERT_EQ(
          rd_kafka_header_add(headers, header.name.data, static_cast<ssize_t>(header.name.size),
                              header.value.data, static_cast<ssize_t>(header.value.size)),
          RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    const auto bytes = [](const std::optional<std::string_view>& text) {
      return const_cast<char*>(!text ? nullptr : text->data() == nullptr ? "" : text->data());
    };
    ASSERT_EQ(
        rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(kTopic), RD_KAFKA_V_PARTITION(0),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(bytes(record.key), record.key.value_or("").size()),
                          RD_KAFKA_V_VALUE(bytes(record.value), record.value.value_or("").size()),
                          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
        RD_KAFKA_RESP_ERR_NO_ERROR);
    ASSERT_EQ(rd_kafka_flush(producer_.get(), static_cast<int>(kPatience.count())),
              RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  Message Consume() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      Message message(rd_kafka_consumer_poll(consumer_.get(), 100));
      if (message != nullptr && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return message;
    }
    ADD_FAILURE() << "no message came";
    return nullptr;
  }

  // The headers of a consumed record, in place.
  static std::vector<hf_header> HeadersOf(const rd_kafka_message_t& message) {
    std::vector<hf_header> found;
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return found;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      found.push_back({Borrow(name), {static_cast<const char*>(value), size}});
    }
    return found;
  }

  static std::optional<std::string_view> ValueOf(const rd_kafka_message_t& message) {
    if (message.payload == nullptr) return std::nullopt;
    return std::string_view(static_cast<const char*>(message.payload), message.len);
  }

  static EnvelopeView Event(std::string_view data) {
    EnvelopeView event;
    event.set_id("1234-1234-1234");
    event.set_source("/mycontext/subcontext?q=%20");
    event.set_type("com.example.someevent");
    event.Set(TextAttribute("subject", "Euro € 😀 100% \"raw\""));
    event.Set(TextAttribute("datacontenttype", "application/json; charset=utf-8"));
    event.Set(TextAttribute("partitionkey", "customer 9"));
    event.Set(IntegerAttribute("sampledrate", 30));
    event.Set(Attribute{Borrow("time"), {}, 1522900584, 123456789, HF_ATTRIBUTE_TIMESTAMP});
    event.set_data(DataKind::kBinary, data);
    return event;
  }

  static void ExpectSame(const EnvelopeView& read, const EnvelopeView& sent) {
    EXPECT_EQ(read.id(), sent.id());
    EXPECT_EQ(read.source(), sent.source());
    EXPECT_EQ(read.type(), sent.type());
    EXPECT_EQ(read.data_kind(), sent.data_kind());
    EXPECT_EQ(read.data(), sent.data());
    ASSERT_EQ(read.attributes().size(), sent.attributes().size());
    for (const Attribute& attribute : sent.attributes()) {
      const Attribute* const found = read.Find(View(attribute.name));
      ASSERT_NE(found, nullptr) << View(attribute.name);
      EXPECT_EQ(*FormatAttribute(*found), *FormatAttribute(attribute));
      EXPECT_EQ(found->kind, attribute.kind) << View(attribute.name);
    }
  }

  Client broker_;
  Cluster cluster_;  // gone before its client
  Client producer_;
  Client consumer_;
};

TEST_F(KafkaEnvelope, BinaryModeComesThrough) {
  const EnvelopeView event = Event(R"({"message":"Hello World!"})");
  EventHeaders headers;
  ASSERT_TRUE(headers.Write(Binding::kKafka, event).ok());
  Produce({PartitionKeyOf(event), KafkaValueOf(event), headers.headers()});
  const Message message = Consume();
  ASSERT_NE(message, nullptr);
  const std::vector<hf_header> received = HeadersOf(*message);
  EXPECT_EQ(received.size(), headers.headers().size());
  ReceivedEvent read;
  const absl::Status status = read.Read(Binding::kKafka, received, ValueOf(*message));
  ASSERT_TRUE(status.ok()) << status;
  ExpectSame(read.event(), event);
  EXPECT_EQ(read.event().data().data(), message->payload);
  EXPECT_EQ(std::string_view(static_cast<const char*>(message->key), message->key_len),
            "customer 9");
}

TEST_F(KafkaEnvelope, StructuredModeComesThrough) {
  const EnvelopeView event = Event("payload");
  std::string body;
  ASSERT_TRUE(event.Encode(&body).ok());
  const hf_header type = {Borrow("content-type"), Borrow(kProtobufEvent)};
  Produce({std::nullopt, body, {&type, 1}});
  const Message message = Consume();
  ASSERT_NE(message, nullptr);
  const std::vector<hf_header> received = HeadersOf(*message);
  ReceivedEvent read;
  const absl::Status status = read.Read(Binding::kKafka, received, ValueOf(*message));
  ASSERT_TRUE(status.ok()) << status;
  ExpectSame(read.event(), event);
  EXPECT_EQ(message->key, nullptr);
}

TEST_F(KafkaEnvelope, ATombstoneAndAnEmptyValueAreTwoThings) {
  EnvelopeView event = Event("");
  EventHeaders headers;
  ASSERT_TRUE(headers.Write(Binding::kKafka, event).ok());
  Produce({PartitionKeyOf(event), KafkaValueOf(event), headers.headers()});
  event.set_data(DataKind::kNone, "");
  ASSERT_TRUE(headers.Write(Binding::kKafka, event).ok());
  Produce({PartitionKeyOf(event), KafkaValueOf(event), headers.headers()});
  for (const DataKind expected : {DataKind::kBinary, DataKind::kNone}) {
    const Message message = Consume();
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(message->payload == nullptr, expected == DataKind::kNone);
    const std::vector<hf_header> received = HeadersOf(*message);
    ReceivedEvent read;
    const absl::Status status = read.Read(Binding::kKafka, received, ValueOf(*message));
    ASSERT_TRUE(status.ok()) << status;
    event.set_data(expected, "");
    ExpectSame(read.event(), event);
  }
}

TEST_F(KafkaEnvelope, ARecordOfAnotherProducerIsRefusedAndNamesWhatIsMissing) {
  const hf_header headers[] = {{Borrow("ce_id"), Borrow("1")}, {Borrow("traceid"), Borrow("x")}};
  Produce({std::nullopt, "payload", headers});
  const Message message = Consume();
  ASSERT_NE(message, nullptr);
  const std::vector<hf_header> received = HeadersOf(*message);
  ReceivedEvent read;
  const absl::Status status = read.Read(Binding::kKafka, received, ValueOf(*message));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("specversion"), std::string::npos) << status;
}

}  // namespace
}  // namespace holdfast
