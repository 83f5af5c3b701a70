#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ThreadSanitizer, under the very options of ./dev sanitize tsan, sees a race inside the shared object.

ignore_noninstrumented_modules and the suppressions quieten Debian's libraries. This holds them to it: a
planted race in a library of ours must still be reported, and the same code over atomics must not be.
"""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from headers import SOURCE_DIR, run

SOURCES = SOURCE_DIR / "tests" / "abi" / "tsan"
FLAGS = ["-std=c++20", "-O1", "-g1", "-fsanitize=thread"]


class PlantedRace(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_canary(self, cells, options=None):
        """Exit code and output of the two-threaded program over the canary library."""
        library, program = self.folder / "libcanary.so", self.folder / "canary"
        run("clang++-19", *FLAGS, "-fPIC", "-shared", "-fvisibility=hidden", f"-DHF_CANARY_CELLS={cells}",
            f"-I{SOURCE_DIR}/src", f"-I{SOURCE_DIR}/include", SOURCES / "race.cc",
            *(SOURCE_DIR / "src" / "abi" / name for name in ("journal.cc", "base.cc")), "-o", library)
        run("clang++-19", *FLAGS, SOURCES / "main.cc", library, f"-Wl,-rpath,{self.folder}", "-o", program)
        environment = {**os.environ, "TSAN_OPTIONS": options or os.environ["HF_TSAN_OPTIONS"]}
        done = subprocess.run([str(program)], capture_output=True, text=True, check=False,
                              env=environment)
        return done.returncode, done.stdout + done.stderr

    def test_the_options_are_those_of_the_sanitizer_build(self):
        options = os.environ["HF_TSAN_OPTIONS"]
        self.assertIn("ignore_noninstrumented_modules=1", options)
        self.assertIn("suppressions=", options)

    def test_a_planted_race_is_reported(self):
        code, output = self.run_canary("holdfast::engine::PlainCells")
        self.assertNotEqual(code, 0)
        self.assertIn("WARNING: ThreadSanitizer: data race", output)
        self.assertIn("libcanary.so", output)

    def test_the_same_code_over_atomics_is_clean(self):
        self.assertEqual(self.run_canary("holdfast::abi::AtomicCells"), (0, ""))

    def test_a_suppression_of_ours_would_hide_it(self):
        """What the first test guards against: this is how a careless line in tsan.supp would look."""
        careless = self.folder / "careless.supp"
        careless.write_text("called_from_lib:libcanary.so\nrace:holdfast\nrace:canary_step\n")
        options = f"{os.environ['HF_TSAN_OPTIONS']}:suppressions={careless}"
        code, output = self.run_canary("holdfast::engine::PlainCells", options)
        self.assertEqual(code, 0, output)


if __name__ == "__main__":
    unittest.main()
