// SPDX-License-Identifier: Apache-2.0
// See one_shot.h.
#include "chaos/one_shot.h"

#include <holdfast/idempotency.h>
#include <holdfast/waiters.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "chaos/crash_point.h"
#include "chaos/effect_ledger.h"
#include "chaos/history.h"
#include "chaos/open_store.h"
#include "chaos/worker.h"
#include "store/requests.h"

namespace holdfast::chaos {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

OnExpiry PolicyOf(const std::string& name) {
  if (name == "takeover") return OnExpiry::kTakeover;
  if (name == "reconcile") return OnExpiry::kReconcile;
  return OnExpiry::kInDoubt;
}

bool Say(const json& line) { return std::printf("%s\n", line.dump().c_str()) > 0; }

absl::StatusOr<OpenedStore> OpenPatiently(const std::string& address) {
  absl::StatusOr<OpenedStore> opened = OpenStore(address, true, Patience::kCalm);
  for (int tries = 0; tries < 100 && !opened.ok() && !absl::IsInvalidArgument(opened.status());
       ++tries) {
    std::this_thread::sleep_for(milliseconds(20));
    opened = OpenStore(address, true, Patience::kCalm);
  }
  if (!opened.ok()) std::fprintf(stderr, "store_chaos: %s\n", opened.status().ToString().c_str());
  return opened;
}

class OneShot {
 public:
  OneShot(const OneShotSettings& settings, Store& store, Waiters& waiters)
      : settings_(settings), ledger_(LedgerPath(settings.folder)), store_(store, point_) {
    options_.request = "request";
    options_.on_expiry = PolicyOf(settings.policy);
    options_.lease = milliseconds(settings.lease_ms);
    options_.ttl = milliseconds(settings.ttl_ms);
    options_.max_wait = milliseconds(settings.max_wait_ms);
    options_.max_attempts = 1000;
    options_.waiters = &waiters;
    options_.reconcile = [this](Ticket& ticket) {
      asked_ = true;
      if (!ledger_.Look(settings_.key, ticket.token())) return Finding::NotHappened();
      return Finding::Happened("done, " + settings_.key);
    };
  }

  json Run() {
    RunOnceReport report;
    RunOnceOptions options = options_;
    options.report = &report;
    const absl::StatusOr<RunOnceResult> result = holdfast::RunOnce(
        store_, {.key = settings_.key}, options, [&](Ticket& ticket) { return Work(ticket); });
    json line = {{"code", absl::StatusCodeToString(result.status().code())},
                 {"reason", hf_reason_name(report.reason)},
                 {"ran", report.ran},
                 {"asked", asked_.load()},
                 {"replayed", report.replayed},
                 {"token", report.token},
                 {"attempt", report.attempt},
                 {"overtime", overtime_.load()}};
    line["body"] = result.ok() ? result->body : std::string(result.status().message());
    return line;
  }

 private:
  // The same bytes in every attempt, as a careful service would have it.
  absl::StatusOr<std::string> Work(Ticket& ticket) {
    if (settings_.deed == "not_started") {
      ticket.SetEffect(HF_EFFECT_NOT_STARTED);
      return absl::UnavailableError("not begun");
    }
    if (settings_.deed == "overtime") {
      while (!ticket.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
      overtime_ = true;
      ticket.SetEffect(HF_EFFECT_NOT_STARTED);
      return absl::AbortedError("the lease is over: nothing was written");
    }
    ledger_.Apply(settings_.key, ticket.token());
    if (settings_.deed == "ambiguous") return absl::UnavailableError("no answer");
    if (settings_.deed == "retryable") {
      ticket.SetEffect(HF_EFFECT_RETRYABLE);
      return absl::UnavailableError("again");
    }
    return "done, " + settings_.key;
  }

  const OneShotSettings& settings_;
  CrashPoint point_;
  EffectLedger ledger_;
  CrashingStore store_;
  RunOnceOptions options_;
  std::atomic<bool> asked_{false};
  std::atomic<bool> overtime_{false};
};

// All at once on one key: how many ran it, and what the others got.
json RunHerd(OneShot& one, uint32_t size) {
  std::vector<json> lines(size);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < size; ++i) threads.emplace_back([&, i] { lines[i] = one.Run(); });
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, uint64_t> codes;
  std::set<std::string> bodies;
  uint64_t ran = 0;
  for (const json& line : lines) {
    ++codes[line["code"]];
    bodies.insert(line["body"]);
    ran += line["ran"].get<bool>() ? 1 : 0;
  }
  return {{"ran", ran}, {"codes", codes}, {"bodies", bodies}};
}

// A claim, and then the effect and the completion as one transaction of the store's database.
json RunJoined(const OneShotSettings& settings, OpenedStore& opened) {
  CrashPoint point;
  CrashingStore store(*opened.store, point);
  StoreRequest claim = testing::Claim(settings.key, 0, HF_ON_EXPIRY_TAKEOVER);
  FillRandom(claim.nonce);
  claim.lease = settings.lease_ms * HF_MS;
  const StoreReply won = store.Execute(claim, Duration{0});
  json line = {{"claim", StatusName(won.raw.status)}, {"token", won.raw.token}};
  if (won.raw.status == HF_STORE_WON) {
    const std::string body = "done, " + settings.key;
    const StoreReply done =
        opened.joined->Complete(testing::Complete(settings.key, won.raw.token, body), settings.key);
    line["complete"] = StatusName(done.raw.status);
  }
  const absl::StatusOr<uint64_t> rows = opened.joined->Effects(settings.key);
  line["rows"] = rows.ok() ? static_cast<int64_t>(*rows) : -1;
  return line;
}

}  // namespace

int RunOne(const OneShotSettings& settings) {
  absl::StatusOr<OpenedStore> opened = OpenPatiently(settings.address);
  if (!opened.ok()) return 2;
  if (settings.deed == "joined") return Say(RunJoined(settings, *opened)) ? 0 : 2;
  const auto waiters = Waiters::Create(*opened->store);
  if (!waiters.ok()) return 2;
  OneShot one(settings, *opened->store, **waiters);
  return Say(settings.herd > 1 ? RunHerd(one, settings.herd) : one.Run()) ? 0 : 2;
}

int AskOne(const OneShotSettings& settings) {
  absl::StatusOr<OpenedStore> opened = OpenPatiently(settings.address);
  if (!opened.ok()) return 2;
  const StoreReply reply = opened->store->Execute(testing::Read(settings.key), Duration{0});
  const json line = {{"status", StatusName(reply.raw.status)},
                     {"token", reply.raw.token},
                     {"attempt", reply.raw.attempt},
                     {"retry_after_ms", reply.raw.retry_after / HF_MS},
                     {"body", reply.body == nullptr ? "" : *reply.body},
                     {"detail", reply.detail}};
  return Say(line) ? 0 : 2;
}

}  // namespace holdfast::chaos
