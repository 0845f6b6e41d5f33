#!/bin/sh
# The shared library of a release build, stripped, stays below a bound; else the largest functions are named.
#   tests/check_size.sh BUILD
set -eu
build=${1:?usage: tests/check_size.sh BUILD}
most=1000000

library=$(readlink -f "$build/libwengert.so")
copy=$(mktemp)
trap 'rm -f "$copy"' EXIT
strip -o "$copy" "$library"
bytes=$(wc -c <"$copy")
if [ "$bytes" -gt "$most" ]; then
    echo "tests/check_size.sh: $library has $bytes bytes without symbols, $most are allowed. The largest functions:"
    nm -S -t d --size-sort "$library" | tail -n 30 | awk '{ print $2 + 0, $4 }'
    exit 1
fi
echo "the library has $bytes bytes without symbols, of $most that are allowed"
