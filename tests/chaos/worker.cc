// SPDX-License-Identifier: Apache-2.0
// See worker.h.
#include "chaos/worker.h"

#include <absl/strings/str_cat.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "chaos/board.h"
#include "chaos/crash_point.h"
#include "chaos/effect_ledger.h"
#include "chaos/history.h"
#include "chaos/once_client.h"
#include "chaos/open_store.h"
#include "chaos/raw_client.h"

namespace holdfast::chaos {
namespace {

constexpr size_t kMostEvents = 8'000'000;  // of a thread; an unused one costs nothing

class Worker {
 public:
  Worker(const WorkerSettings& settings, Board& board, OpenedStore opened)
      : settings_(settings),
        board_(board),
        opened_(std::move(opened)),
        ledger_(LedgerPath(settings.folder)) {}

  bool Work() {
    return OnThreads(0, [&](RecordingStore& store, uint32_t thread) {
      const uint64_t seed = settings_.seed * 1'000'003 + settings_.id * 101 + thread;
      const uint64_t identity = settings_.id * 1000 + thread + 1;
      std::mt19937_64 random(seed);
      RawClient raw(store, board_, identity, seed + 1);
      OnceClient once(store, {ledger_, opened_.joined.get()}, board_, identity + 500, seed + 2);
      while (!board_.Over() && store.Room()) random() % 2 == 0 ? raw.Step() : once.Step();
    });
  }

  bool DoAudit() {
    std::vector<AuditResult> parts(settings_.threads);
    const bool done = OnThreads(settings_.threads, [&](RecordingStore& store, uint32_t thread) {
      parts[thread] =
          Audit(store, ledger_, opened_.joined.get(), board_, thread, settings_.threads);
    });
    AuditResult sum;
    for (const AuditResult& part : parts) Add(part, &sum);
    return done && Save(sum);
  }

 private:
  template <class Fn>
  bool OnThreads(uint32_t first_log, Fn fn) {
    std::vector<std::unique_ptr<HistoryLog>> logs;
    for (uint32_t i = 0; i < settings_.threads; ++i) {
      auto log = HistoryLog::Create(HistoryPath(settings_.folder, settings_.id, first_log + i),
                                    kMostEvents);
      if (!log.ok()) {
        std::fprintf(stderr, "store_chaos: %s\n", log.status().ToString().c_str());
        return false;
      }
      logs.push_back(*std::move(log));
    }
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < settings_.threads; ++i) {
      threads.emplace_back([&, i] {
        CrashingStore crashing(*opened_.store, crash_);
        RecordingStore recording(crashing, *logs[i]);
        fn(recording, i);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return true;
  }

  bool Save(const AuditResult& sum) const {
    const nlohmann::json json = {
        {"keys", sum.keys},       {"completed", sum.completed},   {"in_doubt", sum.in_doubt},
        {"effects", sum.effects}, {"duplicates", sum.duplicates}, {"lost", sum.lost},
        {"repeats", sum.repeats}, {"unread", sum.unread},         {"complaints", sum.complaints}};
    std::ofstream out(AuditPath(settings_.folder));
    out << json;
    return out.good();
  }

  const WorkerSettings& settings_;
  Board& board_;
  OpenedStore opened_;
  EffectLedger ledger_;
  CrashPoint crash_;
};

// A store may be out of reach just now: another try is what any service would do.
absl::StatusOr<OpenedStore> OpenPatiently(const WorkerSettings& settings, const Board& board) {
  absl::StatusOr<OpenedStore> opened = absl::UnavailableError("over before it began");
  for (int tries = 0; tries < 200; ++tries) {
    const Patience patience = settings.role == "audit" ? Patience::kCalm : Patience::kStorm;
    opened = OpenStore(settings.address, settings.shared, patience);
    const bool hopeless = absl::IsInvalidArgument(opened.status());
    if (opened.ok() || hopeless || (settings.role == "work" && board.Over())) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return opened;
}

}  // namespace

int RunWorker(const WorkerSettings& settings) {
  signal(SIGXFSZ, SIG_IGN);  // a full disk is an error of write(2), not a death
  signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<Board*> board = Board::Map(BoardPath(settings.folder), false);
  if (!board.ok()) {
    std::fprintf(stderr, "store_chaos: %s\n", board.status().ToString().c_str());
    return 2;
  }
  absl::StatusOr<OpenedStore> opened = OpenPatiently(settings, **board);
  if (!opened.ok()) {
    if (settings.role == "work" && (*board)->Over()) return 0;
    std::fprintf(stderr, "store_chaos: worker %u: %s\n", settings.id,
                 opened.status().ToString().c_str());
    return 2;
  }
  Worker worker(settings, **board, *std::move(opened));
  if (settings.role != "audit" && !worker.Work()) return 2;
  if (settings.role != "work" && !worker.DoAudit()) return 2;
  return 0;
}

std::string BoardPath(const std::string& folder) { return folder + "/board"; }
std::string LedgerPath(const std::string& folder) { return folder + "/effects"; }
std::string HistoryPath(const std::string& folder, uint32_t worker, uint32_t thread) {
  return absl::StrCat(folder, "/history-", worker, "-", thread);
}
std::string AuditPath(const std::string& folder) { return folder + "/audit.json"; }

}  // namespace holdfast::chaos
