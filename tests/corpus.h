/* corpus.h: a small corpus for the tests of text, in memory and in files. */
#ifndef CORPUS_H
#define CORPUS_H

#include <wengert/text.h>

#include "harness.h"
#include "temp.h"

static const char *const mill[] = {
    "The river turns the wheel, the wheel turns the stone.\n",
    "Stones grind grain; a wheel turns.\n",
};

/* A file of these bytes in the test's folder. */
static inline const char *written(const char *name, const char *text, size_t n)
{
    static char path[4][100];
    static int next;
    char *p = path[next++ % 4];
    FILE *f;

    snprintf(p, sizeof path[0], "%s/%s", temp_dir(), name);
    f = fopen(p, "wb");
    CHECK(f && fwrite(text, 1, n, f) == n);
    if (f) CHECK(fclose(f) == 0);
    return p;
}

/* The words of a vocabulary with their counts: "<bol>2 <eol>2 ...". */
static inline const char *listed(const wg_vocabulary *v)
{
    static char text[1000];
    size_t at = 0;

    text[0] = 0;
    for (int64_t i = 0; i < wg_vocabulary_n_tokens(v); i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%lld", i ? " " : "",
                               wg_vocabulary_word(v, i).text, (long long)wg_vocabulary_count(v, i));
    return text;
}

static inline wg_vocabulary *fitted(const wg_vocabulary_hyper *h, wg_corpus corpus)
{
    wg_error error = { 0 };
    wg_vocabulary *v = wg_vocabulary_new(h, &error);

    wg_vocabulary_fit(v, &corpus, &error);
    NO_ERROR(&error);
    return v;
}

#endif
