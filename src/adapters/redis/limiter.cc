// SPDX-License-Identifier: Apache-2.0
// See redis/limiter.h. Here: options, and the ways of asking; limiter_core.h asks.
#include <holdfast/redis/limiter.h>
#include <holdfast/status.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "adapters/redis/limiter_core.h"
#include "adapters/redis/seeds.h"

namespace holdfast::inline v0_5::redis {
namespace {

constexpr size_t kMaxName = 64;
constexpr uint32_t kDefaultPermits = 100;
constexpr uint32_t kDefaultRemembered = 4096;
constexpr uint32_t kMostRemembered = 1'000'000;
constexpr Duration kDefaultTimeout = std::chrono::milliseconds(250);
constexpr Duration kDay = std::chrono::hours(24);

absl::Status Bad(std::string_view text) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
}

template <typename Value>
void Default(Value* value, Value otherwise) {
  if (*value == Value{}) *value = otherwise;
}

absl::Status PrepareLimit(LimiterOptions* options) {
  if (options->name.empty()) return Bad("name: empty");
  if (options->name.size() > kMaxName) return Bad("name: longer than 64 bytes");
  Default(&options->permits, kDefaultPermits);
  Default(&options->burst, options->permits);
  Default(&options->period, Duration(std::chrono::seconds(1)));
  if (options->permits > kMaxPermits) return Bad("permits: above 10'000'000");
  if (options->burst > kMaxBurst) return Bad("burst: above 10'000'000");
  if (options->period < std::chrono::milliseconds(1) || options->period > kDay) {
    return Bad("period: not 1 ms..24 h");
  }
  if (options->period.count() % HF_US != 0) return Bad("period: not whole microseconds");
  const auto fill = static_cast<Wide>(options->burst) * (options->period.count() / HF_US);
  if (fill / options->permits > kMaxFillUs) return Bad("burst: takes more than 366 days to fill");
  return absl::OkStatus();
}

absl::Status Prepare(LimiterOptions* options) {
  if (absl::Status status = PrepareLimit(options); !status.ok()) return status;
  redis::Options store{.server = options->server, .prefix = options->prefix};
  if (absl::Status status = PrepareOptions(&store); !status.ok()) return status;
  options->server = std::move(store.server);
  options->prefix = std::move(store.prefix);
  if (!options->cluster && !options->seeds.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "seeds: without cluster");
  }
  if (options->cluster && options->server.database != 0) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                      "server.database: a cluster has database 0 only");
  }
  Default(&options->timeout, kDefaultTimeout);
  if (options->timeout < Duration{0} || options->timeout > kDay) return Bad("timeout: not 0..24 h");
  Default(&options->remembered, kDefaultRemembered);
  if (options->remembered > kMostRemembered) return Bad("remembered: above 1'000'000");
  if (options->always_ask) options->remembered = 0;
  Default(&options->remember, Duration(std::chrono::seconds(1)));
  if (options->remember < Duration{0} || options->remember > kDay) {
    return Bad("remember: not 0..24 h");
  }
  if (options->clock == nullptr) options->clock = &Clock::Steady();
  return absl::OkStatus();
}

// Waits for one verdict.
class Awaited {
 public:
  Limiter::Done Listener() {
    return [this](const LimitVerdict& verdict) {
      const std::lock_guard lock(mutex_);
      verdict_ = verdict;
      there_.notify_one();  // under the lock: who waits destroys this
    };
  }
  LimitVerdict Wait() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return verdict_.has_value(); });
    return *std::move(verdict_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::optional<LimitVerdict> verdict_;
};

}  // namespace

absl::Status LimitVerdict::ToStatus() const {
  if (allowed) return absl::OkStatus();
  if (!store.ok()) return store;
  return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, "refused by the fleet's rate limit",
                    retry_after);
}

absl::StatusOr<std::unique_ptr<Limiter>> Limiter::Open(Options options) {
  if (absl::Status status = Prepare(&options); !status.ok()) return status;
  absl::StatusOr<std::vector<NodeAddress>> seeds = ParseSeeds(options.server, options.seeds);
  if (!seeds.ok()) return seeds.status();
  absl::StatusOr<TlsContext> tls = MakeTlsContext(options.server.tls);
  if (!tls.ok()) return tls.status();
  auto impl = std::make_shared<Impl>(std::move(options));
  impl->Start(*std::move(seeds), *std::move(tls));
  return std::unique_ptr<Limiter>(new Limiter(std::move(impl)));
}

Limiter::Limiter(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Limiter::~Limiter() { impl_->Stop(); }

LimitVerdict Limiter::Await(const LimitAsk& ask, bool take) {
  LimitId id{};
  if (std::optional<LimitVerdict> known = impl_->Know(ask, take, &id)) return *std::move(known);
  if (impl_->OnIoThread()) {
    return impl_->Unasked("called from inside a Done, it would wait for itself",
                          HF_R_STORE_UNAVAILABLE);
  }
  Awaited answer;
  impl_->Ask(ask, id, take, answer.Listener());
  return answer.Wait();
}

void Limiter::Submit(const LimitAsk& ask, bool take, Done done) {
  LimitId id{};
  if (const std::optional<LimitVerdict> known = impl_->Know(ask, take, &id)) return done(*known);
  impl_->Ask(ask, id, take, std::move(done));
}

LimitVerdict Limiter::Take(const LimitAsk& ask) { return Await(ask, true); }
LimitVerdict Limiter::Peek(const LimitAsk& ask) { return Await(ask, false); }
void Limiter::Take(const LimitAsk& ask, Done done) { Submit(ask, true, std::move(done)); }
void Limiter::Peek(const LimitAsk& ask, Done done) { Submit(ask, false, std::move(done)); }

LimiterStats Limiter::stats() const { return impl_->stats(); }

}  // namespace holdfast::inline v0_5::redis
