#!/bin/sh
# check_examples.sh BUILD: the example programs on real data, a few steps of each: the loss falls, the
# program is saved, and what is missing is said. Data that is not installed is a failure: scripts/setup
# installs it.
set -eu
build=$(realpath "$1")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
status=0

fault() { echo "examples: $*"; status=1; }

# The loss at the end of the training that a program's output shows.
loss() { sed -nE 's/.* loss ([0-9.]+) .* taken$/\1/p' "$1" | tail -n 1; }

# learns NAME FEW MORE: after MORE steps the loss is at most nine tenths of that after FEW.
learns()
{
    for steps in "$2" "$3"; do
        WENGERT_MAX_STEPS=$steps "$build/examples/$1" "$work" >"$work/$1.$steps" ||
            { fault "$1 failed after $steps steps"; return; }
    done
    [ -s "$work/$1.json" ] || fault "$1 saved nothing"
    first=$(loss "$work/$1.$2") last=$(loss "$work/$1.$3")
    if awk -v a="$first" -v b="$last" 'BEGIN { exit !(a > 0 && b > 0 && b < 0.9 * a) }'; then
        echo "examples: $1: loss $first after $2 steps, $last after $3"
    else
        fault "$1 does not learn: loss $first after $2 steps, $last after $3"
    fi
}

learns charlstm 2 40
learns transformer 2 25
learns resnet 2 25
for name in charlstm transformer; do
    grep -qE 'held out: [0-9.]+ bits a character, a trigram model [0-9.]+$' "$work/$name.2" ||
        fault "$name does not compare itself with a trigram model"
done

# A program goes on from the file alone.
WENGERT_MAX_STEPS=2 "$build/examples/resume" "$work/resnet.json" >"$work/resumed" ||
    fault "resume fails on resnet.json"
grep -q 'test accuracy .* after more training' "$work/resumed" || fault "resume does not measure"

# Words get vectors, one a line, and neighbours.
WENGERT_MAX_STEPS=50 "$build/examples/word2vec" --words bread,nosuchword "$work" >"$work/words" ||
    fault "word2vec fails"
[ "$(head -n 1 "$work/kjv.txt")" = "$(($(wc -l <"$work/kjv.txt") - 1)) 100" ] ||
    fault "kjv.txt does not begin with its extents"
grep -qE '^ +bread( +[a-z]+ -?[0-9.]+){8}$' "$work/words" || fault "word2vec shows no neighbours"
grep -q 'lacks the word "nosuchword"' "$work/words" || fault "word2vec does not miss a word"

# What is missing: the program `bible`, a text file, a text worth the name, a folder that can be.
# refuses TEXT COMMAND...
refuses()
{
    text=$1; shift
    if "$@" >"$work/out" 2>"$work/err"; then fault "'$*' did not fail"; fi
    grep -q "$text" "$work/err" || { fault "'$*' does not say '$text':"; cat "$work/err"; }
}
mkdir "$work/bin"
ln -s "$(command -v sh)" "$work/bin/sh"
refuses 'apt install bible-kjv' env PATH="$work/bin" "$build/examples/charlstm" "$work" 1
refuses 'apt install bible-kjv' env PATH="$work/bin" "$build/examples/word2vec" "$work/new"
refuses 'No such file' "$build/examples/word2vec" --text "$work/none" "$work"
refuses 'No such file' "$build/examples/transformer" "$work" 1 "$work/none"
echo 'too short' >"$work/short"
refuses 'too short a text' "$build/examples/charlstm" "$work" 1 "$work/short"
refuses 'Not a directory' "$build/examples/resnet" "$work/short/out" 1
[ $status != 0 ] || echo "examples: three networks and words learn, and say what is missing"
exit $status
