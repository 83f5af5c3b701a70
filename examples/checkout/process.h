// SPDX-License-Identifier: Apache-2.0
// Processes, ports and folders, each cleaned up by its owner's destructor.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_PROCESS_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_PROCESS_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace checkout {

// A child that runs this same program. It dies with this process, whatever ends it, and with this object.
class Child {
 public:
  // What the child prints goes to `output`.
  static absl::StatusOr<Child> Start(const std::vector<std::string>& arguments,
                                     const std::string& output);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();  // SIGKILL and wait, if it still runs

  // The wait status, once it has ended.
  std::optional<int> Poll();
  // SIGTERM, then SIGKILL if it takes longer than `patience`; the wait status.
  int Stop(std::chrono::milliseconds patience);
  pid_t pid() const { return pid_; }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> ended_;
};

// A free loopback port, kept for this run by a bound socket that never listens: gRPC servers set
// SO_REUSEPORT, so ours can come, die and come back on it, and no other program is given it meanwhile.
class ReservedPort {
 public:
  static absl::StatusOr<ReservedPort> Take();

  ReservedPort(ReservedPort&& other) noexcept;
  ReservedPort& operator=(ReservedPort&&) = delete;
  ~ReservedPort();

  int number() const { return number_; }

 private:
  ReservedPort(int fd, int number) : fd_(fd), number_(number) {}
  int fd_;
  int number_;
};

// A folder under TMPDIR, removed at the end unless kept.
class TempFolder {
 public:
  static absl::StatusOr<TempFolder> Create();

  TempFolder(TempFolder&& other) noexcept;
  TempFolder& operator=(TempFolder&&) = delete;
  ~TempFolder();

  void Keep() { keep_ = true; }
  const std::string& path() const { return path_; }

 private:
  explicit TempFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool keep_ = false;
};

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_PROCESS_H_
