// SPDX-License-Identifier: Apache-2.0
// CallMetrics: what the RPCs of a channel did, by method and code, for platform teams that want figures and
// context and nothing else: no retries, no refusals, no change to any stub.
//
//   auto metrics = std::make_shared<holdfast::grpc::CallMetrics>();
//   auto channel = holdfast::grpc::MakeChannel(target, credentials, {}, ... MetricsInterceptorFactory(metrics));
//   page.Add("payments", *metrics);   // metrics_page.h
//
// One RPC is one attempt: under a retry policy of ours there are more of them than calls. Besides MakeChannel it
// serves any channel with interceptors, with ContextInterceptorFactory (channel.h) or without.
//
//   family (prefix_)              labels            counts
//   grpc_client_rpcs              method, code      RPCs that have ended, streams included
//   grpc_client_rpcs_within       method, seconds   those that took no longer: 0.001 0.0025 .. 10
//   grpc_client_rpc_seconds       method            the time they took together
//   grpc_client_rpcs_in_flight    method            those that have not ended
//
// The methods are those that were called, at most `max_methods` of them; any further one, and one whose name is not
// text, is "other". Threads: all functions may be called from any thread; an RPC costs one short lock.
#ifndef HOLDFAST_GRPC_CALL_METRICS_H_
#define HOLDFAST_GRPC_CALL_METRICS_H_

#include <grpcpp/support/client_interceptor.h>
#include <holdfast/clock.h>
#include <holdfast/metrics_series.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::grpc {

struct CallMetricsOptions {
  std::size_t max_methods = 64;  // 1..10000, clamped; each takes about 300 bytes
  Clock* clock = nullptr;        // null: Clock::Steady()
};

class CallMetrics {
 public:
  using Options = CallMetricsOptions;
  // Of one method. Not for users.
  struct Method;

  explicit CallMetrics(const Options& options = {});
  ~CallMetrics();
  CallMetrics(const CallMetrics&) = delete;
  CallMetrics& operator=(const CallMetrics&) = delete;

  // One that begins; every one must end. `method` as gRPC has it: "/package.Service/Method".
  Method& Begin(std::string_view method);
  void End(Method& method, int code, Duration took);
  // It ended, and nobody asked how.
  void Abandon(Method& method);

  Clock& clock() const { return clock_; }

  friend void Collect(ObjectMetrics& out, const CallMetrics& metrics) { metrics.Show(out); }

 private:
  void Show(ObjectMetrics& out) const;

  Clock& clock_;
  const std::size_t max_methods_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_;
};

// For channels. An RPC that an interceptor before it refuses is not seen.
std::unique_ptr<::grpc::experimental::ClientInterceptorFactoryInterface> MetricsInterceptorFactory(
    std::shared_ptr<CallMetrics> metrics);

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_CALL_METRICS_H_
