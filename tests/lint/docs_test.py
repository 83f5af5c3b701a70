# SPDX-License-Identifier: Apache-2.0
"""Every piece of code in README.md and docs/ is real: it compiles as it stands, or it is a verbatim
part of a file that the build compiles; and every ./dev line names a verb that exists."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile

import tree

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```\s*$", re.M | re.S)
COMPILED = {"cpp": (".cc", ["-std=c++20"]), "c": (".c", ["-std=c11"])}
# Not compiled by themselves, so they have to stand in a file that a test runs.
QUOTED = {"cpp", "c++", "c", "cmake", "proto", "sql", "python", "py"}
FREE = {"", "text", "sh", "console", "mermaid"}


def blocks(root):
    """(file, line, language, text) of each fenced block."""
    for path in tree.files(root, {".md"}):
        if str(path) != "README.md" and path.parts[0] != "docs":
            continue
        text = (root / path).read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            yield path, text.count("\n", 0, match.start()) + 1, match[2], match[3]


def squeezed(text):
    return " ".join(text.split())


def quotable(root):
    """All text of examples/ and tests/, each file as one line."""
    return [squeezed((root / path).read_text(encoding="utf-8"))
            for path in tree.files(root, {".cc", ".c", ".h", ".txt", ".proto", ".py", ".sql"},
                                   ["examples", "tests"])]


def compile_error(language, code):
    suffix, flags = COMPILED[language]
    compiler = os.environ.get("HF_CXX" if language == "cpp" else "HF_CC",
                              "g++" if language == "cpp" else "gcc")
    generated = pathlib.Path(os.environ.get("HF_BINARY_DIR", ""), "src/holdfast_proto.gen")
    with tempfile.TemporaryDirectory(prefix="holdfast-docs-") as folder:
        source = pathlib.Path(folder, "snippet" + suffix)
        source.write_text(code)
        result = subprocess.run(
            [compiler, *flags, "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
             f"-I{REPOSITORY / 'include'}", f"-I{generated}", str(source)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return result.stdout if result.returncode else None


def verbs():
    text = (REPOSITORY / "dev").read_text()
    case = text[text.rindex('case "$verb" in'):]
    return {word for line in re.findall(r"^  ([\w| -]+)\)", case, re.M) for word in line.split(" | ")}


def check(root):
    complaints, to_compile = [], []
    known_verbs, sources = verbs(), quotable(root)
    for path, line, language, code in blocks(root):
        where = f"{path}:{line}"
        if language in COMPILED and "#include" in code:
            to_compile.append((where, language, code))
        elif language in QUOTED:
            if not any(squeezed(code) in text for text in sources):
                complaints.append(f"{where}: this code is in no file of examples/ or tests/")
        elif language == "json":
            try:
                json.loads(code)
            except ValueError as error:
                complaints.append(f"{where}: {error}")
        elif language not in FREE:
            complaints.append(f"{where}: no way to check a block of '{language}'")
        for verb in re.findall(r"^\s*(?:\$ )?\./dev(?: +([^\s#]+))?", code, re.M):
            if language in FREE and verb and verb not in known_verbs:
                complaints.append(f"{where}: ./dev has no verb '{verb}'")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = pool.map(lambda item: compile_error(item[1], item[2]), to_compile)
        complaints += [f"{where}: does not compile:\n{error}"
                       for (where, _, _), error in zip(to_compile, errors) if error]
    return complaints


CANARIES = [
    ("code that does not compile",
     {"README.md": "```cpp\n#include <cstdio>\nint main() { return nothing; }\n```\n"}, "compile"),
    ("a C block that does not compile",
     {"docs/a.md": "```c\n#include <stddef.h>\nint x = ;\n```\n"}, "docs/a.md:1: does not compile"),
    ("a fragment that is nowhere",
     {"docs/a.md": "```cpp\nauto x = holdfast::Gone();\n```\n", "examples/a.cc": "auto y;\n"},
     "in no file"),
    ("CMake that no test runs", {"docs/a.md": "```cmake\nfind_package(other)\n```\n"}, "in no file"),
    ("a verb that does not exist", {"README.md": "```sh\n./dev deploy --now\n```\n"}, "verb 'deploy'"),
    ("an indented block", {"docs/a.md": "1. so:\n\n   ```sh\n   ./dev fly\n   ```\n"}, "verb 'fly'"),
    ("broken JSON", {"docs/a.md": "```json\n{,}\n```\n"}, "docs/a.md:1"),
    ("a language nobody checks", {"docs/a.md": "```rust\nfn main() {}\n```\n"}, "no way to check"),
]
CLEAN = {
    "README.md": "```sh\n./dev test unit   # quick\n./dev\n```\n```cpp\nint  f() {\n  return 1; }\n```\n",
    "docs/a.md": "```cpp\n#include <cstddef>\nint main() { return 0; }\n```\n```\n-> picture\n```\n",
    "examples/a.cc": "int f() { return 1; }\n",
}

if __name__ == "__main__":
    tree.main(check, CANARIES, CLEAN)
