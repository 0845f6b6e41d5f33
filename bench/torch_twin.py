#!/usr/bin/python3
"""The PyTorch side of the benchmark, over the files that `bench/workloads --dump` wrote.

    torch_twin.py verify                         lines "NAME FOLDER32 FOLDER64" from standard input
    torch_twin.py serve THREADS FOLDER           lines "NAME SECONDS VARIANT..." from standard input
    torch_twin.py memory THREADS FOLDER NAME [VARIANT...]
    torch_twin.py variants
    torch_twin.py versions

verify compares every array the engine wrote (loss or result, each gradient, the results of ReLUs, each
weight after three steps) with PyTorch's in f64 over the same numbers, and says what is farther off than
the bounds below (BENCH_ALL=1 in the environment: how far each is).
"""
import gc
import json
import os
import sys
import time

import numpy as np
import torch

import torch_models
import torch_sides
from torch_models import WORKLOADS

# The largest difference of an array, relative to its largest element; of weights after three steps,
# relative to the largest change.
BOUND = {"f32": 2e-5, "f64": 1e-11}
# A trained weight may not be farther off than this; nor a result or gradient, unless PyTorch's own is at
# least a FACTOR-th of it away. BOUND is for what is left, and for those.
ALWAYS = {"f32": 2e-6, "f64": 1e-11}
FACTOR = 4


def load(folder, kind):
    found = {}
    for file in sorted(os.listdir(folder)):
        if file.startswith(kind + ".") and file.endswith(".npy"):
            found[file[len(kind) + 1:-4]] = np.load(os.path.join(folder, file))
    return found


def make(name, folder, words=(), real=None):
    with open(os.path.join(folder, "about")) as f:
        about = json.load(f)
    fed, initial = load(folder, "in"), load(folder, "p0")
    if real:
        fed, initial = ({k: v.astype(real) if v.dtype.kind == "f" else v for k, v in d.items()}
                        for d in (fed, initial))
    return WORKLOADS[name](fed, initial, about["rate"], words), about


# ---- verification ----

def compare(got, ref, least):
    """The largest difference of `got` from `ref`, relative to its largest element, or to `least`."""
    return float(np.abs(got.astype("f8") - ref).max()) / max(float(np.abs(ref).max()), least, 1e-300)


def compare_weights(got, ref, start, steps):
    """The same relative to the largest change, beyond what rounding a weight once a step may do to it;
    one that is not trained stays as it is."""
    rounding = steps * np.finfo(got.dtype).eps * np.maximum(np.abs(ref), np.abs(start)) * (ref != start).any()
    off = np.abs(got.astype("f8") - ref) - rounding
    return max(float(off.max()), 0.0) / max(float(np.abs(ref - start).max()), 1e-300)


class Lines:
    """What was compared: (what, difference, bound, fine)."""

    def __init__(self, kind):
        self.all, self.bound, self.always, self.told = [], BOUND[kind], ALWAYS[kind], 0

    def add(self, what, d, bound=None):
        bound = bound or self.bound
        self.all.append((what, d, bound, d <= bound))

    def wrong(self, what):
        self.all.append((what, 1.0, 0.0, False))

    def add_sides(self, sides, step):
        for name, (n, other, off, largest) in sides.lines.items():
            self.add("%s of step %d, %d of %d elements on another side" % (name, step, other, n),
                     off / max(largest, 1e-300))
            self.told += other
        for name in sides.left:
            self.wrong("%s of step %d has no twin" % (name, step))

    def add_gradients(self, ours, ref, step, spread):
        """Results and gradients. To one that is zero but for rounding BOUND means nothing."""
        if {k: v.size for k, v in ours.items()} != {k: v.size for k, v in ref.items()}:
            self.wrong("arrays of other names or sizes in step %d: %s and %s" % (
                step, sorted(ours), sorted(ref)))
            return
        size = {k: float(np.abs(v).max()) for k, v in ref.items()}
        largest = max(v for k, v in size.items() if k != "loss")
        for k in ref:
            least = 0.0 if k == "loss" else 1e-3 * largest
            d = compare(ours[k].reshape(ref[k].shape), ref[k], least)
            bound = self.always
            if d > bound:
                bound = max(bound, FACTOR * spread(k, ref[k], least))
                bound = bound if size[k] < 1e-12 * largest else min(bound, self.bound)
            self.add("%s of step %d" % (k, step), d, bound)


def spread_of(name, folder, exact, sides):
    """How far an array of PyTorch's own in the engine's type is from that of `exact`: the largest of three
    runs that differ in rounding alone; what gradients begin with is multiplied by a factor, and they are
    divided by it."""
    runs = []

    def spread(k, ref, least):
        for factor in () if runs else (1.0, 3.0, 1.0 / 3):
            w, _ = make(name, folder)
            for p, like in zip(getattr(w, "trained", ()), getattr(exact, "trained", ())):
                p.data.copy_(like.data)
            w.factor = factor
            with sides:
                runs.append((factor, w.outputs()))
        return max(compare(got[k].astype("f8") / (1.0 if k in ("loss", "y") else factor), ref, least)
                   for factor, got in runs)
    return spread


def verify_type(name, folder, kind):
    """PyTorch in f64 goes along with the engine. In each step its gradients are compared; then the engine's
    are given to PyTorch's optimiser, and the weights are compared in the end. Where a gradient is zero but
    for rounding, RMSProp and Adam make a whole step of its sign: this way they make the same one."""
    torch_models.vae.clip = 2.0 ** (-23 if kind == "f32" else -52)
    lines = Lines(kind)
    exact, about = make(name, folder, real="f8")
    for step in range(about["steps"]):
        timed, ours = load(folder, "step%d" % step), load(folder, "out%d" % step)
        for k in timed:
            if k not in ours or timed[k].tobytes() != ours[k].tobytes():
                lines.wrong("%s of step %d has other bits with gradients" % (k, step + 1))
        sides = torch_sides.Sides({k: ours.pop(k) for k in list(ours) if k.startswith("relu.")})
        with sides:
            ref = exact.outputs()
        lines.add_sides(sides, step + 1)
        lines.add_gradients(ours, ref, step + 1, spread_of(name, folder, exact, sides))
        if hasattr(exact, "optim"):
            gradients = {k: v for k, v in ours.items() if k.startswith("g.")}
            exact.give({k[2:]: v for k, v in gradients.items()})
            exact.optim.step()
            exact.round_weights(kind)

    start, timed, ours = load(folder, "p0"), load(folder, "p3"), load(folder, "q3")
    ref = exact.store()
    for k in timed:
        if timed[k].tobytes() != ours[k].tobytes():
            lines.wrong("%s has other bits with gradients" % k)
        if k not in ref:
            if "optim" not in k and not k.startswith("rng."):
                lines.wrong("a weight without a twin: %s" % k)
            continue
        was = start[k].astype("f8")
        lines.add("%s after %d steps" % (k, about["steps"]),
                  compare_weights(timed[k], ref[k].reshape(was.shape), was, about["steps"]),
                  lines.always if "g." + k in gradients else lines.bound)
    return lines


def verify_variants(lines, name, folder):
    """Every setting that may be timed computes the same, in f64."""
    ref = make(name, folder)[0].outputs()
    largest = max(float(np.abs(v).max()) for v in ref.values())
    for variant in WORKLOADS[name].variants:
        w = make(name, folder, variant.split())[0]
        for _ in range(3 if "script" in variant else 1):    # a script's later runs are compiled
            got = w.outputs()
        lines.add("PyTorch \"%s\"" % variant,
                  max(compare(got[k], v, 1e-3 * largest) for k, v in ref.items()))


def verify(name, folders):
    """A line of JSON: how many arrays, the largest difference in f32 and in f64, how many elements PyTorch
    was told the side of, the lines too large."""
    found = {"good": True, "arrays": 0, "f32": 0.0, "f64": 0.0, "told": 0, "wrong": []}
    for kind, folder in zip(("f32", "f64"), folders):
        lines = verify_type(name, folder, kind)
        if kind == "f64":
            verify_variants(lines, name, folder)
        found["told"] += lines.told
        for what, d, bound, fine in lines.all:
            found["arrays"] += 1
            found[kind] = max(found[kind], d)
            text = "%s %s: %.1e (bound %.1e)" % (kind, what, d, bound)
            if os.environ.get("BENCH_ALL"):
                print(name, text, file=sys.stderr)
            if not fine:
                found["good"] = False
                found["wrong"].append(text)
    print(json.dumps(found), flush=True)


# ---- timing ----

def time_steps(step, seconds):
    for _ in range(3):
        step()
    times, spent = [], 0.0
    clock = time.perf_counter
    while len(times) < 20000 and (spent < seconds or len(times) < 5):
        begin = clock()
        step()
        times.append(clock() - begin)
        spent += times[-1]
    times.sort()
    return {"median_s": times[len(times) // 2], "min_s": times[0], "steps": len(times)}


def made_for_timing(name, folder, words):
    w, _ = make(name, os.path.join(folder, name), words)
    for group in w.optim.param_groups if hasattr(w, "optim") else ():
        group["lr"] = 1e-6
    return w


def serve(threads, folder):
    made = {}
    for line in sys.stdin:
        name, seconds, *words = line.split()
        key = name, tuple(words)
        if key not in made:
            for old in [k for k in made if k[0] == name]:
                del made[old]
            made[key] = made_for_timing(name, folder, words)
        row = {"workload": name, "threads": threads, "variant": " ".join(words)}
        row.update(time_steps(made[key].step, float(seconds)))
        print(json.dumps(row), flush=True)


# ---- memory ----

def resident(field):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field))


def memory(threads, folder, name, words):
    """From before the model was made; what reading its numbers from files took for a while is left out."""
    before = resident("VmRSS")
    w = made_for_timing(name, folder, words)
    w.forget()
    gc.collect()
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")        # the peak begins anew
    for _ in range(5):
        w.step()
    print(json.dumps({"workload": name, "threads": threads, "variant": " ".join(words),
                      "before": before, "growth": resident("VmHWM") - before}))


def main(verb, *args):
    if verb == "variants":
        print(json.dumps({name: c.variants for name, c in WORKLOADS.items()}))
        return 0
    if verb == "versions":
        used = [line.split(":")[1].strip() for line in torch.__config__.show().split("\n")
                if "CPU capability" in line]
        print(json.dumps({"torch": torch.__version__, "capability": used[0] if used else "unknown",
                          "onednn": torch.backends.mkldnn.is_available()}))
        return 0
    if verb == "verify":
        for line in sys.stdin:
            verify(line.split()[0], line.split()[1:])
        return 0
    threads, folder = int(args[0]), args[1]
    torch.set_num_threads(threads)
    if verb == "serve":
        serve(threads, folder)
    elif verb == "memory":
        memory(threads, folder, args[2], args[3:])
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
