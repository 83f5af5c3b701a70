# SPDX-License-Identifier: Apache-2.0
"""A larger file is two rooms."""

import tree

LIMITS = {"header": 250, "source": 400, "test": 500}


def kind_of(path):
    if path.parts[0] == "tests":
        return "test"
    return "header" if path.suffix == ".h" else "source"


def check(root):
    complaints = []
    for path in tree.files(root, {".h", ".cc", ".c", ".py", ".proto"}):
        count = len(tree.lines(root, path))
        kind = kind_of(path)
        if count > LIMITS[kind]:
            complaints.append(f"{path}: {count} lines, a {kind} has {LIMITS[kind]} at most")
    return complaints


CANARIES = [
    ("a long header", {"include/holdfast/a.h": "\n" * 251}, "251 lines, a header"),
    ("a long source", {"src/abi/a.cc": "\n" * 401}, "401 lines, a source"),
    ("a long test", {"tests/unit/a_test.cc": "\n" * 501}, "501 lines, a test"),
]
CLEAN = {"include/holdfast/a.h": "\n" * 250, "src/abi/a.cc": "\n" * 400,
         "tests/unit/a_test.cc": "\n" * 500}

if __name__ == "__main__":
    tree.main(check, CANARIES, CLEAN)
