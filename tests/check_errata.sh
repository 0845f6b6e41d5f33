#!/bin/sh
# check_errata.sh: docs/numpy-ml.md and the tests speak of the same faults. Every line | ID | ... | of its
# list names a test erratum_..._ID_..., which is defined in the file named and run by its TESTS; every test
# called erratum_ is of an ID in the list; the IDs of a letter are 1, 2, 3 and so on.
set -eu
doc=docs/numpy-ml.md
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
status=0

# ID test file, one a line
sed -n '/<!-- errata -->/,/<!-- end of errata -->/p' $doc |
    sed -n 's/^| \([A-Z][0-9]*\) |.*| `\(erratum_[A-Za-z0-9_]*\)` in \([a-z0-9_]*\) |$/\1 \2 \3/p' >"$work/lines"
sed -n '/<!-- errata -->/,/<!-- end of errata -->/p' $doc | grep -cE '^\| [A-Z][0-9]+ \|' >"$work/count"
[ "$(cat "$work/count")" = "$(wc -l <"$work/lines")" ] ||
    { echo "$doc: $(cat "$work/count") faults, of which $(wc -l <"$work/lines") name a test"; status=1; }
[ "$(wc -l <"$work/lines")" -gt 0 ] || { echo "$doc: no list of faults"; status=1; }

while read -r id name file; do
    case ${name}_ in
    *_"$id"_*) ;;
    *) echo "$doc: $id names $name"; status=1 ;;
    esac
    grep -q "^static void $name(void)" "tests/$file.c" 2>/dev/null ||
        { echo "$doc: $id: tests/$file.c has no $name"; status=1; }
    grep -q "TEST($name)" "tests/$file.c" 2>/dev/null ||
        { echo "$doc: $id: tests/$file.c does not run $name"; status=1; }
    grep -q "^  '$file'" tests/meson.build || { echo "$file is not in tests/meson.build"; status=1; }
done <"$work/lines"

# erratum_W6_W7_summary is of W6 and of W7.
cut -d' ' -f1 "$work/lines" | sort >"$work/ids"
grep -hoE '^static void erratum_([A-Z][0-9]+_)+' tests/*.c | sed 's/.*erratum_//' | tr '_' '\n' |
    grep . | sort -u >"$work/tested"
comm -13 "$work/ids" "$work/tested" | sed "s|.*|tests of &, which $doc does not know|" >"$work/unknown"
[ ! -s "$work/unknown" ] || { cat "$work/unknown"; status=1; }

# no gaps, nothing twice
for letter in $(cut -c1 "$work/ids" | sort -u); do
    cut -d' ' -f1 "$work/lines" | grep "^$letter" | cut -c2- | sort -n >"$work/have"
    seq "$(wc -l <"$work/have")" | diff "$work/have" - >"$work/diff" ||
        { echo "$doc: the faults $letter are not counted from 1:"; cat "$work/diff"; status=1; }
done
[ $status != 0 ] || echo "errata: $(wc -l <"$work/lines") faults, each with a test"
exit $status
