/* corpus.c: see corpus.h. */
#include "corpus.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/op.h>

#define BIBLE "bible -f gen1:1-rev22:21 2>/dev/null"

enum { LEAST = 10000, HELD_OUT = 20 }; /* bytes; one part in so many */

static bool fail(wg_error *error, wg_status code, const char *text, const char *what)
{
    wg_fail(error, code, "corpus", text, what);
    return false;
}

/* All bytes of a stream, into memory that grows. */
static bool read_all(FILE *from, unsigned char **text, size_t *n)
{
    size_t cap = 1 << 20, got;

    *n = 0;
    *text = malloc(cap);
    while (*text && (got = fread(*text + *n, 1, cap - *n, from)) > 0) {
        *n += got;
        if (*n == cap) {
            unsigned char *more = realloc(*text, cap *= 2);

            if (!more) free(*text);
            *text = more;
        }
    }
    return *text != NULL;
}

/* "Ge1:1 In the beginning" -> "In the beginning" */
static size_t without_references(unsigned char *text, size_t n)
{
    size_t to = 0;
    bool reference = true;

    for (size_t i = 0; i < n; i++) {
        if (!reference) text[to++] = text[i];
        if (text[i] == '\n') reference = true;
        else if (text[i] == ' ') reference = false;
    }
    return to;
}

static bool read_bible(unsigned char **text, size_t *n, wg_error *error)
{
    FILE *from = popen(BIBLE, "r");
    bool ok = from && read_all(from, text, n);

    if (!from) return fail(error, WG_EIO, "bible: %s", strerror(errno));
    if (pclose(from) != 0 || (ok && *n == 0))
        return fail(error, WG_EIO,
                    "the program `bible` did not print the text: install Debian's package %s, or "
                    "name a text file",
                    "bible-kjv (apt install bible-kjv)");
    if (ok) *n = without_references(*text, *n);
    return ok || fail(error, WG_ENOMEM, "out of memory%s", "");
}

static bool read_file(const char *path, unsigned char **text, size_t *n, wg_error *error)
{
    FILE *from = fopen(path, "rb");
    char why[400];
    bool ok = from && read_all(from, text, n), broken = !from || ferror(from);

    snprintf(why, sizeof why, "%.200s: %s", path, strerror(errno));
    if (from) fclose(from);
    if (broken) return fail(error, WG_EIO, "%s", why);
    return ok || fail(error, WG_ENOMEM, "out of memory%s", "");
}

bool corpus_read(corpus *c, const char *path, wg_error *error)
{
    bool seen[256] = { false };
    unsigned char number[256];
    size_t n = 0;

    *c = (corpus){ .n = 0 };
    if (!(path ? read_file(path, &c->id, &n, error) : read_bible(&c->id, &n, error))) return false;
    if (n < LEAST) return fail(error, WG_EFORMAT, "%s is too short a text", path ? path : "it");
    for (size_t i = 0; i < n; i++) seen[c->id[i]] = true;
    for (int byte = 0; byte < 256; byte++) {
        if (!seen[byte]) continue;
        number[byte] = (unsigned char)c->kinds;
        c->symbol[c->kinds++] = (unsigned char)byte;
    }
    for (size_t i = 0; i < n; i++) c->id[i] = number[c->id[i]];
    c->n = (int64_t)n;
    c->train = c->n - c->n / HELD_OUT;
    return true;
}

void corpus_free(corpus *c)
{
    free(c->id);
    *c = (corpus){ .n = 0 };
}

/* ---- the trigram model ---- */

/* Counts of the characters that follow one context, `kinds` of them, and p(. | shorter context). */
static double smoothed(const int32_t *count, int kinds, int next, double shorter)
{
    int64_t all = 0;
    int different = 0;

    for (int k = 0; k < kinds; k++) all += count[k], different += count[k] > 0;
    return all > 0 ? (count[next] + different * shorter) / (double)(all + different) : shorter;
}

double corpus_trigram_bits(const corpus *c, int64_t n, const int64_t *start, int64_t length,
                           wg_error *error)
{
    size_t kinds = (size_t)c->kinds;
    int32_t *one = calloc(kinds, sizeof *one), *two = calloc(kinds * kinds, sizeof *two);
    int32_t *three = calloc(kinds * kinds * kinds, sizeof *three);
    double bits = 0;

    if (!one || !two || !three) {
        fail(error, WG_ENOMEM, "out of memory%s", "");
        bits = NAN;
        n = 0;
    }
    for (int64_t i = 2; n > 0 && i < c->train; i++) {
        size_t a = c->id[i - 2], b = c->id[i - 1], next = c->id[i];

        one[next]++;
        two[b * kinds + next]++;
        three[(a * kinds + b) * kinds + next]++;
    }
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = start[k]; i < start[k] + length; i++) {
            size_t a = c->id[i - 2], b = c->id[i - 1];
            double p = smoothed(one, c->kinds, c->id[i], 1.0 / c->kinds);

            p = smoothed(two + b * kinds, c->kinds, c->id[i], p);
            bits -= log2(smoothed(three + (a * kinds + b) * kinds, c->kinds, c->id[i], p));
        }
    free(one);
    free(two);
    free(three);
    return bits / (double)(n * length);
}
