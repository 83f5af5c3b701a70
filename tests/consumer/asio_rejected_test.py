# SPDX-License-Identifier: Apache-2.0
"""What a coroutine may not be given is refused by the compiler, with a message that names the way out."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get("HF_SOURCE_DIR") or pathlib.Path(__file__).parents[2])
CXX = os.environ.get("HF_CXX", "g++")
FRAME = """
#include <holdfast/asio/asio.h>
#include <string>
namespace asio = holdfast::asio;
using boost::asio::awaitable;
awaitable<void> Use(holdfast::Pipeline pipeline, holdfast::HedgePolicy policy, holdfast::Store& store) {
  const std::string text = "kept";
  const auto named = [text](holdfast::Attempt&) -> awaitable<absl::Status> { co_return absl::OkStatus(); };
  const auto work = [text](asio::Ticket&) -> awaitable<absl::Status> { co_return absl::OkStatus(); };
  (void)named, (void)work, (void)pipeline, (void)policy, (void)store;
  %s
  co_return;
}
"""
CALLABLE = "give it a name"
CASES = [  # (statement, what the compiler must say, None: nothing)
    ("(void)co_await asio::Call(pipeline, {}, named);", None),
    ("(void)co_await asio::Call(pipeline, {}, std::ref(named));", None),
    ("(void)co_await asio::RunOnce(store, {.key = text}, {}, work);", None),
    ("asio::Call(pipeline, {}, [text](holdfast::Attempt&) -> awaitable<absl::Status> "
     "{ co_return absl::OkStatus(); }, [](std::exception_ptr, absl::Status) {});", None),
    ("(void)co_await asio::Call(pipeline, {}, [text](holdfast::Attempt&) -> awaitable<absl::Status> "
     "{ co_return absl::OkStatus(); });", CALLABLE),
    ("(void)co_await asio::Call(pipeline, {}, [text](holdfast::Attempt&) -> awaitable<absl::Status> "
     "{ co_return absl::OkStatus(); }, boost::asio::use_awaitable);", CALLABLE),
    ("(void)co_await asio::Hedge(policy, pipeline, {}, [text](holdfast::Attempt&) "
     "-> awaitable<absl::Status> { co_return absl::OkStatus(); });", CALLABLE),
    ("(void)co_await asio::RunOnce(store, {.key = text}, {}, [text](asio::Ticket&) "
     "-> awaitable<absl::Status> { co_return absl::OkStatus(); });", CALLABLE),
    ("(void)co_await asio::Call(pipeline, {}, [](holdfast::Attempt&) { return 1; });",
     "must return an awaitable"),
]


def compiles(statement):
    result = subprocess.run(
        [CXX, "-std=c++20", "-fsyntax-only", "-w", f"-I{ROOT / 'include'}", "-x", "c++", "-"],
        input=FRAME % statement, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if result.returncode == 0 else result.stdout


def has_the_defect():
    version = subprocess.run([CXX, "-dumpversion"], stdout=subprocess.PIPE, text=True).stdout
    kind = subprocess.run([CXX, "--version"], stdout=subprocess.PIPE, text=True).stdout
    return "clang" not in kind and int(version.split(".")[0]) < 13


def main():
    complaints = 0
    for statement, wanted in CASES:
        if wanted == CALLABLE and not has_the_defect():
            wanted = None
        said = compiles(statement)
        if (wanted is None) != (said is None) or (wanted is not None and wanted not in said):
            complaints += 1
            print(f"{statement}\n  wanted: {wanted or 'it compiles'}\n  got: {(said or 'it compiles')[:2000]}")
    print(f"{len(CASES)} cases, {complaints} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
