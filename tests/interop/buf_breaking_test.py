# SPDX-License-Identifier: Apache-2.0
"""JudgeBuf against buf itself: `buf breaking` of the pinned npm package, on generated changes and on kept ones.

Both see the same files: ours as the descriptor sets that protoc makes of them. Each change has a package and a folder
of its own, so that one run of buf tells of many. HF_BUF_CHANGES: how many are generated; HF_BUF_SEED: which."""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent / "buf"
sys.path.insert(0, str(HERE))
import base  # noqa: E402
import changes  # noqa: E402
import npm_peer  # noqa: E402
import schema  # noqa: E402

INTEROP = pathlib.Path(os.environ.get("HF_BINARY_DIR", "build/dev"), "tests/interop").resolve()
FOLDER = INTEROP / "buf"
BUF = FOLDER / "node_modules/.bin/buf"
OURS = INTEROP / "buf_verdict"
COUNT = int(os.environ.get("HF_BUF_CHANGES", "600"))
SEED = os.environ.get("HF_BUF_SEED", "1")
BATCH = 150
CATEGORIES = ["WIRE", "WIRE_JSON", "PACKAGE", "FILE"]


def install():
    if not OURS.exists():
        npm_peer.cannot(f"{OURS} is not built")
    npm_peer.install(HERE, FOLDER, tools=("node", "npm", "protoc"))


def run(*command, cwd, fine=(0,)):
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in fine:
        raise RuntimeError(f"{command[0]}: {done.stderr[:2000]}{done.stdout[:500]}")
    return done.stdout


# ---- a finding, as both can tell it: (rule, what it is about, file, line) ----

# Of what goes, buf names a place in the newer file and we name the one in the older; of an option, buf names the option.
ELSEWHERE = re.compile(r"^(?!RESERVED|EXTENSION_MESSAGE).*_NO_DELETE|_NO_REMOVE|REQUIRED_FIELDS|JAVA_UTF8|IDEMPOTENCY")
BY_NUMBER = re.compile(r"^(ENUM_VALUE_|MESSAGE_SAME_REQUIRED)")
WITHOUT_NAME = re.compile(r"^FILE_SAME|_NO_REMOVE|^PACKAGE_NO_DELETE")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def what(rule, name, number):
    """The last part of its name is what both say: buf mostly leaves out the package."""
    if WITHOUT_NAME.search(rule):
        return ""
    return number if BY_NUMBER.match(rule) else name.rsplit(".", 1)[-1]


def named_by_buf(rule, message):
    quoted = QUOTED.findall(message)
    if rule == "FIELD_SAME_NAME":
        return quoted[-1]
    second = rule.startswith(("FIELD_", "RESERVED_", "EXTENSION_MESSAGE"))  # after a number, range or name
    return quoted[min(second, len(quoted) - 1)]


def finding(rule, thing, file, line):
    # buf counts the first line of a file where it knows none.
    return (rule, thing) if ELSEWHERE.search(rule) else (rule, thing, file, int(line) or 1)


def pair_of(*texts):
    found = re.search(r"\bp\d{5}\b", " ".join(texts))
    return found[0] if found else ""


def findings_of_buf(root):
    """{(category, pair): Counter of findings}."""
    def build(side):
        run(BUF, "build", "-o", f"../{side}.image.binpb", cwd=root / side)

    def judge(category):
        config = json.dumps({"version": "v2", "breaking": {"use": [category]}})
        out = run(BUF, "breaking", "new.image.binpb", "--against", "old.image.binpb", "--error-format=json", "--config",
                  config, cwd=root, fine=(0, 100))
        return category, [json.loads(line) for line in out.splitlines()]

    found = collections.defaultdict(collections.Counter)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(build, ("old", "new")))
        for category, entries in pool.map(judge, CATEGORIES):
            for entry in entries:
                rule, message, file = entry["type"], entry["message"], entry.get("path", "")
                number = re.search(r'"(-?\d+)"', message)
                thing = what(rule, named_by_buf(rule, message), number and number[1])
                found[category, pair_of(file, message)][finding(rule, thing, file, entry["start_line"])] += 1
    return found


def findings_of_ours(root):
    for side in ("old", "new"):
        files = sorted(str(path.relative_to(root / side)) for path in (root / side).rglob("*.proto"))
        run("protoc", "--include_imports", "--include_source_info", f"--descriptor_set_out={root / side}.binpb",
            "-I.", *files, cwd=root / side)
    found = collections.defaultdict(collections.Counter)
    for row in run(OURS, root / "old.binpb", root / "new.binpb", cwd=root).splitlines():
        category, rule, element, file, line, text = row.split("\t")
        number = re.search(r"-?\d+", text)
        thing = what(rule, element, number and number[0])
        found[category, pair_of(file, element)][finding(rule, thing, file, line)] += 1
    return found


def write(root, side, files):
    for path, text in files.items():
        (root / side / path).parent.mkdir(parents=True, exist_ok=True)
        (root / side / path).write_text(text)


def disagreements(theirs, ours):
    """[(category, pair, what only buf says, what only we say)]."""
    return [(*key, theirs[key] - ours[key], ours[key] - theirs[key]) for key in sorted(theirs.keys() | ours.keys())
            if theirs[key] != ours[key]]


# ---- changes ----

def generate(number):
    """(pair, kinds, older, newer), the files as {path: text}."""
    author = base.Author(random.Random(f"{SEED}:{number}"), number)
    older = author.schema()
    newer, kinds = changes.changed(author, older, changes.KINDS[number % len(changes.KINDS)])
    return (author.package, kinds, {file.path: schema.text(file, older) for file in older},
            {file.path: schema.text(file, newer) for file in newer})


def write_case(root, text):
    """A comment, then `== old a.proto`, its text, and so on."""
    _, *parts = re.split(r"^== (\S+) (\S+)\n", text, flags=re.M)
    for side, path, text in zip(parts[0::3], parts[1::3], parts[2::3]):
        write(root, side, {path: text})


def together(found):
    """Of a case that is alone, all findings are of one change."""
    sums = collections.defaultdict(collections.Counter)
    for (category, _), findings in found.items():
        sums[category, ""].update(findings)
    return sums


class Buf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = FOLDER / "work"
        shutil.rmtree(cls.work, ignore_errors=True)

    def test_tables(self):
        listed = run(BUF, "config", "ls-breaking-rules", "--version", "v2", "--format", "json", cwd=FOLDER)
        theirs = {(category, rule["id"]) for rule in map(json.loads, listed.splitlines())
                  for category in rule["categories"] if category in CATEGORIES}
        self.assertEqual(theirs, {tuple(row.split("\t")) for row in run(OURS, cwd=FOLDER).splitlines()})

    def test_kept_cases(self):
        names = {}
        for number, path in enumerate(sorted((HERE / "cases").glob("*.txt"))):
            text = path.read_text()
            names[f"p{number:05}"] = path.stem
            if not text.startswith("# Alone"):
                write_case(self.work / "cases", text.replace("p00001", f"p{number:05}"))
        found = disagreements(findings_of_buf(self.work / "cases"), findings_of_ours(self.work / "cases"))
        self.assertEqual([(names.get(pair), category, *sides) for category, pair, *sides in found], [])

    def test_cases_that_are_alone(self):
        """They change what files of other cases would keep: imports of google.protobuf, files without a package."""
        for path in sorted((HERE / "cases").glob("*.txt")):
            root, text = self.work / path.stem, path.read_text()
            if not text.startswith("# Alone"):
                continue
            write_case(root, text)
            with self.subTest(path.stem):
                self.assertEqual(disagreements(together(findings_of_buf(root)), together(findings_of_ours(root))), [])

    def test_generated_changes(self):
        start = time.monotonic()
        rules, breaking, differing = collections.Counter(), collections.Counter(), []
        for low in range(0, COUNT, BATCH):
            pairs = {pair: rest for pair, *rest in map(generate, range(low, min(low + BATCH, COUNT)))}
            root = self.work / str(low)
            for _, older, newer in pairs.values():
                write(root, "old", older)
                write(root, "new", newer)
            theirs = findings_of_buf(root)
            for (category, _), findings in theirs.items():
                breaking[category] += 1
                for (rule, *_), count in findings.items():
                    rules[rule] += count
            found = disagreements(theirs, findings_of_ours(root))
            differing += [(pairs[pair][0], category, pair, *sides) for category, pair, *sides in found]
            if not found:
                shutil.rmtree(root)  # of others, the files stay to be looked at
        print(f"{COUNT} changes (seed {SEED}) in {time.monotonic() - start:.0f} s: {len(CATEGORIES) * COUNT} verdicts, of "
              f"which buf's are breaking for {dict(breaking)}; {rules.total()} findings of {len(rules)} rules; "
              f"{len(differing)} disagreements")
        print(" ", ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items())))
        self.assertEqual(differing[:5], [])
        if COUNT >= 500:
            every = {row.split("\t")[1] for row in run(OURS, cwd=FOLDER).splitlines()}
            self.assertEqual(every - rules.keys(), set(), "rules that no change was for")

if __name__ == "__main__":
    install()
    unittest.main()
