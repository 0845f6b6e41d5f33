#!/bin/sh
# check_exports.sh BUILD: each shared library exports exactly what its headers declare with WG_API or
# WG_REF_API, and no library defines a global name that could meet a user's: all begin with wg_.
set -eu
build=$1
declared=$(mktemp); exported=$(mktemp); trap 'rm -f "$declared" "$exported" "$declared.c"' EXIT
status=0

# check LIBRARY HEADER...
check()
{
    library=$1
    shift
    # The headers as the compiler sees them, one declaration a line; sites off, so that names stay names.
    for header; do echo "#include \"$PWD/$header\""; done >"$declared.c"
    ${CC:-cc} -std=c11 -E -P -DWG_NO_SITES -Iinclude "$declared.c" |
        tr '\n' ' ' | sed 's/[;{}]/\n/g' | grep 'visibility("default")' |
        sed -E 's/.*visibility\("default"\)\)\)//; s/__attribute__ *\(\(([^()]|\([^()]*\))*\)\)//g' |
        sed -nE 's/^[^(]*[^a-zA-Z0-9_](wg_[a-zA-Z0-9_]+) *(\(.*|\[.*|$)/\1/p' | sort -u >"$declared"
    nm -D --defined-only "$build/$library.so" | awk '{ print $3 }' |
        grep -v -E '^(_init|_fini|__bss_start|_edata|_end)$' | sed 's/@.*//' | sort -u >"$exported"

    only=$(comm -23 "$declared" "$exported")
    [ -z "$only" ] || { printf '%s: declared, not exported:\n%s\n' "$library" "$only"; status=1; }
    only=$(comm -13 "$declared" "$exported")
    [ -z "$only" ] || { printf '%s: exported, not declared:\n%s\n' "$library" "$only"; status=1; }
    only=$(nm --defined-only -g "$build/$library.a" | awk 'NF == 3 { print $3 }' |
        grep -v -E '^wg_|^__(asan|odr_asan|llvm|profc|profd|start|stop|sancov)' | sort -u || true)
    [ -z "$only" ] ||
        { printf '%s: global names without wg_ in the archive:\n%s\n' "$library" "$only"; status=1; }
    [ -s "$declared" ] || { echo "$library: no declaration found"; status=1; }
    echo "exports: $library: $(wc -l <"$declared") declared, $(wc -l <"$exported") exported"
}

engine=
for header in include/wengert/*.h; do
    case $header in */reference*.h) ;; *) engine="$engine $header" ;; esac
done
# shellcheck disable=SC2086
check libwengert $engine
check libwengert_reference include/wengert/reference*.h
exit $status
