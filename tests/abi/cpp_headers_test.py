#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each header of the C++ layer compiles alone: nobody has to know an order.

With clang, which is twice as quick about it; GCC compiles all of them in the other tests, with the same warnings.
"""
import concurrent.futures
import os
import subprocess
import unittest
from pathlib import Path

import headers

COMPILER = ["clang++-19", "-std=c++20", "-fsyntax-only", "-pedantic-errors", "-Wall", "-Wextra", "-Werror"]
FOLDER = Path(os.environ.get("HF_BINARY_DIR", headers.SOURCE_DIR / "build")) / "cpp_headers"


def failure(header):
    """What the compiler says to a file that includes only this header; empty if nothing."""
    done = subprocess.run([*COMPILER, f"-I{headers.INCLUDE_DIR}", "-x", "c++", "-"], input=f'#include "{header}"\n',
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{header.name}\n{done.stderr}"


def failures(paths):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(failure, paths) if text]


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
        self.assertEqual(len(failures([path])), 1)
        path.write_text("#include <holdfast/status.h>\n" + path.read_text())
        self.assertEqual(failures([path]), [])


if __name__ == "__main__":
    unittest.main()
