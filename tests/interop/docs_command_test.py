# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/command.md: run as they stand there, with the outputs that stand there."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

import holdfast_command

PAGE = pathlib.Path(os.environ.get("HF_SOURCE_DIR", "."), "docs/command.md")
BLOCK = re.compile(r"^```text\n(\$ holdfast (\w+) .*?)^```$", re.M | re.S)
ORDER = """syntax = "proto3";

package acme;

message Order {
  string id = 1;
  int64 total = 2;
  string note = 3;
}
"""


def examples(noun):
    """(words, output) of each example."""
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block[2] != noun:
            continue
        for example in re.split(r"^\$ ", block[1], flags=re.M)[1:]:
            line, _, output = example.partition("\n")
            yield shlex.split(line), output.rstrip("\n")


class Page(holdfast_command.InFolder):
    def holds(self, noun):
        found = list(examples(noun))
        self.assertTrue(found, "no example is found")
        for words, output in found:
            with self.subTest(" ".join(words)):
                done = subprocess.run([holdfast_command.BINARY, *words[1:]], cwd=self.work, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      timeout=holdfast_command.PATIENCE)
                self.assertEqual(done.stdout.rstrip("\n"), output)
                self.assertIn(done.returncode, (0, 1))

    def test_contract(self):
        for tool in ("git", "protoc"):
            if not shutil.which(tool):
                self.skipTest(f"there is no {tool}")
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
        self.write("proto/acme/order.proto", ORDER)
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "v1"], ["tag", "v1"]):
            subprocess.run([*git, *words], cwd=self.work, check=True)
        self.write("proto/acme/order.proto",
                   ORDER.replace("int64", "sint64").replace("  string note = 3;\n", ""))
        self.holds("contract")

    def test_envelope(self):
        self.write("request.http", "POST /hook HTTP/1.1\r\nContent-Type: application/json\r\nce-specversion: 1.0\r\n"
                   "ce-id: 1234-1234\r\nce-source: /orders\r\nce-type: com.acme.order.placed\r\n"
                   "ce-contractversion: 1.2\r\nce-time: 2026-11-26T10:00:00Z\r\nce-subject: 100% wool\r\n"
                   "\r\n{\"total\": 5}")
        self.holds("envelope")


if __name__ == "__main__":
    for noun in ("contract", "envelope"):
        holdfast_command.require_binary(noun)
    unittest.main()
