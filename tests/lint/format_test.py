# SPDX-License-Identifier: Apache-2.0
"""clang-format. --fix reformats in place instead of complaining."""

import pathlib
import shutil
import subprocess
import sys

import tree

TOOL = "clang-format-19"
FOLDERS = ["include", "src", "tests", "bench", "examples", "docs"]
STYLE = pathlib.Path(__file__).resolve().parents[2] / ".clang-format"


def command(root, *options):
    sources = [str(path) for path in tree.files(root, {".h", ".cc", ".c"}, FOLDERS)]
    return [TOOL, f"--style=file:{STYLE}", *options, *sources] if sources else ["true"]


def check(root):
    result = subprocess.run(command(root, "--dry-run", "--Werror"), cwd=root, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    if result.returncode == 0:
        return []
    wrong = sorted({line.split(":")[0] for line in result.stdout.splitlines() if ": error:" in line})
    return [f"{path}: not formatted (./dev lint --fix)" for path in wrong] or [result.stdout]


CANARIES = [
    ("a source out of shape", {"src/abi/a.cc": "int  f( ){return 1;}\n"}, "src/abi/a.cc"),
    ("includes out of order", {"src/abi/a.cc": "#include <string>\n#include <array>\n"}, "a.cc"),
    ("a header out of shape", {"include/holdfast/a.h": "int   a;\n"}, "include/holdfast/a.h"),
]

if __name__ == "__main__":
    if not shutil.which(TOOL):
        print(f"skipped: no {TOOL} (./dev setup installs it)")
        sys.exit(77)
    if sys.argv[1:] == ["--fix"]:
        root = STYLE.parent
        sys.exit(subprocess.run(command(root, "-i"), cwd=root, stdin=subprocess.DEVNULL).returncode)
    tree.main(check, CANARIES, {"src/abi/a.cc": "int f() { return 1; }\n"})
