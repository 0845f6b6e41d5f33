"""The results of a run as SVG: for each workload limit, engine and PyTorch, as multiples of the limit.

    picture.py FOLDER       draws FOLDER/latest.jsonl into FOLDER/latest.svg
"""
import math
import os
import sys

import report

LEFT, RIGHT, BAR, GAP, TOP = 190, 200, 13, 22, 96
MOST = 12       # times the limit; what is longer is cut
WIDTH = 1000
OURS, TORCH, LIMIT = "#2166ac", "#d6604d", "#444444"
FONT = 'font-family="DejaVu Sans, Verdana, sans-serif"'


def label(x, y, text, size=12, anchor="start", colour="#222222", more=""):
    return '<text x="%.1f" y="%.1f" font-size="%g" text-anchor="%s" fill="%s" %s>%s</text>' % (
        x, y, size, anchor, colour, more,
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def panel(rows, threads, top, most):
    """One number of threads: a group of two bars a workload, on a logarithmic axis from 1, the limit."""
    wide = WIDTH - LEFT - RIGHT

    def at(ratio):
        return LEFT + wide * math.log(min(max(ratio, 1), most)) / math.log(most)

    rows = [r for r in rows if r["threads"] == threads]
    height = len(rows) * (2 * BAR + GAP)
    out = [label(20, top - 30, "%d thread%s" % (threads, "s"[:threads > 1]), 16, more='font-weight="bold"')]
    for tick in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12):
        if tick > most:
            break
        strong = tick in (1, 1.5)
        out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"%s/>' % (
            at(tick), top - 4, at(tick), top + height - GAP + 4, LIMIT if strong else "#dddddd",
            1.5 if tick == 1 else 1, ' stroke-dasharray="4 3"' if tick == 1.5 else ""))
        out.append(label(at(tick), top - 10, "%g" % tick, 11, "middle", "#555555"))
    for i, r in enumerate(rows):
        y = top + i * (2 * BAR + GAP)
        out.append(label(LEFT - 10, y + BAR - 1, r["workload"], 13, "end"))
        out.append(label(LEFT - 10, y + 2 * BAR + 2, "limit %s, %s" % (report.duration(r["limit_s"]), r["bound"]),
                         10, "end", "#777777"))
        bars = [(r["ratio_limit"], r["median_s"], OURS)]
        if "torch_median_s" in r:
            bars.append((r["torch_median_s"] / r["limit_s"], r["torch_median_s"], TORCH))
        for k, (ratio, seconds, colour) in enumerate(bars):
            out.append('<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (
                LEFT, y + k * (BAR + 1), max(at(ratio) - LEFT, 1.5), BAR, colour))
            if ratio > most:
                out.append('<path d="M%.1f %.1f l8 %g l-8 %g z" fill="%s"/>' % (
                    at(ratio), y + k * (BAR + 1), BAR / 2, BAR / 2, colour))
            out.append(label(max(at(ratio), LEFT + 1.5) + (12 if ratio > most else 5),
                             y + k * (BAR + 1) + BAR - 2.5,
                             "%s, %s x limit" % (report.duration(seconds), report.times(ratio)), 11,
                             colour=colour,
                             more='paint-order="stroke" stroke="white" stroke-width="3"'))
    return out, height


def draw(rows):
    rows = report.of_kind(rows, "time")
    threads = sorted({r["threads"] for r in rows})
    most = min(MOST, 1.05 * max([2.5] + [max(r["median_s"], r.get("torch_median_s", 0)) / r["limit_s"]
                                         for r in rows]))
    body, top = [], TOP + 30
    for t in threads:
        lines, height = panel(rows, t, top, most)
        body += lines
        top += height + 70
    head = [label(20, 34, "A training step, as a multiple of what the machine allows", 20,
                  more='font-weight="bold"')]
    x = 20
    for colour, text in (OURS, "wengert"), (TORCH, "PyTorch at its best setting"), (LIMIT, "solid line: the limit; "
                                                                                  "dashed: 1.5 times it"):
        head.append('<rect x="%d" y="50" width="14" height="14" fill="%s"/>' % (x, colour))
        head.append(label(x + 20, 62, text, 13))
        x += 44 + 8 * len(text)
    height = top - 40
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" %s>'
                      % (WIDTH, height, WIDTH, height, FONT),
                      '<rect width="100%" height="100%" fill="white"/>'] + head + body + ["</svg>", ""])


def write(path, rows):
    with open(path, "w") as f:
        f.write(draw(rows))


if __name__ == "__main__":
    write(os.path.join(sys.argv[1], "latest.svg"), report.load(sys.argv[1])[0])
