"""The results of a run as text: for the terminal, and for bench/README.md.

    report.py FOLDER README           writes the table of FOLDER/latest.jsonl into README
    report.py --check FOLDER README   fails unless it stands there
"""
import json
import math
import os
import sys

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def rounded(row):
    return {k: float("%.4g" % v) if isinstance(v, float) else v for k, v in row.items()}


def load(folder):
    with open(os.path.join(folder, "latest.jsonl")) as f:
        rows = [json.loads(line) for line in f]
    with open(os.path.join(folder, "about.json")) as f:
        return rows, json.load(f)


def of_kind(rows, kind):
    return [r for r in rows if r["kind"] == kind]


def duration(s):
    """Three digits and a unit."""
    for unit, size in ("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3):
        if s < 999.5 * size:
            break
    else:
        unit, size = "s", 1.0
    v = s / size
    return "%.*f %s" % (2 if v < 9.995 else 1 if v < 99.95 else 0, v, unit)


def times(ratio):
    return "%.2f" % ratio if ratio < 99.95 else "%.0f" % ratio


def mean_ratio(rows, threads):
    """The geometric mean of ratio_torch, or None."""
    logs = [math.log(r["ratio_torch"]) for r in rows if r["threads"] == threads and "ratio_torch" in r]
    return math.exp(sum(logs) / len(logs)) if logs else None


def gains(rows):
    """How much faster two threads are, by workload."""
    found = {}
    for r in rows:
        found.setdefault(r["workload"], {})[r["threads"]] = r["median_s"]
    return {n: t[1] / t[2] for n, t in found.items() if 1 in t and 2 in t}


def time_table(rows):
    rows, gain = of_kind(rows, "time"), gains(of_kind(rows, "time"))
    head = ["workload", "threads", "median", "least", "PyTorch", "ratio_torch", "limit", "ratio_limit",
            "bound", "2 threads gain", "PyTorch's setting"]
    lines = []
    for r in rows:
        with_torch = "torch_median_s" in r
        lines.append([
            r["workload"], str(r["threads"]), duration(r["median_s"]), duration(r["min_s"]),
            duration(r["torch_median_s"]) if with_torch else "-",
            times(r["ratio_torch"]) if with_torch else "-",
            duration(r["limit_s"]), times(r["ratio_limit"]), r["bound"],
            "%.2f" % gain[r["workload"]] if r["threads"] == 2 and r["workload"] in gain else "",
            (r["torch_variant"] or "plain") if with_torch else "-"])
    return head, lines


def memory_table(rows):
    def mib(row, key):
        return "%.1f" % (row[key] / 2 ** 20) if key in row else "-"
    head = ["workload", "growth, MiB", "of it the plan's arena", "PyTorch, best setting", "PyTorch, plain",
            "share of the smaller"]
    return head, [[r["workload"], mib(r, "growth_bytes"), mib(r, "arena_bytes"),
                   mib(r, "torch_growth_bytes"), mib(r, "torch_plain_growth_bytes"),
                   "%.2f" % r["ratio_memory"] if "ratio_memory" in r else "-"]
                  for r in of_kind(rows, "memory")]


def closing(rows):
    """tiny_mlp apart: hundreds of times would hide all else."""
    rows, lines = of_kind(rows, "time"), []
    for t in sorted({r["threads"] for r in rows}):
        whole = mean_ratio(rows, t)
        rest = mean_ratio([r for r in rows if r["workload"] != "tiny_mlp"], t)
        if whole:
            lines.append("%d thread%s: %.2f times as fast as PyTorch in the geometric mean%s" % (
                t, "s"[:t > 1], whole, ", %.2f without tiny_mlp" % rest if rest else ""))
    return lines


def aligned(head, lines):
    wide = [max(len(x[i]) for x in [head] + lines) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) if i in (0, 8, 10) else c.rjust(w)
                               for i, (c, w) in enumerate(zip(x, wide))).rstrip() for x in [head] + lines)


def markdown(head, lines):
    return "\n".join("| %s |" % " | ".join(x) for x in [head, ["---"] * len(head)] + lines)


def text(rows):
    parts = [aligned(*time_table(rows)), "\n".join(closing(rows))]
    if of_kind(rows, "memory"):
        parts.append("resident memory of a training step:\n" + aligned(*memory_table(rows)))
    return "\n\n".join(p for p in parts if p)


def machine_text(about):
    m = about["machine"]
    best = [max(v[i] for v in m["memory"].values()) for i in range(len(m["peak"]))]
    functions = ", ".join("%s %.2f" % (f, min(v, m["mvec"].get(f, v))) for f, v in m["own"].items())
    lines = ["%s, %d processors, %s; %s." % (about["processor"], about["processors"], about["date"],
                                            about["wengert"])]
    if "torch" in about:
        lines.append("PyTorch %s, %s kernels." % (about["torch"]["torch"], about["torch"]["capability"]))
    lines.append("Measured in the same run, on 1 and 2 threads: multiply-add peak %s GFLOP/s, memory %s GB/s; "
                 "elementary functions, ns an element: %s." % (
                     " and ".join("%.0f" % v for v in m["peak"]), " and ".join("%.0f" % v for v in best),
                     functions))
    return "\n".join(lines)


def section(folder):
    rows, about = load(folder)
    return "\n\n".join([machine_text(about), markdown(*time_table(rows)), "\n\n".join(closing(rows)),
                        "Resident memory of a training step, on one thread:",
                        markdown(*memory_table(rows))])


def main(argv):
    check = argv[0] == "--check"
    folder, readme = argv[check:]
    with open(readme) as f:
        whole = f.read()
    before, rest = whole.split(BEGIN + "\n", 1)
    new = before + BEGIN + "\n\n" + section(folder) + "\n\n" + END + rest.split(END, 1)[1]
    if check:
        if new != whole:
            sys.exit("%s: its table is not that of %s; run scripts/bench --write-readme" % (readme, folder))
        print("%s: its table is that of %s" % (readme, folder))
        return
    with open(readme, "w") as f:
        f.write(new)


if __name__ == "__main__":
    main(sys.argv[1:])
