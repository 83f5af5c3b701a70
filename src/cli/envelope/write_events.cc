// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/write_events.h"

#include <absl/strings/str_cat.h>
#include <holdfast/envelope_batch.h>
#include <holdfast/envelope_headers.h>
#include <holdfast/json/envelope.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>

#include "cli/envelope/message_text.h"
#include "cli/printable.h"

namespace holdfast::cli::envelope {
namespace {

absl::Status WriteBatch(std::span<const Envelope> events, const EnvelopeLimits& limits,
                        std::string* out) {
  for (const Envelope& event : events) {
    if (absl::Status added = AppendToBatch(event.view(), out, limits); !added.ok()) return added;
  }
  return absl::OkStatus();
}

// Kafka tells a null value from an empty one; elsewhere no data is an empty body.
absl::Status WriteBinary(Binding binding, const EnvelopeView& event, const EnvelopeLimits& limits,
                         std::string* out) {
  EventHeaders headers;
  if (absl::Status written = headers.Write(binding, event, limits); !written.ok()) return written;
  const bool null = binding == Binding::kKafka && event.data_kind() == DataKind::kNone;
  *out = WriteMessage(headers.headers(),
                      null ? std::nullopt : std::optional<std::string_view>(event.data()));
  return absl::OkStatus();
}

absl::Status WriteOne(Form form, const EnvelopeView& event, const EnvelopeLimits& limits,
                      std::string* out) {
  if (const std::optional<Binding> binding = BindingOf(form); binding.has_value()) {
    return WriteBinary(*binding, event, limits, out);
  }
  const bool json = form == Form::kJson || form == Form::kHttpJson;
  if (form == Form::kData) {
    *out = std::string(event.data());
    return absl::OkStatus();
  }
  absl::Status written =
      json ? json::WriteJson(event, out, {.event = limits}) : event.Encode(out, limits);
  if (!written.ok() || form == Form::kJson || form == Form::kProtobuf) return written;
  const hf_header header = {Borrow("content-type"), Borrow(json ? kJsonEvent : kProtobufEvent)};
  *out = WriteMessage({&header, 1}, *out);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> WriteEvents(Form form, std::span<const Envelope> events,
                                        const EnvelopeLimits& limits) {
  std::string out;
  absl::Status written;
  if (form == Form::kJsonBatch) {
    written = json::WriteJsonBatch(events, &out, {.event = limits});
  } else if (form == Form::kProtobufBatch) {
    written = WriteBatch(events, limits, &out);
  } else if (events.size() != 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("there are ", events.size(), " events, and ", std::string(Name(form)),
                     " takes one: json-batch and protobuf-batch take them all"));
  } else {
    written = WriteOne(form, events.front().view(), limits, &out);
  }
  if (!written.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("as ", std::string(Name(form)), ": ", std::string(written.message())));
  }
  if (form == Form::kJson || form == Form::kJsonBatch) out += '\n';
  return out;
}

absl::Status Deliver(std::string_view bytes, const std::string& path) {
  if (path.empty()) {
    if (isatty(STDOUT_FILENO) != 0 && !IsHarmless(bytes)) {
      return absl::FailedPreconditionError(
          "there is in it what a terminal would obey: redirect it, or --output FILE");
    }
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);  // whoever flushes it sees what went wrong
    return absl::OkStatus();
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  if (file.flush()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(Printable(path), ": ", std::strerror(errno)));
}

}  // namespace holdfast::cli::envelope
