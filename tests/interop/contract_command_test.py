# SPDX-License-Identifier: Apache-2.0
"""`holdfast contract check` and `diff`, with real protoc and real git repositories."""

import os
import shutil
import signal
import subprocess
import time
import unittest

import holdfast_command

ORDER = """syntax = "proto3";
package acme;
import "money.proto";
message Order {
  string id = 1;
  int64 total = 2;
  money.Amount amount = 3;
}
"""
MONEY = 'syntax = "proto3";\npackage money;\nmessage Amount { int64 units = 1; }\n'
CORRUPT = ORDER.replace("int64 total", "sint64 total")
ADDED = ORDER.replace("}\n", "  string note = 4;\n}\n")
RENAMED = ORDER.replace("int64 total", "int64 sum")


class Contract(holdfast_command.InFolder):
    noun = "contract"

    def protos(self, folder, order, money=MONEY):
        self.write(f"{folder}/acme/order.proto", order)
        self.write(f"{folder}/money.proto", money)

    def git(self, *words):
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            environment.pop(name, None)
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=self.work, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)

    def commit(self, tag):
        if not (self.work / ".git").exists():
            self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", tag)
        self.git("tag", tag)

    def set_of(self, folder, path, *flags):
        subprocess.run(["protoc", f"-I{folder}", f"--descriptor_set_out={path}", "--include_imports", *flags,
                        "acme/order.proto"], cwd=self.work, check=True)


class Check(Contract):
    def test_what_is_compatible(self):
        self.protos("old", ORDER)
        self.protos("new", ADDED)
        said = self.says(0, "check", "old", "new")
        self.assertIn("BACKWARD_TRANSITIVE: compatible", said.text)
        self.assertIn("buf-file ok", said.text)

    def test_what_corrupts_is_named_by_file_and_line(self):
        self.protos("old", ORDER)
        self.protos("new", CORRUPT)
        said = self.says(1, "check", "old", "new", "--level=full")
        self.assertRegex(said.text, r"(?m)^new/acme/order\.proto:6:3: type changed: acme\.Order\.total: int64 -> sint64$")
        self.assertIn("new reads old: corrupt", said.text)
        self.assertIn("breaks FULL against old", said.text)
        self.assertRegex(said.text, r"docs NO\(\d+\).* buf-wire NO\(\d+\)")
        self.assertIn("docs NO", self.says(0, "check", "old", "new", "--level=NONE").text)
        self.says(0, "check", "old", "new", "--level=NONE", "--as=docs")

    def test_json_is_stable(self):
        self.protos("old", ORDER)
        self.protos("new", CORRUPT)
        said = self.says(1, "check", "old", "new", "--json").json()
        self.assertEqual(set(said), {"compatible", "level", "tolerate", "encoding", "as", "older", "newer", "breaks",
                                     "violations", "verdicts"})
        self.assertEqual((said["compatible"], said["level"], said["encoding"], said["tolerate"], said["as"]),
                         (False, "BACKWARD_TRANSITIVE", "binary", "kept", None))
        self.assertEqual((said["older"], said["newer"], said["violations"]), (["old"], "new", []))
        [found] = said["breaks"]
        change = found.pop("change")
        self.assertEqual(found, {"against": "old", "new_reads_old": True, "old_reads_new": False, "json_only": False})
        self.assertTrue(change.pop("why"))
        both = {"new_reads_old": "corrupt", "old_reads_new": "corrupt"}
        kept = {"new_reads_old": "kept", "old_reads_new": "kept"}
        self.assertEqual(change, {"kind": "type changed", "element": "acme.Order.total", "before": "int64",
                                  "after": "sint64", "binary": both, "json": kept, "schema": "new",
                                  "file": "new/acme/order.proto", "line": 6, "column": 3})
        self.assertEqual([verdict["authority"] for verdict in said["verdicts"]],
                         ["docs", "docs-json", "confluent", "buf-wire", "buf-wire-json", "buf-package", "buf-file"])

    def test_each_encoding_by_itself(self):
        self.protos("old", ORDER)
        self.protos("new", RENAMED)
        self.says(0, "check", "old", "new")
        self.assertIn("as JSON", self.says(1, "check", "old", "new", "--encoding=both").text)
        self.assertTrue(self.says(1, "check", "old", "new", "--encoding=json", "--json").json()["breaks"][0]["json_only"])
        self.protos("newer", CORRUPT)
        self.says(0, "check", "old", "newer", "--encoding=json")

    def test_what_is_tolerated(self):
        self.protos("old", ORDER.replace("int64 total", "int64 total"))
        self.protos("new", ORDER.replace("int64 total", "int32 total"))
        self.assertIn("lossy", self.says(1, "check", "old", "new").text)
        self.says(0, "check", "old", "new", "--tolerate=lossy")

    def test_the_direction(self):
        self.protos("old", ORDER.replace("int64 total", "int32 total"))
        self.protos("new", ORDER)
        self.says(0, "check", "old", "new", "--level=BACKWARD")
        self.says(1, "check", "old", "new", "--level=FORWARD")
        self.says(1, "check", "old", "new", "--level=FULL")
        self.says(0, "check", "old", "new", "--level=NONE")

    def test_history(self):
        self.protos("v1", ORDER)
        self.protos("v2", ORDER.replace("  int64 total = 2;\n", ""))
        self.protos("v3", CORRUPT)
        self.says(0, "check", "v1", "v2", "v3", "--level=BACKWARD")
        said = self.says(1, "check", "v1", "v2", "v3", "--level=BACKWARD_TRANSITIVE", "--json").json()
        self.assertEqual([found["against"] for found in said["breaks"]], ["v1"])
        self.assertEqual(said["older"], ["v1", "v2"])
        self.says(0, "check", "v1", "v2", "v3", "--level=BACKWARD", "--as=docs")
        self.says(1, "check", "v1", "v2", "v3", "--level=BACKWARD_TRANSITIVE", "--as=docs")

    def test_as_another_authority(self):
        self.protos("old", ORDER)
        self.protos("new", ORDER.replace("  int64 total = 2;\n", ""))
        self.says(0, "check", "old", "new")
        self.says(0, "check", "old", "new", "--as=confluent")
        said = self.says(1, "check", "old", "new", "--as=buf-wire")
        self.assertIn("old/acme/order.proto:6:3: FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", said.text)
        [violation] = self.says(1, "check", "old", "new", "--as=buf-wire", "--json").json()["violations"]
        self.assertEqual({**violation, "text": ""},
                         {"against": "old", "rule": "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", "text": "",
                          "element": "acme.Order.total", "schema": "old", "file": "old/acme/order.proto",
                          "line": 6, "column": 3})

    def test_mistakes_of_the_command_line(self):
        self.protos("old", ORDER)
        self.assertIn("BACKWARD", self.says(2, "check", "old", "old", "--level=UPWARD").errors)
        self.assertIn("lossy", self.says(2, "check", "old", "old", "--tolerate=anything").errors)
        self.assertIn("confluent", self.says(2, "check", "old", "old", "--as=nobody").errors)
        self.says(2, "check", "old", "old", "--encoding=xml")
        self.says(2, "check", "old")
        self.says(2, "check", "old", "old", "--unknown")
        self.says(2, "check", "-", "-")
        self.says(2)
        self.says(2, "nothing", "old", "old")


class Sources(Contract):
    def test_descriptor_sets(self):
        self.protos("old", ORDER)
        self.protos("new", CORRUPT)
        self.set_of("old", "old.binpb")
        self.set_of("new", "new.desc", "--include_source_info")
        said = self.says(1, "check", "old.binpb", "new.desc")
        self.assertIn("\nacme/order.proto:6:3: type changed", "\n" + said.text)
        self.assertIn("\nacme/order.proto: type changed", "\n" + self.says(1, "check", "new.desc", "old.binpb").text)

    def test_standard_input(self):
        self.protos("old", ORDER)
        self.set_of("old", "old.binpb")
        self.says(0, "check", "-", "old", input=(self.work / "old.binpb").read_bytes())

    def test_one_file_and_import_folders(self):
        self.write("v1/order.proto", ORDER)
        self.write("v2/order.proto", CORRUPT)
        self.write("third_party/money.proto", MONEY)
        said = self.says(1, "check", "v1/order.proto", "v2/order.proto", "-Ithird_party")
        self.assertIn("v2/order.proto:6:3", said.text)
        self.says(1, "check", "./v1/", "v2", "--proto-path", "third_party")

    def test_a_folder_below_an_import_folder(self):
        self.protos("root", ORDER)
        self.assertEqual(self.says(0, "diff", "root/acme", "root", "-I", "root", "--json").json()["changes"], [])

    def test_what_cannot_be_read(self):
        self.protos("old", ORDER)
        self.assertIn("gone.binpb: No such file", self.says(3, "check", "gone.binpb", "old").errors)
        self.assertIn("gone.proto: No such file", self.says(3, "check", "old", "gone.proto").errors)
        self.write("garbage.binpb", bytes(range(256)))
        self.assertIn("garbage.binpb: ", self.says(3, "check", "garbage.binpb", "old").errors)
        self.assertIn("standard input: ", self.says(3, "check", "-", "old", input=b"\xff").errors)
        (self.work / "empty").mkdir()
        self.assertIn("no .proto file", self.says(3, "check", "empty", "old").errors)
        self.set_of("old", "whole.binpb")
        self.write("cut.binpb", (self.work / "whole.binpb").read_bytes()[:-7])
        self.says(3, "check", "cut.binpb", "old")

    def test_nothing_to_compare_with_is_no_success(self):
        self.protos("old", ORDER)
        for nothing in (b"", b"\x5a\x00"):  # the second has but an unknown field
            self.write("nothing.binpb", nothing)
            self.assertIn("nothing.binpb: a descriptor set without a file",
                          self.says(3, "check", "nothing.binpb", "old").errors)
        self.says(3, "check", "old", "nothing.binpb")
        self.assertIn("standard input", self.says(3, "check", "-", "old").errors)

    def test_a_protoc_that_says_nothing(self):
        self.protos("old", ORDER)
        self.assertIn("protoc ended with status 1", self.says(3, "check", "old", "old", "--protoc=false").errors)

    def test_a_signal_leaves_no_folder_behind(self):
        self.protos("old", ORDER)
        self.write("protoc", "#!/bin/sh\ntouch called\nexec sleep 60\n")
        (self.work / "protoc").chmod(0o755)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number), subprocess.Popen(
                    [holdfast_command.BINARY, "contract", "check", "old", "old", "--protoc=./protoc"], cwd=self.work,
                    env={**os.environ, "TMPDIR": str(self.temp)}, stderr=subprocess.DEVNULL) as command:
                while not (self.work / "called").exists():
                    time.sleep(0.01)
                (self.work / "called").unlink()
                self.assertNotEqual(list(self.temp.iterdir()), [])
                command.send_signal(number)
                self.assertEqual(command.wait(holdfast_command.PATIENCE / 2), -number)
                self.assertEqual(list(self.temp.iterdir()), [])

    def test_what_protoc_says(self):
        self.protos("old", ORDER)
        self.protos("new", ORDER.replace("int64 total", "int46 total"))
        self.assertRegex(self.says(3, "check", "old", "new").errors, r'(?m)^new/acme/order\.proto:6:3: "int46" is not')
        self.assertIn("protoc", self.says(3, "check", "old", "new", "--protoc=/nowhere/protoc").errors)
        self.assertIn("protoc", self.says(3, "check", "old", "new", PATH="/nowhere").errors)

    def test_names_that_look_like_options(self):
        self.protos("--root", ORDER)
        self.write("--root/--help.proto", 'syntax = "proto3";\n')
        self.says(0, "check", "--", "--root", "./--root")
        self.says(3, "check", "--", "--version", "--root")

    def test_names_with_characters_of_protoc(self):
        self.protos("a=b c", ORDER)
        self.says(0, "check", "a=b c", "a=b c")
        self.protos("a:b", ORDER)
        self.assertIn("colon", self.says(3, "check", "a:b", "a=b c").errors)

    def test_nothing_reaches_the_terminal_as_an_order(self):
        said = self.says(3, "check", "\x1b[31mred", "x")
        self.assertNotIn("\x1b", said.errors)
        self.write("evil.proto", 'syntax = "proto2";\nmessage M { optional string s = 1 [default = "\\033[31m"]; }\n')
        self.write("plain.proto", 'syntax = "proto2";\nmessage M { optional string s = 1; }\n')
        said = self.says(0, "diff", "plain.proto", "evil.proto")
        self.assertNotIn("\x1b", said.text)


class Git(Contract):
    def setUp(self):
        super().setUp()
        if not shutil.which("git"):
            self.skipTest("there is no git")
        self.protos("proto", ORDER)
        self.write("other/README", "not of interest")
        self.commit("v1")

    def test_a_revision_against_the_working_tree(self):
        self.says(0, "check", "git:v1:proto", "proto")
        self.protos("proto", CORRUPT)
        said = self.says(1, "check", "git:v1:proto", "proto")
        self.assertIn("\nproto/acme/order.proto:6:3: type changed", "\n" + said.text)
        self.assertIn("against git:v1:proto", said.text)

    def test_what_is_gone_is_shown_where_it_was(self):
        self.protos("proto", ORDER.replace("  int64 total = 2;\n", ""))
        said = self.says(0, "diff", "git:v1:proto", "proto")
        self.assertIn("v1:proto/acme/order.proto:6:3: field removed: acme.Order.total (int64)", said.text)
        self.assertIn("1 change\n", said.text)

    def test_two_revisions_and_a_file_that_is_in_both(self):
        self.protos("proto", CORRUPT)
        self.commit("v2")
        self.says(1, "check", "git:v1:proto", "git:v2:proto/")
        self.says(1, "check", "git:v1:proto/acme/order.proto", "git:HEAD:proto/acme/order.proto", "-Iproto")
        self.says(1, "check", "git:v2~1:proto", "git:HEAD:proto")

    def test_all_of_a_revision(self):
        self.write("proto/acme/order.proto", MONEY)
        self.write("proto/money.proto", MONEY.replace("money", "other"))
        self.commit("v2")
        self.says(0, "diff", "git:v2", "git:v2:")

    def test_from_below(self):
        self.protos("proto", CORRUPT)
        said = self.says(1, "check", "git:v1:./acme", "acme", "-I.", under="proto")
        self.assertIn("\nacme/order.proto:6:3: type changed", "\n" + said.text)
        self.says(1, "check", "git:v1:proto", ".", under="proto")

    def test_imports_are_of_their_revision(self):
        self.write("dep/money.proto", MONEY)
        self.write("api/order.proto", ORDER)
        self.commit("v2")
        self.write("dep/money.proto", MONEY.replace("int64 units", "sint64 units"))
        said = self.says(1, "check", "git:v2:api", "api", "-Idep")
        self.assertIn("dep/money.proto:3:18: type changed: money.Amount.units", said.text)

    def test_what_is_not_there(self):
        self.assertIn("no revision nope", self.says(3, "check", "git:nope:proto", "proto").errors)
        self.assertIn("no nope in revision v1", self.says(3, "check", "git:v1:nope", "proto").errors)
        self.assertIn("no .proto file", self.says(3, "check", "git:v1:other", "proto").errors)
        self.says(3, "check", "git:v1:../../etc", "proto")
        self.says(3, "check", "git:v1:/etc", "proto")
        self.assertIn("git", self.says(3, "check", "git:v1:proto", "proto", GIT_DIR="/nowhere").errors)

    def test_no_word_is_an_option_of_git(self):
        for word in ("git:", "git::proto", "git:--help:proto", "git:-c:proto", "git:--output=x:proto"):
            with self.subTest(word):
                self.assertIn("git:REVISION", self.says(2, "check", word, "proto").errors)
        for word in ("git:v1:--output=x", "git:v1;touch x:proto", "git:$(touch x):proto", "git:v1:`touch x`"):
            with self.subTest(word):
                self.says(3, "check", word, "proto")
        self.assertFalse((self.work / "x").exists())

    def test_links_of_a_revision_lead_nowhere(self):
        (self.work / "proto/link.proto").symlink_to("/etc/passwd")
        (self.work / "proto/out").symlink_to("/etc")
        self.commit("v2")
        self.says(0, "check", "git:v1:proto", "git:v2:proto")


if __name__ == "__main__":
    holdfast_command.require_binary("contract")
    if not shutil.which("protoc"):
        print("skipped: there is no protoc")
        raise SystemExit(77)
    unittest.main()
