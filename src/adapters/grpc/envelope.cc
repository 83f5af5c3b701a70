// SPDX-License-Identifier: Apache-2.0
// Events in gRPC's own memory. A slice of a few bytes lies in its object and not behind it, so that what event_ points to
// is never moved after it was read.
#include <holdfast/grpc/envelope.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holdfast::inline v0_5::grpc {
namespace {

constexpr std::size_t kHeadStep = 4096;

const char* BytesOf(const ::grpc::Slice& slice) {
  return reinterpret_cast<const char*>(slice.begin());
}

std::ptrdiff_t Offset(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

void LetGo(void* keeper) { delete static_cast<std::shared_ptr<const void>*>(keeper); }

// The bytes of `parts`, `size` in all, in one new slice.
::grpc::Slice Joined(std::span<const ::grpc::Slice> parts, std::size_t size) {
  ::grpc::Slice whole(size);
  auto* out = const_cast<std::uint8_t*>(whole.begin());  // nobody else has seen it yet
  for (const ::grpc::Slice& part : parts) {
    if (part.size() != 0) std::memcpy(out, part.begin(), part.size());
    out += part.size();
  }
  return whole;
}

// Adds all headers of an event by `add(key, value)`, once the budget has room for all of them.
template <class Add>
absl::Status AddAll(MetadataBudget& budget, const EnvelopeView& event, Add add) {
  EventHeaders headers;
  if (absl::Status status = headers.Write(Binding::kGrpc, event); !status.ok()) return status;
  MetadataBudget left = budget;
  for (const hf_header& header : headers.headers()) {
    absl::Status taken = left.Take(View(header.name), View(header.value));
    if (!taken.ok()) return taken;
  }
  for (const hf_header& header : headers.headers()) {
    add(std::string(View(header.name)), std::string(View(header.value)));
  }
  budget = left;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<::grpc::ByteBuffer> PackEvent(const EnvelopeView& event,
                                             std::shared_ptr<const void> keeper,
                                             const EnvelopeLimits& limits) {
  std::string head;
  if (absl::Status status = event.EncodeHead(&head, limits); !status.ok()) return status;
  const std::string_view data = event.data();
  const ::grpc::Slice first(head);
  if (data.empty()) return ::grpc::ByteBuffer(&first, 1);
  if (keeper == nullptr) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT, "keeper: is NULL");
  }
  auto* const kept = new std::shared_ptr<const void>(std::move(keeper));
  const ::grpc::Slice slices[] = {
      first, ::grpc::Slice(const_cast<char*>(data.data()), data.size(), &LetGo, kept)};
  return ::grpc::ByteBuffer(slices, 2);
}

void EventMessage::Clear() {
  event_.Clear();
  slices_.clear();
  payload_.clear();
  payload_size_ = 0;
}

absl::Status EventMessage::Read(const ::grpc::ByteBuffer& message, const EnvelopeLimits& limits) {
  Clear();
  limits_ = limits;
  if (!message.Valid() || !message.Dump(&slices_).ok() || slices_.empty()) {
    slices_.assign(1, ::grpc::Slice());
  }
  std::size_t size = 0;
  for (const ::grpc::Slice& slice : slices_) size += slice.size();
  absl::Status status = Decode(size);
  // Never for long: each step doubles the head, and with all of the message there is no such error.
  while (absl::IsOutOfRange(status) && slices_.size() > 1) {
    LengthenHead();
    status = Decode(size);
  }
  if (!status.ok()) {
    Clear();
    return status;
  }
  CutPayload();
  return status;
}

absl::Status EventMessage::Decode(std::size_t size) {
  const hf_envelope_limits raw = limits_.raw();
  hf_error error{};
  event_.Clear();
  const ::grpc::Slice& head = slices_.front();
  if (hf_envelope_decode_head(head.begin(), head.size(), size, &raw, &event_.raw(), &error) ==
      HF_OK) {
    return absl::OkStatus();
  }
  return MakeStatus(error);
}

// Moves what follows the first slice to its end: as much as that has, at least a step, out of however many slices. A peer
// that sends them byte by byte costs no more than one that does not.
void EventMessage::LengthenHead() {
  const std::size_t want = slices_[0].size() + std::max(slices_[0].size(), kHeadStep);
  std::size_t size = slices_[0].size();
  std::size_t end = 1;
  while (end < slices_.size() && size < want) size += slices_[end++].size();
  std::vector<::grpc::Slice> parts(slices_.begin(), slices_.begin() + Offset(end));
  if (size > want) {
    const ::grpc::Slice last = parts.back();
    const std::size_t taken = last.size() - (size - want);
    parts.back() = last.sub(0, taken);
    slices_[--end] = last.sub(taken, last.size());
    size = want;
  }
  slices_[0] = Joined(parts, size);
  slices_.erase(slices_.begin() + 1, slices_.begin() + Offset(end));
}

void EventMessage::CutPayload() {
  const std::string_view data = event_.data();
  payload_size_ = data.size();
  if (data.empty()) return;
  const ::grpc::Slice& head = slices_.front();
  const auto begin = static_cast<std::size_t>(data.data() - BytesOf(head));
  const std::size_t in_head = std::min(data.size(), head.size() - begin);
  if (in_head != 0) payload_.push_back(head.sub(begin, begin + in_head));
  // What follows the head is data and nothing else, or the decoder had asked for more.
  for (std::size_t i = 1; i < slices_.size() && in_head < data.size(); ++i) {
    if (slices_[i].size() != 0) payload_.push_back(slices_[i]);
  }
  if (payload_.size() == 1 && in_head == data.size()) return;
  const std::string_view whole = payload_.size() == 1
                                     ? std::string_view(BytesOf(payload_[0]), data.size())
                                     : std::string_view();
  event_.set_data(event_.data_kind(), whole, event_.data_type());
}

absl::Status EventMessage::Join() {
  if (payload_.size() < 2) return absl::OkStatus();
  payload_.assign(1, Joined(payload_, payload_size_));
  event_.set_data(event_.data_kind(), {BytesOf(payload_[0]), payload_size_}, event_.data_type());
  absl::Status status = event_.Check(limits_);
  if (!status.ok()) Clear();
  return status;
}

absl::Status AddEventMetadata(::grpc::ClientContext& context, MetadataBudget& budget,
                              const EnvelopeView& event) {
  return AddAll(budget, event, [&](const std::string& key, const std::string& value) {
    context.AddMetadata(key, value);
  });
}

absl::Status AddInitialEventMetadata(::grpc::ServerContextBase& context, MetadataBudget& budget,
                                     const EnvelopeView& event) {
  return AddAll(budget, event, [&](const std::string& key, const std::string& value) {
    context.AddInitialMetadata(key, value);
  });
}

absl::Status AddEventTrailers(::grpc::ServerContextBase& context, MetadataBudget& budget,
                              const EnvelopeView& event) {
  return AddAll(budget, event, [&](const std::string& key, const std::string& value) {
    context.AddTrailingMetadata(key, value);
  });
}

absl::Status ReadEventMetadata(const ReceivedMetadata& metadata,
                               std::optional<std::string_view> data, ReceivedEvent* event,
                               const EnvelopeLimits& limits) {
  std::vector<hf_header> headers;
  headers.reserve(metadata.size());
  for (const auto& [key, value] : metadata) {
    headers.push_back({{key.data(), key.size()}, {value.data(), value.size()}});
  }
  return event->Read(Binding::kGrpc, headers, data, limits);
}

}  // namespace holdfast::inline v0_5::grpc
