#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the types and functions of two builds of the ABI with libabigail.

Both sides are dumped with identical flags, and XML is compared with XML: comparing XML with a library
silently finds nothing (reference: experiment E4 in docs/adr/0001-hourglass.md). abidiff's exit code is the
same for a break and for benign growth, so the gate is "nothing to report", with one suppression for growth.
Two things it would let pass are closed here. By default it hides what it calls harmless, such as a
parameter whose sign changes: hence --harmless. And the suppression for growth also hides a struct where a
member is retyped and none is inserted: hence struct_errors.

As a program: writes the baseline of HF_LIBRARY anew (tests/abi/update_baseline.sh does).
"""
import hashlib
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import elf
import headers
from headers import run

FOLDER = headers.SOURCE_DIR / "tests" / "abi" / "baseline"
BASELINE = FOLDER / "holdfast-0.5.abi"
GROWTH = FOLDER / "growth.suppr"


def dump(library, out, include_dir=headers.INCLUDE_DIR):
    """Only what the headers show: opaque types stay opaque, no paths, no lines, no parameter names."""
    run("abidw", "--exported-interfaces-only", "--headers-dir", Path(include_dir) / "holdfast" / "c",
        "--drop-private-types", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
        "--no-parameter-names", "--no-elf-needed", "--no-write-default-sizes", "--type-id-style", "hash",
        "--out-file", out, library)
    tree = ElementTree.parse(out)
    if not any(node.get("name") == "hf_error" for node in tree.iter("class-decl")):
        raise RuntimeError(f"{library} has no type information: build it with -g")
    make_opaque(tree.getroot(), headers.handles(include_dir))
    sort_by_name(tree.getroot())
    ElementTree.indent(tree)
    tree.write(out)
    return out


def make_opaque(root, handles):
    """Empties the handle types, and drops every type that no function then mentions.

    abidw tells private types from public ones by the base name of the file alone, so that a handle which
    is defined in src/abi/breaker.h passes for one of c/breaker.h.
    """
    for node in root.iter("class-decl"):
        if node.get("name") in handles:
            node[:], node.text = [], None
            for attribute in set(node.attrib) - {"name", "is-struct", "visibility", "id"}:
                del node.attrib[attribute]
            node.set("is-declaration-only", "yes")
    types = types_of(root)
    live, todo = set(), list(root.iter("function-decl"))
    while todo:
        for node in todo.pop().iter():
            type_id = node.get("type-id")
            if type_id in types and type_id not in live:
                live.add(type_id)
                todo.append(types[type_id])
    for unit in root.iter("abi-instr"):
        for node in list(unit):
            if node.tag != "function-decl" and not any(n.get("id") in live for n in node.iter()):
                unit.remove(node)


def types_of(root):
    return {node.get("id"): node for node in root.iter() if node.get("id")}


def spelled(types, type_id):
    """A type down to the bottom, as text; a struct is its name."""
    node = types.get(type_id)
    if node is None:
        return type_id  # void
    own = " ".join(filter(None, [node.tag, node.get("name"), node.get("const") and "const",
                                 node.get("dimensions") and node.get("size-in-bits"), node.get("length")]))
    if node.tag == "class-decl":
        return own
    inner = [n.get("type-id") for n in node.iter() if n.get("type-id")]
    return own + "".join(f"({spelled(types, i)})" for i in inner)


def sort_by_name(root):
    """One unit, in an order and with ids that no translation unit has a say in: diffs stay readable."""
    types = types_of(root)
    ids = {i: hashlib.sha256(spelled(types, i).encode()).hexdigest()[:12] for i in types}
    for node in root.iter():
        for key in {"id", "type-id"} & set(node.attrib):
            node.set(key, ids.get(node.get(key), node.get(key)))
    first, *others = root.findall("abi-instr")
    found = {(n.tag, n.get("id") or n.get("name")): n for unit in (first, *others) for n in unit}
    first[:] = [found[key] for key in sorted(found, key=lambda k: (k[0], found[k].get("name", ""), k[1]))]
    del first.attrib["path"]
    for unit in others:
        root.remove(unit)


def report(old, new):
    """What changed, as text; empty if nothing did."""
    done = subprocess.run(["abidiff", "--harmless", "--suppressions", GROWTH, old, new], capture_output=True,
                          text=True, check=False)
    if done.returncode & 3:  # 1: the tool failed, 2: it was called wrongly
        raise RuntimeError(done.stdout + done.stderr)
    found = [] if done.returncode == 0 else [f"abidiff {done.returncode}", done.stdout]
    return "\n".join(found + struct_errors(old, new))


def struct_members(path):
    """struct -> [(member, offset, type spelled down to the bottom)] of a dump."""
    root = ElementTree.parse(path).getroot()
    types = types_of(root)
    return {
        struct.get("name"): [
            (member.find("var-decl").get("name"), member.get("layout-offset-in-bits"),
             spelled(types, member.find("var-decl").get("type-id")))
            for member in struct.findall("data-member")
        ]
        for struct in root.iter("class-decl")
    }


def struct_errors(old, new):
    """Every struct begins with just the members it had."""
    after = struct_members(new)
    return [
        f"struct {name}: was {before}, is {after.get(name)}"
        for name, before in struct_members(old).items()
        if after.get(name, [])[: len(before)] != before
    ]


if __name__ == "__main__":
    dump(elf.library(), BASELINE)
    sys.exit(0)
