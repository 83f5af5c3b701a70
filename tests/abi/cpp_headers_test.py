#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each header of the C++ layer compiles alone, with GCC and clang: nobody has to know an order."""
import tempfile
import unittest
from pathlib import Path

import header_matrix_test as matrix
import headers


def commands(paths):
    for path in paths:
        for compiler in matrix.C_COMPILERS.values():
            yield [compiler, "-std=c++20", *matrix.STRICT, f"-I{headers.INCLUDE_DIR}", "-x", "c++", path]


class CppHeaders(unittest.TestCase):
    def test_each_header_alone(self):
        paths = headers.cpp_headers()
        self.assertGreaterEqual(len(paths), 10)
        self.assertEqual(matrix.failures(commands(paths)), [])

    def test_a_header_that_needs_another_before_it_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "needy.h"
            path.write_text("inline holdfast::Duration Twice(holdfast::Duration d) { return 2 * d; }\n")
            self.assertEqual(len(matrix.failures(commands([path]))), 2)
            path.write_text("#include <holdfast/status.h>\n" + path.read_text())
            self.assertEqual(matrix.failures(commands([path])), [])


if __name__ == "__main__":
    unittest.main()
