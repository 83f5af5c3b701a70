// SPDX-License-Identifier: Apache-2.0
// Confluent framing: which registered schema a Kafka payload was written with. Format: c/confluent.h.
//
//   auto read = holdfast::ReadConfluent(record.value(), record_headers, {.form = holdfast::ConfluentForm::kProtobuf});
//   if (!read.ok()) return DeadLetter(read.status());
//   if (!read->frame) return Unframed(read->payload);  // no producer of Confluent's wrote it
//
// Which message the indexes mean only the schema of that id, as its writer registered it, can tell.
//
// Threads: all functions are pure. Source: Confluent's Schema Registry, its wire format and DualSchemaIdDeserializer.
#ifndef HOLDFAST_CONFLUENT_H_
#define HOLDFAST_CONFLUENT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/confluent.h>
#include <holdfast/c/propagation.h>
#include <holdfast/status.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

using ConfluentFrame = hf_confluent;

enum class ConfluentForm : hf_confluent_form {
  kPlain = HF_CONFLUENT_PLAIN,        // Avro and JSON
  kProtobuf = HF_CONFLUENT_PROTOBUF,  // with message indexes
  kWide = HF_CONFLUENT_WIDE,          // ids of 8 bytes, as Apicurio's registry can be told to write
};

inline constexpr std::string_view kValueSchemaId = "__value_schema_id";
inline constexpr std::string_view kKeySchemaId = "__key_schema_id";

struct ConfluentOptions {
  ConfluentForm form = ConfluentForm::kPlain;
  std::string_view header = kValueSchemaId;  // kKeySchemaId to read a key
};

// A payload and its frame, if it has one. Borrowed: `payload` lies in what was read.
struct ConfluentPayload {
  std::optional<ConfluentFrame> frame;
  std::string_view payload;
  bool in_header = false;  // where the frame was
};

// One frame; *used (nullable) bytes are its own. Errors: kInvalidArgument, naming the byte.
inline absl::StatusOr<ConfluentFrame> ReadConfluentFrame(std::string_view bytes, ConfluentForm form,
                                                         std::size_t* used = nullptr) {
  ConfluentFrame frame{};
  std::size_t size = 0;
  hf_error error{};
  if (hf_confluent_read(bytes.data(), bytes.size(), static_cast<hf_confluent_form>(form), &frame,
                        &size, &error) != HF_OK) {
    return MakeStatus(error);
  }
  if (used != nullptr) *used = size;
  return frame;
}

// Reads a record's value (or key): its frame is the last header of that name, else what stands before the payload.
//
// Bytes that begin with neither 00 nor 01, no bytes among them, have no frame: all of them are the payload. So remain
// readable JSON, protobuf (no message begins with these bytes), and what AWS Glue frames with 03; of bare Avro,
// which may begin with anything, the caller must know it.
// Errors: kInvalidArgument, naming the header and the byte: a broken frame, a header that goes on after its frame.
inline absl::StatusOr<ConfluentPayload> ReadConfluent(std::string_view value,
                                                      std::span<const hf_header> headers,
                                                      const ConfluentOptions& options = {}) {
  const auto view = [](const hf_str& text) {
    return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
  };
  std::size_t used = 0;
  for (std::size_t i = headers.size(); i-- > 0;) {
    if (view(headers[i].name) != options.header) continue;
    const std::string_view text = view(headers[i].value);
    auto frame = ReadConfluentFrame(text, options.form, &used);
    const std::string name(options.header);
    if (!frame.ok()) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                        name + ": " + std::string(frame.status().message()));
    }
    if (used != text.size()) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                        name + ": byte " + std::to_string(used) + ": the frame has ended here");
    }
    return ConfluentPayload{*frame, value, true};
  }
  if (value.empty() || (value[0] != '\0' && value[0] != '\1')) return ConfluentPayload{{}, value};
  auto frame = ReadConfluentFrame(value, options.form, &used);
  if (!frame.ok()) return frame.status();
  return ConfluentPayload{*frame, value.substr(used)};
}

// Appends a frame: of version 0 the payload comes after it, of version 1 it is the header's value.
// Errors: kInvalidArgument, naming the field; *out is as it was then.
inline absl::Status WriteConfluentFrame(const ConfluentFrame& frame, std::string* out) {
  char bytes[HF_CONFLUENT_MAX];
  std::size_t size = 0;
  hf_error error{};
  if (hf_confluent_write(&frame, bytes, &size, &error) != HF_OK) return MakeStatus(error);
  out->append(bytes, size);
  return absl::OkStatus();
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CONFLUENT_H_
