"""Sums up one run of `meson test` from the closing lines that CUnit's counts gave each program.

count.py LABEL TESTLOG [TOTALS]: prints one line for the run, names every program that failed, appends
"passed failed" to the file TOTALS. A program that ended without its closing line, or badly in spite of
it, is one failure more. Exit status 1 when anything failed or nothing ran.
"""
import json
import re
import sys

CLOSING = re.compile(r"^tests: (\d+) passed, (\d+) failed$", re.MULTILINE)
ASSERTS = re.compile(r"^asserts: (\d+) passed, (\d+) failed$", re.MULTILINE)


def main(label, testlog, totals=None):
    passed = failed = asserts = programs = 0
    seconds = 0.0
    with open(testlog, encoding="utf-8") as lines:
        runs = [json.loads(line) for line in lines if line.strip()]
    for run in runs:
        programs += 1
        seconds += run.get("duration", 0.0)
        out = run.get("stdout") or ""
        closing = CLOSING.findall(out)
        good, bad = map(int, closing[-1]) if closing else (0, 0)
        if bad == 0 and (run["result"] != "OK" or good == 0):
            bad = 1
        if bad:
            print(f"  {run['name']}: {run['result']}, {bad} failed (status {run['returncode']})")
        passed += good
        failed += bad
        asserts += sum(int(a) for a, _ in ASSERTS.findall(out))
    print(f"{label}: {passed} tests passed, {failed} failed; {asserts} checks "
          f"in {programs} programs, {seconds:.0f} s")
    if totals:
        with open(totals, "a", encoding="utf-8") as file:
            file.write(f"{passed} {failed}\n")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
