// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/interruption.h"

#include <signal.h>

#include <atomic>
#include <cerrno>

namespace holdfast::cli::contract {
namespace {

constexpr int kSignals[] = {SIGHUP, SIGINT, SIGTERM};

// Lock-free, and so fit for a handler.
std::atomic<int> kept{0};
std::atomic<pid_t> listener{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

void Keep(int number) {
  const int before = errno;
  kept = number;
  const pid_t program = listener;
  if (program > 0) kill(program, number);
  errno = before;
}

}  // namespace

void KeepSignals() {
  for (const int number : kSignals) {
    struct sigaction now{};
    if (sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    now.sa_handler = &Keep;
    now.sa_flags = 0;
    sigemptyset(&now.sa_mask);
    sigaction(number, &now, nullptr);
  }
}

void HandSignalsTo(pid_t program) {
  listener = program;
  const int number = kept;
  if (program > 0 && number != 0) kill(program, number);  // it came before the program did
}

void ObeySignals() {
  for (const int number : kSignals) {
    struct sigaction now{};
    if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == &Keep) signal(number, SIG_DFL);
  }
  if (const int number = kept.exchange(0); number != 0) raise(number);
}

}  // namespace holdfast::cli::contract
