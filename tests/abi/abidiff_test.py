#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library's types and functions are those of the committed baseline."""
import os
import tempfile
import unittest
from pathlib import Path

import elf
import gate
import headers


class AbiDiff(unittest.TestCase):
    def setUp(self):
        if os.environ.get("HF_SANITIZE"):
            self.skipTest("a sanitizer build is not what ships")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_library_is_the_baseline(self):
        current = gate.dump(elf.library(), self.folder / "library.abi")
        self.assertEqual(gate.report(gate.BASELINE, current), "")
        self.assertEqual(gate.report(current, gate.BASELINE), "")

    # --- canaries: stubs made from edited headers ---------------------------------------------------------

    def report_of(self, *edits, version_script=elf.MAP):
        with headers.edited(*edits) as include_dir:
            stub = elf.link_stub(self.folder, include_dir, version_script)
            current = gate.dump(stub, self.folder / "canary.abi", include_dir)
        return gate.report(gate.BASELINE, current)

    def test_a_faithful_stub_is_the_baseline(self):
        self.assertEqual(self.report_of(), "")
        self.assertEqual((self.folder / "canary.abi").read_text(), gate.BASELINE.read_text())

    def assert_red(self, mentions, *edits, **kwargs):
        report = self.report_of(*edits, **kwargs)
        self.assertIn(mentions, report)

    def test_swapped_members_are_reported(self):
        self.assert_red("hf_rejection", (
            "base.h", "hf_code code; hf_reason reason; hf_duration retry_after;",
            "hf_reason reason; hf_code code; hf_duration retry_after;"))

    def test_swapped_members_of_a_growing_struct_are_reported(self):
        self.assert_red("hf_bulkhead_options", (
            "bulkhead.h", "uint32_t limit; /* 1..1e6; default 64 */ uint32_t queue;",
            "uint32_t queue; uint32_t limit;"))

    def test_a_retyped_member_is_reported(self):
        self.assert_red("hf_bulkhead_options", (
            "bulkhead.h", "uint32_t struct_size, abi_level; uint32_t limit;",
            "uint32_t struct_size, abi_level; int32_t limit;"))
        self.assert_red("hf_breaker_options", (
            "breaker.h", "typedef int32_t hf_window;", "typedef uint32_t hf_window;"))

    def test_a_retyped_parameter_is_reported(self):
        self.assert_red("hf_code_name", (
            "base.h", "hf_code_name(hf_code code)", "hf_code_name(hf_reason code)"))

    def test_a_shrunk_struct_is_reported(self):
        self.assert_red("hf_call", ("call.h", "uint64_t opaque[64];", "uint64_t opaque[60];"))
        self.assert_red("hf_context_options", (
            "context.h", "hf_time deadline;", ""))

    def version_script(self, old, new):
        text = elf.MAP.read_text()
        self.assertEqual(text.count(old), 1)
        path = self.folder / "canary.map"
        path.write_text(text.replace(old, new))
        return path

    def test_a_removed_function_is_reported(self):
        self.assert_red("hf_version", ("base.h", "HF_API uint32_t hf_version(void) HF_NOEXCEPT;", ""),
                        version_script=self.version_script("    hf_version;\n", ""))

    def test_a_renamed_function_is_reported(self):
        self.assert_red("hf_release", (
            "base.h", "HF_API uint32_t hf_version(void)", "HF_API uint32_t hf_release(void)"),
            version_script=self.version_script("    hf_version;\n", "    hf_release;\n"))

    def test_a_moved_node_is_reported(self):
        path = self.version_script("    hf_version;\n", "")
        path.write_text(path.read_text() + "HOLDFAST_0.9 { global: hf_version; } HOLDFAST_0.1;\n")
        self.assert_red("hf_version", version_script=path)

    def test_a_grown_fixed_struct_is_reported(self):
        self.assert_red("hf_permit", (
            "breaker.h", "} hf_permit;", "  uint64_t more;\n} hf_permit;"))

    def test_growth_at_the_end_of_options_is_allowed(self):
        grown = ("retry.h", "} hf_retry_options;", "  uint64_t more;\n} hf_retry_options;")
        self.assertEqual(self.report_of(grown), "")

    def test_growth_in_the_middle_of_options_is_reported(self):
        self.assert_red("hf_retry_options", (
            "retry.h", "hf_duration max_elapsed;", "hf_duration more; hf_duration max_elapsed;"))


if __name__ == "__main__":
    unittest.main()
