// SPDX-License-Identifier: Apache-2.0
// Counting RPCs. Figures of one method are exact each, and together once nothing is in flight.
#include <holdfast/c/base.h>
#include <holdfast/grpc/call_metrics.h>
#include <holdfast/metrics_name.h>

#include <algorithm>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace {

namespace experimental = ::grpc::experimental;
using Hook = experimental::InterceptionHookPoints;

constexpr std::size_t kCodes = 17;
constexpr std::string_view kOther = "other";

constexpr MetricFamily kRpcs{"grpc_client_rpcs", MetricKind::kCounter,
                             "RPCs that have ended, by method and code."};
constexpr MetricFamily kWithin{"grpc_client_rpcs_within", MetricKind::kCounter,
                               "RPCs that took no longer than this."};
constexpr MetricFamily kSeconds{"grpc_client_rpc_seconds", MetricKind::kCounter,
                                "The time that RPCs took together."};
constexpr MetricFamily kInFlight{"grpc_client_rpcs_in_flight", MetricKind::kGauge,
                                 "RPCs that have not ended."};

struct Bound {
  std::string_view seconds;
  hf_duration at;
};
constexpr std::array<Bound, 13> kBounds = {{{"0.001", 1 * HF_MS},
                                            {"0.0025", 2500 * HF_US},
                                            {"0.005", 5 * HF_MS},
                                            {"0.01", 10 * HF_MS},
                                            {"0.025", 25 * HF_MS},
                                            {"0.05", 50 * HF_MS},
                                            {"0.1", 100 * HF_MS},
                                            {"0.25", 250 * HF_MS},
                                            {"0.5", 500 * HF_MS},
                                            {"1", 1 * HF_S},
                                            {"2.5", 2500 * HF_MS},
                                            {"5", 5 * HF_S},
                                            {"10", 10 * HF_S}}};

constexpr std::array<std::string_view, kCodes> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

using Count = std::atomic<std::uint64_t>;

void Add(Count& count, std::uint64_t more = 1) { count.fetch_add(more, std::memory_order_relaxed); }

}  // namespace

struct CallMetrics::Method {
  std::array<Count, kCodes> codes{};
  std::array<Count, kBounds.size()> up_to{};  // longer than the bound before
  Count nanos{0};
  Count begun{0};
  Count ended{0};
};

CallMetrics::CallMetrics(const Options& options)
    : clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
      max_methods_(std::clamp<std::size_t>(options.max_methods, 1, 10000)) {}

CallMetrics::~CallMetrics() = default;

CallMetrics::Method& CallMetrics::Begin(std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto found = methods_.find(name);
  if (found == methods_.end() && (methods_.size() >= max_methods_ || !IsText(name))) {
    name = kOther;
    found = methods_.find(name);
  }
  if (found == methods_.end()) {
    found = methods_.emplace(std::string(name), std::make_unique<Method>()).first;
  }
  Add(found->second->begun);
  return *found->second;
}

void CallMetrics::End(Method& method, int code, Duration took) {
  const bool known = code >= 0 && code < static_cast<int>(kCodes);
  Add(method.codes[known ? static_cast<std::size_t>(code) : HF_UNKNOWN]);
  const hf_duration nanos = std::max<hf_duration>(0, took.count());
  Add(method.nanos, static_cast<std::uint64_t>(nanos));
  const auto bound = std::find_if(kBounds.begin(), kBounds.end(),
                                  [nanos](const Bound& each) { return nanos <= each.at; });
  if (bound != kBounds.end()) {
    Add(method.up_to[static_cast<std::size_t>(bound - kBounds.begin())]);
  }
  Add(method.ended);
}

void CallMetrics::Abandon(Method& method) { Add(method.ended); }

void CallMetrics::Show(ObjectMetrics& out) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, method] : methods_) {
    for (std::size_t code = 0; code < kCodes; ++code) {
      const std::uint64_t count = method->codes[code].load(std::memory_order_relaxed);
      if (count == 0) continue;
      out.Set(kRpcs, count, {{"method", name}, {"code", std::string(kCodeNames[code])}});
    }
    std::uint64_t within = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      within += method->up_to[i].load(std::memory_order_relaxed);
      out.Set(kWithin, within, {{"method", name}, {"seconds", std::string(kBounds[i].seconds)}});
    }
    const auto nanos = static_cast<hf_duration>(method->nanos.load(std::memory_order_relaxed));
    out.Set(kSeconds, Duration{nanos}, {{"method", name}});
    // In this order, or more would have ended than had begun.
    const std::uint64_t ended = method->ended.load(std::memory_order_relaxed);
    const std::uint64_t begun = method->begun.load(std::memory_order_relaxed);
    out.Set(kInFlight, begun - std::min(begun, ended), {{"method", name}});
  }
}

namespace {

class MetricsInterceptor final : public experimental::Interceptor {
 public:
  MetricsInterceptor(CallMetrics& metrics, const char* method)
      : metrics_(metrics), method_(metrics.Begin(method)), began_(metrics.clock().Now()) {}
  ~MetricsInterceptor() override {
    if (!ended_) metrics_.Abandon(method_);
  }

  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    // Once for each call; other batches of it may come at the same time.
    if (methods->QueryInterceptionHookPoint(Hook::POST_RECV_STATUS)) {
      ended_ = true;
      metrics_.End(method_, methods->GetRecvStatus()->error_code(),
                   Duration{metrics_.clock().Now() - began_});
    }
    methods->Proceed();
  }

 private:
  CallMetrics& metrics_;
  CallMetrics::Method& method_;
  const hf_time began_;
  bool ended_ = false;
};

class Factory final : public experimental::ClientInterceptorFactoryInterface {
 public:
  explicit Factory(std::shared_ptr<CallMetrics> metrics) : metrics_(std::move(metrics)) {}
  experimental::Interceptor* CreateClientInterceptor(experimental::ClientRpcInfo* info) override {
    return new MetricsInterceptor(*metrics_, info->method());  // gRPC owns it
  }

 private:
  const std::shared_ptr<CallMetrics> metrics_;
};

}  // namespace

std::unique_ptr<experimental::ClientInterceptorFactoryInterface> MetricsInterceptorFactory(
    std::shared_ptr<CallMetrics> metrics) {
  return std::make_unique<Factory>(std::move(metrics));
}

}  // namespace holdfast::inline v0_5::grpc
