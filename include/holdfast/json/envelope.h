// SPDX-License-Identifier: Apache-2.0
// Events in the JSON event format of CloudEvents 1.0: structured (application/cloudevents+json) and batch
// (application/cloudevents-batch+json).
//
//   auto event = holdfast::json::ReadJson(body);
//   if (!event.ok()) return Refuse(event.status());  // "byte 61: time: must be a Timestamp"
//
//   member         read as                                              written for
//   an attribute   true, false: BOOLEAN; a whole number: INTEGER;       each attribute but OPAQUE; known names
//                  a string: the kind its name has, else STRING         (c/attribute.h) keep their kinds
//   null           as if it were not there                              never
//   data           of a JSON datacontenttype, or of none: BINARY, the   BINARY and TEXT that is JSON, if it is
//                  very bytes between the white space around them       declared so; otherwise text/* and TEXT, as a
//                  of another, which must be a string: TEXT             string
//   data_base64    BINARY; PROTO if application/protobuf is declared,   everything else
//                  and dataschema ends with a message's full name
//
// A payload that is JSON is neither taken apart nor put together: its numbers, the order of its members and its white
// space stay as they are. An event without datacontenttype that has `data` gets `application/json`, which it means, so
// that it means the same in another format. A JSON media type has the subtype `json`, or one ending with `+json`.
//
// PROTO is written with the datacontenttype application/protobuf, and its type URL as dataschema, where the event does not
// say so itself: `https://` before it makes it the URI that a dataschema must be, and is taken off by a reader.
//
// Thread-safe: all functions are pure. Source: CloudEvents JSON event format 1.0.2.
#ifndef HOLDFAST_JSON_ENVELOPE_H_
#define HOLDFAST_JSON_ENVELOPE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/envelope.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::json {

// What is refused, by reader and writer alike. Zero: the default.
struct JsonLimits {
  EnvelopeLimits event = {};     // max_size: bytes of an event, as JSON too
  std::uint32_t max_depth = 0;   // arrays and objects within each other in data: default 64
  std::uint32_t max_events = 0;  // in a batch: default 1000
};

// Reads one event; white space around it is passed over.
// Errors, which name the byte or the attribute, and never show a value: kInvalidArgument: no JSON in UTF-8, a member
// twice, an attribute of a wrong type, both data and data_base64, whatever EnvelopeView::Check refuses;
// kUnimplemented: another specversion; kResourceExhausted: over a limit.
absl::StatusOr<Envelope> ReadJson(std::string_view text, const JsonLimits& limits = {});

// Reads an array of events, of which there may be none. All or nothing. Errors: likewise, naming the event's place.
absl::StatusOr<std::vector<Envelope>> ReadJsonBatch(std::string_view text,
                                                    const JsonLimits& limits = {});

// Appends one event. Errors: as EnvelopeView::Check; kInvalidArgument: what JSON cannot carry: an OPAQUE attribute, unknown
// fields, PROTO data whose dataschema or datacontenttype is another. *out is as it was then.
absl::Status WriteJson(const EnvelopeView& event, std::string* out, const JsonLimits& limits = {});

// Appends an array of events. Errors: likewise, naming the event's place.
absl::Status WriteJsonBatch(std::span<const Envelope> events, std::string* out,
                            const JsonLimits& limits = {});

}  // namespace holdfast::inline v0_5::json

#endif  // HOLDFAST_JSON_ENVELOPE_H_
