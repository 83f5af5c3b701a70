// SPDX-License-Identifier: Apache-2.0
// Events as the headers and the body of a transport's message. Table of bindings, percent rules: c/binding.h.
//
//   holdfast::ReceivedEvent received;
//   absl::Status read = received.Read(holdfast::Binding::kHttp, headers, body);
//   Handle(received.event().type(), received.event().data());
//
//   holdfast::EventHeaders sent;
//   absl::Status written = sent.Write(holdfast::Binding::kHttp, event);
//   for (const hf_header& header : sent.headers()) ...;  // the body is event.data()
//
// Headers are given as they came, one by one and never joined, so that an attribute that comes twice is seen. Kafka:
// envelope_kafka.h. AMQP's own types: envelope_amqp.h. gRPC: grpc/envelope.h. JSON: json/envelope.h. Batches:
// envelope_batch.h.
//
// Threads: objects of this file are as thread-safe as a string.
#ifndef HOLDFAST_ENVELOPE_HEADERS_H_
#define HOLDFAST_ENVELOPE_HEADERS_H_

#include <absl/status/status.h>
#include <holdfast/c/binding.h>
#include <holdfast/envelope_view.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5 {

enum class Binding : hf_binding {
  kHttp = HF_BINDING_HTTP,
  kKafka = HF_BINDING_KAFKA,
  kAmqp = HF_BINDING_AMQP,
  kAmqpColon = HF_BINDING_AMQP_COLON,  // `cloudEvents:subject`; read as kAmqp
  kGrpc = HF_BINDING_GRPC,
};

enum class ContentMode : hf_content_mode {
  kBinary = HF_CONTENT_BINARY,          // the event in headers, the body is its data
  kStructured = HF_CONTENT_STRUCTURED,  // the body is the event
  kBatch = HF_CONTENT_BATCH,            // the body is any number of events
};

enum class EventFormat : hf_event_format {
  kNone = HF_EVENT_FORMAT_NONE,  // of binary mode
  kJson = HF_EVENT_FORMAT_JSON,
  kProtobuf = HF_EVENT_FORMAT_PROTOBUF,
  kOther = HF_EVENT_FORMAT_OTHER,
};

// Content-Types of structured and batch mode.
inline constexpr std::string_view kJsonEvent = "application/cloudevents+json";
inline constexpr std::string_view kJsonEvents = "application/cloudevents-batch+json";
inline constexpr std::string_view kProtobufEvent = "application/cloudevents+protobuf";
inline constexpr std::string_view kProtobufEvents = "application/cloudevents-batch+protobuf";

struct MessageMode {
  ContentMode mode = ContentMode::kBinary;
  EventFormat format = EventFormat::kNone;

  friend bool operator==(const MessageMode&, const MessageMode&) = default;
};

// How a message carries its event, by its Content-Type; empty: binary.
inline MessageMode ModeOf(std::string_view content_type) {
  hf_event_format format = HF_EVENT_FORMAT_NONE;
  const hf_content_mode mode =
      hf_content_mode_of(content_type.data(), content_type.size(), &format);
  return {static_cast<ContentMode>(mode), static_cast<EventFormat>(format)};
}

// The Content-Type among a message's headers, in whatever case its name is; empty if there is none.
inline std::string_view ContentTypeOf(std::span<const hf_header> headers) {
  constexpr std::string_view kName = "content-type";
  for (const hf_header& header : headers) {
    const std::string_view name = View(header.name);
    if (name.size() == kName.size() &&
        std::equal(name.begin(), name.end(), kName.begin(), [](char given, char lower) {
          return (given >= 'A' && given <= 'Z' ? given + ('a' - 'A') : given) == lower;
        })) {
      return View(header.value);
    }
  }
  return {};
}

// An event out of a message. Reads any number of messages, one after the other.
class ReceivedEvent {
 public:
  ReceivedEvent() = default;
  ReceivedEvent(const ReceivedEvent&) = delete;
  ReceivedEvent& operator=(const ReceivedEvent&) = delete;

  // Reads an event in binary mode, or in structured mode as protobuf. `headers` and `body` must outlive this;
  // std::nullopt is a null value, such as Kafka has. After an error there is no event.
  // Errors: as hf_binding_read (c/binding.h) and EnvelopeView::Decode; kUnimplemented HF_R_UNSUPPORTED_FIELD: another
  // format, which is read by what knows it, or a batch.
  absl::Status Read(Binding binding, std::span<const hf_header> headers,
                    std::optional<std::string_view> body, const EnvelopeLimits& limits = {}) {
    report_ = {};
    event_.Clear();
    const MessageMode mode =
        binding == Binding::kGrpc ? MessageMode{} : ModeOf(ContentTypeOf(headers));
    if (mode.mode == ContentMode::kBinary) return ReadBinary(binding, headers, body, limits);
    if (mode == MessageMode{ContentMode::kStructured, EventFormat::kProtobuf}) {
      return event_.Decode(body.value_or(std::string_view()), limits);
    }
    return MakeStatus(HF_UNIMPLEMENTED, HF_R_UNSUPPORTED_FIELD,
                      "content-type: neither binary mode nor application/cloudevents+protobuf");
  }

  // Valid as long as this is, and until the next Read.
  const EnvelopeView& event() const { return event_; }
  // What was put up with in binary mode.
  const hf_binding_report& report() const { return report_; }

 private:
  absl::Status ReadBinary(Binding binding, std::span<const hf_header> headers,
                          std::optional<std::string_view> body, const EnvelopeLimits& limits) {
    std::size_t room = 0;
    for (const hf_header& header : headers) room += header.name.size + header.value.size;
    if (room > room_) {
      buffer_.reset(new char[room]);
      room_ = room;
    }
    const hf_envelope_limits raw_limits = limits.raw();
    hf_error error{};
    report_.struct_size = sizeof report_;
    // An empty body is not a null one.
    const char* const data = !body ? nullptr : body->data() == nullptr ? "" : body->data();
    if (hf_binding_read(static_cast<hf_binding>(binding), headers.data(), headers.size(), data,
                        body ? body->size() : 0, &raw_limits, buffer_.get(), room_, &event_.raw(),
                        &report_, &error) == HF_OK) {
      return absl::OkStatus();
    }
    return MakeStatus(error);
  }

  EnvelopeView event_;
  hf_binding_report report_{};
  std::unique_ptr<char[]> buffer_;  // never zeroed: it is written before it is read
  std::size_t room_ = 0;
};

// The headers of an event in binary mode. Writes any number of events, one after the other.
class EventHeaders {
 public:
  EventHeaders() = default;
  EventHeaders(const EventHeaders&) = delete;
  EventHeaders& operator=(const EventHeaders&) = delete;

  // After an error there are no headers. Errors: as hf_binding_write (c/binding.h).
  absl::Status Write(Binding binding, const EnvelopeView& event,
                     const EnvelopeLimits& limits = {}) {
    hf_error error{};
    std::size_t need = 0;
    hf_code code = Call(binding, event, limits, &need, &error);
    if (code == HF_RESOURCE_EXHAUSTED && error.reason == HF_R_BUFFER_TOO_SMALL) {
      buffer_.resize(need);
      code = Call(binding, event, limits, &need, &error);
    }
    return code == HF_OK ? absl::OkStatus() : MakeStatus(error);
  }

  // They point into this object, and into what the event points to; valid until the next Write.
  std::span<const hf_header> headers() const { return {headers_.data(), count_}; }

 private:
  hf_code Call(Binding binding, const EnvelopeView& event, const EnvelopeLimits& limits,
               std::size_t* need, hf_error* error) {
    const hf_envelope_limits raw_limits = limits.raw();
    return hf_binding_write(static_cast<hf_binding>(binding), &event.raw(), &raw_limits,
                            headers_.data(), &count_, buffer_.data(), buffer_.size(), need, error);
  }

  std::array<hf_header, HF_BINDING_HEADERS> headers_;
  std::size_t count_ = 0;
  std::vector<char> buffer_ = std::vector<char>(512);  // enough for most events
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_HEADERS_H_
