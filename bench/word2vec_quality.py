#!/usr/bin/python3
"""Word2Vec beside gensim's, on the King James text.

    word2vec_quality.py [options] EXAMPLE FOLDER    compare; EXAMPLE is the program examples/word2vec
    word2vec_quality.py --score VECTORS PAIRS       area under the curve of one file of vectors

A tenth of the verses is held out. From them come 10,000 pairs of words that stand at most `context`
words apart, and 10,000 random pairs with the same frequencies: the second words of the first pairs,
shuffled. An embedding is scored by how well the cosine of a pair tells the first from the second: the
area under the ROC curve, 0.5 for chance. Both programs read the same words of the other verses, with
the same dimensions, epochs, negative samples and thinning of frequent words, with a rate that falls
from 0.025 to about 0, and both write word2vec's text format, which one
function here scores. Words per second are those read in training and, for both, of all the processor
time from the first look at the text to the file of vectors: on a busy machine that says more than a
clock. "{steps}" in an optimizer stands for the expected number of steps. Needs Debian's packages bible-kjv, python3-numpy and python3-gensim.
"""
import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PAIRS = 10000


def stop_words():
    """The library's list, so that what it would leave out is left out for both."""
    with open(os.path.join(HERE, "../src/nn/text_stop.c")) as f:
        return set(re.findall(r'"([a-z]+)"', f.read()))


def verses():
    text = subprocess.run(["/usr/bin/bible", "-f", "gen1:1-rev22:21"], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    stop = stop_words()
    for line in text.splitlines():
        words = re.findall(r"\w\w+", line.split(" ", 1)[1].lower())
        yield [w for w in words if w not in stop]


def prepare(folder, context, min_count, sample):
    """train.txt and pairs.txt in the folder. The words to train on, and about how many examples CBOW
    and skip-gram have in an epoch."""
    rng = random.Random(1)
    lines = list(verses())
    held = [rng.random() < 0.1 for _ in lines]
    train = [l for l, h in zip(lines, held) if not h]
    count = {}
    for line in train:
        for w in line:
            count[w] = count.get(w, 0) + 1
    pairs = []
    for line, h in zip(lines, held):
        line = [w for w in line if h and count.get(w, 0) >= min_count]
        for i, a in enumerate(line):
            pairs += [(a, b) for b in line[i + 1:i + 1 + context] if a != b]
    pairs = rng.sample(pairs, PAIRS)
    others = [b for _, b in pairs]
    rng.shuffle(others)
    with open(os.path.join(folder, "train.txt"), "w") as f:
        f.writelines(" ".join(l) + "\n" for l in train)
    with open(os.path.join(folder, "pairs.txt"), "w") as f:
        for (a, b), other in zip(pairs, others):
            f.write(f"{a} {b} {other}\n")
    words = sum(n for n in count.values() if n >= min_count)
    share = {w: sample * words / n for w, n in count.items()}
    cbow, skip = 0, 0.0
    for line in train:
        kept = [w for w in line if count[w] >= min_count and
                (not sample or rng.random() < share[w] ** 0.5 + share[w])]
        n = len(kept)
        cbow += n if n > 1 else 0
        # a word d places away is in the window for context - d + 1 of the context radii
        skip += sum(2 * (n - d) * (context - d + 1) / context for d in range(1, min(context + 1, n)))
    return words, (cbow, skip)


def score(vectors, pairs):
    """Area under the ROC curve by ranks, ties shared."""
    with open(vectors) as f:
        n, dim = map(int, f.readline().split())
        row = {}
        for line in f:
            word, *x = line.split()
            x = np.array(x, dtype=np.float64)
            assert len(x) == dim
            row[word] = x / max(np.linalg.norm(x), 1e-300)
    assert len(row) == n
    with open(pairs) as f:
        triples = [line.split() for line in f]
    good = np.array([row[a] @ row[b] for a, b, _ in triples])
    bad = np.array([row[a] @ row[c] for a, _, c in triples])
    values = np.concatenate([good, bad])
    _, rank, times = np.unique(values, return_inverse=True, return_counts=True)
    above = np.cumsum(times)
    mean_rank = (above - times + 1 + above) / 2
    total = mean_rank[rank[:len(good)]].sum()
    return (total - len(good) * (len(good) + 1) / 2) / (len(good) * len(bad))


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(a, seed, skip_gram, words, examples):
    folder = os.path.join(a.folder, "ours")
    command = [a.example, "--text", os.path.join(a.folder, "train.txt"), "--epochs", str(a.epochs),
               "--dim", str(a.dim), "--context", str(a.context), "--negatives", str(a.negatives),
               "--min-count", str(a.min_count), "--batch", str(a.batch), "--seed", str(seed),
               "--sample", str(a.sample)]
    command += ["--skip-gram"] if skip_gram else []
    optimizer = a.skip_gram_optimizer if skip_gram else a.cbow_optimizer
    steps = round(examples[skip_gram] * a.epochs / a.batch)
    command += ["--optimizer", optimizer.replace("{steps}", str(steps))]
    began = seconds_of_children()
    subprocess.run(command + [folder], check=True, stdout=subprocess.DEVNULL)
    seconds = seconds_of_children() - began
    return (score(os.path.join(folder, "kjv.txt"), os.path.join(a.folder, "pairs.txt")),
            words * a.epochs / seconds)


def theirs(a, seed, skip_gram, words, examples):
    from gensim.models import Word2Vec
    from gensim.models.word2vec import LineSentence

    path = os.path.join(a.folder, "gensim.txt")
    began = time.process_time()
    model = Word2Vec(vector_size=a.dim, window=a.context, negative=a.negatives, sg=int(skip_gram),
                     min_count=a.min_count, seed=seed, workers=1, sample=a.sample)
    text = LineSentence(os.path.join(a.folder, "train.txt"))
    model.build_vocab(text)
    model.train(text, total_examples=model.corpus_count, epochs=a.epochs)
    model.wv.save_word2vec_format(path, binary=False)
    seconds = time.process_time() - began
    return score(path, os.path.join(a.folder, "pairs.txt")), words * a.epochs / seconds


def compare(a):
    os.makedirs(a.folder, exist_ok=True)
    words, examples = prepare(a.folder, a.context, a.min_count, a.sample)
    print(f"{words} words, {a.epochs} epochs, {a.dim} dimensions, {a.negatives} negatives, "
          f"windows of {a.context}, sample {a.sample:g}, seeds 1 to {a.seeds}", flush=True)
    for skip_gram in (False, True):
        for name, run in (("wengert", ours), ("gensim", theirs)):
            if a.only and a.only != name:
                continue
            results = [run(a, seed, skip_gram, words, examples) for seed in range(1, a.seeds + 1)]
            auc = [r[0] for r in results]
            print(json.dumps({"model": "skip-gram" if skip_gram else "CBOW", "by": name,
                              "auc": round(float(np.mean(auc)), 4),
                              "each": [round(float(x), 4) for x in auc],
                              "words_per_second": round(float(np.mean([r[1] for r in results])))}),
                  flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("example", nargs="?")
    p.add_argument("folder", nargs="?", default="out")
    p.add_argument("--score", nargs=2, metavar=("VECTORS", "PAIRS"))
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--dim", type=int, default=100)
    p.add_argument("--context", type=int, default=5)
    p.add_argument("--negatives", type=int, default=5)
    p.add_argument("--min-count", type=int, default=5)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--sample", type=float, default=0.001)
    rate = "SGD(lr_scheduler=CosineScheduler(initial_lr=0.025, total_steps={steps}))"
    p.add_argument("--cbow-optimizer", default=rate)
    p.add_argument("--skip-gram-optimizer", default=rate)
    p.add_argument("--only", choices=("wengert", "gensim"))
    a = p.parse_args()
    if a.score:
        print(f"{score(*a.score):.4f}")
    elif a.example or a.only == "gensim":
        compare(a)
    else:
        p.print_usage(sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
