// SPDX-License-Identifier: Apache-2.0
// What a decorated stub takes from its caller's context.
#include <grpc/support/time.h>
#include <grpcpp/test/client_context_test_peer.h>  // the only way to read what a caller has added
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/decorate_stub.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace holdfast::inline v0_5::grpc {
namespace {

// What ContextFactory sends itself, so that a caller's own would make it two.
bool IsPrepared(std::string_view key) {
  constexpr std::array<std::string_view, 6> kKeys = {
      kTraceparentKey, "tracestate", "baggage", "x-request-id", kCorrelationKey, kCausationKey};
  return key.starts_with("holdfast-") || std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

// Of the caller's deadline; max() if it has none.
Duration TimeLeft(const ::grpc::ClientContext& context) {
  const gpr_timespec raw = gpr_convert_clock_type(context.raw_deadline(), GPR_CLOCK_MONOTONIC);
  if (gpr_time_cmp(raw, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0) return Duration::max();
  const gpr_timespec left = gpr_time_sub(raw, gpr_now(GPR_CLOCK_MONOTONIC));
  constexpr std::int64_t kYear = 365LL * 24 * 3600;
  const std::int64_t seconds = std::clamp<std::int64_t>(left.tv_sec, -kYear, kYear);
  return std::chrono::seconds(seconds) + Duration{left.tv_nsec};
}

// The earlier of the two, as CallOptions has it: 0 none, negative no time is left.
Duration TimeoutOf(Duration own, Duration left) {
  if (left == Duration::max()) return own;
  if (left <= Duration{0}) return Duration{-1};
  return own == Duration{0} ? left : std::min(own, left);
}

}  // namespace

namespace internal {

StubCall::StubCall(const StubOptions& stub, std::string_view method, Repeat repeat,
                   ::grpc::ClientContext& given)
    : given_(given),
      metadata_(::grpc::testing::ClientContextTestPeer(&given).GetSendInitialMetadata()),
      facts_{.operation = method, .target = stub.target} {
  for (const auto& [key, value] : metadata_) {
    if (const absl::Status legal = CheckWireLegal(key, value); !legal.ok()) {
      ready_ = FromAbsl(legal);
      return;
    }
  }
  options_.call.idempotent = repeat == Repeat::kMay || metadata_.count("idempotency-key") > 0 ||
                             metadata_.count("idempotency-key-bin") > 0;
  options_.call.timeout = TimeoutOf(stub.timeout, TimeLeft(given));
  options_.call.facts = &facts_;
  options_.metadata_budget = stub.metadata_budget;
  TakeContext();
  factory_.emplace(options_);
  ready_ = factory_->ready();
}

void StubCall::TakeContext() {
  ServerMetadata sent;
  for (const auto& [key, value] : metadata_) {
    if (IsPrepared(key)) sent.emplace(key, value);
  }
  if (sent.empty()) return;
  given_is_fit_ = false;
  if (!Context::Current()) options_.context = ExtractContext(sent, 0).context;
  std::erase_if(metadata_, [](const auto& entry) { return IsPrepared(entry.first); });
}

::grpc::ClientContext& StubCall::Next(std::optional<::grpc::ClientContext>& fresh) {
  if (std::exchange(given_is_fit_, false)) return given_;
  ::grpc::ClientContext& context = fresh.emplace();
  for (const auto& [key, value] : metadata_) context.AddMetadata(key, value);
  if (given_.credentials() != nullptr) context.set_credentials(given_.credentials());
  if (given_.compression_algorithm() != GRPC_COMPRESS_NONE) {
    context.set_compression_algorithm(given_.compression_algorithm());
  }
  return context;
}

}  // namespace internal

StubGuard::StubGuard(StubOptions options) : options_(std::move(options)) {
  if (options_.pipeline) return;
  // Only memory can be short; then calls are refused for want of a pipeline.
  if (auto plain = Pipeline::Create(); plain.ok()) options_.pipeline = *std::move(plain);
}

void StubGuard::Tell(::grpc::ClientContext& context) const {
  const auto sent = ::grpc::testing::ClientContextTestPeer(&context).GetSendInitialMetadata();
  const auto step = NextStep(Context::Current());
  if (!step.ok() || sent.count(std::string(kTraceparentKey)) > 0) return;
  MetadataBudget budget(options_.metadata_budget);
  for (const auto& [key, value] : ContextEntries(*step)) {
    if (sent.count(std::string(key)) == 0) (void)AddMetadata(context, budget, key, value);
  }
}

}  // namespace holdfast::inline v0_5::grpc
