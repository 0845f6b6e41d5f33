#!/bin/sh
# check_bench.sh BUILD: every workload of the benchmark runs and can be written out, the limits can be
# measured and are known for each workload, how cost grows can be measured and drawn, and the table of
# bench/README.md is that of bench/results.
set -eu
build=$1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

"$build/bench/workloads" --list >"$work/names"
for threads in 1 2; do
    "$build/bench/workloads" --threads $threads --seconds 0 >"$work/$threads.jsonl"
done
"$build/bench/limits" --seconds 0.002 >"$work/limits.json"
mkdir "$work/f32" "$work/f64"
"$build/bench/workloads" --dump "$work/f32" tiny_mlp
"$build/bench/workloads" --dump "$work/f64" --f64 tiny_mlp
[ "$(find "$work/f32" -name 'out0.g.*' | wc -l)" = 6 ] || { echo "tiny_mlp has not 6 gradients"; exit 1; }
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "tiny_mlp $work/f32 $work/f64" | /usr/bin/python3 bench/torch_twin.py verify >"$work/verified"
    grep -q '"good": true' "$work/verified" || { cat "$work/verified"; exit 1; }
fi
python3 - "$work" <<'END'
import json
import sys

sys.path.insert(0, "bench")
import costs

work = sys.argv[1]
names = open(work + "/names").read().split()
machine = json.load(open(work + "/limits.json"))
for threads in 1, 2:
    rows = [json.loads(line) for line in open("%s/%d.jsonl" % (work, threads))]
    assert [r["workload"] for r in rows] == names, rows
    for r in rows:
        assert 0 < r["min_s"] <= r["median_s"] and r["threads"] == threads, r
        limit, bound = costs.limit(r["workload"], threads, machine)
        assert limit > 0 and bound, (r, limit)
END
"$build/bench/hand" --seconds 0 >/dev/null
"$build/bench/scale" --seconds 0 --entries 1000 >"$work/scale.jsonl"
python3 bench/growth.py "$work/scale.jsonl" "$work/scale.svg"
python3 bench/report.py --check bench/results bench/README.md
echo "bench: $(wc -l <"$work/names") workloads run"
