"""Times the workloads of bench/jobs.c against PyTorch and against what the machine can do.

    compare.py [--quick] [--no-verify] [--build FOLDER] [--out FOLDER] [--torch PYTHON] [NAME...]

Called by scripts/bench. Needs Python's standard library alone; PYTHON is one that has torch, without it
our side is measured by itself. Both sides, for each number of threads, are processes that stay up and take
turns, round after round over all workloads, so that what the machine does meanwhile hits both. Before that
every number is verified (bench/torch_twin.py), and the fastest of PyTorch's settings is found for each row.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

import costs
import picture
import report

HERE = os.path.dirname(os.path.abspath(__file__))
THREADS = (1, 2)
MEMORY = ("vae", "resnet_block", "elementwise_chain")


def say(text):
    print("==> " + text, file=sys.stderr, flush=True)


# ---- the environment of both sides ----

def environment(threads, tuned=False):
    """OpenBLAS chooses its kernels for this processor on both sides, and has as many threads."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env["OMP_NUM_THREADS"] = env["OPENBLAS_NUM_THREADS"] = str(threads)
    if tuned:       # both as they are timed: AVX-512 kernels of PyTorch, memory in huge pages that is kept
        with open("/proc/cpuinfo") as f:
            if " avx512dq " in f.read():
                env["ATEN_CPU_CAPABILITY"] = "avx512"
        env["GLIBC_TUNABLES"] = ":".join((
            "glibc.malloc.hugetlb=1", "glibc.malloc.mmap_threshold=17179869184",
            "glibc.malloc.trim_threshold=17179869184", "glibc.malloc.top_pad=268435456"))
    return env


class Side:
    """A process that answers each line with a line."""

    def __init__(self, command, env):
        self.command = command
        self.p = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.p.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        if not line:
            raise SystemExit("error: %s ended at: %s" % (" ".join(self.command), " ".join(map(str, words))))
        time.sleep(0.005)   # its threads have gone to sleep when the other side begins
        return json.loads(line)

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def read(command, env=None):
    return json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)


# ---- the parts of a run ----

def dump(a, name, kinds=("f32", "f64")):
    """The numbers both sides start from, and what ours makes of them; f64 beside f32."""
    for kind in kinds:
        folder = os.path.join(a.data, kind, name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        subprocess.run([a.workloads, "--threads", "2", "--dump", folder] +
                       (["--f64"] if kind == "f64" else []) + [name], env=environment(2), check=True)


def verify(a):
    """Dumps and verifies; the inputs stay for timing. One process for all: starting PyTorch takes long."""
    twin = Side([a.torch, os.path.join(HERE, "torch_twin.py"), "verify"], environment(2))
    for name in a.names:
        dump(a, name)
        got = twin.ask(name, os.path.join(a.data, "f32", name), os.path.join(a.data, "f64", name))
        say("verified %s: %d arrays, f32 within %.0e, f64 within %.0e%s" % (
            name, got["arrays"], got["f32"], got["f64"],
            ", %d elements at a kink" % got["told"] if got["told"] else "") if got["good"] else
            "%s: the two sides differ" % name)
        for line in got["wrong"]:
            print("    " + line, file=sys.stderr)
        if not got["good"]:
            raise SystemExit("error: nothing is timed that does not compute the same")
        shutil.rmtree(os.path.join(a.data, "f64", name))
        folder = os.path.join(a.data, "f32", name)
        for file in os.listdir(folder):
            if not file.startswith(("in.", "p0.", "about")):
                os.remove(os.path.join(folder, file))
    twin.close()


def best_variants(a, torch):
    """The fastest of PyTorch's settings for each workload and number of threads, by one short look."""
    best = {}
    for name in a.names:
        names = a.variants[name]
        for t in THREADS:
            best[name, t] = min(names, key=lambda v: torch[t].ask(name, a.look, v)["median_s"])
        say("PyTorch's best for %s: %s" % (name, ", ".join(
            "%s (%d)" % (best[name, t] or "plain", t) for t in THREADS)))
    return best


def measure(a):
    """{(name, threads): {"ours": [...], "torch": [...]}}, the machine's lines, PyTorch's settings."""
    ours = {t: Side([a.workloads, "--serve", "--threads", str(t)], environment(t, True)) for t in THREADS}
    torch, best = {}, {}
    if a.torch:
        torch = {t: Side([a.torch, os.path.join(HERE, "torch_twin.py"), "serve", str(t),
                          os.path.join(a.data, "f32")], environment(t, True)) for t in THREADS}
        best = best_variants(a, torch)
    found = {(n, t): {"ours": [], "torch": []} for n in a.names for t in THREADS}
    machine = []
    for r in range(a.rounds):
        say("round %d of %d" % (r + 1, a.rounds))
        machine.append(read([a.limits, "--threads", str(max(THREADS)), "--seconds", str(a.seconds / 5)],
                            environment(max(THREADS))))
        for key in found:
            name, t = key
            turns = [("ours", ours[t], ())] + ([("torch", torch[t], (best[key],))] if a.torch else [])
            for side, process, words in turns if r % 2 == 0 else turns[::-1]:
                found[key][side].append(process.ask(name, a.seconds, *words))
    for side in list(ours.values()) + list(torch.values()):
        side.close()
    return found, machine, best


def combined(machine):
    """One line of limits from those of all rounds: the median of each figure."""
    def middle(values):
        first = values[0]
        if isinstance(first, dict):
            return {k: middle([v[k] for v in values]) for k in first}
        if isinstance(first, list):
            return [middle(list(v)) for v in zip(*values)]
        return statistics.median(values) if isinstance(first, float) else first
    return middle(machine)


def time_rows(a, found, machine, best):
    rows = []
    for (name, t), got in found.items():
        limit, bound = costs.limit(name, t, machine)
        row = {"kind": "time", "workload": name, "threads": t,
               "median_s": statistics.median(x["median_s"] for x in got["ours"]),
               "min_s": min(x["min_s"] for x in got["ours"])}
        if got["torch"]:
            row["torch_median_s"] = statistics.median(x["median_s"] for x in got["torch"])
            row["torch_min_s"] = min(x["min_s"] for x in got["torch"])
            row["torch_variant"] = best[name, t]
            row["ratio_torch"] = row["torch_median_s"] / row["median_s"]
        row.update(limit_s=limit, bound=bound, ratio_limit=row["median_s"] / limit)
        rows.append(row)
    return rows


def memory_rows(a, best):
    rows = []
    for name in [n for n in MEMORY if n in a.names]:
        got = read([a.workloads, "--memory", name], environment(1))
        row = {"kind": "memory", "workload": name, "threads": 1, "growth_bytes": got["growth"],
               "arena_bytes": got["arena"]}
        if a.torch:
            twin = [a.torch, os.path.join(HERE, "torch_twin.py"), "memory", "1", os.path.join(a.data, "f32")]
            tuned = read(twin + [name] + best[name, 1].split(), environment(1, True))
            plain = read(twin + [name], environment(1))
            row.update(torch_growth_bytes=tuned["growth"], torch_plain_growth_bytes=plain["growth"],
                       ratio_memory=got["growth"] / min(tuned["growth"], plain["growth"]))
        rows.append(row)
    return rows


def about(a, machine):
    with open("/proc/cpuinfo") as f:
        model = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    found = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
             "processor": model[0] if model else platform.processor(), "processors": os.cpu_count(),
             "system": platform.release(), "wengert": machine["info"], "rounds": a.rounds,
             "seconds": a.seconds, "machine": machine}
    if a.torch:
        found["torch"] = read([a.torch, os.path.join(HERE, "torch_twin.py"), "versions"], environment(1, True))
    return found


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-verify", action="store_true")
    parser.add_argument("--build", default="build")
    parser.add_argument("--out", default=os.path.join(HERE, "results"))
    parser.add_argument("--torch", default="")
    parser.add_argument("names", nargs="*")
    a = parser.parse_args()
    a.workloads = os.path.join(a.build, "bench", "workloads")
    a.limits = os.path.join(a.build, "bench", "limits")
    a.data = os.path.join(a.build, "bench-data")
    known = subprocess.run([a.workloads, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    wrong = [n for n in a.names if n not in known]
    if wrong:
        parser.error("there is no workload %s" % wrong[0])
    a.names = [n for n in known if not a.names or n in a.names]
    a.rounds, a.seconds, a.look = (2, 0.08, 0.05) if a.quick else (5, 0.25, 0.2)
    return a


def main():
    a = arguments()
    begun = time.monotonic()
    if a.torch:
        a.variants = read([a.torch, os.path.join(HERE, "torch_twin.py"), "variants"])
        if a.no_verify:
            for name in a.names:
                if not os.path.exists(os.path.join(a.data, "f32", name, "about")):
                    dump(a, name, ("f32",))
        else:
            verify(a)
    found, machine, best = measure(a)
    machine = combined(machine)
    rows = time_rows(a, found, machine, best)
    say("memory")
    rows += memory_rows(a, best)
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "latest.jsonl"), "w") as f:
        for row in rows:
            f.write(json.dumps(report.rounded(row)) + "\n")
    with open(os.path.join(a.out, "about.json"), "w") as f:
        json.dump(about(a, machine), f, indent=2)
        f.write("\n")
    picture.write(os.path.join(a.out, "latest.svg"), rows)
    print(report.text(rows))
    say("%s written in %.0f s" % (os.path.join(a.out, "latest.jsonl"), time.monotonic() - begun))


if __name__ == "__main__":
    main()
