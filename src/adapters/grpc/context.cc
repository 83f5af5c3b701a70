// SPDX-License-Identifier: Apache-2.0
// Reading and writing the context's metadata.
//
// Invariant: whatever the bytes received, the result is a valid context with one trace and one
// correlation id, so that every later step can be told by them.
#include <holdfast/c/idempotency.h>
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/metadata.h>

#include <algorithm>
#include <charconv>

namespace holdfast::inline v0_2::grpc {
namespace {

std::string_view View(const ::grpc::string_ref& text) { return {text.data(), text.size()}; }
::grpc::string_ref Ref(std::string_view text) { return {text.data(), text.size()}; }

// A correlation or causation id as the context takes it; empty if it would not.
std::string_view UsableId(std::optional<std::string_view> id) {
  if (!id || id->size() > HF_CONTEXT_ID_MAX) return {};
  const bool printable =
      std::all_of(id->begin(), id->end(), [](char byte) { return byte > ' ' && byte < 0x7F; });
  return printable ? *id : std::string_view{};
}

std::uint32_t AttemptOf(std::optional<std::string_view> value) {
  std::uint32_t attempt = 0;
  if (!value) return 1;
  const char* const end = value->data() + value->size();
  const auto read = std::from_chars(value->data(), end, attempt);
  if (read.ec != std::errc{} || read.ptr != end) return 1;
  return std::clamp(attempt, std::uint32_t{1}, kAttemptMax);
}

// As ContextOptions has it: what cannot be read was not told.
std::int32_t RetriesOf(std::optional<std::string_view> value) {
  std::int32_t retries = 0;
  if (!value) return 0;
  const char* const end = value->data() + value->size();
  const auto read = std::from_chars(value->data(), end, retries);
  if (read.ec != std::errc{} || read.ptr != end || retries < 0) return 0;
  return retries == 0 ? HF_NO_RETRIES : retries;
}

}  // namespace

absl::StatusOr<Context> StoryOf(const Context& context) {
  if (HasTrace(context.trace())) return context;
  return Context::Start({.correlation_id = context.correlation_id(),
                         .causation_id = context.causation_id(),
                         .deadline = context.deadline(),
                         .retries_of = context.raw()});
}

absl::StatusOr<Context> NextStep(const Context& context) {
  const absl::StatusOr<Context> story = StoryOf(context);
  return story.ok() ? story->Child() : story.status();
}

std::vector<std::pair<std::string_view, std::string>> ContextEntries(const Context& step) {
  std::vector<std::pair<std::string_view, std::string>> entries;
  const auto add = [&](std::string_view key, std::string value) {
    if (!value.empty()) entries.emplace_back(key, std::move(value));
  };
  add(kTraceparentKey, FormatTraceparent(step.trace()));
  add(kCorrelationKey, std::string(step.correlation_id()));
  add(kCausationKey, std::string(step.causation_id()));
  return entries;
}

std::optional<std::string_view> OnlyValue(const ServerMetadata& metadata, std::string_view key) {
  const auto [first, last] = metadata.equal_range(Ref(key));
  if (first == last || std::next(first) != last) return std::nullopt;
  return View(first->second);
}

Received ExtractContext(const ServerMetadata& metadata, hf_time deadline) {
  Received received;
  const auto traceparent = OnlyValue(metadata, kTraceparentKey);
  const auto trace = traceparent ? ParseTraceparent(*traceparent) : std::nullopt;
  received.trace_restarted = !trace.has_value();
  received.attempt = AttemptOf(OnlyValue(metadata, kAttemptKey));
  // Every field is valid by now; only memory can be short, and then there is no context.
  auto context = Context::Start({.correlation_id = UsableId(OnlyValue(metadata, kCorrelationKey)),
                                 .causation_id = UsableId(OnlyValue(metadata, kCausationKey)),
                                 .trace = trace.value_or(hf_trace{}),
                                 .deadline = deadline,
                                 .retries = RetriesOf(OnlyValue(metadata, kRetriesKey)),
                                 .attempt = received.attempt});
  if (context.ok()) received.context = *std::move(context);
  return received;
}

std::string_view HeaderOfKey(std::string_view key) {
  const bool outer_space = key.starts_with(' ') || key.ends_with(' ');
  const bool fit = !outer_space && CheckMetadata(kIdempotencyKey, key).ok();
  return fit ? kIdempotencyKey : kIdempotencyKeyBin;
}

absl::StatusOr<std::optional<std::string_view>> ReceivedKey(const ServerMetadata& metadata) {
  const std::size_t texts = metadata.count(Ref(kIdempotencyKey));
  const std::size_t binaries = metadata.count(Ref(kIdempotencyKeyBin));
  if (texts + binaries == 0) return std::nullopt;
  if (texts + binaries > 1) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "more than one idempotency key");
  }
  const std::string_view header = texts == 1 ? kIdempotencyKey : kIdempotencyKeyBin;
  const std::string_view key = OnlyValue(metadata, header).value_or("");
  if (key.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_MISSING, "the idempotency key is empty");
  }
  if (key.size() > HF_IDEM_KEY_MAX) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE,
                      "the idempotency key is longer than 1024 bytes");
  }
  return key;
}

}  // namespace holdfast::inline v0_2::grpc
