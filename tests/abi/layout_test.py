#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No field moves, grows or changes places: sizes, offsets and alignments as committed in layout.txt.

C and C++, GCC and clang agree. A field added at the end of a struct changes the table too: that is meant
to be seen in review, together with its baseline (tests/abi/update_baseline.sh).
"""
import platform
import unittest

import headers
import layout


class Layout(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        if platform.machine() != "x86_64":
            self.skipTest("layout.txt is of x86-64")

    def test_every_compiler_gives_the_committed_table(self):
        committed = layout.TABLE.read_text()
        self.assertGreater(committed.count("\n"), 150)
        for compiler in layout.COMPILERS:
            with self.subTest(compiler):
                self.assertMultiLineEqual(layout.table(compiler=compiler), committed)

    def assert_canary(self, header, old, new, changed):
        with headers.edited((header, old, new)) as include_dir:
            rows = layout.table(include_dir).splitlines()
        committed = layout.TABLE.read_text().splitlines()
        self.assertIn(changed, set(committed) - set(rows))

    def test_swapped_fields_are_reported(self):
        self.assert_canary("base.h", "hf_code code; hf_reason reason; hf_duration retry_after;",
                           "hf_reason reason; hf_code code; hf_duration retry_after;",
                           "hf_rejection.code: 0 4")

    def test_a_wider_field_is_reported(self):
        self.assert_canary("bulkhead.h", "uint32_t queue;", "uint64_t queue;",
                           "hf_bulkhead_options.queue: 12 4")

    def test_a_smaller_session_is_reported(self):
        self.assert_canary("call.h", "uint64_t opaque[64];", "uint64_t opaque[63];", "hf_call: 512 8")

    def test_a_removed_field_is_reported(self):
        self.assert_canary("call.h", "uint64_t reserved1;", "", "hf_action.reserved1: 48 8")


if __name__ == "__main__":
    unittest.main()
