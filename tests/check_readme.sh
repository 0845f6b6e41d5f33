#!/bin/sh
# check_readme.sh BUILD: what README.md shows is what happens. Every block that begins with a comment
# "/* NAME.c: ..." is compiled as it stands and run; the block after it, fenced as text, must be what it
# printed. xor.c must also be examples/xor.c to the letter. Examples that say what they print do so.
# Every command line with a comment behind it is run, three steps of it.
set -eu
build=$(realpath "$1") top=$PWD
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
status=0 n=0

# Writes each program to NAME.c and the text block that follows to NAME.out.
awk -v work="$work" '
    /^```c$/          { inside = 1; name = ""; next }
    /^```text$/       { if (last != "") out = work "/" last ".out"; inside = 2; next }
    /^```/            { if (inside == 1) last = name; if (inside == 2) last = ""; inside = 0; out = ""; next }
    inside == 1 && name == "" {
        name = $2; sub(/\.c:$/, "", name)
        print name > (work "/names")
    }
    inside == 1       { print > (work "/" name ".c") }
    inside == 2 && out != "" { print > out }
' README.md

while read -r name; do
    n=$((n + 1))
    (cd "$work" && ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$top/include" "$name.c" \
        -o "$name" "$build/libwengert.so" -Wl,-rpath,"$build") || { status=1; continue; }
    (cd "$work" && "./$name" >"$name.now" 2>&1) || true
    diff "$work/$name.out" "$work/$name.now" || { echo "README.md: $name.c prints something else"; status=1; }
done <"$work/names"
diff "$work/xor.c" examples/xor.c || { echo "README.md: xor.c is not examples/xor.c"; status=1; }
# Examples whose opening comment ends with "It prints" and a text.
for file in $(grep -l '^ \*.*It prints$' examples/*.c); do
    name=$(basename "$file" .c) n=$((n + 1))
    sed -n '/It prints$/,/^ \*\/$/s/^ \*     //p' "$file" >"$work/$name.out"
    "$build/examples/$name" >"$work/$name.now" 2>&1 || { echo "$name fails"; status=1; }
    diff "$work/$name.out" "$work/$name.now" || { echo "$file prints something else"; status=1; }
done
# The command lines, three steps of each.
sed -n 's/^\(build\/[a-z0-9/]* [^#]*[^# ]\) *#.*/\1/p' README.md >"$work/lines"
ln -s "$build" "$work/build"
while read -r line; do
    n=$((n + 1))
    (cd "$work" && WENGERT_MAX_STEPS=3 sh -c "$line" >now 2>&1 </dev/null) ||
        { echo "README.md: $line fails:"; tail -n 5 "$work/now"; status=1; }
done <"$work/lines"
[ "$(wc -l <"$work/lines")" -ge 7 ] || { echo "README.md: few command lines found"; status=1; }
[ $n -ge 3 ] || { echo "README.md: $n programs found"; status=1; }
[ $status != 0 ] || echo "readme: $n programs and commands do what it says"
exit $status
