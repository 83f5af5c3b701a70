#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each C header compiles alone, in every language level and with every compiler it is promised for."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import unittest

import headers

STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
C_COMPILERS = {"gcc": "g++", "clang-19": "clang++-19"}
C_LEVELS = ["c99", "c11", "c17"]
CPP_LEVELS = ["c++17", "c++20", "c++23"]


def level_for(compiler, level):
    # GCC 12 and clang 16 know C++23 by its working name only.
    return "c++2b" if level == "c++23" else level


def c_commands(path, include_dir):
    """Padding must be visible as reservedN, so that it cannot hide a layout change: -Wpadded."""
    base = STRICT + ["-Wpadded", f"-I{include_dir}"]
    for c, cpp in C_COMPILERS.items():
        for level in C_LEVELS:
            yield [c, f"-std={level}", *base, "-x", "c", path]
        for level in CPP_LEVELS:
            yield [cpp, f"-std={level_for(cpp, level)}", *base, "-x", "c++", path]
    yield ["clang++-16", "-stdlib=libc++", "-std=c++20", *base, "-x", "c++", path]


def user_of(path):
    """A file that includes just this header, and uses its structs so that clang lays them out."""
    text = path.read_text()
    names = re.findall(r"typedef struct (\w+) \{", text) if path.parent.name == "c" else []
    uses = "".join(f"extern char size_of_{name}[sizeof({name})];\n" for name in names)
    return f'#include "{path}"\n{uses}'


def compile_alone(command):
    *flags, path = command
    done = subprocess.run(
        [*flags, "-"], input=user_of(path), capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"{' '.join(map(str, command))}\n{done.stderr}"


def failures(commands):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(compile_alone, commands) if text]


def c_failures(include_dir, only=None):
    return failures(
        command for path in headers.c_headers(include_dir) if only in (None, path.name)
        for command in c_commands(path, include_dir)
    )


class HeaderMatrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for tool in [*C_COMPILERS, *C_COMPILERS.values(), "clang++-16"]:
            if shutil.which(tool) is None:
                raise RuntimeError(f"{tool} is missing: ./dev setup")

    def test_each_c_header_alone(self):
        self.assertGreaterEqual(len(headers.c_headers()), 10)
        self.assertEqual(c_failures(headers.INCLUDE_DIR), [])

    def assert_canary(self, header, old, new, expected):
        """The edit is refused by as many of the 13 compilations as expected, at least."""
        with headers.edited((header, old, new)) as include_dir:
            found = c_failures(include_dir, only=header)
        self.assertGreaterEqual(len(found), expected, "\n".join(found))

    def test_a_bool_is_refused_by_c(self):
        self.assert_canary("retry.h", "uint32_t tree_retries;", "bool tree_retries;", 6)

    def test_a_missing_include_is_refused(self):
        self.assert_canary("retry.h", "#include <holdfast/c/outcome.h>", "", 13)

    def test_hidden_padding_is_refused(self):
        self.assert_canary("retry.h", "hf_jitter jitter;", "", 13)

    def test_a_cpp_keyword_is_refused_by_cpp(self):
        self.assert_canary("retry.h", "hf_duration max_elapsed;", "hf_duration explicit;", 7)

    def test_a_gnu_extension_is_refused(self):
        self.assert_canary("retry.h", "hf_duration max_elapsed;", "hf_duration max_elapsed[0];", 13)


if __name__ == "__main__":
    unittest.main()
