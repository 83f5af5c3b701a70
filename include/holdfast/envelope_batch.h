// SPDX-License-Identifier: Apache-2.0
// EventBatch: any number of events as one message io.cloudevents.v1.CloudEventBatch, the body of Content-Type
// `application/cloudevents-batch+protobuf` (kProtobufEvents). No events are no bytes.
//
//   std::string body;
//   absl::Status added = holdfast::AppendToBatch(event, &body);
//
//   holdfast::EventBatch batch(body);
//   while (batch.Next()) Handle(batch.event());
//   if (!batch.status().ok()) Refuse(batch.status());
//
// CloudEvents sends batches only to whom asked for them.
#ifndef HOLDFAST_ENVELOPE_BATCH_H_
#define HOLDFAST_ENVELOPE_BATCH_H_

#include <absl/status/status.h>
#include <holdfast/envelope_view.h>
#include <holdfast/status.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

// Walks over the events of a batch, in place: `bytes` must outlive it. As thread-safe as an int.
class EventBatch {
 public:
  // The limits are those of each event.
  explicit EventBatch(std::string_view bytes, const EnvelopeLimits& limits = {})
      : bytes_(bytes), limits_(limits) {}

  // Whether there is another event. An event that cannot be read ends the walk; what came before it stands.
  bool Next() {
    if (!status_.ok()) return false;
    hf_str found{};
    hf_error error{};
    if (hf_envelope_batch_next(bytes_.data(), bytes_.size(), &at_, &found, &error) != HF_OK) {
      status_ = MakeStatus(error);
    } else if (found.data != nullptr) {
      status_ = event_.Decode(View(found), limits_);
      if (status_.ok()) return true;
    }
    event_.Clear();
    return false;
  }

  // Empty before the first event and after the last.
  const EnvelopeView& event() const { return event_; }
  // Errors: as EnvelopeView::Decode; kInvalidArgument HF_R_MALFORMED, naming the byte of the batch.
  const absl::Status& status() const { return status_; }

 private:
  std::string_view bytes_;
  EnvelopeLimits limits_;
  std::size_t at_ = 0;
  EnvelopeView event_;
  absl::Status status_;
};

// Appends an event. Errors: as EnvelopeView::Encode; *batch is as it was then.
inline absl::Status AppendToBatch(const EnvelopeView& event, std::string* batch,
                                  const EnvelopeLimits& limits = {}) {
  const hf_envelope_limits raw = limits.raw();
  hf_error error{};
  std::size_t need = 0;
  hf_code code = hf_envelope_encode(&event.raw(), &raw, nullptr, 0, &need, &error);
  if (code != HF_RESOURCE_EXHAUSTED || error.reason != HF_R_BUFFER_TOO_SMALL) {
    return MakeStatus(error);
  }
  char prefix[HF_ENVELOPE_PREFIX];
  std::size_t prefix_size = 0;
  hf_envelope_batch_prefix(need, prefix, &prefix_size);
  const std::size_t before = batch->size();
  batch->append(prefix, prefix_size);
  batch->resize(before + prefix_size + need);
  code = hf_envelope_encode(&event.raw(), &raw, batch->data() + before + prefix_size, need, &need,
                            &error);
  if (code == HF_OK) return absl::OkStatus();
  batch->resize(before);
  return MakeStatus(error);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_BATCH_H_
