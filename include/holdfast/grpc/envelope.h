// SPDX-License-Identifier: Apache-2.0
// Events over gRPC: as a message of their own, or as metadata beside a message that is their data.
//
//   // An event as the bytes of io.cloudevents.v1.CloudEvent: any method of that request type, typed or generic.
//   auto payload = std::make_shared<const std::string>(...);
//   event.set_data(holdfast::DataKind::kBinary, *payload);
//   absl::StatusOr<::grpc::ByteBuffer> message = holdfast::grpc::PackEvent(event, payload);
//
//   holdfast::grpc::EventMessage received;
//   absl::Status read = received.Read(buffer);
//   for (const ::grpc::Slice& part : received.payload()) Store(part);
//
// The payload is copied in neither direction: it is sent from where it lies, and handed out as the slices that the
// transport received. A generic or raw method (WithRawCallbackMethod_X) gives and takes such buffers.
#ifndef HOLDFAST_GRPC_ENVELOPE_H_
#define HOLDFAST_GRPC_ENVELOPE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/string_ref.h>
#include <holdfast/envelope_headers.h>
#include <holdfast/envelope_view.h>
#include <holdfast/grpc/metadata.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::grpc {

// An event as a message of two slices: the head, and the data where it lies. `keeper` owns what event.data() points to,
// and is let go, on a thread of gRPC's, once the last buffer with that slice is gone. It may be null if there is no data.
// Errors: as EnvelopeView::Encode; kInvalidArgument HF_R_NULL_ARGUMENT: no keeper.
absl::StatusOr<::grpc::ByteBuffer> PackEvent(const EnvelopeView& event,
                                             std::shared_ptr<const void> keeper,
                                             const EnvelopeLimits& limits = {});

// An event out of a message. Reads any number of messages, one after the other. As thread-safe as a string.
class EventMessage {
 public:
  EventMessage() = default;
  EventMessage(const EventMessage&) = delete;
  EventMessage& operator=(const EventMessage&) = delete;

  // The buffer may go: its slices are kept. After an error there is no event.
  // What may be copied is the head, where it lies across slices, with as much again, or 4 KiB, of what follows;
  // of an event whose data is not its last field, as other writers may send, all of it.
  // Errors: as EnvelopeView::Decode.
  absl::Status Read(const ::grpc::ByteBuffer& message, const EnvelopeLimits& limits = {});

  // Valid until the next Read or Join. Its data() is whole, and in place, if payload() is one slice; if
  // there are several it is empty, until Join.
  const EnvelopeView& event() const { return event_; }
  // The data, slice by slice; none if there is none, or it is empty.
  std::span<const ::grpc::Slice> payload() const { return payload_; }
  std::size_t payload_size() const { return payload_size_; }

  // Makes the payload one slice: a copy if it was several. Text in several slices is checked to its end here.
  // Errors: kInvalidArgument HF_R_MALFORMED: text that is not UTF-8; there is no event then.
  absl::Status Join();

 private:
  absl::Status Decode(std::size_t size);
  void LengthenHead();
  void CutPayload();
  void Clear();

  EnvelopeLimits limits_;
  EnvelopeView event_;
  std::vector<::grpc::Slice> slices_;  // the first holds all of the event but its data
  std::vector<::grpc::Slice> payload_;
  std::size_t payload_size_ = 0;
};

// An event's attributes as metadata, by the rules of c/binding.h; its data is the call's message. Nothing illegal is ever
// added, and all of them or none. Errors: as hf_binding_write, and as MetadataBudget::Take.
absl::Status AddEventMetadata(::grpc::ClientContext& context, MetadataBudget& budget,
                              const EnvelopeView& event);
absl::Status AddInitialEventMetadata(::grpc::ServerContextBase& context, MetadataBudget& budget,
                                     const EnvelopeView& event);
absl::Status AddEventTrailers(::grpc::ServerContextBase& context, MetadataBudget& budget,
                              const EnvelopeView& event);

// What gRPC gives of either side.
using ReceivedMetadata = std::multimap<::grpc::string_ref, ::grpc::string_ref>;

// The event among a peer's metadata; both must outlive it. Errors: as ReceivedEvent::Read.
absl::Status ReadEventMetadata(const ReceivedMetadata& metadata,
                               std::optional<std::string_view> data, ReceivedEvent* event,
                               const EnvelopeLimits& limits = {});

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_ENVELOPE_H_
