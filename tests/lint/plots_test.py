# SPDX-License-Identifier: Apache-2.0
"""The figures in docs/plots are what the library draws now, each of them is shown on a page, and none is
heavy. After a change that moves a line: ./dev plots, and read what the page says of it again."""

import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("HF_SOURCE_DIR", ".")).resolve()
PLOTS = SOURCE / "docs/plots"
PROGRAM = pathlib.Path(os.environ.get("HF_BINARY_DIR", SOURCE / "build/dev"), "docs/plots/docs_plots")
HEAVY = 40_000  # bytes

sys.path.insert(0, str(PLOTS))
import draw  # noqa: E402


def stale(drawn, committed):
    """Names that differ, or that only one side has."""
    return sorted(name for name in drawn.keys() | committed.keys()
                  if drawn.get(name) != committed.get(name))


def moved(lines, figure):
    """The same numbers with one of a figure's points moved up."""
    index = next(i for i, line in enumerate(lines) if line.startswith(figure + ","))
    series, x, y = lines[index].split(",")[1:]
    return lines[:index] + [f"{figure},{series},{x},{float(y) + 1}"] + lines[index + 1:]


def shown():
    """The names of the figures on the pages, with the pages."""
    found = {}
    for page in sorted((SOURCE / "docs").rglob("*.md")):
        for name in re.findall(r"!\[[^\]]+\]\(\.\./plots/(\w+\.svg)\)", page.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(page.name)
    return found


def main():
    lines = subprocess.run([str(PROGRAM)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                           check=True).stdout.splitlines()
    drawn = draw.draw_all(lines)
    committed = {path.name: path.read_text(encoding="utf-8") for path in PLOTS.glob("*.svg")}
    failures = [f"docs/plots/{name} is not what the library draws now: ./dev plots"
                for name in stale(drawn, committed)]
    pages = shown()
    failures += [f"docs/plots/{name} is on no page" for name in sorted(committed.keys() - pages.keys())]
    failures += [f"{page} shows {name}, which is not there" for name, where in sorted(pages.items())
                 for page in where if name not in committed]
    failures += [f"docs/plots/{name}: {len(text)} bytes" for name, text in sorted(committed.items())
                 if len(text) > HEAVY]

    if draw.draw_all(lines) != drawn:
        failures.append("drawing twice gives two figures")
    if stale(draw.draw_all(moved(lines, "retry_budget")), drawn) != ["retry_budget.svg"]:
        failures.append("the comparison is blind to a point that has moved")
    try:
        draw.draw_all([line for line in lines if not line.startswith("retry_budget,with,")])
        failures.append("a figure without one of its lines is drawn")
    except ValueError:
        pass

    for failure in failures:
        print(failure)
    print(f"{len(drawn)} figures of {len(lines)} points")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
