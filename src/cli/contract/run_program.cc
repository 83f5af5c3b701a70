// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "cli/contract/interruption.h"
#include "cli/printable.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::contract {
namespace {

constexpr std::size_t kMostOutput = std::size_t{1} << 30;

// The three streams of a program to be, as files.
class Streams {
 public:
  Streams() { posix_spawn_file_actions_init(&actions_); }
  ~Streams() { posix_spawn_file_actions_destroy(&actions_); }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  void Read(int stream, const std::string& path) { Open(stream, path, O_RDONLY); }
  void Write(int stream, const std::string& path) {
    Open(stream, path, O_WRONLY | O_CREAT | O_TRUNC);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  void Open(int stream, const std::string& path, int how) {
    posix_spawn_file_actions_addopen(&actions_, stream, path.c_str(), how, 0600);
  }

  posix_spawn_file_actions_t actions_;
};

absl::StatusOr<int> Wait(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::UnavailableError(std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

absl::StatusOr<ProgramResult> RunProgram(const TempFolder& scratch,
                                         const std::vector<std::string>& words,
                                         const std::string& input) {
  std::ofstream(scratch / "input", std::ios::binary | std::ios::trunc) << input;
  Streams streams;
  streams.Read(STDIN_FILENO, scratch / "input");
  streams.Write(STDOUT_FILENO, scratch / "output");
  streams.Write(STDERR_FILENO, scratch / "errors");

  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], streams.get(), nullptr, argv.data(), environ);
  if (failed != 0) {
    const std::string text = Printable(words[0]) + ": " + std::strerror(failed);
    return failed == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
  }
  ProgramResult result;
  HandSignalsTo(child);
  const absl::StatusOr<int> exit_code = Wait(child);
  HandSignalsTo(0);
  if (!exit_code.ok()) return exit_code.status();
  result.exit_code = *exit_code;
  absl::StatusOr<std::string> output = ReadBytes(scratch / "output", kMostOutput);
  if (!output.ok()) return output.status();
  result.output = *std::move(output);
  absl::StatusOr<std::string> errors = ReadBytes(scratch / "errors", kMostOutput);
  if (!errors.ok()) return errors.status();
  result.errors = *std::move(errors);
  return result;
}

}  // namespace holdfast::cli::contract
