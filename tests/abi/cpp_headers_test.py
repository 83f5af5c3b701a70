#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each header of the C++ layer compiles alone, with GCC and clang: nobody has to know an order.

Through ccache where it is installed, from files whose place does not change, because each takes seconds.
"""
import concurrent.futures
import os
import shutil
import subprocess
import unittest
from pathlib import Path

import headers

COMPILERS = ["g++", "clang++-19"]
FLAGS = ["-std=c++20", "-O0", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-c"]
FOLDER = Path(os.environ.get("HF_BINARY_DIR", headers.SOURCE_DIR / "build")) / "cpp_headers"


def failure(job):
    """What the compiler says to a file that includes only this header; empty if nothing."""
    compiler, header = job
    stem = FOLDER / f"{header.stem}_{compiler.replace('+', 'x')}"
    source = stem.with_suffix(".cc")
    text = f'#include "{header}"\n'
    if not source.exists() or source.read_text() != text:
        source.write_text(text)
    launcher = ["ccache"] if shutil.which("ccache") else []
    done = subprocess.run(
        [*launcher, compiler, *FLAGS, f"-I{headers.INCLUDE_DIR}", str(source), "-o",
         str(stem.with_suffix(".o"))], capture_output=True, text=True, check=False,
        env={**os.environ, "CCACHE_SLOPPINESS": "include_file_mtime,include_file_ctime"})
    return "" if done.returncode == 0 else f"{compiler} {header.name}\n{done.stderr}"


def failures(paths):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [(compiler, path) for path in paths for compiler in COMPILERS]
        return [text for text in pool.map(failure, jobs) if text]


class CppHeaders(unittest.TestCase):
    maxDiff = None

    def test_each_header_alone(self):
        paths = headers.cpp_headers()
        self.assertGreaterEqual(len(paths), 10)
        self.assertEqual(failures(paths), [])

    def test_a_header_that_needs_another_before_it_is_refused(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / "needy.h"
        path.write_text("inline holdfast::Duration Twice(holdfast::Duration d) { return 2 * d; }\n")
        self.assertEqual(len(failures([path])), len(COMPILERS))
        path.write_text("#include <holdfast/status.h>\n" + path.read_text())
        self.assertEqual(failures([path]), [])


if __name__ == "__main__":
    unittest.main()
