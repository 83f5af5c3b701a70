# SPDX-License-Identifier: Apache-2.0
"""What every lint test shares: walking a source tree, and proving that the rule can turn red.

A rule is a function from a root folder to a list of complaints. main() runs it on the repository,
where it must be silent, and on small trees with one planted fault each, where it must complain. A
rule that lets a canary pass is itself a failure.
"""

import os
import pathlib
import sys
import tempfile

SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".cache"}


def files(root, suffixes=(), under=()):
    """Paths of files relative to root, sorted; under: top folders to look into (default: all)."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(set(subfolders) - SKIPPED_FOLDERS)
        for name in names:
            path = pathlib.Path(folder, name).relative_to(root)
            if suffixes and path.suffix not in suffixes:
                continue
            if under and not any(str(path).startswith(top + "/") for top in under):
                continue
            found.append(path)
    return sorted(found)


def lines(root, path):
    return (root / path).read_text(encoding="utf-8").splitlines()


def main(rule, canaries, clean=None):
    """canaries: (what is planted, {path: text}, a piece of the expected complaint).
    clean: a tree {path: text} near the canaries that the rule must accept."""
    failures = []
    complaints = rule(pathlib.Path(os.environ.get("HF_SOURCE_DIR", ".")).resolve())
    failures += complaints
    trees = list(canaries) + ([("a clean tree", clean, None)] if clean else [])
    for what, planted, expected in trees:
        with tempfile.TemporaryDirectory(prefix="holdfast-lint-") as name:
            root = pathlib.Path(name)
            for path, text in planted.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            answer = rule(root)
            if expected is None and answer:
                failures.append(f"the rule complains about {what}: {answer}")
            if expected is not None and not any(expected in complaint for complaint in answer):
                failures.append(f"the rule is blind to a canary ({what}): {answer}")
    for failure in failures:
        print(failure)
    print(f"{len(complaints)} complaints, {len(canaries)} canaries")
    sys.exit(1 if failures else 0)
