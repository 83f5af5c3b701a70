# SPDX-License-Identifier: Apache-2.0
"""What a shared object exports and imports, and stub objects made from headers, for canaries."""
import os
import re
from pathlib import Path

import headers
from headers import run

MAP = headers.SOURCE_DIR / "src" / "abi" / "holdfast.map"
LEDGER = headers.SOURCE_DIR / "docs" / "abi" / "symbols-in-versions.txt"


def library():
    return Path(os.environ["HF_LIBRARY"])


def exports(path):
    """name -> node of every defined dynamic symbol; the nodes themselves are left out."""
    found = {}
    for line in run("nm", "-D", "--defined-only", "--with-symbol-versions", path).splitlines():
        _, kind, symbol = line.split(maxsplit=2)
        name, _, node = symbol.partition("@")
        if kind != "A":
            found[name] = node.lstrip("@")
    return found


def imports(path):
    """(name, version) of every symbol the object needs; weak ones too."""
    found = []
    for line in run("nm", "-D", "--undefined-only", "--with-symbol-versions", path).splitlines():
        name, _, version = line.split()[-1].partition("@")
        found.append((name, version.lstrip("@")))
    return found


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", path))


def map_nodes(path=MAP):
    """node -> the names it lists as global."""
    text = re.sub(r"/\*.*?\*/", "", Path(path).read_text(), flags=re.S)
    nodes = {}
    for name, body in re.findall(r"(\w+(?:\.\d+)?)\s*\{(.*?)\}", text, flags=re.S):
        listed = body.split("local:")[0].replace("global:", "")
        nodes[name] = [symbol.strip() for symbol in listed.split(";") if symbol.strip()]
    return nodes


def ledger(path=LEDGER):
    """name -> (introduced, deprecated, removed), "-" where not yet."""
    rows = {}
    for line in Path(path).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, introduced, deprecated, removed = line.split()
        if name in rows:
            raise ValueError(f"{path}: {name} twice")
        rows[name] = (introduced, deprecated, removed)
    return rows


def stub_source(include_dir, leave_out=()):
    """A C++ source that defines every function of the headers, to be compiled for its types alone."""
    lines = ["#include <holdfast/c/hf.h>"]
    for function in headers.functions(include_dir):
        if function.name in leave_out:
            continue
        params = ", ".join(function.params)
        body = "" if function.returns == "void" else " return 0; "
        lines.append(f'extern "C" {function.returns} {function.name}({params}) noexcept {{{body}}}')
    return "\n".join(lines) + "\n"


def link_stub(folder, include_dir=headers.INCLUDE_DIR, version_script=MAP, extra="", leave_out=()):
    """A .so with the ABI of the headers and no behaviour; `extra` is more source."""
    folder = Path(folder)
    source, target = folder / "stub.cc", folder / "libstub.so"
    source.write_text(stub_source(include_dir, leave_out) + extra)
    run("g++", "-std=c++20", "-g", "-w", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{include_dir}",
        "-Wl,-soname,libholdfast.so.0", f"-Wl,--version-script={version_script}", source, "-o", target)
    return target
