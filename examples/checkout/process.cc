// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

namespace checkout {
namespace {

// Between fork and exec: only what is safe there.
[[noreturn]] void BecomeChild(char* const* argv, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above.
  if (getppid() != parent) _exit(1);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execv("/proc/self/exe", argv);
  _exit(127);
}

}  // namespace

absl::StatusOr<Child> Child::Start(const std::vector<std::string>& arguments,
                                   const std::string& output) {
  static char name[] = "checkout_demo";
  std::vector<char*> argv = {name};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int fd = open(output.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, output);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeChild(argv.data(), fd, parent);
  const int error = errno;
  close(fd);
  if (pid < 0) return absl::ErrnoToStatus(error, "fork");
  return Child(pid);
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), ended_(other.ended_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(ended_, other.ended_);
  return *this;
}

Child::~Child() {
  if (pid_ > 0 && !Poll().has_value()) Stop(std::chrono::milliseconds{0});
}

std::optional<int> Child::Poll() {
  int status = 0;
  if (!ended_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) ended_ = status;
  return ended_;
}

int Child::Stop(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kStep{5};
  const auto until = std::chrono::steady_clock::now() + patience;
  if (patience.count() > 0 && !Poll().has_value()) kill(pid_, SIGTERM);
  while (!Poll().has_value()) {
    if (std::chrono::steady_clock::now() >= until) kill(pid_, SIGKILL);
    std::this_thread::sleep_for(kStep);
  }
  return *ended_;
}

absl::StatusOr<ReservedPort> ReservedPort::Take() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  ReservedPort port(fd, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return absl::ErrnoToStatus(errno, "no free port on 127.0.0.1");
  }
  port.number_ = ntohs(address.sin_port);
  return port;
}

ReservedPort::ReservedPort(ReservedPort&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), number_(other.number_) {}

ReservedPort::~ReservedPort() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<TempFolder> TempFolder::Create() {
  const char* root = std::getenv("TMPDIR");
  std::string path =
      absl::StrCat(root != nullptr && *root != '\0' ? root : "/tmp", "/checkout.XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return absl::ErrnoToStatus(errno, path);
  return TempFolder(std::move(path));
}

TempFolder::TempFolder(TempFolder&& other) noexcept
    : path_(std::exchange(other.path_, "")), keep_(other.keep_) {}

TempFolder::~TempFolder() {
  std::error_code ignored;
  if (!path_.empty() && !keep_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace checkout
