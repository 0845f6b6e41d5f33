/*
 * corpus.h: the King James Bible as a string of characters, or any other text, in two parts: one
 * to learn from, one held out; and what a trigram model makes of it, for language models to be
 * measured against.
 */
#ifndef EXAMPLES_CORPUS_H
#define EXAMPLES_CORPUS_H

#include <wengert.h>

typedef struct {
    unsigned char *id; /* characters by number, in order of their bytes; owned */
    int64_t n, train;  /* id[0..train) to learn from, id[train..n) held out */
    int kinds;         /* different characters */
    unsigned char symbol[256];
} corpus;

/** Reads the text `path`; NULL: what the program `bible` of Debian's package bible-kjv prints, a
 * verse a line, without chapter and verse. The last 5 % are held out. Errors: WG_EIO, with how to
 * install the package; WG_EFORMAT for a text below 10,000 bytes; WG_ENOMEM. Free it in any case. */
bool corpus_read(corpus *c, const char *path, wg_error *error);

void corpus_free(corpus *c);

/** Bits a character that a trigram model of characters needs for `n` parts of `length` characters
 * of the held-out text, part k beginning at id[start[k]]: p(c | ab) = (N(abc) + D(ab) p(c | b)) /
 * (N(ab) + D(ab)), with N the counts in the part to learn from and D the number of different
 * characters seen after the context; p(c | b) in the same way from p(c), that from 1 / kinds. NaN,
 * with *error filled, when out of memory. Source: Witten and Bell 1991, method C, interpolated. */
double corpus_trigram_bits(const corpus *c, int64_t n, const int64_t *start, int64_t length,
                           wg_error *error);

#endif
