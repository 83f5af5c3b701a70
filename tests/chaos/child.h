// SPDX-License-Identifier: Apache-2.0
// A child process that dies with its parent and with its object.
#ifndef HOLDFAST_TESTS_CHAOS_CHILD_H_
#define HOLDFAST_TESTS_CHAOS_CHILD_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::chaos {

class Child {
 public:
  // arguments[0]: the program, looked for in PATH. environment: NAME=VALUE, beside our own.
  explicit Child(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);  // it died before the line above
    for (std::string& variable : environment) putenv(variable.data());
    execvp(raw[0], raw.data());
    _exit(127);
  }
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const {
    if (!ended_) kill(pid_, signal);
  }

  // The wait status, once it has ended.
  std::optional<int> Poll() {
    int status = 0;
    if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) ended_ = status;
    return ended_;
  }
  std::optional<int> Await(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!Poll() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return ended_;
  }
  int Kill() {
    if (Poll()) return *ended_;
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = status;
    return status;
  }

 private:
  pid_t pid_ = -1;
  std::optional<int> ended_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_CHILD_H_
