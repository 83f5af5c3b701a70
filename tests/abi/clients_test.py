#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library as others meet it: a frozen C client, a libc++ client, and plug-ins that are loaded and
unloaded."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import elf
import headers
from headers import SOURCE_DIR, run

FOLDER = SOURCE_DIR / "tests" / "abi"
FROZEN = FOLDER / "frozen" / "v0.1" / "client.c"


class Clients(unittest.TestCase):
    def setUp(self):
        if os.environ.get("HF_SANITIZE"):
            self.skipTest("a client that is not instrumented cannot load a sanitized library")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.library = elf.library()

    def build(self, compiler, name, source, *flags, include_dir=headers.INCLUDE_DIR):
        target = self.folder / name
        run(*compiler, "-Wall", "-Wextra", "-Werror", f"-I{include_dir}", source, "-o", target, *flags)
        return target

    def link_flags(self):
        return [self.library, f"-Wl,-rpath,{self.library.parent}"]

    def test_the_frozen_client_runs_on_this_library(self):
        client = self.build(["gcc", "-std=c99", "-pedantic"], "client", FROZEN, *self.link_flags())
        self.assertEqual(run(client), "ok\n")

    def test_the_frozen_client_notices_an_action_it_does_not_know(self):
        """Its canary: told of fewer actions, it must stop at the first one it was not told of."""
        text = FROZEN.read_text()
        self.assertEqual(text.count("case HF_DO_WAIT:"), 1)
        older = self.folder / "older.c"
        older.write_text(text.replace("case HF_DO_WAIT:", "case 1000:"))
        client = self.build(["gcc", "-std=c99"], "older", older, *self.link_flags())
        done = subprocess.run([str(client)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("newer than level", done.stderr)

    def test_a_client_that_needs_a_newer_library_is_told_so_by_the_loader(self):
        """Linked with a library of a node to come, run with this one: the loader names the node."""
        newer = self.folder / "newer.map"
        newer.write_text(elf.MAP.read_text() + "HOLDFAST_0.9 { global: hf_later; } HOLDFAST_0.1;\n")
        stub = elf.link_stub(
            self.folder, version_script=newer,
            extra='extern "C" __attribute__((visibility("default"))) void hf_later() {}\n')
        source = self.folder / "needs.c"
        source.write_text("void hf_later(void);\nint main(void) { hf_later(); return 0; }\n")
        client = self.build(["gcc"], "needs", source, stub)
        done = subprocess.run([str(client)], capture_output=True, text=True, check=False,
                              env={**os.environ, "LD_LIBRARY_PATH": str(self.library.parent)})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("`HOLDFAST_0.9' not found", done.stderr)

    def test_a_libcxx_client_with_throwing_code_runs_on_this_library(self):
        client = self.build(["clang++-16", "-std=c++20", "-stdlib=libc++"], "libcxx",
                            FOLDER / "clients" / "libcxx_client.cc", *self.link_flags())
        needed = elf.needed(client)
        self.assertTrue(any(n.startswith("libc++.so") for n in needed), needed)
        self.assertFalse(any(n.startswith("libstdc++") for n in needed), needed)
        self.assertEqual(run(client), "ok\n")

    def dso(self, name):
        return self.build(["g++", "-std=c++17", "-fPIC", "-shared", "-fvisibility=hidden",
                           "-fvisibility-inlines-hidden"], name,
                          FOLDER / "clients" / "context_dso.cc", *self.link_flags())

    def loader(self):
        return self.build(["gcc", "-std=c11"], "loader", FOLDER / "clients" / "loader.c", "-ldl", "-pthread")

    def test_two_hidden_libraries_share_the_current_context(self):
        self.assertEqual(run(self.loader(), "share", self.dso("liba.so"), self.dso("libb.so")), "ok\n")

    def test_a_plug_in_can_be_loaded_and_unloaded_a_thousand_times(self):
        self.assertEqual(run(self.loader(), "reload", self.dso("liba.so")), "ok\n")


if __name__ == "__main__":
    unittest.main()
