# SPDX-License-Identifier: Apache-2.0
"""File names, include guards, and the licence line at the top of every source."""

import re

import tree

LICENCE = "SPDX-License-Identifier: Apache-2.0"
CODE = {".h", ".cc", ".c", ".proto"}
SCRIPTS = {".py", ".sh", ".cmake"}
NO_SUFFIX = {"dev", "run", "CMakeLists.txt", ".clang-format", ".clang-tidy"}
FOREIGN = {".hpp", ".hh", ".hxx", ".cpp", ".cxx", ".C", ".H"}
SOURCE_FOLDERS = ["include", "src", "tests", "bench", "examples", "docs"]


def guard_of(path):
    parts = list(path.parts)
    if parts[0] in ("include", "src"):
        parts = parts[1:]
    if parts[0] != "holdfast":
        parts = ["holdfast"] + parts
    return re.sub(r"[^A-Za-z0-9]", "_", "_".join(parts)).upper() + "_"


def licence_line(path):
    if path.suffix in SCRIPTS or path.name in NO_SUFFIX:
        return "# " + LICENCE
    if path.suffix == ".c" or str(path).startswith("include/holdfast/c/"):
        return f"/* {LICENCE} */"
    return "// " + LICENCE


def without_comments_and_strings(text):
    """C text with /* comments */ and literals blanked, so that what is left of // is a comment."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def check(root):
    complaints = []
    for path in tree.files(root):
        if path.parts[0] in SOURCE_FOLDERS:
            known = re.fullmatch(r"[a-z0-9_]+\.[a-z]+", path.name)
            if path.suffix in CODE | SCRIPTS and not known:
                complaints.append(f"{path}: file names are lower_snake_case")
        if path.suffix in FOREIGN:
            complaints.append(f"{path}: headers are .h, sources .cc")
        if path.suffix not in CODE | SCRIPTS and path.name not in NO_SUFFIX:
            continue
        text = tree.lines(root, path)
        first = text[1:2] if text and text[0].startswith("#!") else text[:1]
        if first != [licence_line(path)]:
            complaints.append(f"{path}: the first line must be '{licence_line(path)}'")
        if path.suffix == ".h":
            guard = guard_of(path)
            wanted = [f"#ifndef {guard}", f"#define {guard}"]
            directives = [line for line in text if line.startswith("#")]
            if directives[:2] != wanted or not directives[-1].startswith("#endif"):
                complaints.append(f"{path}: the include guard must be {guard}")
        if path.suffix == ".c" or str(path).startswith("include/holdfast/c/"):
            stripped = without_comments_and_strings("\n".join(text))
            for number, line in enumerate(stripped.splitlines(), 1):
                if "//" in line:
                    complaints.append(f"{path}:{number}: comments in C are /* */")
    return complaints


SPDX = "// " + LICENCE + "\n"
SPDX_C = f"/* {LICENCE} */\n"
GUARD = "#ifndef HOLDFAST_A_H_\n#define HOLDFAST_A_H_\n#endif\n"
CANARIES = [
    ("a source with no licence", {"src/abi/a.cc": "int a;\n"}, "first line must be '// SPDX"),
    ("a script with no licence", {"tests/lint/a.py": "pass\n"}, "first line must be '# SPDX"),
    ("a licence below the top", {"src/abi/a.cc": "\n" + SPDX}, "first line"),
    ("no include guard", {"include/holdfast/a.h": SPDX + "#pragma once\n"}, "HOLDFAST_A_H_"),
    ("somebody else's guard", {"include/holdfast/b.h": SPDX + GUARD}, "HOLDFAST_B_H_"),
    ("a C++ comment in the waist", {"include/holdfast/c/a.h": SPDX_C + "int a; // no\n"}, "/* */"),
    ("CamelCase", {"src/abi/Guard.cc": SPDX}, "lower_snake_case"),
    (".hpp", {"include/holdfast/a.hpp": SPDX}, "headers are .h"),
]
CLEAN = {
    "include/holdfast/a.h": SPDX + GUARD,
    "include/holdfast/c/b.h": SPDX_C + '/* see https://x */\n#ifndef HOLDFAST_C_B_H_\n'
                                       "#define HOLDFAST_C_B_H_\n#endif\n",
    "src/abi/a.cc": SPDX,
}

if __name__ == "__main__":
    tree.main(check, CANARIES, CLEAN)
