// SPDX-License-Identifier: Apache-2.0
// See supervisor.h.
#include "chaos/supervisor.h"

#include <absl/strings/str_cat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "chaos/board.h"
#include "chaos/child.h"
#include "chaos/crash_point.h"
#include "chaos/history.h"
#include "chaos/scene.h"
#include "chaos/worker.h"

namespace holdfast::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint32_t kProcesses = 3;
constexpr uint32_t kThreads = 4;
constexpr milliseconds kBeat{20};
constexpr milliseconds kPatience{30'000};
constexpr milliseconds kSettled{
    500};  // after which a worker has what it needs to write its history

class Supervisor {
 public:
  Supervisor(const RunSettings& settings, Scene& scene, Board& board)
      : settings_(settings), scene_(scene), board_(board), random_(settings.seed) {}

  // Until the time is over or the operations are done.
  void Storm() {
    const auto start = steady_clock::now();
    const auto end = start + std::chrono::seconds(settings_.seconds);
    const uint32_t processes = scene_.is_shared() ? kProcesses : 1;
    for (uint32_t i = 0; i < processes; ++i) workers_.push_back(Hire(""));
    auto next_line = start;
    while (!board_.Over() && steady_clock::now() < end && trouble_.empty()) {
      std::this_thread::sleep_for(kBeat);
      for (Slot& slot : workers_) Watch(slot);
      if (settings_.faults) Harm();
      if (settings_.progress && steady_clock::now() >= next_line) {
        next_line += std::chrono::seconds(1);
        Tell(steady_clock::now() - start);
      }
    }
    board_.stop = 1;
    if (settings_.faults) scene_.Calm();
    for (Slot& slot : workers_) Dismiss(slot);
    worked_ = std::chrono::duration<double>(steady_clock::now() - start).count();
    if (settings_.progress) std::fprintf(stderr, "\n");
  }

  // By a process of its own, which sees the store as a restarted service would.
  void Audit() {
    if (!scene_.is_shared() || !trouble_.empty()) return;
    Slot auditor = Start("audit", scene_.DirectAddress(), "");
    const std::optional<int> end = auditor.process->Await(kPatience * 10);
    if (!end || !WIFEXITED(*end) || WEXITSTATUS(*end) != 0) trouble_ = "the audit did not end well";
  }

  absl::StatusOr<std::vector<Operation>> History() const {
    std::vector<Operation> all;
    for (uint32_t id = 0; id < hired_; ++id) {
      const auto dead = dead_at_.find(id);
      const int64_t dead_at = scene_.is_local() && dead != dead_at_.end() ? dead->second : kForever;
      for (uint32_t thread = 0; thread < 2 * kThreads; ++thread) {
        const std::string path = HistoryPath(settings_.folder, id, thread);
        if (!fs::exists(path)) continue;
        const absl::StatusOr<std::vector<Event>> events = ReadHistory(path);
        if (!events.ok()) return events.status();
        const std::vector<Operation> some =
            OperationsOf(*events, id * 2 * kThreads + thread, dead_at);
        all.insert(all.end(), some.begin(), some.end());
      }
    }
    return all;
  }

  std::map<std::string, uint64_t> Faults() const {
    std::map<std::string, uint64_t> faults = faults_;
    for (const auto& [name, count] : scene_.Faults()) faults[name] += count;
    return faults;
  }
  const std::string& trouble() const { return trouble_; }
  double worked() const { return worked_; }

 private:
  struct Slot {
    uint32_t id = 0;
    std::unique_ptr<Child> process;
    std::string crash;  // its HF_CRASH_AT, or empty
    steady_clock::time_point since = steady_clock::now();
    bool stopped = false;
    steady_clock::time_point until{};
  };

  bool Chance(uint64_t one_in) { return random_() % one_in == 0; }

  Slot Start(const std::string& role, const std::string& address, const std::string& crash) {
    Slot slot;
    slot.id = hired_++;
    slot.crash = crash;
    std::vector<std::string> environment;
    if (!crash.empty()) environment.push_back("HF_CRASH_AT=" + crash);
    slot.process = std::make_unique<Child>(
        std::vector<std::string>{"/proc/self/exe", "--role=" + role, "--folder=" + settings_.folder,
                                 "--address=" + address, absl::StrCat("--id=", slot.id),
                                 absl::StrCat("--threads=", kThreads),
                                 absl::StrCat("--seed=", settings_.seed),
                                 scene_.is_shared() ? "--shared" : "--noshared"},
        environment);
    return slot;
  }
  Slot Hire(const std::string& crash) {
    return Start(scene_.is_shared() ? "work" : "both", scene_.Address(), crash);
  }

  // A third of those who come after a dead one die at a point of their own.
  void Replace(Slot& slot) {
    std::string crash;
    if (Chance(3)) {
      crash = absl::StrCat(kCrashPoints[random_() % kCrashPoints.size()], ":", 1 + random_() % 200);
    }
    slot = Hire(crash);
  }

  void Watch(Slot& slot) {
    if (slot.stopped && steady_clock::now() >= slot.until) Resume(slot);
    const std::optional<int> end = slot.process->Poll();
    if (!end) return;
    dead_at_[slot.id] = MonotonicNow();
    if (WIFEXITED(*end) && WEXITSTATUS(*end) == 0) {
      if (board_.Over()) return;  // it saw the end before we did
      trouble_ = absl::StrCat("worker ", slot.id, " ended before its time");
      return;
    }
    if (!slot.crash.empty() && WIFSIGNALED(*end) && WTERMSIG(*end) == SIGKILL) {
      ++faults_["crash " + slot.crash.substr(0, slot.crash.find(':'))];
      return Replace(slot);
    }
    trouble_ = absl::StrCat("worker ", slot.id, " ended with status ", *end);
  }

  void Resume(Slot& slot) {
    slot.process->Signal(SIGCONT);
    slot.stopped = false;
  }

  void Harm() {
    if (steady_clock::now() >= recover_at_ && striking_) {
      scene_.Recover();
      striking_ = false;
    }
    if (scene_.is_shared() && Chance(18)) Kill(workers_[random_() % workers_.size()]);
    if (Chance(25)) Pause(workers_[random_() % workers_.size()]);
    if (striking_ || !Chance(20)) return;
    std::vector<pid_t> pids;
    for (const Slot& slot : workers_) {
      if (steady_clock::now() > slot.since + kSettled) pids.push_back(slot.process->pid());
    }
    const std::string fault = scene_.Strike(random_, pids);
    if (fault.empty()) return;
    ++faults_[fault];
    striking_ = true;
    recover_at_ = steady_clock::now() + milliseconds(50 + random_() % 200);
  }

  void Kill(Slot& slot) {
    if (slot.process->Poll()) return;
    slot.process->Kill();
    dead_at_[slot.id] = MonotonicNow();
    ++faults_[slot.stopped ? "kill -9 of a stopped worker" : "kill -9 of a worker"];
    Replace(slot);
  }

  void Pause(Slot& slot) {
    if (slot.stopped || slot.process->Poll()) return;
    slot.process->Signal(SIGSTOP);
    slot.stopped = true;
    slot.until = steady_clock::now() + milliseconds(40 + random_() % 260);
    ++faults_["stopped past its lease"];
  }

  void Dismiss(Slot& slot) {
    if (slot.stopped) Resume(slot);
    const std::optional<int> end = slot.process->Await(kPatience);
    if (!end) {
      trouble_ = absl::StrCat("worker ", slot.id, " does not end");
      slot.process->Kill();
    } else if (!(WIFEXITED(*end) && WEXITSTATUS(*end) == 0) && slot.crash.empty() &&
               trouble_.empty()) {
      trouble_ = absl::StrCat("worker ", slot.id, " ended with status ", *end);
    }
    dead_at_[slot.id] = MonotonicNow();
  }

  void Tell(steady_clock::duration since) const {
    uint64_t faults = 0;
    for (const auto& [name, count] : Faults()) faults += count;
    std::fprintf(stderr, "\rstore_chaos: %s, %2.0f s: %lu operations, %lu faults ",
                 settings_.store.c_str(), std::chrono::duration<double>(since).count(),
                 board_.operations.load(), faults);
    std::fflush(stderr);
  }

  const RunSettings& settings_;
  Scene& scene_;
  Board& board_;
  std::mt19937_64 random_;
  std::vector<Slot> workers_;
  uint32_t hired_ = 0;
  std::map<uint32_t, int64_t> dead_at_;  // worker -> when it was known to be gone
  std::map<std::string, uint64_t> faults_;
  bool striking_ = false;
  steady_clock::time_point recover_at_{};
  std::string trouble_;
  double worked_ = 0;
};

absl::StatusOr<AuditResult> ReadAudit(const std::string& folder) {
  std::ifstream in(AuditPath(folder));
  const nlohmann::json json = nlohmann::json::parse(in, nullptr, false);
  if (json.is_discarded()) return absl::UnavailableError("no audit");
  AuditResult audit;
  audit.keys = json["keys"];
  audit.completed = json["completed"];
  audit.in_doubt = json["in_doubt"];
  audit.effects = json["effects"];
  audit.duplicates = json["duplicates"];
  audit.lost = json["lost"];
  audit.repeats = json["repeats"];
  audit.unread = json["unread"];
  audit.complaints = json["complaints"];
  return audit;
}

absl::StatusOr<std::string> MakeFolder() {
  std::string path = (fs::temp_directory_path() / "holdfast-chaos-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return absl::ErrnoToStatus(errno, path);
  return path;
}

absl::Status Conclude(const Supervisor& supervisor, const Scene& scene, RunReport* report) {
  report->worked = supervisor.worked();
  report->faults = supervisor.Faults();
  report->trouble = supervisor.trouble();
  absl::StatusOr<std::vector<Operation>> history = supervisor.History();
  if (!history.ok()) return history.status();
  for (const Operation& operation : *history) {
    if (!operation.answered) continue;
    const hf_store_status status = operation.reply.status;
    ++report->answers[StatusName(status)];
    const bool won = status == HF_STORE_WON || status == HF_STORE_RECONCILE;
    if (won && operation.reply.attempt > 1) ++report->takeovers;
  }
  const int64_t start = MonotonicNow();
  CheckOptions options;
  options.model.retention_lag = scene.retention_lag();
  report->check = Check(*std::move(history), options);
  report->checked = static_cast<double>(MonotonicNow() - start) / HF_S;
  for (const Violation& violation : report->check.violations) ++report->violations[violation.kind];
  const absl::StatusOr<AuditResult> audit = ReadAudit(report->settings.folder);
  if (audit.ok()) report->audit = *audit;
  if (!audit.ok() && report->trouble.empty()) report->trouble = "there is no audit";
  return absl::OkStatus();
}

}  // namespace

bool RunReport::sound() const {
  if (!trouble.empty() || audit.unread > 0 || check.undecided > 0) return false;
  if (!guarantee_note.empty()) return true;
  return check.violations.empty() && audit.duplicates == 0 && audit.lost == 0;
}

absl::StatusOr<RunReport> Run(const RunSettings& given) {
  RunReport report;
  report.settings = given;
  std::string& folder = report.settings.folder;
  if (folder.empty()) {
    absl::StatusOr<std::string> made = MakeFolder();
    if (!made.ok()) return made.status();
    folder = *made;
  }
  std::error_code error;
  fs::create_directories(LedgerPath(folder), error);
  fs::create_directories(folder + "/store", error);
  if (error) return absl::UnavailableError(folder + ": " + error.message());
  absl::StatusOr<std::unique_ptr<Scene>> scene =
      MakeScene(report.settings.store, folder + "/store", given.seed);
  if (!scene.ok()) return scene.status();
  const absl::StatusOr<Board*> board = Board::Map(BoardPath(folder), true);
  if (!board.ok()) return board.status();
  if (given.operations > 0) (*board)->limit = given.operations;
  report.guarantee_note = (*scene)->beyond_promise();
  {
    Supervisor supervisor(report.settings, **scene, **board);
    supervisor.Storm();
    supervisor.Audit();
    if (absl::Status status = Conclude(supervisor, **scene, &report); !status.ok()) return status;
  }
  scene->reset();
  if (given.folder.empty() && report.sound()) fs::remove_all(folder, error);
  return report;
}

}  // namespace holdfast::chaos
