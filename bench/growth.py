"""What bench/scale wrote, as SVG: seconds against size, both axes in powers of ten.

    growth.py FILE.jsonl FILE.svg       draws the one into the other, and prints how each curve grows
"""
import json
import math
import sys

import picture
import report

WIDTH, LEFT, GAP, TOP, WIDE, HIGH = 1000, 80, 70, 110, 415, 400
PANELS = (
    ("A chain, by entries recorded", "entries", (
        ("compile and run once", "compile and run once", "#b2182b"),
        ("differentiate", "differentiate", "#e08214"),
        ("record", "record", "#2166ac"),
        ("run", "run", "#1b7837"))),
    ("A training step, one thread", "batch, layers or steps", (
        ("step by length", "by length, an LSTM", "#b2182b"),
        ("step by depth", "by depth, dense layers", "#2166ac"),
        ("step by batch", "by batch, four dense layers", "#1b7837"))),
)


def curves(rows):
    found = {}
    for r in rows:
        found.setdefault(r["what"], []).append((r["x"], r["seconds"]))
    return {what: sorted(points) for what, points in found.items()}


def number(x):
    for unit, size in ("M", 1e6), ("k", 1e3):
        if x >= size:
            return "%g %s" % (x / size, unit)
    return "%g" % x


class Panel:
    def __init__(self, left, points):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        self.left = left
        self.x0, self.x1 = math.log10(min(xs)), math.log10(max(max(xs), 10 * min(xs)))
        self.y0, self.y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def x(self, v):
        return self.left + WIDE * (math.log10(v) - self.x0) / (self.x1 - self.x0)

    def y(self, v):
        return TOP + HIGH * (self.y1 - math.log10(v)) / (self.y1 - self.y0)

    def axes(self, title, name):
        out = [picture.label(self.left, TOP - 16, title, 15, more='font-weight="bold"')]
        for k in range(self.y0, self.y1 + 1):
            y = self.y(10.0 ** k)
            out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#dddddd"/>' % (
                self.left, y, self.left + WIDE, y))
            unit = ("s", "ms", "us", "ns")[-(k // 3)]
            out.append(picture.label(self.left - 8, y + 4, "%d %s" % (10 ** (k % 3), unit), 11, "end", "#555555"))
        for k in range(math.ceil(self.x0 - 1e-9), math.floor(self.x1 + 1e-9) + 1):
            x = self.x(10.0 ** k)
            out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/>' % (x, TOP, x, TOP + HIGH))
            out.append(picture.label(x, TOP + HIGH + 18, number(10.0 ** k), 11, "middle", "#555555"))
        out.append(picture.label(self.left + WIDE / 2, TOP + HIGH + 38, name, 12, "middle", "#555555"))
        return out

    def curve(self, points, colour):
        """The curve, its points, and dashed what its first point grows to when cost is a multiple of x."""
        (x0, y0), (x1, _) = points[0], points[-1]
        end = min(x1, x0 * 10 ** self.y1 / y0)
        path = " ".join("%.1f,%.1f" % (self.x(x), self.y(y)) for x, y in points)
        out = ['<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="5 4" opacity="0.6"/>' % (
            self.x(x0), self.y(y0), self.x(end), self.y(y0 * end / x0), colour),
            '<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour)]
        return out + ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (self.x(x), self.y(y), colour)
                      for x, y in points]


def draw(rows):
    found, body = curves(rows), []
    for i, (title, name, series) in enumerate(PANELS):
        series = [s for s in series if s[0] in found]
        panel = Panel(LEFT + i * (WIDE + GAP), [p for what, _, _ in series for p in found[what]])
        body += panel.axes(title, name)
        for k, (what, text, colour) in enumerate(series):
            body += panel.curve(found[what], colour)
            y = TOP + 18 + 19 * k
            body.append('<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="3"/>' % (
                panel.left + 12, y - 4, panel.left + 34, y - 4, colour))
            body.append(picture.label(panel.left + 40, y, text, 12, colour=colour,
                                      more='paint-order="stroke" stroke="white" stroke-width="3"'))
    height = TOP + HIGH + 60
    head = [picture.label(20, 36, "How cost grows", 20, more='font-weight="bold"'),
            picture.label(20, 60, "seconds against size, both in powers of ten; dashed: the first point "
                          "times the size, a cost that is linear", 13, colour="#555555")]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" %s>'
                      % (WIDTH, height, WIDTH, height, picture.FONT),
                      '<rect width="100%" height="100%" fill="white"/>'] + head + body + ["</svg>", ""])


def text(rows):
    """For each curve its ends, and by how much cost for each one of x has grown between them."""
    lines = []
    for what, points in curves(rows).items():
        (x0, y0), (x1, y1) = points[0], points[-1]
        lines.append("%-22s %8s at %8d, %8s at %8d: %5.2f times the cost of one" % (
            what, report.duration(y0), x0, report.duration(y1), x1, y1 / x1 / (y0 / x0)))
    return "\n".join(lines)


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        data = [json.loads(line) for line in f]
    with open(sys.argv[2], "w") as f:
        f.write(draw(data))
    print(text(data))
