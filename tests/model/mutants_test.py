# SPDX-License-Identifier: Apache-2.0
"""Mutants: small defects put into the engines on purpose, each of which a named test must notice.

tests/model/mutants/<engine>.txt holds blocks separated by blank lines ('#' begins a comment line):

    mutant: <what is wrong with it, a sentence>
    killed-by: <tests/model/x_model_test.cc or tests/unit/x_test.cc> <Suite.Test, a gtest filter>
    in: src/engine/breaker.h
    - <the exact text of one line, without its indentation; must occur exactly once>
    + <the text instead>

A mutant that survives, whose text is not found, or that does not compile turns the test red; so does a
named test that fails without any mutant. `mutants_test.py breaker` runs one list, `mutants_test.py
breaker lease` only its mutants with "lease" in the name.

The tests are seeded, so the verdict is a function of the sources. ctest remembers in the build folder for
which sources all was noticed, and does not ask again until one of them changes.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("HF_SOURCE_DIR") or pathlib.Path(__file__).parents[2])
LIBRARY = os.environ.get("HF_STATIC_LIBRARY", "")
CXX = os.environ.get("HF_CXX", "g++")
FLAGS = ["-std=c++20", "-O0", "-w", "-pthread"]
PRECOMPILED = "gtest/gtest.h algorithm atomic cmath functional map mutex random string thread vector"
ABSEIL = subprocess.run(["pkg-config", "--libs", "absl_statusor"], text=True,
                        stdout=subprocess.PIPE).stdout.split()
SECONDS = 60  # a mutant that runs for longer hangs, which is one way to be noticed


class Broken(Exception):
    """The list or the build is at fault, not the mutant."""


class Mutant:
    def __init__(self, block, where):
        self.fields, self.old, self.new, self.where = {}, None, None, where
        for line in block:
            if line.startswith("- "):
                self.old = line[2:].strip()
            elif line.startswith("+"):
                self.new = line[1:].strip()
            else:
                key, _, value = line.partition(":")
                self.fields[key.strip()] = value.strip()
        if set(self.fields) != {"mutant", "killed-by", "in"} or not self.old or self.new is None:
            raise Broken(f"{where}: a block needs mutant, killed-by, in, - and +")
        self.name = self.fields["mutant"]
        self.source = self.fields["in"]
        self.test, _, self.filter = self.fields["killed-by"].partition(" ")
        if not self.filter:
            raise Broken(f"{where}: killed-by needs a file and a test")

    def write(self, folder):
        """Puts the mutated file where it is found before the original; returns its path."""
        lines = (ROOT / self.source).read_text().split("\n")
        at = [i for i, line in enumerate(lines) if line.strip() == self.old]
        if len(at) != 1:
            raise Broken(f"{self.where}: '{self.old}' occurs {len(at)} times in {self.source}")
        lines[at[0]] = self.new
        copy = folder / pathlib.Path(*pathlib.Path(self.source).parts[1:])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("\n".join(lines))
        return copy


def read_list(path):
    block, start, mutants = [], 0, []
    for number, line in enumerate(path.read_text().split("\n") + [""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            start = start if block else number
            block.append(line)
        elif block:
            mutants.append(Mutant(block, f"{path.name}:{start}"))
            block = []
    return mutants


def run(command, **options):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)


class Bench:
    """Compiles and runs, and remembers what the unmutated parts compile to."""

    def __init__(self, folder):
        self.folder = folder
        self.header = folder / "precompiled.h"
        self.header.write_text("".join(f"#include <{name}>\n" for name in PRECOMPILED.split()))
        self.must([CXX, *FLAGS, "-x", "c++-header", self.header, "-o", f"{self.header}.gch"])
        self.users = self.find_users()
        self.library_sources = list(self.users)
        self.objects, self.members = {}, {}

    def must(self, command):
        done = run(command)
        if done.returncode != 0:
            raise Broken(f"{' '.join(map(str, command))}\n{done.stdout}")
        return done.stdout

    def includes(self, *first):
        return [f"-I{folder}" for folder in (*first, ROOT / "include", ROOT / "src", ROOT / "tests")]

    def find_users(self):
        """For each source of the library: itself and the files it includes."""
        sources = [p for layer in ("engine", "codec", "abi") for p in (ROOT / "src" / layer).glob("*.cc")]
        return {source: self.depends(source) for source in sources}

    def depends(self, source):
        made = self.must([CXX, *FLAGS, *self.includes(), "-MM", source])
        return {str(pathlib.Path(p).resolve()) for p in made.replace("\\\n", " ").split()[1:]}

    def compile(self, source, target, *first):
        return run([CXX, *FLAGS, "-include", self.header, *self.includes(*first), "-c", source, "-o",
                    target])

    def link(self, objects, program):
        self.must([CXX, "-pthread", *objects, LIBRARY, "-lgtest", "-lgtest_main", "-lsodium", *ABSEIL,
                   f"-Wl,-Map={program}.map", "-o", program])

    def prepare(self, test):
        """Builds the test without a mutant."""
        name = test.replace("/", "_")
        self.objects[test] = self.folder / f"{name}.o"
        done = self.compile(ROOT / test, self.objects[test])
        if done.returncode != 0:
            raise Broken(f"{test} does not compile:\n{done.stdout}")
        self.link([self.objects[test]], self.folder / name)
        # Which sources of the library the test is made of, by the linker's map: "...a(breaker.cc.o)".
        linked = (self.folder / f"{name}.map").read_text()
        self.members[test] = {s for s in self.library_sources if f"({s.name}.o)" in linked}
        self.users[ROOT / test] = self.depends(ROOT / test)
        return self.folder / name

    def play(self, program, test_filter):
        environment = {"HF_MODEL_SCHEDULES": "2000", "HF_SOURCE_DIR": str(ROOT), **os.environ}
        return run([program, f"--gtest_filter={test_filter}", "--gtest_fail_fast"], env=environment,
                   timeout=SECONDS)

    def check_alone(self, program, test, test_filter):
        done = self.play(program, test_filter)
        if done.returncode != 0 or "[       OK ]" not in done.stdout:
            raise Broken(f"{test} {test_filter} does not pass without a mutant:\n{done.stdout}")

    def survives(self, mutant, number):
        """True if the named test passes all the same."""
        folder = self.folder / f"mutant{number}"
        folder.mkdir()
        copy = mutant.write(folder)
        original = str((ROOT / mutant.source).resolve())
        objects = [self.objects[mutant.test]]
        for source in (ROOT / mutant.test, *sorted(self.members[mutant.test])):
            if original not in self.users[source]:
                continue
            target = folder / f"{source.parent.name}_{source.stem}.o"
            done = self.compile(copy if str(source) == original else source, target, folder)
            if done.returncode != 0:
                raise Broken(f"{mutant.where}: the mutant does not compile:\n{done.stdout}")
            if source == ROOT / mutant.test:
                objects[0] = target
            else:
                objects.append(target)
        if objects == [self.objects[mutant.test]]:
            raise Broken(f"{mutant.where}: {mutant.test} is not made of {mutant.source}")
        self.link(objects, folder / "program")
        try:
            return self.play(folder / "program", mutant.filter).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def canary():
    """A defect that is none: if it counts as noticed, nothing here means anything."""
    return Mutant(["mutant: nothing is wrong with this one", "in: src/engine/outcome.h",
                   "killed-by: tests/unit/outcome_test.cc Outcome.DerivesEveryCodeByTheTable",
                   "- hf_outcome result = outcome;", "+ hf_outcome result(outcome);"], "canary")


def judge(bench, mutants, pool):
    """Complaints about the mutants, in order."""
    def one(number_and_mutant):
        number, mutant = number_and_mutant
        try:
            if bench.survives(mutant, number):
                return f"{mutant.where}: survived: {mutant.name}\n    {mutant.test} {mutant.filter}"
        except Broken as broken:
            return str(broken)
        return None
    numbered = [(f"{m.where}".replace(":", "_"), m) for m in mutants]
    return [complaint for complaint in pool.map(one, numbered) if complaint]


def fingerprint():
    """Of everything the verdict depends on: sources, tests, lists, this file, the compiler."""
    seen = hashlib.sha256(run([CXX, "--version"]).stdout.encode())
    for folder in ("src/engine", "src/codec", "src/abi", "include", "tests/unit", "tests/model"):
        for path in sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".h", ".cc", ".py", ".txt")):
            seen.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    seen.update(os.environ.get("HF_MODEL_SCHEDULES", "").encode())
    return seen.hexdigest()


def memory():
    """Where a whole run notes the fingerprint that it passed with; None for a part of one."""
    build = os.environ.get("HF_BINARY_DIR")
    return pathlib.Path(build) / "mutants.noticed" if build and len(sys.argv) == 1 else None


def main(arguments):
    if os.environ.get("HF_SANITIZE"):
        print("skipped: a sanitizer build of the library does not link with plain objects")
        return 77
    if not pathlib.Path(LIBRARY).is_file():
        print("HF_STATIC_LIBRARY must name libholdfast.a; ctest sets it")
        return 1
    noticed, now = memory(), fingerprint()
    if noticed and noticed.is_file() and noticed.read_text() == now:
        print("all mutants were noticed before, and nothing has changed since")
        return 0
    lists = sorted((ROOT / "tests/model/mutants").glob("*.txt"))
    chosen = [p for p in lists if not arguments or p.stem == arguments[0]]
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        bench = Bench(pathlib.Path(folder))
        mutants = {p.stem: [m for m in read_list(p) if all(w in m.name for w in arguments[1:])]
                   for p in chosen}
        everything = [canary(), *(m for listed in mutants.values() for m in listed)]
        tests = sorted({m.test for m in everything})
        programs = dict(zip(tests, pool.map(bench.prepare, tests)))
        named = sorted({(m.test, m.filter) for m in everything})
        list(pool.map(lambda n: bench.check_alone(programs[n[0]], *n), named))

        if not judge(bench, [canary()], pool):
            print("the canary was noticed, although nothing is wrong with it")
            return 1
        complaints = []
        for engine, listed in mutants.items():
            found = judge(bench, listed, pool)
            print(f"{engine}: {len(listed) - len(found)} of {len(listed)} mutants noticed", flush=True)
            if len(listed) < 10 and len(arguments) < 2:
                found.append(f"{engine}: at least ten mutants are asked for")
            complaints += found
    if noticed and not complaints:
        noticed.write_text(now)
    print("\n".join(complaints))
    return 1 if complaints or not chosen else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Broken as broken:
        print(broken)
        sys.exit(1)
