// SPDX-License-Identifier: Apache-2.0
// See limiter_core.h.
#include "adapters/redis/limiter_core.h"

#include <holdfast/c/idempotency.h>
#include <holdfast/status.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/redis/cluster_slot.h"
#include "adapters/redis/single_router.h"

namespace holdfast::inline v0_5::redis {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxKey = 1024;
constexpr size_t kMaxTenant = 256;

void Add(std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

Duration Micros(int64_t us) { return std::chrono::microseconds(us); }

LimitVerdict Invalid(std::string_view text) {
  LimitVerdict verdict;
  verdict.store = MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
  return verdict;
}

Limit LimitOf(const LimiterOptions& options) {
  return {options.permits, options.period.count() / HF_US, options.burst};
}

}  // namespace

// Owns itself until it has called back.
class Limiter::Impl::Question final : public Exchange {
 public:
  Question(Impl& impl, const LimitAsk& ask, const LimitId& id, bool take, Limiter::Done done)
      : impl_(impl),
        id_(id),
        key_(RecordKey(impl.options_.prefix + "limit:", id_.data())),
        cost_(ask.cost),
        take_(take),
        asked_at_(impl.options_.clock->Now()),
        done_(std::move(done)) {
    const Duration timeout = ask.timeout == Duration{0} ? impl.options_.timeout : ask.timeout;
    const auto now = steady_clock::now();
    deadline = timeout > SteadyTime::max() - now ? SteadyTime::max() : now + timeout;
  }

  // `whole`: the script itself, and not its name.
  void Submit(bool whole) {
    whole_ = whole;
    wire = impl_.MakeWire(*this, whole);
    switch (impl_.router_->Submit({this, SlotOf(key_)})) {
      case Router::Accepted::kYes:
        return;
      case Router::Accepted::kOverloaded:
        return End(impl_.Unasked("too many requests wait", HF_R_STORE_OVERLOADED));
      case Router::Accepted::kStopped:
        return End(impl_.Unasked("the limiter is closing", HF_R_STORE_UNAVAILABLE));
    }
  }

  void OnReply(Reply reply, int /*confirmed*/) override {
    if (!whole_ && IsError(*reply) && WordOf(TextOf(*reply)) == "NOSCRIPT") {
      Add(impl_.scripts_reloaded_);
      return Submit(true);
    }
    End(impl_.Judge(*this, *reply));
  }
  void OnLost(const Loss& loss) override { End(impl_.Unasked(loss.why, HF_R_STORE_UNAVAILABLE)); }

  const LimitId& id() const { return id_; }
  const std::string& key() const { return key_; }
  uint32_t cost() const { return cost_; }
  bool take() const { return take_; }
  hf_time asked_at() const { return asked_at_; }

 private:
  void End(const LimitVerdict& verdict) {
    const std::unique_ptr<Question> self(this);
    done_(verdict);
  }

  Impl& impl_;
  const LimitId id_;
  const std::string key_;
  const uint32_t cost_;
  const bool take_;
  const hf_time asked_at_;
  const Limiter::Done done_;
  bool whole_ = false;
};

Limiter::Impl::Impl(LimiterOptions options)
    : options_(std::move(options)),
      limit_(LimitOf(options_)),
      full_(DebtOf(limit_, limit_.burst)),
      denied_(options_.remembered, options_.remember) {}

void Limiter::Impl::Start(std::vector<NodeAddress> seeds, TlsContext tls) {
  if (options_.cluster) {
    cluster_ = std::make_shared<ClusterRouter>(
        io_.io(), ClusterRouter::Config{.server = options_.server,
                                        .seeds = std::move(seeds),
                                        .tls = std::move(tls),
                                        .replication = {},
                                        .owner_of = [this](NodeId) { return this; },
                                        .counters = &connections_});
    cluster_->Start([](const absl::Status&) {});
    router_ = cluster_;
  } else {
    auto connection = std::make_shared<Connection>(io_.io(), options_.server, std::move(tls),
                                                   Replication{}, this, &connections_);
    connection->Start();
    router_ = std::make_shared<SingleRouter>(std::move(connection));
  }
  io_.Start();
}

void Limiter::Impl::Stop() {
  router_->Stop();
  io_.Join();
}

LimitId Limiter::Impl::IdOf(const LimitAsk& ask) const {
  const auto part = [](std::string_view text) { return hf_str{text.data(), text.size()}; };
  const hf_str space = part("holdfast limit");
  const hf_str tenant = part(ask.tenant);
  const hf_str name = part(options_.name);
  const hf_str key = part(ask.key);
  LimitId id{};
  hf_idem_key_id(&space, &tenant, &name, &key, id.data());
  return id;
}

std::optional<LimitVerdict> Limiter::Impl::Know(const LimitAsk& ask, bool take, LimitId* id) {
  if (ask.key.empty() || ask.key.size() > kMaxKey) return Invalid("key: not 1..1024 bytes");
  if (ask.tenant.size() > kMaxTenant) return Invalid("tenant: longer than 256 bytes");
  if (ask.cost == 0 || ask.cost > options_.burst) return Invalid("cost: not 1..burst");
  if (ask.timeout < Duration{0}) return Invalid("timeout: negative");
  *id = IdOf(ask);
  if (!take || options_.remembered == 0) return std::nullopt;
  const Duration wait = denied_.Find(*id, ask.cost, options_.clock->Now());
  if (wait == Duration{0}) return std::nullopt;
  Add(refused_here_);
  LimitVerdict verdict;
  verdict.retry_after = wait;
  return verdict;
}

void Limiter::Impl::Ask(const LimitAsk& ask, const LimitId& id, bool take, Limiter::Done done) {
  const bool whole = !script_named_.load(std::memory_order_acquire);
  (new Question(*this, ask, id, take, std::move(done)))->Submit(whole);
}

Wire Limiter::Impl::MakeWire(const Question& question, bool whole) const {
  const Debt cost = DebtOf(limit_, question.cost());
  const std::string cost_us = std::to_string(cost.us);
  const std::string cost_part = std::to_string(cost.part);
  const std::string full_us = std::to_string(full_.us);
  const std::string full_part = std::to_string(full_.part);
  const std::string permits = std::to_string(limit_.permits);
  static const std::string script = GcraScript();
  return Wire({whole ? "EVAL" : "EVALSHA", whole ? script : script_name_, "1", question.key(),
               cost_us, cost_part, full_us, full_part, permits, question.take() ? "1" : "0"});
}

LimitVerdict Limiter::Impl::Unasked(std::string_view why, hf_reason reason) {
  LimitVerdict verdict;
  verdict.allowed = options_.on_store_down == OnStoreDown::kAdmit;
  const hf_code code = reason == HF_R_STORE_CORRUPT ? HF_DATA_LOSS : HF_UNAVAILABLE;
  verdict.store =
      MakeStatus(code, reason, "the fleet's rate limit could not be asked: " + std::string(why));
  Add(verdict.allowed ? admitted_unasked_ : refused_unasked_);
  return verdict;
}

LimitVerdict Limiter::Impl::Judge(const Question& question, const redisReply& reply) {
  if (IsError(reply)) {
    const bool corrupt = WordOf(TextOf(reply)) == "CORRUPT" || WordOf(TextOf(reply)) == "WRONGTYPE";
    return Unasked(TextOf(reply), corrupt ? HF_R_STORE_CORRUPT : HF_R_STORE_UNAVAILABLE);
  }
  const auto parts = ElementsOf(reply);
  const bool sound = parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](auto* part) {
                       return part->type == REDIS_REPLY_INTEGER && part->integer >= 0;
                     });
  if (!sound || parts[2]->integer > kMaxFillUs || parts[3]->integer >= limit_.permits) {
    return Unasked("an answer that is none of the script's", HF_R_STORE_CORRUPT);
  }
  const Debt debt{parts[2]->integer, parts[3]->integer};
  LimitVerdict verdict;
  verdict.asked = true;
  verdict.allowed = parts[0]->integer == 1;
  verdict.retry_after = verdict.allowed ? Duration{0} : Micros(parts[1]->integer);
  verdict.remaining = static_cast<uint32_t>(RemainingAt(limit_, debt));
  verdict.reset = Micros(CeilUs(debt));
  if (!question.take()) return verdict;
  Add(verdict.allowed ? admitted_ : refused_);
  if (!verdict.allowed) {
    denied_.Put(question.id(), question.cost(), verdict.retry_after, question.asked_at());
  }
  return verdict;
}

std::vector<Wire> Limiter::Impl::Greeting() {
  std::vector<Wire> wires;
  wires.push_back(Wire({"SCRIPT", "LOAD", GcraScript()}));
  return wires;
}

// A server that does not let scripts be loaded may still let them run.
absl::Status Limiter::Impl::OnGreeting(Connection& /*connection*/, std::span<const Reply> replies) {
  constexpr size_t kNameSize = 40;
  if (replies.size() != 1 || IsError(*replies[0])) return absl::OkStatus();
  if (script_named_.load() || TextOf(*replies[0]).size() != kNameSize) return absl::OkStatus();
  script_name_ = std::string(TextOf(*replies[0]));
  script_named_.store(true, std::memory_order_release);
  return absl::OkStatus();
}

LimiterStats Limiter::Impl::stats() const {
  LimiterStats stats;
  stats.admitted = admitted_.load();
  stats.refused = refused_.load();
  stats.refused_here = refused_here_.load();
  stats.admitted_unasked = admitted_unasked_.load();
  stats.refused_unasked = refused_unasked_.load();
  stats.scripts_reloaded = scripts_reloaded_.load();
  stats.connects = connections_.connects.load();
  stats.connection_failures = connections_.failures.load();
  if (cluster_ != nullptr) {
    stats.redirections = cluster_->counters().moved.load() + cluster_->counters().asked.load();
  }
  return stats;
}

}  // namespace holdfast::inline v0_5::redis
