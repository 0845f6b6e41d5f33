/*
 * text.h: from text to word indices, as Word2Vec needs it: tokenizers, stop words, a vocabulary,
 * and the windows around words, batch by batch. Text is UTF-8; where characters matter, bytes that
 * are not are an error that names their place. Files are read as they are needed, line by line:
 * none is held whole. Lines end at "\n", "\r\n" or "\r"; the end of the file ends the last one.
 */
#ifndef WENGERT_TEXT_H
#define WENGERT_TEXT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tokenizers ---- */

/* A token's bytes, with a 0 byte after them that `length` does not count. */
typedef struct {
    const char *text;
    size_t length;
} wg_token;

/* Tokens in the order of the line. All zero at first; it keeps its memory from one line to the
 * next, until wg_tokens_free. The tokens are valid until the next use. */
typedef struct {
    int64_t n;
    wg_token *token;
    char *memory; /* the library's own from here on */
    size_t used, size;
    int64_t room;
} wg_tokens;

/** Releases the memory and empties *t. NULL is allowed. */
WG_API void wg_tokens_free(wg_tokens *t);

typedef struct {
    bool lowercase;          /* first of all; Unicode's simple mapping */
    bool filter_stopwords;   /* last of all, whatever their case; not for characters and bytes */
    bool filter_punctuation; /* see the tokenizers; not for bytes */
} wg_tokenize_options;

/** All three true, numpy-ml's defaults. */
WG_API wg_tokenize_options wg_tokenize_defaults(void);

/** Splits a line of `length` bytes into *t. NULL options: the defaults. Word characters are
 * Unicode's letters and digits, and "_"; blanks are Unicode's white space. Tokenizers:
 * "words": runs of at least two word characters; without filter_punctuation every run of word
 *   characters, and every other character that is no blank, by itself.
 * "whitespace": what lies between blanks; with filter_punctuation without ASCII punctuation, and
 *   dropped when nothing else is left.
 * "characters": single characters, blanks among them; ASCII punctuation dropped if filtered, then
 *   runs of spaces made one and the ends trimmed.
 * "words_bytes": "words", each as its bytes in decimal with spaces between: "99 97 102".
 * "bytes": single bytes in decimal, line end and all.
 * "bytes_raw": the same in one token: "99 97 102 10".
 * Errors: WG_ENAME for another tokenizer, with the nearest; WG_EFORMAT for what is not UTF-8 (bytes
 * and bytes_raw take anything); WG_EARG, WG_ENOMEM. After an error *t is empty. Source: numpy-ml
 * nlp.py, tokenize_words, tokenize_whitespace, tokenize_chars, tokenize_words_bytes,
 * tokenize_bytes_raw. */
WG_API wg_status wg_tokenize(const char *tokenizer, const char *line, size_t length,
                             const wg_tokenize_options *options, wg_tokens *t, wg_error *error);

/** As "bytes_raw", split where `splitter` says: "punctuation" makes every byte of ASCII punctuation
 * a token of its own between tokens of what is before and after it, which may be empty. NULL: no
 * split. Errors: WG_ENAME for another splitter. Source: numpy-ml nlp.py, tokenize_bytes_raw, which
 * takes the "95" of "195 169" for punctuation. */
WG_API wg_status wg_tokenize_bytes_raw(const char *line, size_t length, const char *splitter,
                                       wg_tokens *t, wg_error *error);

/** The text whose bytes these are: *text is new memory (wg_free), terminated; *length (may be NULL)
 * its bytes. Errors: WG_EARG for a number that is no byte, WG_EFORMAT when they are not UTF-8,
 * WG_ENOMEM; then *text is NULL. Source: numpy-ml nlp.py, bytes_to_chars. */
WG_API wg_status wg_bytes_to_chars(int64_t n, const int64_t *bytes, char **text, size_t *length,
                                   wg_error *error);

/** Whether the word is one of wg_stop_words, whatever its case. */
WG_API bool wg_is_stop_word(const char *word, size_t length);

/** The 318 English stop words of the Glasgow Information Retrieval Group, in alphabetical order.
 * Static storage; *n (may be NULL) is how many. */
WG_API const char *const *wg_stop_words(int *n);

/* ---- where lines come from ---- */

/* Files and lines, in this order; all is borrowed. */
typedef struct {
    int64_t n_files;
    const char *const *file;
    const char *encoding; /* of files: "utf-8-sig" (NULL), which drops a byte order mark at the
                             start of each, or "utf-8", which takes it for a character */
    int64_t n_lines;
    const char *const *line; /* a text each, to the 0 byte */
} wg_corpus;

/** One file in utf-8-sig. *path, a pointer to the name, is borrowed. */
static inline wg_corpus wg_corpus_file(const char *const *path)
{
    wg_corpus c = { 1, path, NULL, 0, NULL };

    return c;
}

/** n lines in memory. */
static inline wg_corpus wg_corpus_lines(int64_t n, const char *const *line)
{
    wg_corpus c = { 0, NULL, NULL, n, line };

    return c;
}

/* ---- vocabulary ---- */

typedef struct wg_vocabulary wg_vocabulary;

typedef struct {
    bool lowercase, filter_stopwords, filter_punctuation; /* see wg_tokenize_options */
    int64_t min_count;     /* words seen less often become <unk>; 0: none do */
    int64_t max_tokens;    /* so many of the most frequent are kept, <unk> among them; 0: all */
    const char *tokenizer; /* see wg_tokenize */
} wg_vocabulary_hyper;

/** numpy-ml's defaults: the three filters true, no limits, "words". */
WG_API wg_vocabulary_hyper wg_vocabulary_defaults(void);

/** An empty vocabulary. NULL hyper: the defaults. The caller owns it: wg_vocabulary_free. NULL on
 * error: WG_EARG for negative limits, WG_ENAME for a tokenizer, WG_ENOMEM. Source: numpy-ml nlp.py,
 * Vocabulary. */
WG_API wg_vocabulary *wg_vocabulary_new(const wg_vocabulary_hyper *hyper, wg_error *error);

/** NULL is allowed. */
WG_API void wg_vocabulary_free(wg_vocabulary *v);

/** Counts the tokens of a corpus, anew. Indices: <bol>, <eol>, <unk>, then words in the order in
 * which they are first met; with min_count <unk>, <eol>, <bol>, then the words kept; with
 * max_tokens and more tokens than that, the most frequent in falling order of count, of equals the
 * one with the smaller index first, <unk> last if it is not among them. <bol> and <eol> count the
 * lines, <unk> the words left out. On error the vocabulary is as before: WG_EARG for a corpus
 * without a word or an unknown encoding; WG_EIO with what the system said; WG_EFORMAT with file and
 * line; WG_ENOMEM. */
WG_API wg_status wg_vocabulary_fit(wg_vocabulary *v, const wg_corpus *corpus, wg_error *error);

/** As it was made; strings are the vocabulary's. */
WG_API const wg_vocabulary_hyper *wg_vocabulary_hyperparameters(const wg_vocabulary *v);

/** The number of different tokens, <bol>, <eol> and <unk> among them, and the sum of their
 * counts; 0 before a fit. */
WG_API int64_t wg_vocabulary_n_tokens(const wg_vocabulary *v);
WG_API int64_t wg_vocabulary_n_words(const wg_vocabulary *v);

/** The word of an index, <unk> for an index out of range. The vocabulary's, until the next fit. */
WG_API wg_token wg_vocabulary_word(const wg_vocabulary *v, int64_t index);

/** How often it was met; 0 for an index out of range. */
WG_API int64_t wg_vocabulary_count(const wg_vocabulary *v, int64_t index);

/** All counts, in the order of the indices: [n_tokens]. The vocabulary's, until the next fit. */
WG_API const int64_t *wg_vocabulary_counts(const wg_vocabulary *v);

/** The index of a word, put into lower case first when the vocabulary is; that of <unk> for a word
 * that it does not hold, -1 before a fit. (numpy-ml returns the token instead.) */
WG_API int64_t wg_vocabulary_index(const wg_vocabulary *v, const char *word, size_t length);

/** Whether it holds exactly this word. */
WG_API bool wg_vocabulary_has(const wg_vocabulary *v, const char *word, size_t length);

/** Indices of <bol>, <eol>, <unk>; -1 when max_tokens left it out, or before a fit. */
WG_API int64_t wg_vocabulary_bol(const wg_vocabulary *v);
WG_API int64_t wg_vocabulary_eol(const wg_vocabulary *v);
WG_API int64_t wg_vocabulary_unk(const wg_vocabulary *v);

/** n words to indices and back, as wg_vocabulary_index and wg_vocabulary_word. */
WG_API void wg_vocabulary_words_to_indices(const wg_vocabulary *v, int64_t n,
                                           const char *const *words, int64_t *indices);
WG_API void wg_vocabulary_indices_to_words(const wg_vocabulary *v, int64_t n,
                                           const int64_t *indices, const char **words);

/** The words that the vocabulary holds exactly, in their order; the others are replaced by <unk>
 * or, with `unk` false, left out. `kept` has room for n; how many there are is returned. */
WG_API int64_t wg_vocabulary_filter(const wg_vocabulary *v, int64_t n, const char *const *words,
                                    bool unk, const char **kept);

/** The indices of the n most frequent tokens, in falling order of count, of equals the smaller
 * index first. `indices` has room for n; how many there are is returned, at most n_tokens; -1 when
 * out of memory. */
WG_API int64_t wg_vocabulary_most_common(const wg_vocabulary *v, int64_t n, int64_t *indices);

/** The indices of the tokens that were met exactly `count` times, in rising order: at most `room`
 * are written, and their number is returned. indices may be NULL when room is 0. */
WG_API int64_t wg_vocabulary_words_with_count(const wg_vocabulary *v, int64_t count, int64_t room,
                                              int64_t *indices);

/* ---- windows around words ---- */

typedef struct wg_contexts wg_contexts;

typedef struct {
    bool skip_gram;
    int64_t batchsize;   /* 0: 128 */
    int64_t context_len; /* the largest radius; 0: 5 */
    uint64_t seed, run;  /* the radii depend on these alone; run counts the epochs */
    /* NULL, or the radius of every word in turn, instead of drawing: [n_radii], >= 0 */
    const int64_t *radius;
    int64_t n_radii;
    /* 0, or t: of a word that makes up the share f of all known words, only sqrt(t / f) + t / f are
     * kept, drawn anew in each run; the others are as if they were unknown. 1e-3 to 1e-5 is usual.
     * Source: Mikolov et al. 2013, as word2vec.c does it */
    double sample;
} wg_contexts_options;

/* Some examples; all memory is the iterator's, until the next call. */
typedef struct {
    int64_t n;             /* examples; 0: the corpus is at its end */
    const int64_t *target; /* [n] */
    const int64_t *offset; /* [n + 1]: the inputs of example k are id[offset[k] : offset[k + 1]] */
    const int64_t *id;     /* [offset[n]] */
} wg_contexts_batch;

/** The training examples of Word2Vec from a corpus, in its order. Words that the vocabulary does
 * not hold are dropped first; around each word i that is left a radius R is drawn uniformly from
 * 1..context_len, and the other words of its line within R of it are its context. CBOW: the context
 * is the input, the word the target; words without a context are left out; every batch has
 * batchsize examples but the last. Skip-gram: the word is the input, each word of its context in
 * turn the target; a batch ends after the first word with which it has batchsize examples or more.
 * Corpus and vocabulary are borrowed. The caller owns the result: wg_contexts_free. NULL on error:
 * WG_EARG for options out of range, a vocabulary that was not fitted, an unknown encoding;
 * WG_ENOMEM. Source: numpy-ml w2v.py, minibatcher, whose radius stays below context_len; Mikolov
 * et al. 2013. */
WG_API wg_contexts *wg_contexts_new(const wg_vocabulary *v, const wg_corpus *corpus,
                                    const wg_contexts_options *options, wg_error *error);

/** The same from lines of indices instead of text; negative ones are dropped like unknown words.
 * All is borrowed. */
WG_API wg_contexts *wg_contexts_of_ids(int64_t n_lines, const wg_i64s *lines,
                                       const wg_contexts_options *options, wg_error *error);

/** The next batch. Errors: WG_EIO, WG_EFORMAT with file and line, WG_ENOMEM, and WG_EARG when more
 * words come than radii were given; the iterator stays in error. */
WG_API wg_status wg_contexts_next(wg_contexts *c, wg_contexts_batch *batch, wg_error *error);

/** How many words have been taken from the corpus so far: known ones, and all. */
WG_API int64_t wg_contexts_n_words(const wg_contexts *c);
WG_API int64_t wg_contexts_n_read(const wg_contexts *c);

/** NULL is allowed. */
WG_API void wg_contexts_free(wg_contexts *c);

#ifdef __cplusplus
}
#endif

#endif
