# SPDX-License-Identifier: Apache-2.0
"""The `holdfast` command for tests: run by its words, in a folder of the test's own."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY = pathlib.Path(os.environ.get("HF_BINARY_DIR", "build/dev"), "bin/holdfast").resolve()
PATIENCE = 60  # seconds; every run here ends in far less unless something is wrong


def require_binary(noun):
    if not BINARY.exists():
        print(f"skipped: {BINARY} is not built (HOLDFAST_CLI=OFF?)")
        sys.exit(77)
    lines = subprocess.run([BINARY, "--help"], stdout=subprocess.PIPE, text=True).stdout.splitlines()
    if not any(line.split()[:1] == [noun] and "not built in" not in line for line in lines):
        print(f"skipped: this holdfast has no {noun}")
        sys.exit(77)


class Said:
    def __init__(self, done):
        self.code = done.returncode
        self.bytes = done.stdout
        self.text = done.stdout.decode(errors="backslashreplace")
        self.errors = done.stderr.decode(errors="backslashreplace")

    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"exit status {self.code}\n{self.text}{self.errors}"


class InFolder(unittest.TestCase):
    """Each test has an empty folder, which is the current one of what it runs."""

    noun = ""
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="holdfast-command-")))
        self.temp = self.folder / "temp"  # where the command has its own files, which it is to erase
        self.temp.mkdir()
        self.work = self.folder / "work"
        self.work.mkdir()

    def write(self, path, content):
        path = self.work / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def run_words(self, *words, input=b"", under="", **environment):
        done = subprocess.run([BINARY, self.noun, *words], input=input, cwd=self.work / under,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
                              env={**os.environ, "TMPDIR": str(self.temp), **environment})
        self.assertEqual(list(self.temp.iterdir()), [], "a temporary folder is left behind")
        return Said(done)

    def says(self, code, *words, **more):
        """Runs it and holds its exit status to `code`."""
        said = self.run_words(*words, **more)
        self.assertEqual(said.code, code, said)
        if code > 1:
            self.assertTrue(said.errors.strip(), "a failure says why")
        return said
