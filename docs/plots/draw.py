# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of docs/primitives: reads what docs_plots prints from standard input ("figure,series,x,y"
a line) and writes one SVG for each entry of figures.py into the folder given. ./dev plots does it all:

    docs_plots | python3 draw.py FOLDER

Plain SVG with a light and a dark set of colours, no scripts, no fonts of its own. Numbers are rounded to a
tenth of a pixel, so the same input gives the same bytes."""

import collections
import html
import math
import pathlib
import sys

from figures import FIGURES

WIDTH = 760
LEFT, RIGHT, BOTTOM = 56, 20, 46  # of each panel, around its axes
TITLE = 30  # the line of the title
LEGEND = 20  # a line of the legend
LETTER = 6.1  # a mean letter at 12 px; the legend is spaced by it

# Colour by colour: on light paper, on dark.
INKS = [("#0969da", "#58a6ff"), ("#cf4f09", "#f0883e"), ("#1a7f37", "#3fb950"), ("#8250df", "#bc8cff"),
        ("#6e7781", "#9da7b1")]
DASHES = {"": "", "dash": "6 4", "dots": "2 3"}
STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#1f2328}
.t{font-weight:600;font-size:13px}.p{font-weight:600}.m{text-anchor:middle}.e{text-anchor:end}.k{fill:#59636e}
.b{fill:#fff}.g{stroke:#d8dee4;stroke-width:1;fill:none}.a{stroke:#818b98;stroke-width:1;fill:none}
.o{fill:#818b98;fill-opacity:.14}
.l{fill:none;stroke-width:1.8;stroke-linejoin:round}.d{fill:none;stroke-width:3;stroke-linecap:round}.w{stroke-width:9}
"""
DARK = ("text{fill:#e6edf3}.k{fill:#9198a1}.b{fill:#0d1117}.g{stroke:#2b3139}.a{stroke:#656c76}")


def style():
    light = "".join(f".c{i}{{stroke:{light}}}" for i, (light, _) in enumerate(INKS))
    dark = "".join(f".c{i}{{stroke:{dark}}}" for i, (_, dark) in enumerate(INKS))
    return f"<style>{STYLE}{light}\n@media (prefers-color-scheme:dark){{{DARK}{dark}}}</style>"


def number(value):
    """A coordinate: a tenth of a pixel, no trailing zero."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def label(value):
    return f"{value:,.10g}".replace(",", "\u2009")


class Scale:
    """Values onto pixels, with round ticks. low and high are the ends of the axis."""

    def __init__(self, low, high, start, end, log):
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, value):
        if self.log:
            value = max(value, self.low)
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, wanted):
        if self.log:
            decades = range(round(math.log10(self.low) - 0.49), round(math.log10(self.high) + 0.49) + 1)
            few = math.log10(self.high / self.low) < 2.2
            marks = [m * 10.0 ** d for d in decades for m in ((1, 2, 5) if few else (1,))]
            return [m for m in marks if self.low * 0.999 <= m <= self.high * 1.001]
        raw = (self.high - self.low) / wanted
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, int(self.high / step + 1e-9) + 1)]


def path(points):
    """Relative moves between rounded points; what lies on the line between its neighbours is left out."""
    kept = []
    for point in ((round(x, 1), round(y, 1)) for x, y in points):
        if kept and kept[-1] == point:
            continue
        if len(kept) >= 2:
            (ax, ay), (bx, by) = kept[-2:]
            straight = (bx - ax) * (point[1] - by) - (by - ay) * (point[0] - bx)
            onwards = (bx - ax) * (point[0] - bx) + (by - ay) * (point[1] - by) > 0
            if abs(straight) < 0.02 and onwards:
                kept.pop()
        kept.append(point)
    text = [f"M{number(kept[0][0])} {number(kept[0][1])}"]
    for (ax, ay), (bx, by) in zip(kept, kept[1:]):
        text.append(f"l{number(bx - ax)} {number(by - ay)}")
    return "".join(text).replace(" -", "-")


def dots(points):
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in points)


def draw_panel(out, panel, data, left, top, width, height):
    x0, x1 = left + LEFT, left + width - RIGHT
    y0, y1 = top + height - BOTTOM, top + (22 if "title" in panel else 8)
    xs, ys = panel["x"], panel["y"]
    x_scale = Scale(xs[1], xs[2], x0, x1, "log" in xs[3:])
    y_scale = Scale(ys[1], ys[2], y0, y1, "log" in ys[3:])
    if "title" in panel:
        out.append(f'<text class="p" x="{x0}" y="{top + 10}">{html.escape(panel["title"])}</text>')
    for first, last in panel.get("shade", []):
        out.append(f'<rect class="o" x="{number(x_scale(first))}" y="{y1}" '
                   f'width="{number(x_scale(last) - x_scale(first))}" height="{y0 - y1}"/>')
    for tick in y_scale.ticks(5):
        y = number(y_scale(tick))
        out.append(f'<path class="g" d="M{x0} {y}H{x1}"/>'
                   f'<text class="e k" x="{x0 - 6}" y="{number(y_scale(tick) + 4)}">{label(tick)}</text>')
    for tick in x_scale.ticks(panel.get("ticks", 6)):
        x = number(x_scale(tick))
        out.append(f'<path class="a" d="M{x} {y0}v4"/><text class="m k" x="{x}" y="{y0 + 17}">{label(tick)}</text>')
    middle = (x0 + x1) / 2
    out.append(f'<text class="m" x="{number(middle)}" y="{y0 + 35}">{html.escape(xs[0])}</text>')
    turned = f"{left + 13} {number((y0 + y1) / 2)}"
    out.append(f'<text class="m" transform="translate({turned})rotate(-90)">{html.escape(ys[0])}</text>')
    for series in panel["series"]:
        points = data[panel["data"], series[0]]
        if not points:
            raise ValueError(f"{panel['data']}: no points of {series[0]}")
        inside = [(x, min(max(y, ys[1]), ys[2])) for x, y in points if xs[1] <= x <= xs[2]]
        pixels = [(x_scale(x), y_scale(y)) for x, y in inside]
        draw_series(out, series, pixels)
    out.append(f'<path class="a" d="M{x0} {y1}V{y0}H{x1}"/>')


def draw_series(out, series, pixels):
    ink = series[2]
    look = series[3] if len(series) > 3 else ""
    if look == "points":
        out.append(f'<path class="d c{ink}" d="{dots(pixels)}"/>')
        return
    if look == "marks":
        out.append(f'<path class="d w c{ink}" d="{dots(pixels)}"/>')
        return
    dash = f' stroke-dasharray="{DASHES[look]}"' if look else ""
    out.append(f'<path class="l c{ink}"{dash} d="{path(pixels)}"/>')


def draw_legend(out, entries, top):
    """Returns how many lines it took."""
    if not entries:
        return 0
    x, line = LEFT, 0
    for series in entries:
        need = 30 + LETTER * len(series[1]) + 18
        if x + need > WIDTH and x > LEFT:
            x, line = LEFT, line + 1
        y = top + LEGEND * line
        draw_series(out, series, [(x, y), (x + 22, y)] if len(series) < 4 or series[3] in DASHES
                    else [(x + 11, y)])
        out.append(f'<text x="{number(x + 29)}" y="{y + 4}">{html.escape(series[1])}</text>')
        x += need
    return line + 1


def legend_of(figure):
    seen = {}
    for panel in figure["panels"]:
        for series in panel["series"]:
            if not series[1]:
                continue  # the panel's title says it
            seen.setdefault(series[0], series)
    return list(seen.values())


def draw(figure, data):
    body = []
    legend_lines = draw_legend(body, legend_of(figure), TITLE + 14)
    top = TITLE + 14 + LEGEND * legend_lines
    panels = figure["panels"]
    columns = figure.get("columns", len(panels))
    height = figure.get("height", 250)
    width = WIDTH // columns
    for i, panel in enumerate(panels):
        draw_panel(body, panel, data, i % columns * width, top + i // columns * height, width, height)
    total = top + height * -(-len(panels) // columns) + 4
    title = html.escape(figure["title"])
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" '
            f'height="{total}" role="img" aria-label="{title}">', style(),
            f'<rect class="b" width="{WIDTH}" height="{total}" rx="6"/>',
            f'<text class="t" x="{LEFT}" y="22">{title}</text>']
    return "\n".join(head + body + ["</svg>"]) + "\n"


def read(lines):
    data = collections.defaultdict(list)
    for line in lines:
        figure, series, x, y = line.rstrip("\n").split(",")
        data[figure, series].append((float(x), float(y)))
    return data


def draw_all(lines):
    """{file name: its text}."""
    data = read(lines)
    return {f"{name}.svg": draw(figure, data) for name, figure in FIGURES.items()}


if __name__ == "__main__":
    for file_name, text in draw_all(sys.stdin).items():
        pathlib.Path(sys.argv[1], file_name).write_text(text, encoding="utf-8")
