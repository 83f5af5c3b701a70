// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/read_events.h"

#include <absl/strings/str_cat.h>
#include <holdfast/envelope_batch.h>
#include <holdfast/envelope_headers.h>
#include <holdfast/json/envelope.h>

#include <optional>
#include <utility>

#include "cli/envelope/message_text.h"

namespace holdfast::cli::envelope {
namespace {

using Events = absl::StatusOr<std::vector<Envelope>>;

Events One(absl::StatusOr<Envelope> event) {
  if (!event.ok()) return event.status();
  return std::vector<Envelope>{*std::move(event)};
}

Events ReadBatch(std::string_view bytes, const EnvelopeLimits& limits) {
  std::vector<Envelope> events;
  EventBatch batch(bytes, limits);
  while (batch.Next()) events.emplace_back(batch.event());
  if (batch.status().ok()) return events;
  return absl::Status(batch.status().code(),
                      absl::StrCat("event ", events.size() + 1, ": ", batch.status().message()));
}

Events ReadFormat(EventFormat format, bool batch, std::string_view bytes,
                  const EnvelopeLimits& limits) {
  switch (format) {
    case EventFormat::kJson:
      return batch ? json::ReadJsonBatch(bytes, {.event = limits})
                   : One(json::ReadJson(bytes, {.event = limits}));
    case EventFormat::kProtobuf:
      return batch ? ReadBatch(bytes, limits) : One(Envelope::Decode(std::string(bytes), limits));
    default:
      return absl::UnimplementedError("content-type: an event format that holdfast does not read");
  }
}

std::string TextOf(const MessageMode& mode) {
  if (mode.mode == ContentMode::kBinary) return "binary";
  return absl::StrCat(mode.mode == ContentMode::kBatch ? "batch " : "structured ",
                      mode.format == EventFormat::kJson       ? "json"
                      : mode.format == EventFormat::kProtobuf ? "protobuf"
                                                              : "other");
}

absl::Status ReadMessage(Binding binding, std::string_view bytes, const EnvelopeLimits& limits,
                         EventsRead* read) {
  const absl::StatusOr<MessageText> message = ParseMessage(binding, bytes);
  if (!message.ok()) return message.status();
  // gRPC's own Content-Type tells nothing of the event.
  const MessageMode mode =
      binding == Binding::kGrpc ? MessageMode{} : ModeOf(ContentTypeOf(message->headers));
  read->mode = TextOf(mode);
  if (mode.mode != ContentMode::kBinary) {
    Events events = ReadFormat(mode.format, mode.mode == ContentMode::kBatch,
                               message->body.value_or(""), limits);
    if (!events.ok()) return events.status();
    read->events = *std::move(events);
    return absl::OkStatus();
  }
  ReceivedEvent received;
  absl::Status status = received.Read(binding, message->headers, message->body, limits);
  if (!status.ok()) return status;
  read->tolerated = received.report();
  read->events.emplace_back(received.event());
  return absl::OkStatus();
}

absl::Status ReadForm(Form form, std::string_view bytes, const EnvelopeLimits& limits,
                      EventsRead* read) {
  read->form = form;
  if (const std::optional<Binding> binding = BindingOf(form); binding.has_value()) {
    return ReadMessage(*binding, bytes, limits, read);
  }
  const bool json = form == Form::kJson || form == Form::kJsonBatch;
  const bool batch = form == Form::kJsonBatch || form == Form::kProtobufBatch;
  Events events =
      ReadFormat(json ? EventFormat::kJson : EventFormat::kProtobuf, batch, bytes, limits);
  if (!events.ok()) return events.status();
  read->events = *std::move(events);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EventsRead> ReadEvents(Form form, std::string_view bytes,
                                      const EnvelopeLimits& limits) {
  EventsRead read;
  read.size = bytes.size();
  const Form first = form == Form::kAuto ? FormOf(bytes) : form;
  absl::Status status = ReadForm(first, bytes, limits, &read);
  // An event and a batch of them begin with the same byte.
  if (!status.ok() && form == Form::kAuto && first == Form::kProtobuf && !bytes.empty()) {
    EventsRead batch;
    batch.size = bytes.size();
    if (ReadForm(Form::kProtobufBatch, bytes, limits, &batch).ok()) return batch;
  }
  if (status.ok()) return read;
  return absl::Status(status.code(), absl::StrCat("as ", std::string(Name(first)), ": ",
                                                  std::string(status.message())));
}

}  // namespace holdfast::cli::envelope
