#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layout of every struct of the C headers, as a compiler sees it.

As a program: writes tests/abi/layout.txt anew (tests/abi/update_baseline.sh does).
"""
import tempfile
from pathlib import Path

import headers
from headers import run

TABLE = headers.SOURCE_DIR / "tests" / "abi" / "layout.txt"
HEADING = """\
# SPDX-License-Identifier: Apache-2.0
# The layout of every struct of include/holdfast/c on x86-64. Read by tests/abi/layout_test.py.
# struct: size align; field: offset size
"""
COMPILERS = {"gcc": ["gcc", "-std=c11"], "g++": ["g++", "-std=c++20", "-x", "c++"],
             "clang-19": ["clang-19", "-std=c11"], "clang++-19": ["clang++-19", "-std=c++20", "-x", "c++"]}


def program(structs):
    """C11 and C++ at once: prints the table."""
    lines = [
        "#include <holdfast/c/hf.h>", "#include <stdio.h>",
        "#ifdef __cplusplus", "#define ALIGN alignof", "#else", "#define ALIGN _Alignof", "#endif",
        "#define ROW(name, a, b) printf(\"%s %lu %lu\\n\", name, (unsigned long)(a), (unsigned long)(b))",
        "int main(void) {",
    ]
    for struct in structs:
        name = struct.name
        lines.append(f'  ROW("{name}:", sizeof({name}), ALIGN({name}));')
        for _, field in struct.fields:
            lines.append(f'  ROW("{name}.{field}:", offsetof({name}, {field}), sizeof((({name}*)0)->{field}));')
    return "\n".join(lines + ["  return 0;", "}"]) + "\n"


def table(include_dir=headers.INCLUDE_DIR, compiler="gcc"):
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder) / "layout.c", Path(folder) / "layout"
        source.write_text(program(headers.structs(include_dir)))
        run(*COMPILERS[compiler], f"-I{include_dir}", source, "-o", binary)
        return HEADING + run(binary)


if __name__ == "__main__":
    TABLE.write_text(table())
