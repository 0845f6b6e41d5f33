#!/bin/bash
# check_command.sh BUILD: the command wengert on small saved programs: what each subcommand answers,
# what it says to each mistake, with its exit status; the man page's examples, run as written.
set -u
build=$(realpath "$1") top=$PWD
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
PATH=$build/tools:$PATH
export OMP_WAIT_POLICY=passive
n=0 failed=0
cd "$work" || exit 1

bad()
{
    echo "command: $1"
    sed 's/^/    /' out | head -n 12
    failed=$((failed + 1))
}

# expect STATUS TEXT COMMAND...: this exit status, and this text among what it writes ("" for any).
expect()
{
    local status=$1 text=$2 got; shift 2

    n=$((n + 1))
    timeout 120 "$@" >out 2>&1 </dev/null
    got=$?
    [ $got = "$status" ] || { bad "status $got, not $status: $*"; return; }
    [ -z "$text" ] || grep -qF -e "$text" out || { bad "no \"$text\": $*"; return; }
    ! grep -q "$(printf '\033')" out || bad "colour: $*"
}

# holds NAME COMMAND...: the command succeeds.
holds()
{
    local name=$1; shift

    n=$((n + 1))
    timeout 120 "$@" >out 2>&1 </dev/null || bad "$name: $*"
}

"$build/tests/command_models" . || exit 1
cp xor.json model.json
cp xor.json before.json
printf '0,0\n0,1\n1,0\n1,1\n' >x.csv
printf '0\n1\n1\n0\n' >y.csv
# idx: unsigned bytes, two images of 6 x 6, two labels
{ printf '\0\0\010\003\0\0\0\002\0\0\0\006\0\0\0\006'; head -c 72 /dev/zero | tr '\0' '\377'; } >images.idx
printf '\0\0\010\001\0\0\0\002\001\003' >labels.idx
gzip -k images.idx labels.idx

# ---- the command line ----
expect 2 "usage: wengert" wengert
expect 0 "exit status" wengert --help
expect 0 "--tree" wengert help show
expect 2 "did you mean show" wengert help shwo
expect 0 "wengert 0." wengert --version
expect 2 "there is no command shwo; did you mean show?" wengert shwo
expect 2 "there is no command zzzzzz" wengert zzzzzz
expect 2 "there is no option --hepl" wengert --hepl
expect 2 "did you mean --tree?" wengert show --tre xor.json
expect 2 "there is no option --zzzzzz" wengert show --zzzzzz xor.json
expect 2 "there is no option -z" wengert show -z xor.json
expect 2 "--tree takes no value" wengert show --tree=1 xor.json
expect 2 "--function needs a value" wengert show xor.json --function
expect 2 "MODEL.json is missing" wengert show
expect 2 "one too many" wengert show xor.json conv.json
expect 2 "a whole number from 1 to 2, not \"3\"" wengert check --order 3 xor.json
expect 2 "not \"two\"" wengert check --order=two xor.json
expect 2 "one of normal|uniform" wengert check --draw gauss xor.json
expect 3 "cannot open" wengert show -- --tree
for command in show draw check run train explain plot train-vae train-wgan train-w2v; do
    expect 0 "usage: wengert $command" wengert $command --help
    expect 0 "usage: wengert $command" wengert $command nothing.json -h
done

# ---- show ----
expect 0 "33 weights" wengert show xor.json
expect 0 "fc1          f32[1 x 8]" wengert show xor.json
expect 0 "|-- fc1" wengert show --tree xor.json
expect 0 "conv2d" wengert show conv.json
expect 0 "command_models.c:" wengert show --entries conv.json
expect 0 "conv/W" wengert show -p conv.json
expect 0 "layers of \"test\"" wengert show --function test conv.json
expect 3 "did you mean \"test\"?" wengert show --function tset conv.json
for model in *.json; do
    wengert show --json "$model" >show.out
    holds "show --json is JSON" python3 -m json.tool show.out
    wengert show "$model" >show.out && wengert show --entries "$model" >>show.out
    n=$((n + 1))
    ! grep -q ' $' show.out || bad "blanks at line ends: $model"
done

# ---- programs that are none ----
head -c 500 xor.json >cut.json
sed 's/matmul/matnul/' xor.json >op.json
: >empty.json
head -c 3000 /dev/urandom >noise.json
for command in show check run explain "draw -o x.svg" "train -d x=x.csv"; do
    for model in nothing.json cut.json op.json empty.json noise.json .; do
        # shellcheck disable=SC2086
        expect 3 "wengert ${command%% *}: " wengert $command "$model"
    done
done
rm cut.json op.json empty.json noise.json
[ ! -e x.svg ] || bad "a picture of nothing"

# ---- draw ----
for model in xor conv words nan; do
    for depth in 0 1 9; do
        expect 0 "" wengert draw --depth $depth "$model.json" -o "$model$depth.svg"
        holds "SVG is XML" python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' "$model$depth.svg"
        expect 0 "digraph" wengert draw --depth $depth --format=dot "$model.json"
        if command -v dot >/dev/null; then
            wengert draw --depth $depth --format=dot "$model.json" >"$model.dot"
            holds "dot reads it" dot -Tplain "$model.dot"
        fi
    done
    expect 0 "" wengert draw "$model.json" -o "$model.html"
done
for model in xor conv; do
    holds "the page" python3 "$top/tests/check_page.py" "$model.html"
done
expect 0 "<svg" wengert draw --format svg conv.json -o -
expect 2 "say where" wengert draw xor.json
expect 2 "none of .svg, .dot, .html" wengert draw xor.json -o picture.png
expect 3 "did you mean \"train\"?" wengert draw -f trian xor.json -o x.svg
expect 3 "cannot open its folder" wengert draw xor.json -o no/such/folder/x.svg

# ---- check ----
expect 0 "agree with differences" wengert check xor.json
expect 0 "agree with differences" wengert check --batch 3 --seed 5 conv.json
expect 0 "agree with differences" wengert check words.json
expect 0 '"pass": true' wengert check --json --order=1 --feed x=x.csv --feed y=y.csv xor.json
expect 1 "look at the rule of exp" wengert check wrong.json
expect 1 '"pass": false' wengert check --json wrong.json
expect 3 "the loss is nan" wengert check nan.json
expect 3 "no output \"lss\"" wengert check --loss lss xor.json
expect 3 "has no output of one real element" wengert check --function test conv.json

# ---- programs with nothing to draw, or none of it real ----
printf '3\n' >one.csv
printf '1,2\n3,4\n' >whole.csv
printf '1,0\n0,1\n' >truth.csv
expect 0 "updates" wengert show count.json
expect 0 "" wengert draw count.json -o count.svg
expect 0 "output" wengert run count.json
expect 3 "no output of one real element" wengert check count.json
expect 0 "nothing to check" wengert check bare.json
expect 0 "agree with differences" wengert check --loss loss bare.json
expect 0 "finite" wengert explain bare.json
expect 0 "3 3 3 12" wengert run --feed x=one.csv --feed k=whole.csv --feed b=truth.csv bare.json
expect 3 "in whole.csv, for input \"b\"" wengert run --feed x=one.csv --feed k=whole.csv --feed b=whole.csv bare.json
expect 3 "input \"x\" takes f64[]" wengert run --feed x=whole.csv --feed k=whole.csv --feed b=truth.csv bare.json

# ---- run ----
expect 0 "f32[4 x 1]" wengert run --feed x=x.csv xor.json
expect 0 "" wengert run --function predict --feed x=x.csv --fetch p=p.npy xor.json
holds "npy" python3 -c 'import sys; b = open("p.npy", "rb").read(); sys.exit(b[:6] != b"\x93NUMPY" or len(b) % 64 != 16)'
expect 0 "i64[2]" wengert run --feed image=images.idx.gz --scale image=0.004 conv.json
expect 0 "i64[2]" wengert run --feed image=images.idx conv.json
expect 3 "\"x\" of function \"predict\" has no values: add --feed x=FILE" wengert run xor.json
expect 3 "no input \"imge\"; did you mean \"image\"?" wengert run --feed imge=images.idx conv.json
expect 3 "no output \"q\"" wengert run --feed x=x.csv --fetch q=q.npy xor.json
expect 2 "--feed takes NAME=VALUE" wengert run --feed x.csv xor.json
expect 2 "--scale takes NAME=NUMBER" wengert run --feed x=x.csv --scale x=much xor.json
expect 3 "nothing.npy" wengert run --feed x=nothing.npy xor.json
expect 3 "input \"image\" takes f32[1 x 6 x 6 x 1]" wengert run --feed image=x.csv conv.json
expect 3 "inner extents differ" wengert run --feed x=p.npy xor.json
expect 1 "first non-finite value" wengert run --check --feed x=x.csv nan.json
expect 3 "cannot open its folder" wengert run --feed x=x.csv --fetch p=no/such/folder/p.npy xor.json
printf '0,0\n0,one\n' >word.csv
expect 3 "line 2, column 2" wengert run --feed x=word.csv xor.json
printf '0,0\n0,nan\n' >nan.csv
expect 3 "nan.csv" wengert run --feed x=nan.csv xor.json
expect 0 "nan" wengert run --allow-nan --feed x=nan.csv xor.json
head -c 90 p.npy >cut.npy
expect 3 "cut.npy" wengert run --feed x=cut.npy xor.json
head -c 30 images.idx >cut.idx
expect 3 "cut.idx" wengert run --feed image=cut.idx conv.json
head -c 30 images.idx.gz >cut.gz
expect 3 "cut.gz" wengert run --feed image=cut.gz conv.json

# ---- train ----
few="--data x=x.csv --data y=y.csv --batchsize 2 --plain"
# shellcheck disable=SC2086
{
    expect 0 "saved whole.json" wengert train $few --epochs 6 -o whole.json xor.json
    expect 0 "epoch 3/3" wengert train $few --epochs 3 --checkpoints run --log run.jsonl -o half.json xor.json
    expect 3 "resume" wengert train $few --epochs 6 --checkpoints run -o rest.json xor.json
    expect 0 "epoch 6/6" wengert train $few --epochs 6 --checkpoints run --resume --log run.jsonl -o rest.json xor.json
    holds "a resumed run ends as a whole one" cmp whole.json rest.json
    expect 0 "saved xor-trained.json" wengert train $few xor.json
    expect 0 "" wengert train $few --quiet xor.json
    holds "--quiet" test ! -s out
    expect 2 "--resume goes with" wengert train $few --resume xor.json
}
expect 2 "add --data NAME=FILE" wengert train xor.json
expect 3 "\"y\" of function \"train\" has no data" wengert train --data x=x.csv xor.json
expect 3 "no input \"z\"" wengert train --data x=x.csv --data y=y.csv --data z=x.csv xor.json
expect 3 "line 2, column 2" wengert train --data x=word.csv --data y=y.csv xor.json
expect 0 "after step 3" env WENGERT_MAX_STEPS=3 wengert train --data x=x.csv --data y=y.csv --batchsize 1 --epochs 9 xor.json
expect 0 "saved" wengert train --data image=images.idx.gz --scale image=0.004 --data label=labels.idx.gz -o t.json conv.json
expect 3 "another" wengert train --data image=images.idx --data label=labels.idx --checkpoints run --resume conv.json
# Ctrl-C in the middle, and a kill; both are resumed to the bytes of a run that was left alone.
long="--data x=x.csv --data y=y.csv --batchsize 1 --plain --epochs 60 --every-steps 2"
# shellcheck disable=SC2086
{
    expect 0 "epoch 60/60" wengert train $long --checkpoints alone -o alone.json xor.json
    for signal in INT KILL; do
        rm -rf stopped
        wengert train $long --checkpoints stopped -o stopped.json xor.json >out 2>&1 &
        for _ in $(seq 100); do
            compgen -G "stopped/*.json" >compgen.out && break
            sleep 0.05
        done
        kill -$signal $!
        wait $! 2>/dev/null
        got=$?
        n=$((n + 1))
        [ $signal = KILL ] || [ $got = 1 ] || bad "an interrupted training ends with status $got"
        [ $signal = KILL ] || grep -q -e --resume out || bad "an interrupted training says how to go on"
        expect 0 "epoch 60/60" wengert train $long --checkpoints stopped --resume -o stopped.json xor.json
        holds "the same bytes after SIG$signal" cmp alone.json stopped.json
    done
}
expect 3 "nothing was trained" wengert train --data x=x.csv --data y=y.csv -o no/such/x.json xor.json
# Nobody is left to read, and the training goes on.
# shellcheck disable=SC2086
{ sleep 0.05; wengert train $few --epochs 6 -o piped.json xor.json 2>out; } | true
[ ! -s out ] || bad "training into a closed pipe"
holds "a training whose reader has gone" cmp whole.json piped.json
# A checkpoint that does not fit: those before it stay, and the run goes on from them.
# shellcheck disable=SC2086
{
    expect 0 "epoch 2/2" wengert train $few --epochs 2 --checkpoints full -o full.json xor.json
    expect 3 "too large" bash -c "trap '' XFSZ; ulimit -f 4; wengert train $few --epochs 6 --checkpoints full --resume -o full.json xor.json"
    expect 0 "epoch 6/6" wengert train $few --epochs 6 --checkpoints full --resume -o full.json xor.json
    holds "the same bytes after a full disk" cmp whole.json full.json
}
holds "the model itself stays" cmp xor.json before.json

# ---- explain ----
expect 0 "every value of \"train\" is finite" wengert explain --batch 8 conv.json
expect 0 "dead units" wengert explain --batch 8 dead.json
expect 0 "the first 1 of 2 examples" wengert explain --batch 1 --feed image=images.idx conv.json
expect 1 "log: first non-finite value" wengert explain nan.json
expect 1 "not finite" wengert explain nan.json
expect 1 '"first_not_finite": "log' wengert explain --json nan.json
expect 0 "no scope" wengert explain words.json
expect 0 "finite" wengert explain --batch 8 --svg layers.svg dead.json
expect 3 "did you mean \"train\"?" wengert explain --function tain xor.json

# ---- plot ----
expect 0 "" wengert plot run.jsonl -o curves.svg
expect 0 "" wengert plot run.jsonl --log -o log.svg
expect 0 "" wengert plot schedulers -o schedulers.svg
expect 0 "" wengert plot activations -o activations.svg
expect 0 "" wengert plot activations --call 'ELU(alpha=0.5)' -o elu.svg
for picture in layers curves log schedulers activations elu; do
    holds "SVG is XML" python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' $picture.svg
done
holds "the docs' schedulers" cmp schedulers.svg "$top/docs/schedulers.svg"
holds "the docs' activations" cmp activations.svg "$top/docs/activations.svg"
expect 2 "say where" wengert plot schedulers
expect 3 "nearest is \"ELU\"" wengert plot activations --call ELO -o x.svg
expect 3 "Noam" wengert plot schedulers --call 'NoamSchedule(dim=3)' -o x.svg
expect 2 "--call goes with" wengert plot run.jsonl --call ELU -o x.svg
expect 3 "line 2" sh -c 'printf "%s\n%s\n" "{\"step\": 1, \"loss\": 2}" "{\"step" >bad.jsonl; wengert plot bad.jsonl -o x.svg'
expect 3 "holds no losses" sh -c ': >none.jsonl; wengert plot none.jsonl -o x.svg'
expect 3 "nothing.jsonl" wengert plot nothing.jsonl -o x.svg

# ---- what is written where it cannot be ----
for what in "show xor.json" "show --json xor.json" "check xor.json" "draw --format svg xor.json -o -" \
    "plot activations -o -" "explain xor.json" "--help" "show --help"; do
    # shellcheck disable=SC2086
    expect 3 "No space left on device" sh -c "wengert $what >/dev/full"
    n=$((n + 1))
    # A reader that is gone: no message.
    # shellcheck disable=SC2086
    { sleep 0.05; wengert $what 2>out; } | true
    [ ! -s out ] || bad "a closed pipe: $what"
done
echo "old" >old.svg
expect 3 "wengert draw: " wengert draw xor.json -o old.svg/x.svg
expect 3 "" wengert draw --format svg xor.json -o /dev/full
holds "what was there is there" grep -q old old.svg

# ---- models ----
for i in 1 2 3 4 5 6; do echo "king queen lord bread wine house servant land"; done >text.txt
vae=(wengert train-vae --plain --T 2 --latent-dim 4 --enc-conv1-kernel-shape 2,2 --enc-conv2-kernel-shape 1,1
    --enc-pool2-kernel-shape 1,1 --scale 0.00392156862745098 --epochs 1)
expect 0 "reconstruction" "${vae[@]}" -o vae.json images.idx
expect 0 "saved again.json" "${vae[@]}" --from vae.json -o again.json images.idx
expect 3 "is 255, wanted 0 to 1" wengert train-vae images.idx
expect 3 "T 0 and latent_dim" wengert train-vae --T 0 images.idx
expect 3 "wengert train-vae: " wengert train-vae nothing.idx
expect 2 "did you mean --latent-dim" wengert train-vae --latent 3 images.idx
expect 2 "--resume goes with --checkpoints" wengert train-vae --resume images.idx
expect 0 "Wasserstein" wengert train-wgan --plain --n-steps 2 --g-hidden 4 -o wgan.json x.csv
expect 3 "vae.json holds a BernoulliVAE, wanted WGAN_GP" wengert train-wgan --from vae.json x.csv
expect 3 "wengert train-wgan: " wengert train-wgan --lambda -1 x.csv
w2v=(wengert train-w2v --embedding-dim 4 --num-negative-samples 2 --epochs 2)
expect 0 "king: " "${w2v[@]}" --nearest king -o words.txt --program words.json text.txt
expect 0 "" sh -c 'head -n 1 words.txt | grep -q " 4$"'
expect 0 "embed" wengert show words.json
expect 0 "epoch 2/2" "${w2v[@]}" --from words.json -o more.txt text.txt
expect 0 "epoch 4/4" "${w2v[@]}" --epochs 4 -o whole.txt text.txt
holds "a saved model goes on" cmp more.txt whole.txt
expect 3 "holds no Word2Vec" "${w2v[@]}" --from vae.json text.txt
expect 0 "--resume" "${w2v[@]}" --max-steps 1 --checkpoints w2v.run --log w2v.jsonl text.txt
expect 3 "go on from it with resume" "${w2v[@]}" --checkpoints w2v.run text.txt
expect 0 "going on after step 1" "${w2v[@]}" --checkpoints w2v.run -r --log w2v.jsonl -o back.txt text.txt
expect 0 "" "${w2v[@]}" -o whole.txt text.txt
holds "a run that was resumed" cmp back.txt whole.txt
holds "its log is drawn" wengert plot -o w2v.svg w2v.jsonl
expect 3 "is of another" "${w2v[@]}" --embedding-dim 5 --checkpoints w2v.run -r text.txt
expect 2 "--resume goes with --checkpoints" "${w2v[@]}" --resume text.txt
expect 3 "the nearest is" "${w2v[@]}" -n kingg text.txt
expect 3 "nothing.txt: No such file" "${w2v[@]}" nothing.txt
expect 3 "wengert train-w2v: " wengert train-w2v text.txt

# ---- the man page ----
python3 "$top/tools/man/make_man.py" "$build/tools/wengert" >wengert.1
holds "the man page says what --help says" cmp wengert.1 "$top/tools/man/wengert.1"
wengert run --feed x=x.csv --fetch p=y.npy xor.json
cat >to_npy.py <<'P'
import struct, sys
rows = [[float(v) for v in line.split(",")] for line in open(sys.argv[1])]
head = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }" % (len(rows), len(rows[0]))
head = head.ljust(117) + "\n"
data = b"".join(struct.pack("<d", v) for row in rows for v in row)
open(sys.argv[2], "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data)
P
python3 to_npy.py x.csv images.npy
python3 to_npy.py y.csv labels.npy
cp x.csv table.csv
# images of 28 x 28, as the page's have
{ printf '\0\0\010\003\0\0\0\002\0\0\0\034\0\0\0\034'; head -c 1568 /dev/zero | tr '\0' '\200'; } >images.idx
rm -rf run run.jsonl
sed -n '/^\.SH EXAMPLES/,/^\.fi/p' "$top/tools/man/wengert.1" | grep '^wengert' | sed 's/\\-/-/g; s/\\e/\\/g' >examples
[ "$(wc -l <examples)" -ge 15 ] || bad "the man page has few examples"
# The log of one is drawn by another: those that write first.
{ grep -- '--log' examples; grep -v -- '--log' examples; } >ordered
while read -r line; do
    command -v dot >/dev/null || case $line in *"| dot"*) continue ;; esac
    expect 0 "" env WENGERT_MAX_STEPS=3 bash -o pipefail -c "$line"
done <ordered

# ---- completion ----
cat >complete.sh <<P
. "$top/tools/completion/wengert.bash"
COMP_WORDS=(wengert ex); COMP_CWORD=1; _wengert; echo "\${COMPREPLY[*]}"
COMP_WORDS=(wengert show --t); COMP_CWORD=2; _wengert; echo "\${COMPREPLY[*]}"
COMP_WORDS=(wengert plot sche); COMP_CWORD=2; _wengert; echo "\${COMPREPLY[*]}"
P
holds "bash" bash -u complete.sh
holds "completes" sh -c '[ "$(bash complete.sh | paste -sd, -)" = "explain,--tree,schedulers schedulers.svg" ]'

[ $failed = 0 ] || { echo "command: $failed of $n failed"; exit 1; }
echo "command: $n answers as they should be"
