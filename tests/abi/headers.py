# SPDX-License-Identifier: Apache-2.0
"""Reads include/holdfast/c: its functions, their doc blocks, and its structs.

A small parser for the small language those headers are written in (signatures_test.py holds them to it).
What it cannot read it reports, so that nothing passes a gate by being overlooked.
"""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE_DIR = Path(os.environ.get("HF_SOURCE_DIR", Path(__file__).resolve().parents[2]))
INCLUDE_DIR = SOURCE_DIR / "include"


@dataclass
class Function:
    name: str
    returns: str
    params: list  # the text of each, [] for (void)
    doc: str  # the comment just before it, "" if there is none
    header: str


@dataclass
class Struct:
    name: str
    fields: list  # (type, name); an array or function pointer keeps its brackets in the type
    header: str


def c_headers(include_dir=INCLUDE_DIR):
    return sorted((Path(include_dir) / "holdfast" / "c").glob("*.h"))


def cpp_headers(include_dir=INCLUDE_DIR):
    return sorted((Path(include_dir) / "holdfast").glob("*.h"))


def code_of(text):
    """The text without comments and preprocessor lines, each replaced by a blank."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)


def functions_in(path):
    text = Path(path).read_text()
    found = []
    for match in re.finditer(r"^HF_API\s+([^;{}]*);", text, flags=re.M):
        declaration = " ".join(match.group(1).split())
        parts = re.fullmatch(r"(.*?)(\w+)\((.*)\)( HF_NOEXCEPT)?", declaration)
        if parts is None or not parts.group(4):
            raise ValueError(f"{path}: cannot read, or not HF_NOEXCEPT: {declaration}")
        params = [p.strip() for p in parts.group(3).split(",")]
        before = text[: match.start()].rstrip()
        doc = before[before.rindex("/*") :] if before.endswith("*/") else ""
        found.append(
            Function(
                parts.group(2), parts.group(1).strip(), [] if params == ["void"] else params, doc,
                Path(path).name,
            )
        )
    if len(found) != len(re.findall(r"^\s*HF_API\b", code_of(text), flags=re.M)):
        raise ValueError(f"{path}: an HF_API declaration does not start a line")
    return found


def functions(include_dir=INCLUDE_DIR):
    return [f for path in c_headers(include_dir) for f in functions_in(path)]


def _fields(body, path):
    fields = []
    for part in (" ".join(p.split()) for p in body.split(";")):
        if not part:
            continue
        pointer = re.fullmatch(r"(.+)\(\*(\w+)\)(\(.*\))", part)
        if pointer:
            fields.append((f"{pointer.group(1).strip()} (*){pointer.group(3)}", pointer.group(2)))
            continue
        plain = re.fullmatch(r"((?:const )?\w+(?: ?\*)?) ?(\w+(?:\[\w+\])?(?:, \w+(?:\[\w+\])?)*)", part)
        if plain is None:
            raise ValueError(f"{path}: cannot read the field '{part}'")
        for name in plain.group(2).split(", "):
            bracket = name.find("[")
            array = name[bracket:] if bracket >= 0 else ""
            fields.append((plain.group(1) + array, name.split("[")[0]))
    return fields


def structs(include_dir=INCLUDE_DIR):
    found = []
    for path in c_headers(include_dir):
        code = code_of(path.read_text())
        for match in re.finditer(r"typedef struct (\w+) \{(.*?)\}\s*(\w+);", code, flags=re.S):
            if match.group(1) != match.group(3):
                raise ValueError(f"{path}: struct {match.group(1)} is typedefed as {match.group(3)}")
            found.append(Struct(match.group(1), _fields(match.group(2), path), path.name))
        if len(re.findall(r"\bstruct\b[^;{]*\{", code)) != code.count("typedef struct ") - len(
            re.findall(r"typedef struct \w+ \w+;", code)
        ):
            raise ValueError(f"{path}: a struct is not of the form typedef struct x {{ }} x;")
    return found


def handles(include_dir=INCLUDE_DIR):
    """The opaque types: named in the headers, defined in the library."""
    return {
        name for path in c_headers(include_dir)
        for name in re.findall(r"typedef struct (\w+) \1;", code_of(path.read_text()))
    }


def run(*command, **kwargs):
    """Runs a tool; its output is part of the error if it fails."""
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, **kwargs
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def edited(*edits):
    """A copy of the C headers with each (header, old, new) applied: the start of a canary.

    White space in `old` stands for any, so that reformatting a header does not blunt a canary."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "include"
        shutil.copytree(INCLUDE_DIR / "holdfast" / "c", copy / "holdfast" / "c")
        for header, old, new in edits:
            path = copy / "holdfast" / "c" / header
            text = path.read_text()
            place = r"\s+".join(re.escape(word) for word in old.split())
            edited_text, places = re.subn(place, new.replace("\\", r"\\"), text)
            if places != 1:
                raise ValueError(f"a canary needs exactly one place: {header}: {old!r}")
            path.write_text(edited_text)
        yield copy
