// SPDX-License-Identifier: Apache-2.0
// See contract/usage.h. Consumers are in a table that only grows: a slot is filled once, under a lock, and read without.
#include <holdfast/contract/usage.h>
#include <holdfast/metrics_name.h>

#include <atomic>
#include <bit>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::size_t kMostConsumers = 65536;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

struct Cell {
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::int64_t> last{kNever};  // WallTime's ticks

  // The count comes last: where there is one, there is a moment.
  void Add(std::int64_t now) {
    std::int64_t before = last.load(kRelaxed);
    while (before < now && !last.compare_exchange_weak(before, now, kRelaxed)) {
    }
    count.fetch_add(1, std::memory_order_release);
  }
};

struct Consumer {
  Consumer(std::string_view called, std::size_t versions) : name(called), cells(versions) {}
  const std::string name;
  std::vector<Cell> cells;  // by the version's index
};

}  // namespace

class UsageCounter::Impl {
 public:
  explicit Impl(Options options)
      : contracts_(std::move(options.contracts)),
        max_consumers_(options.max_consumers),
        slots_(std::bit_ceil(2 * options.max_consumers)),
        other_(kOther, contracts_.versions().size()) {
    consumers_.reserve(max_consumers_);
  }

  void Count(std::string_view name, const RegisteredVersion& version, WallTime now) {
    Get(name).cells[version.index].Add(now.time_since_epoch().count());
  }

  std::vector<Usage> Find(std::span<const RegisteredVersion> versions) const {
    std::vector<const Consumer*> consumers;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& consumer : consumers_) consumers.push_back(consumer.get());
    }
    consumers.push_back(&other_);
    std::vector<Usage> all;
    for (const RegisteredVersion& version : versions) {
      for (const Consumer* consumer : consumers) {
        const Cell& cell = consumer->cells[version.index];
        const std::uint64_t count = cell.count.load(std::memory_order_acquire);
        if (count == 0) continue;
        const WallTime last{std::chrono::nanoseconds{cell.last.load(kRelaxed)}};
        all.push_back({consumer->name, version.contract->name, version.number(), count, last});
      }
    }
    return all;
  }

  const ContractRegistry& contracts() const { return contracts_; }

 private:
  // The slot of this name, or the free one where it belongs: there is always one, half of them are.
  std::atomic<Consumer*>& SlotOf(std::string_view name) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = std::hash<std::string_view>{}(name);; ++at) {
      std::atomic<Consumer*>& slot = slots_[at & mask];
      const Consumer* const taken = slot.load(std::memory_order_acquire);
      if (taken == nullptr || taken->name == name) return slot;
    }
  }

  Consumer& Get(std::string_view name) {
    if (name.empty() || name.size() > kMaxName || name == kOther) return other_;
    Consumer* const known = SlotOf(name).load(std::memory_order_acquire);
    if (known != nullptr) return *known;
    if (full_.load(kRelaxed) || !IsText(name)) return other_;
    return Meet(name);
  }

  Consumer& Meet(std::string_view name) {
    const std::lock_guard lock(mutex_);
    std::atomic<Consumer*>& slot = SlotOf(name);
    if (Consumer* const known = slot.load(kRelaxed); known != nullptr) return *known;
    if (consumers_.size() == max_consumers_) {
      full_.store(true, kRelaxed);
      return other_;
    }
    consumers_.push_back(std::make_unique<Consumer>(name, contracts_.versions().size()));
    slot.store(consumers_.back().get(), std::memory_order_release);
    return *consumers_.back();
  }

  const ContractRegistry contracts_;
  const std::size_t max_consumers_;
  std::vector<std::atomic<Consumer*>> slots_;
  Consumer other_;
  std::atomic<bool> full_{false};
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Consumer>> consumers_;  // under mutex_, in the order they were met
};

absl::StatusOr<UsageCounter> UsageCounter::Create(Options options) {
  if (options.max_consumers == 0 || options.max_consumers > kMostConsumers) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                      "max_consumers is not within 1..65536");
  }
  return UsageCounter(std::make_shared<Impl>(std::move(options)));
}

void UsageCounter::Count(std::string_view consumer, const RegisteredVersion& version,
                         WallTime now) const {
  impl_->Count(consumer, version, now);
}

std::vector<Usage> UsageCounter::All() const { return impl_->Find(impl_->contracts().versions()); }

std::vector<Usage> UsageCounter::Find(std::string_view contract, VersionNumber version) const {
  const RegisteredVersion* const found = impl_->contracts().Find(contract, version);
  if (found == nullptr) return {};
  return impl_->Find({found, 1});
}

void Collect(ObjectMetrics& out, const UsageCounter& usage) {
  constexpr MetricFamily kUsage{"contract_usage", MetricKind::kCounter,
                                "Uses of each version of a contract, by consumer."};
  constexpr MetricFamily kLastUsed{"contract_last_used_seconds", MetricKind::kGauge,
                                   "When the consumer used the version last, in Unix time."};
  for (const Usage& each : usage.All()) {
    const std::vector<MetricLabel> labels = {
        {"consumer", each.consumer}, {"contract", each.contract}, {"version", Text(each.version)}};
    out.Set(kUsage, each.count, labels);
    out.Set(kLastUsed, each.last.time_since_epoch(), labels);
  }
}

}  // namespace holdfast::inline v0_5::contract
