# SPDX-License-Identifier: Apache-2.0
"""Words that do not belong in a repository others read: notes to self, places on one machine, and
names that say nothing."""

import re

import tree

# Split, so that this file does not complain about itself.
NOTES = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(work|root|home)/")
EMPTY_NAMES = re.compile(r"^(utils?|helpers?|common|misc)$")
TEXT = {".h", ".cc", ".c", ".py", ".sh", ".md", ".cmake", ".txt", ".proto", ".json", ".in", ".map",
        ".supp", ".yml", ".yaml", ".sql", ""}


def check(root):
    complaints = []
    for path in tree.files(root):
        for part in path.parts:
            if EMPTY_NAMES.match(part.split(".")[0]):
                complaints.append(f"{path}: '{part}' says nothing about what is in it")
        if path.suffix not in TEXT or "corpus" in path.parts or path.name == "LICENSE":
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            for pattern, why in ((NOTES, "a note to self"), (MACHINE_PATHS, "a path on one machine")):
                match = pattern.search(line)
                if match:
                    complaints.append(f"{path}:{number}: {why}: {match[0]}")
            match = re.search(r"\bnamespace\s+(?:\w+::)*(\w+)", line)
            if match and EMPTY_NAMES.match(match[1]):
                complaints.append(f"{path}:{number}: namespace {match[1]} says nothing")
    return complaints


CANARIES = [
    ("a note to self", {"src/abi/a.cc": "// TO" "DO: later\n"}, "note to self"),
    ("a note in the docs", {"docs/a.md": "FIX" "ME\n"}, "note to self"),
    ("a path of one machine", {"README.md": "see /wor" "k/main\n"}, "path on one machine"),
    ("a home folder", {"dev": "cd /ro" "ot/x\n"}, "path on one machine"),
    ("a drawer", {"src/engine/utils.h": "\n"}, "says nothing"),
    ("a drawer as a folder", {"tests/common/a.cc": "\n"}, "says nothing"),
    ("a drawer as a namespace", {"src/abi/a.cc": "name" "space holdfast::helpers {\n"}, "says nothing"),
]
CLEAN = {"src/abi/a.cc": "// in /proc/work/x, $HOME/work/y and src/root/z; todo lists\n"}

if __name__ == "__main__":
    tree.main(check, CANARIES, CLEAN)
