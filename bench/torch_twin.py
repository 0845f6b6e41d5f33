#!/usr/bin/python3
"""The PyTorch side of the benchmark, over the files that `bench/workloads --dump` wrote.

    torch_twin.py verify                         lines "NAME FOLDER32 FOLDER64" from standard input
    torch_twin.py serve THREADS FOLDER           lines "NAME SECONDS VARIANT..." from standard input
    torch_twin.py memory THREADS FOLDER NAME [VARIANT...]
    torch_twin.py variants
    torch_twin.py versions

verify compares every array the engine wrote (loss or result, each gradient, each weight after three
steps) with PyTorch's in f64 over the same numbers, prints the largest difference of each, and fails when
one is larger than the bounds below.
"""
import gc
import json
import os
import sys
import time

import numpy as np
import torch

import torch_models
from torch_models import WORKLOADS

# The largest difference of an array, relative to its largest element. In f32 also what PyTorch itself is
# away from f64, times FACTOR: a gradient that is zero but for rounding has no digits to compare.
BOUND = {"f32": 2e-5, "f64": 1e-11}
# The same of weights after three steps, relative to the root mean square of what they changed by, of 99 in
# 100 elements: where a gradient is zero but for rounding, RMSProp and Adam make a whole step of its sign.
BOUND_STEPS = {"f32": 2e-3, "f64": 1e-8}
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

def compare(got, ref, other, least):
    """Differences of `got` and `other` from `ref`, relative to its largest element, or to `least`."""
    scale = max(float(np.abs(ref).max()), least, 1e-300)
    return [float(np.abs(a.astype("f8") - ref).max()) / scale for a in (got, other)]


def compare_steps(got, ref, other, start):
    scale = max(float(np.sqrt(np.mean((ref - start) ** 2))), 1e-300)
    return [float(np.quantile(np.abs(a.astype("f8") - ref), 0.99)) / scale for a in (got, other)]


def verify_type(name, folder, kind):
    """The lines of one element type: (what, difference, PyTorch's own, bound, fine)."""
    torch_models.vae.clip = 2.0 ** (-23 if kind == "f32" else -52)
    ours, after = load(folder, "out"), load(folder, "p3")
    first = load(folder, "step")
    exact, about = make(name, folder, real="f8")
    near, _ = make(name, folder)
    ref, own = exact.outputs(), near.outputs()
    lines = []

    wanted = set(ours) | set(first)
    if wanted != set(ref):
        return [("arrays: %s" % sorted(wanted ^ set(ref)), 1.0, 0.0, 0.0, False)]
    gradients = [k for k in ref if k != "loss"]
    largest = max(float(np.abs(ref[k]).max()) for k in gradients)
    for k in ref:
        for label, a in ("", ours.get(k)), (" of the step timed", first.get(k)):
            if a is None:
                continue
            if a.size != ref[k].size:
                return [("%s has %s elements" % (k, a.shape), 1.0, 0.0, 0.0, False)]
            d, t = compare(a.reshape(ref[k].shape), ref[k], own[k], 1e-3 * largest if k != "loss" else 0)
            bound = max(BOUND[kind], FACTOR * t)
            lines.append((k + label, d, t, bound, d <= bound))
    # A bias before a batch norm, or that of attention's keys: what rounding leaves of its gradient has
    # no direction, and so has the step it makes.
    aimless = [k[2:] for k in gradients if float(np.abs(ref[k]).max()) < 1e-12 * largest]
    exact, near = make(name, folder, real="f8")[0], make(name, folder)[0]
    for workload in exact, near:
        for _ in range(about["steps"]):
            workload.step()
    start, ref, own = load(folder, "p0"), exact.store(), near.store()
    untold = [k for k in after if k not in ref and "optim" not in k and not k.startswith("rng.")]
    if untold:
        lines.append(("weights without a twin: %s" % untold, 1.0, 0.0, 0.0, False))
    for k in sorted(set(ref) - set(aimless)):
        if not np.array_equal(ref[k].reshape(start[k].shape), start[k]):
            d, t = compare_steps(after[k], ref[k].reshape(start[k].shape), own[k].reshape(start[k].shape),
                                 start[k].astype("f8"))
        elif np.array_equal(after[k], start[k]):
            continue        # not trained, on neither side
        else:
            d, t = 1.0, 0.0
        bound = max(BOUND_STEPS[kind], FACTOR * t)
        lines.append((k + " after %d steps" % about["steps"], d, t, bound, d <= bound))
    return lines


def verify_variants(name, folder):
    """Every setting that may be timed computes the same, in f64."""
    ref, lines = make(name, folder)[0].outputs(), []
    for variant in WORKLOADS[name].variants:
        w = make(name, folder, variant.split())[0]
        for _ in range(3 if "script" in variant else 1):    # a script's later runs are compiled
            got = w.outputs()
        largest = max(float(np.abs(v).max()) for v in ref.values())
        d = max(compare(got[k], v, v, 1e-3 * largest)[0] for k, v in ref.items())
        lines.append(("PyTorch \"%s\"" % variant, d, 0.0, BOUND["f64"], d <= BOUND["f64"]))
    return lines


def verify(name, folders):
    """A line of JSON: how many arrays, the largest difference in f32 and in f64, the lines too large."""
    found = {"good": True, "arrays": 0, "f32": 0.0, "f64": 0.0, "wrong": []}
    for kind, folder in zip(("f32", "f64"), folders):
        lines = verify_type(name, folder, kind)
        if kind == "f64":
            lines += verify_variants(name, folder)
        for what, d, t, bound, fine in lines:
            found["arrays"] += 1
            if "after" not in what:
                found[kind] = max(found[kind], d)
            text = "%s %s: %.1e (PyTorch's own %.1e, bound %.1e)" % (kind, what, d, t, bound)
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
