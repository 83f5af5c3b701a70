// SPDX-License-Identifier: Apache-2.0
#include "supervisor.h"

#include <absl/strings/str_cat.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "event_log.h"
#include "process.h"

namespace checkout {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLook{10};  // between looks at the children
constexpr milliseconds kStartPatience{20000};
constexpr milliseconds kStopPatience{10000};

volatile std::sig_atomic_t interrupted = 0;

// A run in which no order is answered for so long is stuck, and so is one that takes longer than this
// in all: a hard plan may take its time, but not for ever.
constexpr std::chrono::seconds kLongestPause{60};
std::chrono::seconds LimitOf(uint32_t orders) { return std::chrono::seconds(600 + orders / 4); }

// The last words of a process that died by itself.
std::string LastLines(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  return text.size() > 1500 ? text.substr(text.size() - 1500) : text;
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return absl::StrCat("died by signal ", WTERMSIG(status));
  return absl::StrCat("exited with code ", WEXITSTATUS(status));
}

// One line that is rewritten on a terminal, and repeated now and then elsewhere.
class Progress {
 public:
  Progress(std::string name, uint32_t orders) : name_(std::move(name)), orders_(orders) {}

  void Show(const Counters& counters, bool last) {
    const auto now = SteadyClock::now();
    if (!last && now < next_) return;
    next_ = now + (terminal_ ? milliseconds(100) : milliseconds(5000));
    const std::chrono::duration<double> seconds = now - start_;
    const std::string line =
        fmt::format("{:<20} {:>6}/{} orders  {:>6} charges in the ledger  {:>2} kills  {:5.1f} s",
                    name_, counters.orders_done.load(), orders_, counters.charges.load(),
                    counters.kills[static_cast<uint32_t>(Place::kPayment)] +
                        counters.kills[static_cast<uint32_t>(Place::kOrder)],
                    seconds.count());
    fmt::print(stderr, "{}{}{}", terminal_ ? "\r" : "", line, terminal_ && !last ? "" : "\n");
  }

  // Why the run is stuck; empty if it is not.
  std::string Stuck(uint32_t done) {
    const auto now = SteadyClock::now();
    if (done != done_) {
      done_ = done;
      moved_ = now;
    }
    if (now - moved_ <= kLongestPause && now - start_ <= LimitOf(orders_)) return "";
    return fmt::format(
        "the {} run is stuck after {:.0f} s: {} of {} orders answered, the last one {} s ago",
        name_, Seconds(), done, orders_,
        std::chrono::duration_cast<std::chrono::seconds>(now - moved_).count());
  }

  double Seconds() const {
    return std::chrono::duration<double>(SteadyClock::now() - start_).count();
  }

 private:
  std::string name_;
  uint32_t orders_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  SteadyClock::time_point start_ = SteadyClock::now();
  SteadyClock::time_point next_ = start_;
  SteadyClock::time_point moved_ = start_;
  uint32_t done_ = 0;
};

// A service that is started again when the plan kills it.
class Service {
 public:
  Service(Settings settings, const char* role, Place place, const Board& board, const EventLog& log)
      : settings_(std::move(settings)), place_(place), board_(board), log_(log) {
    settings_.role = role;
  }

  absl::Status Start() {
    absl::StatusOr<Child> child = Child::Start(ChildArguments(settings_), Output());
    if (!child.ok()) return child.status();
    child_.emplace(*std::move(child));
    return absl::OkStatus();
  }

  // Restarts it after a planned kill; an error if it ended otherwise.
  absl::Status Look() {
    const std::optional<int> ended = child_->Poll();
    if (ended.has_value()) {
      const bool planned = WIFSIGNALED(*ended) && WTERMSIG(*ended) == SIGKILL &&
                           restarts_ < board_.counters().kills[static_cast<uint32_t>(place_)];
      if (!planned) {
        return absl::InternalError(absl::StrCat("the ", settings_.role, " process ",
                                                HowItEnded(*ended), "\n", LastLines(Output())));
      }
      restarts_ += 1;
      log_.Note(0, absl::StrCat("starts the ", settings_.role, " process again"));
      return Start();
    }
    if (!announced_ && Ready())
      log_.Note(0, absl::StrCat("the ", settings_.role, " process answers"));
    announced_ = Ready();
    return absl::OkStatus();
  }

  bool Ready() const {
    return board_.counters().ready[static_cast<uint32_t>(place_)] ==
           static_cast<uint32_t>(child_->pid());
  }

  absl::Status Stop() {
    const int status = child_->Stop(kStopPatience);
    // A kill of the plan may come as late as this.
    if (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
      return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the ", settings_.role, " process, told to stop, ",
                                            HowItEnded(status), "\n", LastLines(Output())));
  }

 private:
  std::string Output() const { return absl::StrCat(settings_.folder, "/", settings_.role, ".out"); }

  Settings settings_;
  Place place_;
  const Board& board_;
  const EventLog& log_;
  std::optional<Child> child_;
  uint32_t restarts_ = 0;
  bool announced_ = false;
};

absl::Status WaitUntilReady(Service& payments, Service& orders) {
  const auto until = SteadyClock::now() + kStartPatience;
  while (!payments.Ready() || !orders.Ready()) {
    for (Service* service : {&payments, &orders}) {
      if (absl::Status alive = service->Look(); !alive.ok()) return alive;
    }
    if (interrupted != 0) return absl::CancelledError("interrupted");
    if (SteadyClock::now() >= until)
      return absl::DeadlineExceededError("the services do not start");
    std::this_thread::sleep_for(kLook);
  }
  return absl::OkStatus();
}

}  // namespace

void CatchInterrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

absl::StatusOr<Tally> RunCheckout(Settings settings, const FaultPlan& plan,
                                  const std::string& guards, const std::string& folder) {
  std::error_code made;
  if (!std::filesystem::create_directory(folder, made)) {
    return absl::UnavailableError(absl::StrCat("cannot create ", folder, ": ", made.message()));
  }
  absl::StatusOr<Board> board = Board::Create(folder, settings.orders);
  if (!board.ok()) return board.status();
  const absl::StatusOr<EventLog> log = EventLog::Open(folder, "supervisor");
  if (!log.ok()) return log.status();
  const absl::StatusOr<ReservedPort> order_port = ReservedPort::Take();
  if (!order_port.ok()) return order_port.status();
  const absl::StatusOr<ReservedPort> payment_port = ReservedPort::Take();
  if (!payment_port.ok()) return payment_port.status();

  settings.folder = folder;
  settings.guards = guards;
  settings.order_port = order_port->number();
  settings.payment_port = payment_port->number();
  Service payments(settings, "payment", Place::kPayment, *board, *log);
  Service orders(settings, "order", Place::kOrder, *board, *log);
  for (Service* service : {&payments, &orders}) {
    if (absl::Status started = service->Start(); !started.ok()) return started;
  }
  if (absl::Status ready = WaitUntilReady(payments, orders); !ready.ok()) return ready;

  settings.role = "load";
  Progress progress(guards, settings.orders);
  const std::string load_output = folder + "/load.out";
  absl::StatusOr<Child> load = Child::Start(ChildArguments(settings), load_output);
  if (!load.ok()) return load.status();
  while (!load->Poll().has_value()) {
    progress.Show(board->counters(), false);
    for (Service* service : {&payments, &orders}) {
      if (absl::Status alive = service->Look(); !alive.ok()) return alive;
    }
    if (interrupted != 0) return absl::CancelledError("interrupted");
    if (const std::string why = progress.Stuck(board->counters().orders_done); !why.empty()) {
      return absl::DeadlineExceededError(why);
    }
    std::this_thread::sleep_for(kLook);
  }
  const double seconds = progress.Seconds();
  progress.Show(board->counters(), true);
  if (interrupted != 0) return absl::CancelledError("interrupted");
  if (const int status = *load->Poll(); status != 0) {
    return absl::InternalError(
        absl::StrCat("the load client ", HowItEnded(status), "\n", LastLines(load_output)));
  }
  // The order service first: nobody then asks the payment service any more.
  for (Service* service : {&orders, &payments}) {
    if (absl::Status stopped = service->Stop(); !stopped.ok()) return stopped;
  }

  absl::StatusOr<Tally> tally = CountRun(folder, plan, *board, settings.orders);
  if (!tally.ok()) return tally.status();
  tally->name = guards;
  tally->seconds = seconds;
  return tally;
}

}  // namespace checkout
