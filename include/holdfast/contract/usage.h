// SPDX-License-Identifier: Apache-2.0
// UsageCounter: who still uses which version, so that its owner knows whom to talk to before the sunset.
//
//   usage.Count(consumer, *version, now);                        // where an event is delivered or a call is answered
//   for (const Usage& each : usage.Find("com.acme.order", {1, 0})) ...
//   page.Add("orders", usage);                                   // contract_usage by consumer, contract and version
#ifndef HOLDFAST_CONTRACT_USAGE_H_
#define HOLDFAST_CONTRACT_USAGE_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/registry.h>
#include <holdfast/metrics_series.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

struct UsageCounterOptions {
  ContractRegistry contracts{};
  // Consumers that are told apart; those that come later are counted as "other". Each takes 16 bytes per registered
  // version once it is seen. 1..65536.
  std::size_t max_consumers = 1024;
};

struct Usage {
  std::string
      consumer;  // "other": all that found no place, or whose name is no text of 1..128 bytes
  std::string contract;
  VersionNumber version;
  std::uint64_t count = 0;
  WallTime last;  // the latest `now` it was counted with
};

// A cheap handle. Thread-safe: a known consumer is found without a lock and without allocation.
class UsageCounter {
 public:
  using Options = UsageCounterOptions;
  static constexpr std::size_t kMaxName = 128;
  static constexpr std::string_view kOther = "other";

  // Errors: kInvalidArgument HF_R_OUT_OF_RANGE.
  static absl::StatusOr<UsageCounter> Create(Options options);

  // `version` is of the options' registry. The name of a consumer is whatever your authentication says it is.
  void Count(std::string_view consumer, const RegisteredVersion& version, WallTime now) const;

  // All that was counted, by contract and version as registered, then by when the consumer was first seen.
  std::vector<Usage> All() const;
  // Of one version.
  std::vector<Usage> Find(std::string_view contract, VersionNumber version) const;

 private:
  class Impl;
  explicit UsageCounter(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

// For a metrics page: contract_usage and contract_last_used_seconds, by consumer, contract and version.
void Collect(ObjectMetrics& out, const UsageCounter& usage);

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_USAGE_H_
