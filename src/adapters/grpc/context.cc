// SPDX-License-Identifier: Apache-2.0
// Reading and writing the context's metadata.
//
// Invariant: whatever the bytes received, the result is a valid context with one trace and one
// correlation id, so that every later step can be told by them.
#include <holdfast/c/idempotency.h>
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/metadata.h>

#include <algorithm>
#include <span>

namespace holdfast::inline v0_5::grpc {
namespace {

std::string_view View(const ::grpc::string_ref& text) { return {text.data(), text.size()}; }
::grpc::string_ref Ref(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::size_t kEntriesUsual = 10;

Propagator MakePropagator(std::uint32_t left_out) {
  // Created of constants; without memory at the start there is no process.
  return *Propagator::Create({.boundary = Boundary::kInternal,
                              .transport = Transport::kGrpc,
                              .left_out = left_out,
                              .budget = kContextBudget});
}

// gRPC itself carries the deadline, and the caller of an attempt knows its number and the retries left.
const Propagator& Reader() {
  static const Propagator reader = MakePropagator(HF_FIELD_DEADLINE);
  return reader;
}

// Metadata as headers, without memory of its own for as many as calls usually have.
class Headers {
 public:
  explicit Headers(const ServerMetadata& metadata) {
    hf_header* at = few_;
    if (metadata.size() > kFew) {
      many_.resize(metadata.size());
      at = many_.data();
    }
    all_ = {at, metadata.size()};
    for (const auto& [key, value] : metadata) *at++ = MakeHeader(View(key), View(value));
  }

  std::span<const hf_header> all() const { return all_; }

 private:
  static constexpr std::size_t kFew = 32;
  hf_header few_[kFew];
  std::vector<hf_header> many_;
  std::span<const hf_header> all_;
};

}  // namespace

const Propagator& internal::ContextWriter() {
  static const Propagator writer =
      MakePropagator(HF_FIELD_DEADLINE | HF_FIELD_ATTEMPT | HF_FIELD_RETRIES);
  return writer;
}

absl::StatusOr<Context> StoryOf(const Context& context) {
  if (HasTrace(context.trace())) return context;
  hf_context_options raw = HF_INIT(hf_context_options);
  hf_context_get(context.raw(), &raw);
  ContextOptions options = ContextOptions::From(raw);
  options.retries = 0;  // shared, not copied
  options.attempt = 0;
  options.retries_of = context.raw();
  return Context::Start(options);
}

absl::StatusOr<Context> NextStep(const Context& context) {
  const absl::StatusOr<Context> story = StoryOf(context);
  return story.ok() ? story->Child() : story.status();
}

std::vector<std::pair<std::string_view, std::string>> ContextEntries(const Context& step) {
  std::vector<std::pair<std::string_view, std::string>> entries;
  entries.reserve(kEntriesUsual);
  // Without a deadline to tell, there is nothing that it could refuse.
  (void)internal::ContextWriter().Inject(
      step, 0,
      [&](std::string_view key, std::string_view value) { entries.emplace_back(key, value); });
  return entries;
}

std::optional<std::string_view> OnlyValue(const ServerMetadata& metadata, std::string_view key) {
  const auto [first, last] = metadata.equal_range(Ref(key));
  if (first == last || std::next(first) != last) return std::nullopt;
  return View(first->second);
}

Received ExtractContext(const ServerMetadata& metadata, hf_time deadline) {
  return ExtractContext(metadata, deadline, Reader());
}

Received ExtractContext(const ServerMetadata& metadata, hf_time deadline,
                        const Propagator& propagator) {
  Received received;
  auto context =
      propagator.Extract(Headers(metadata).all(), {.deadline = deadline}, &received.report);
  // Only memory can be short, and then there is no context.
  if (context.ok()) received.context = *std::move(context);
  received.trace_restarted = (received.report.made & HF_FIELD_TRACEPARENT) != 0;
  received.attempt = std::max(received.context.attempt(), std::uint32_t{1});
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

}  // namespace holdfast::inline v0_5::grpc
