#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Headers, version script, ledger and library name the same functions, in the same nodes."""
import os
import tempfile
import unittest
from pathlib import Path

import elf
import headers
from headers import run


def differences(what, expected, actual):
    return [f"{what}: missing {n}" for n in sorted(set(expected) - set(actual))] + [
        f"{what}: unexpected {n}" for n in sorted(set(actual) - set(expected))
    ]


def library_errors(library):
    """The library against the ledger: nothing missing, nothing extra, each in its own node."""
    exported = elf.exports(library)
    live = {n: row for n, row in elf.ledger().items() if row[2] == "-"}
    errors = differences("exports", live, exported)
    for name, row in live.items():
        node = f"HOLDFAST_{row[0]}"
        if exported.get(name, node) != node:
            errors.append(f"exports: {name} is in {exported[name]!r}, not {node}")
    return errors


def source_errors(include_dir=headers.INCLUDE_DIR, version_script=elf.MAP, ledger=elf.LEDGER):
    """Headers, version script and ledger against each other."""
    declared = {f.name: f for f in headers.functions(include_dir)}
    live = {n: row for n, row in elf.ledger(ledger).items() if row[2] == "-"}
    listed = {n: node for node, names in elf.map_nodes(version_script).items() for n in names}
    errors = differences("version script", declared, listed)
    errors += differences("ledger", declared, live)
    for name, (introduced, _, _) in live.items():
        if listed.get(name, f"HOLDFAST_{introduced}") != f"HOLDFAST_{introduced}":
            errors.append(f"version script: {name} is in {listed[name]}, the ledger says {introduced}")
        if name in declared and f"Since: {introduced}" not in declared[name].doc:
            errors.append(f"header: {name} does not say Since: {introduced}")
    return errors


def address_program(names):
    """C code that links only if every symbol exists, and says how many addresses differ from NULL."""
    rows = "".join(f"  (any_function){n},\n" for n in names)
    return (
        "#include <holdfast/c/hf.h>\n#include <stdio.h>\ntypedef void (*any_function)(void);\n"
        f"static const any_function all[] = {{\n{rows}}};\n"
        "int main(void) {\n  size_t count = 0, i;\n"
        "  for (i = 0; i < sizeof all / sizeof *all; ++i) count += all[i] != 0;\n"
        '  printf("%lu\\n", (unsigned long)count);\n  return 0;\n}\n'
    )


class Symbols(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        if os.environ.get("HF_SANITIZE"):
            self.skipTest("a sanitizer exports symbols of its own")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_library_exports_the_ledger_and_nothing_else(self):
        self.assertEqual(library_errors(elf.library()), [])
        self.assertGreater(len(elf.exports(elf.library())), 50)

    def test_headers_version_script_and_ledger_agree(self):
        self.assertEqual(source_errors(), [])

    def test_every_symbol_can_be_linked_against(self):
        names = [f.name for f in headers.functions()]
        source, program = self.folder / "all.c", self.folder / "all"
        source.write_text(address_program(names))
        library = elf.library()
        run("gcc", "-std=c99", f"-I{headers.INCLUDE_DIR}", source, library,
            f"-Wl,-rpath,{library.parent}", "-o", program)
        self.assertEqual(run(program).strip(), str(len(names)))

    # --- canaries: each must turn a check red, or the check proves nothing -----------------------------

    def write_map(self, old, new):
        text = elf.MAP.read_text()
        self.assertEqual(text.count(old), 1)
        path = self.folder / "canary.map"
        path.write_text(text.replace(old, new))
        return path

    def test_a_faithful_stub_passes(self):
        self.assertEqual(library_errors(elf.link_stub(self.folder)), [])

    def test_an_extra_symbol_is_reported(self):
        stub = elf.link_stub(
            self.folder, version_script=self.write_map("hf_version;", "hf_version; hf_extra;"),
            extra='extern "C" __attribute__((visibility("default"))) void hf_extra() {}\n')
        self.assertEqual(library_errors(stub), ["exports: unexpected hf_extra"])

    def test_a_leaked_template_is_reported(self):
        path = self.folder / "open.map"
        path.write_text(elf.MAP.read_text().replace("local:\n    *;", ""))
        stub = elf.link_stub(
            self.folder, version_script=path,
            extra="#include <map>\nint Leak() { std::map<int, int> m; m[1] = 2; return m.size(); }\n"
                  '__attribute__((visibility("default"))) int (*leak)() = Leak;\n')
        self.assertTrue(any("_Rb_tree" in e for e in library_errors(stub)))

    def test_a_missing_symbol_is_reported(self):
        stub = elf.link_stub(self.folder, leave_out={"hf_version"})
        self.assertEqual(library_errors(stub), ["exports: missing hf_version"])

    def test_a_wrong_node_is_reported(self):
        path = self.write_map("    hf_version;\n", "")
        path.write_text(path.read_text() + "HOLDFAST_0.9 { global: hf_version; } HOLDFAST_0.1;\n")
        stub = elf.link_stub(self.folder, version_script=path)
        self.assertEqual(library_errors(stub), ["exports: hf_version is in 'HOLDFAST_0.9', not HOLDFAST_0.1"])
        self.assertIn("version script: hf_version is in HOLDFAST_0.9, the ledger says 0.1",
                      source_errors(version_script=path))

    def test_an_undeclared_or_unlisted_function_is_reported(self):
        version = "HF_API uint32_t hf_version(void) HF_NOEXCEPT;"
        added = version.replace("hf_version", "hf_added")
        with headers.edited(("base.h", version, version + "\n" + added)) as include_dir:
            self.assertIn("version script: missing hf_added", source_errors(include_dir))
            self.assertIn("ledger: missing hf_added", source_errors(include_dir))
        with headers.edited(("base.h", version, "")) as include_dir:
            self.assertIn("version script: unexpected hf_version", source_errors(include_dir))
            self.assertIn("ledger: unexpected hf_version", source_errors(include_dir))

    def test_a_stale_ledger_is_reported(self):
        path = self.folder / "ledger.txt"
        path.write_text(elf.LEDGER.read_text() + "hf_gone 0.1 - -\n")
        self.assertEqual(source_errors(ledger=path), ["ledger: unexpected hf_gone"])
        path.write_text(elf.LEDGER.read_text() + "hf_gone 0.1 - 0.2\n")
        self.assertEqual(source_errors(ledger=path), [])


if __name__ == "__main__":
    unittest.main()
