#!/bin/sh
# The order of the wings, read off the #include lines: src/graph includes nothing of src/ops or src/nn,
# src/ops nothing of src/nn or of src/graph's private headers, src/nn public headers only; jansson.h is
# named in the JSON files of src/graph and in src/nn; and no header includes itself by way of others. Run at the top of the tree.
set -eu
found=$(mktemp); edges=$(mktemp); trap 'rm -f "$found" "$edges"' EXIT

# "FILE:LINE HEADER" of every include line with a literal name; <name> and "name" alike.
includes()
{
    grep -nH '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$@" |
        sed -E 's/^([^:]*:[0-9]+):[^"<]*["<]([^">]*)[">].*/\1 \2/'
}

refuse() { printf '%s includes %s: %s\n' "$1" "$2" "$3" >>"$found"; }

# What src/graph may know of the public headers: those that name no op, gradient rule or layer.
graph_may="base.h graph.h op.h params.h plan.h io.h"

includes src/*/*.[ch] src/*/*/*.[ch] 2>/dev/null | while read -r where header; do
    file=${where%%:*}
    wing=${file#src/}; wing=${wing%%/*}
    name=${header##*/}
    case $header in
    wengert/* | wengert.h)
        case $file:$name in
        src/nn/reference/*:reference*.h) ;;
        src/nn/reference/*) refuse "$where" "$header" "the references know nothing of the engine" ;;
        esac
        [ "$wing" = graph ] || continue
        case " $graph_may " in
        *" $name "*) ;;
        *) refuse "$where" "$header" "src/graph treats ops as opaque" ;;
        esac ;;
    *)
        # A name that one of the wings holds is a private header, wherever the path to it leads.
        owner=
        if [ -e "$(dirname "$file")/$header" ]; then
            owner=$(cd "$(dirname "$file")/$(dirname "$header")" && pwd)
            owner=${owner#"$PWD"/src/}; owner=${owner%%/*}
        else
            for w in graph ops nn; do [ -e "src/$w/$name" ] && owner=$w; done
        fi
        [ "$name" != jansson.h ] || [ "$file" = src/graph/json.c ] || case $file in
            src/graph/json*.c | src/graph/json*.h | src/nn/*.[ch]) ;;
            *) refuse "$where" "$header" "only src/graph/json*.c and src/nn may" ;;
        esac
        [ -z "$owner" ] || [ "$owner" = "$wing" ] ||
            refuse "$where" "$header" "it belongs to src/$owner" ;;
    esac
done

# Cycles among headers: every edge from a header to one it includes, by path.
includes include/*.h include/wengert/*.h $(find src -name '*.h') | while read -r where header; do
    file=${where%%:*}
    for to in "$(dirname "$file")/$header" "include/$header"; do
        [ -e "$to" ] || continue
        [ "$to" -ef "$file" ] || echo "$file $(realpath --relative-to=. "$to")"
        break
    done
done >"$edges"
if ! cycle=$(tsort "$edges" 2>&1 >/dev/null) || [ -n "$cycle" ]; then
    printf 'headers include each other in a circle:\n%s\n' "$cycle" >>"$found"
fi

if [ -s "$found" ]; then
    cat "$found"
    exit 1
fi
echo "includes: $(find src include -name '*.[ch]' | wc -l) files in order, $(wc -l <"$edges") edges among headers"
