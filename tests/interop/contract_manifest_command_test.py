# SPDX-License-Identifier: Apache-2.0
"""`holdfast contract lint`, `matrix` and `sunset`: a manifest, and the versions it declares."""

import shutil
import subprocess
import unittest

import holdfast_command

MANIFEST = """contract {
  name: "com.acme.order.placed"
  owner: "orders@acme.com"
  compatibility: "BACKWARD_TRANSITIVE"
  version {
    number: "1.0" message: "acme.v1.Order" descriptor_set: "1.0.binpb"
    deprecated_from: "2026-01-01" sunset: "2026-07-01" migration: "https://acme.com/v2"
  }
  version {
    number: "1.1" message: "acme.v1.Order" descriptor_set: "1.1.binpb"
    deprecated_from: "2026-06-01" sunset: "2027-07-01" migration: "https://acme.com/v2"
  }
  version { number: "2.0" message: "acme.v2.Order" descriptor_set: "2.0.binpb" }
}
"""
V1 = 'syntax = "proto3";\npackage acme.v1;\nmessage Order { int32 total = 1; }\n'
V2 = 'syntax = "proto3";\npackage acme.v2;\nmessage Order { string total = 1; }\n'


class Manifest(holdfast_command.InFolder):
    noun = "contract"

    def setUp(self):
        super().setUp()
        self.write("contracts/contracts.textproto", MANIFEST)
        self.version("1.0", V1)
        self.version("1.1", V1.replace("int32", "int64"))
        self.version("2.0", V2)

    def version(self, number, proto):
        self.write(f"{number}.proto", proto)
        subprocess.run(["protoc", "-I.", f"--descriptor_set_out=contracts/{number}.binpb", f"{number}.proto"],
                       cwd=self.work, check=True)

    def manifest(self, old, new):
        self.assertIn(old, MANIFEST)
        self.write("contracts/contracts.textproto", MANIFEST.replace(old, new))


class Lint(Manifest):
    def lint(self, code, *words):
        return self.says(code, "lint", "contracts", "--at=2026-06-15", *words)

    def test_nothing_is_wrong(self):
        self.assertEqual(self.lint(0).text, "0 errors, 0 warnings\n")
        self.says(0, "lint", "contracts/contracts.textproto", "--at=2026-06-15", "--strict")
        self.assertEqual(self.lint(0, "--json").json(),
                         {"contracts": 1, "versions": 3, "errors": 0, "warnings": 0, "problems": []})

    def test_a_set_that_is_not_there_is_made_of_the_folder_of_its_name(self):
        (self.work / "contracts/1.1.binpb").unlink()
        self.write("contracts/1.1/acme/order.proto", V1.replace("int32", "int64"))
        self.assertEqual(self.lint(0).text, "0 errors, 0 warnings\n")
        self.write("contracts/1.1/acme/order.proto", V1.replace("int32", "string"))
        self.assertIn("1.1", self.lint(1).text)
        self.write("contracts/1.1/acme/order.proto", V1.replace("int32", "nonsense"))
        self.assertIn("contracts/1.1/acme/order.proto:3:", self.lint(3).errors)

    def test_a_broken_manifest_names_the_line(self):
        self.manifest('number: "1.1"', 'number: "1.x"')
        self.assertRegex(self.lint(1).text, r"(?m)^contracts/contracts\.textproto:10:\d+: error: .*com\.acme\.order\.placed.*number")
        self.write("contracts/contracts.textproto", "contract {")
        self.assertRegex(self.lint(1).text, r"(?m)^contracts/contracts\.textproto:\d+:\d+: error: ")

    def test_a_level_that_is_not_kept(self):
        self.version("1.1", V1.replace("int32", "sint32"))
        said = self.lint(1)
        self.assertRegex(said.text, r"(?m)^contracts/contracts\.textproto:9:\d+: error: .*acme\.v1\.Order\.total")
        [problem] = self.lint(1, "--json").json()["problems"]
        self.assertEqual(set(problem), {"severity", "file", "line", "column", "text"})
        self.assertEqual((problem["severity"], problem["line"]), ("error", 9))

    def test_missing_files_and_messages(self):
        (self.work / "contracts/1.0.binpb").unlink()
        self.assertIn("1.0.binpb", self.lint(1).text)
        self.write("contracts/1.0.binpb", b"\xff")
        self.assertIn("1.0.binpb", self.lint(1).text)
        self.version("1.0", V1.replace("Order", "Other"))
        self.assertIn("acme.v1.Order", self.lint(1).text)

    def test_a_current_version_past_its_sunset(self):
        self.manifest('descriptor_set: "2.0.binpb"', 'descriptor_set: "2.0.binpb" sunset: "2026-01-01"')
        self.assertRegex(self.lint(1).text, r"error: .*2\.0.*sunset")

    def test_warnings(self):
        for old, new, word in (('owner: "orders@acme.com"', "", "nobody owns it"),
                               ('migration: "https://acme.com/v2"', "", "no migration link"),
                               ('"BACKWARD_TRANSITIVE"', '"NONE"', "nothing is checked"),
                               ('number: "1.1"', 'number: "1.2"', "1.1 is not declared"),
                               ('deprecated_from: "2026-01-01"', "", "never deprecated"),
                               ('"2.0.binpb"', '"2.0.binpb" deprecated_from: "2026-01-01"', "nothing follows")):
            with self.subTest(word):
                self.manifest(old, new)
                self.assertRegex(self.lint(0).text, rf"(?m)^contracts/contracts\.textproto:\d+:\d+: warning: .*{word}")
                self.lint(1, "--strict")
        self.write("contracts/contracts.textproto", MANIFEST)
        self.assertIn("its sunset was on 2026-07-01", self.says(0, "lint", "contracts", "--at=2026-07-01").text)

    def test_a_manifest_without_a_contract(self):
        self.write("contracts/contracts.textproto", "# nothing yet\n")
        self.assertEqual(self.lint(0).text, "contracts.textproto: warning: declares no contract\n0 errors, 1 warnings\n")
        self.lint(1, "--strict")

    def test_what_cannot_be_read(self):
        self.assertIn("contracts.textproto", self.says(3, "lint", ".").errors)
        self.assertIn("contracts.textproto", self.says(3, "lint", "gone").errors)
        self.assertIn("--at", self.says(2, "lint", "contracts", "--at=tomorrow").errors)
        self.assertIn("--at", self.says(2, "lint", "contracts", "--at=9999-01-01").errors)
        self.says(2, "lint")


class Matrix(Manifest):
    def test_of_a_manifest(self):
        self.assertEqual(self.says(0, "matrix", "contracts").text, """com.acme.order.placed
writes / reads  1.0    1.1   2.0
1.0             kept   kept  -
1.1             lossy  kept  -
2.0             -      -     kept
""")
        self.assertEqual(self.says(0, "matrix", "contracts", "--json").json(), {
            "contract": "com.acme.order.placed", "encoding": "binary", "versions": ["1.0", "1.1", "2.0"],
            "outcomes": [["kept", "kept", None], ["lossy", "kept", None], [None, None, "kept"]]})

    def test_of_schemas(self):
        self.assertEqual(self.says(0, "matrix", "1.0.proto", "1.1.proto").text, """writes / reads  1.0.proto  1.1.proto
1.0.proto       kept       kept
1.1.proto       lossy      kept
""")
        both = self.says(0, "matrix", "1.0.proto", "1.1.proto", "--encoding=both", "--json").json()
        self.assertEqual(both["encoding"], "both")
        self.assertIsNone(both["contract"])
        self.assertNotEqual(both["outcomes"], [["kept", "kept"], ["lossy", "kept"]])

    def test_what_cannot_be_read(self):
        self.says(2, "matrix", "1.0.proto")
        self.says(3, "matrix", "1.0.proto", "gone.binpb")
        self.write("contracts/1.1.binpb", b"\xff")
        self.assertIn("1.1.binpb", self.says(3, "matrix", "contracts").errors)


class Sunset(Manifest):
    def test_what_is_deprecated_or_past_due(self):
        self.assertEqual(self.says(0, "sunset", "contracts", "--before=2025-01-01").text,
                         "nothing is deprecated by 2025-01-01\n")
        said = self.says(0, "sunset", "contracts", "--before=2026-06-15")
        self.assertEqual(said.text, """\
contract               version  stage       deprecated  sunset      owner            migration
com.acme.order.placed  1.0      deprecated  2026-01-01  2026-07-01  orders@acme.com  https://acme.com/v2
com.acme.order.placed  1.1      deprecated  2026-06-01  2027-07-01  orders@acme.com  https://acme.com/v2
""")
        self.assertRegex(self.says(1, "sunset", "contracts", "--before=2026-07-01").text, r"1\.0 +sunset ")

    def test_json(self):
        said = self.says(1, "sunset", "contracts", "--before=2026-07-01T12:00:00Z", "--json").json()
        self.assertEqual((said["before"], said["past_due"]), ("2026-07-01T12:00:00Z", True))
        self.assertEqual(said["versions"][0], {
            "contract": "com.acme.order.placed", "version": "1.0", "stage": "sunset", "deprecated_from": "2026-01-01",
            "sunset": "2026-07-01", "owner": "orders@acme.com", "migration": "https://acme.com/v2",
            "file": "contracts/contracts.textproto", "line": 5})
        self.assertEqual([version["stage"] for version in said["versions"]], ["sunset", "deprecated"])

    def test_sets_are_not_needed(self):
        (self.work / "contracts/1.0.binpb").unlink()
        self.says(0, "sunset", "contracts", "--before=2026-01-01")

    def test_what_cannot_be_read(self):
        self.manifest('number: "1.1"', 'number: "1.x"')
        self.assertIn("contracts.textproto:10:", self.says(3, "sunset", "contracts").errors)
        self.says(3, "sunset", "gone")
        self.assertIn("--before", self.says(2, "sunset", "contracts", "--before=soon").errors)


if __name__ == "__main__":
    holdfast_command.require_binary("contract")
    if not shutil.which("protoc"):
        print("skipped: there is no protoc")
        raise SystemExit(77)
    unittest.main()
