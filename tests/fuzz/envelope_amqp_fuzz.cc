// SPDX-License-Identifier: Apache-2.0
//
// Any properties as an AMQP message's. The first byte tells the content type and whether there is a body; then come
// lines `k name: value`, k being the kind, and after an empty line the body. What is accepted may be sent, comes back
// as the same event, and is written alike; no error and no extension shows or believes what may not be.
#include <holdfast/envelope_amqp.h>
#include <holdfast/event_context.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// Up to eight bytes as a number, little end first.
std::int64_t NumberOf(std::string_view bytes) {
  std::int64_t number = 0;
  std::memcpy(&number, bytes.data(), std::min(bytes.size(), sizeof number));
  return number;
}

AmqpProperty PropertyOf(char kind, std::string_view name, std::string_view value) {
  const std::int64_t number = NumberOf(value);
  switch (kind) {
    case 'b':
      return BooleanAttribute(name, number != 0);
    case 'i':
      return {Borrow(name), {}, number, 0, HF_ATTRIBUTE_INTEGER};
    case 't':
      return {Borrow(name), {}, number, 0, HF_ATTRIBUTE_TIMESTAMP};
    case 'y':
      return TextAttribute(name, value, HF_ATTRIBUTE_BYTES);
    default:
      return TextAttribute(name, value);
  }
}

void RequireSame(const EnvelopeView& a, const EnvelopeView& b) {
  Require(a.id() == b.id() && a.source() == b.source() && a.type() == b.type());
  Require(a.data_kind() == b.data_kind() && a.data() == b.data() && a.data_type() == b.data_type());
  Require(a.attributes().size() == b.attributes().size());
  for (const Attribute& one : a.attributes()) {
    const Attribute* const two = b.Find(View(one.name));
    Require(two != nullptr && two->kind == one.kind && two->number == one.number &&
            two->nanos == one.nanos && View(two->text) == View(one.text));
  }
}

void RoundTrip(const EnvelopeView& event, bool null_body) {
  AmqpProperties written;
  Require(written.Write(Binding::kAmqpColon, event).ok());
  ReceivedAmqpEvent again;
  const auto body = null_body ? std::nullopt : std::optional(event.data());
  Require(again.Read(written.content_type(), written.properties(), body).ok());
  RequireSame(again.event(), event);
}

// What a stranger says gives no privilege, whatever it is.
void TryExtensions(const EnvelopeView& event) {
  const auto context = ReadContext(event, {.now = {1, WallTime(std::chrono::seconds(1))}});
  Require(context.ok() && context->context.tenant().empty() && !context->context.criticality());
  Envelope kept(event);
  (void)EventAuth::Read(event);
  if (const auto deprecation = EventDeprecation::Read(event); deprecation.ok() && *deprecation) {
    Require((*deprecation)->Write(&kept).ok());
  }
  Require(IdempotencyKeyOf(kept.view()) == IdempotencyKeyOf(event) ||
          !IdempotencyKeyOf(event).ok());
}

}  // namespace
}  // namespace holdfast

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;  // NOLINT: the words of this file
  if (size == 0) return 0;
  constexpr std::string_view kTypes[] = {"", "application/protobuf", "text/plain", kProtobufEvent};
  const std::string_view type = kTypes[data[0] % 4];
  const bool null_body = data[0] >= 128;
  std::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<AmqpProperty> properties;
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    if (line.size() < 2) break;
    const std::size_t colon = std::min(line.find(": "), line.size());
    properties.push_back(PropertyOf(line[0], line.substr(2, std::max<std::size_t>(colon, 2) - 2),
                                    line.substr(std::min(line.size(), colon + 2))));
  }
  ReceivedAmqpEvent received;
  const auto body = null_body ? std::nullopt : std::optional(left);
  const absl::Status read = received.Read(type, properties, body);
  if (!read.ok()) {
    Require(std::all_of(read.message().begin(), read.message().end(),
                        [](char byte) { return byte >= ' ' && byte < '\x7F'; }));
    Require(received.event().id().empty() && received.event().attributes().empty());
    return 0;
  }
  Require(received.event().Check().ok());
  if (ModeOf(type).mode == ContentMode::kBinary) RoundTrip(received.event(), null_body);
  TryExtensions(received.event());
  return 0;
}
