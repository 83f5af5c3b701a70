// SPDX-License-Identifier: Apache-2.0
// Kafka: an event as a record's headers, value and key (CloudEvents Kafka binding 1.0.2).
//
//   holdfast::EventHeaders headers;
//   absl::Status written = headers.Write(holdfast::Binding::kKafka, event);
//   Produce(topic, holdfast::PartitionKeyOf(event), headers.headers(), holdfast::KafkaValueOf(event));
//
// An event without data has a null value, which a compacted topic reads as a tombstone: all records of its key go. So
// an event that must outlive compaction has data, or is structured, which never is a tombstone. Names and values are
// UTF-8 as they are, compared exactly.
// Threads: pure functions.
#ifndef HOLDFAST_ENVELOPE_KAFKA_H_
#define HOLDFAST_ENVELOPE_KAFKA_H_

#include <holdfast/envelope_view.h>

#include <optional>
#include <string_view>

namespace holdfast::inline v0_5 {

// A record's value in binary mode; std::nullopt is null: a tombstone.
inline std::optional<std::string_view> KafkaValueOf(const EnvelopeView& event) {
  if (event.data_kind() == DataKind::kNone) return std::nullopt;
  return event.data();
}

// The key for who wants one: the extension `partitionkey`, which stays in the event all the same. The reverse is not to
// be done: a record's key says nothing about its event.
inline std::optional<std::string_view> PartitionKeyOf(const EnvelopeView& event) {
  const std::string_view key = event.Text("partitionkey");
  if (key.empty()) return std::nullopt;
  return key;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_ENVELOPE_KAFKA_H_
