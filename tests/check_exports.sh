#!/bin/sh
# check_exports.sh BUILD: the shared library exports exactly what the headers declare with WG_API, and
# neither library defines a global name that could meet a user's: all begin with wg_.
set -eu
build=$1
declared=$(mktemp); exported=$(mktemp); trap 'rm -f "$declared" "$exported" "$declared.c"' EXIT

# The headers as the compiler sees them, one declaration a line; sites off, so that names stay names.
for header in include/wengert/*.h; do
    case $header in */reference*.h) continue ;; esac # a library of its own
    echo "#include \"$PWD/$header\""
done >"$declared.c"
${CC:-cc} -std=c11 -E -P -DWG_NO_SITES -Iinclude "$declared.c" |
    tr '\n' ' ' | sed 's/[;{}]/\n/g' | grep 'visibility("default")' |
    sed -E 's/.*visibility\("default"\)\)\)//; s/__attribute__ *\(\(([^()]|\([^()]*\))*\)\)//g' |
    sed -nE 's/^[^(]*[^a-zA-Z0-9_](wg_[a-zA-Z0-9_]+) *(\(.*|\[.*|$)/\1/p' | sort -u >"$declared"
nm -D --defined-only "$build"/libwengert.so | awk '{ print $3 }' |
    grep -v -E '^(_init|_fini|__bss_start|_edata|_end)$' | sed 's/@.*//' | sort -u >"$exported"

status=0
only=$(comm -23 "$declared" "$exported")
[ -z "$only" ] || { printf 'declared, not exported:\n%s\n' "$only"; status=1; }
only=$(comm -13 "$declared" "$exported")
[ -z "$only" ] || { printf 'exported, not declared:\n%s\n' "$only"; status=1; }
only=$(nm --defined-only -g "$build"/libwengert.a | awk 'NF == 3 { print $3 }' |
    grep -v -E '^wg_|^__(asan|odr_asan|llvm|profc|profd|start|stop|sancov)' | sort -u || true)
[ -z "$only" ] || { printf 'global names without wg_ in the static library:\n%s\n' "$only"; status=1; }
[ -s "$declared" ] || { echo "no declaration found"; status=1; }
echo "exports: $(wc -l <"$declared") declared, $(wc -l <"$exported") exported"
exit $status
