/*
 * word2vec.h: words as vectors: Word2Vec trained on text files, and tables of words with their
 * vectors, however they were made: read, written, searched.
 */
#ifndef WENGERT_WORD2VEC_H
#define WENGERT_WORD2VEC_H

#include "models.h"
#include "text.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- words and their vectors ---- */

typedef struct wg_word_vectors wg_word_vectors;

/** A table of n different words, in this order, with the rows of `rows` [n, dim], f32 or f64,
 * rounded to f32. All is copied. The caller owns the table: wg_word_vectors_free. NULL on error:
 * WG_EARG for a word that is empty, holds a blank or comes twice; WG_ESHAPE, WG_EDTYPE, WG_ENOMEM.
 * */
WG_API wg_word_vectors *wg_word_vectors_new(int64_t n, const char *const *words, wg_array rows,
                                            wg_error *error);

/** NULL is allowed. */
WG_API void wg_word_vectors_free(wg_word_vectors *v);

WG_API int64_t wg_word_vectors_count(const wg_word_vectors *v);
WG_API int64_t wg_word_vectors_dim(const wg_word_vectors *v);

/** The word and the vector [dim] of an index, the table's; NULL for an index out of range. */
WG_API const char *wg_word_vectors_word(const wg_word_vectors *v, int64_t index);
WG_API const float *wg_word_vectors_row(const wg_word_vectors *v, int64_t index);

/** The index of exactly this word; -1: none. */
WG_API int64_t wg_word_vectors_find(const wg_word_vectors *v, const char *word);

/** Reads word2vec's text format: a line "n dim", then a word and its numbers on each of n lines.
 * Errors: WG_EIO with what the system said; WG_EFORMAT with file and line; WG_EARG for a word that
 * comes twice; WG_ENOMEM. Source: Mikolov's word2vec.c, `-binary 0`; gensim's KeyedVectors. */
WG_API wg_word_vectors *wg_word_vectors_read(const char *path, wg_error *error);

/** Writes that format, aside and renamed: the name holds the old bytes or the new ones. Numbers
 * have nine digits, so that reading gives the same bits. Errors: WG_EIO; WG_ENONFINITE for a number
 * that has no form there, with its word; WG_ENOMEM. */
WG_API wg_status wg_word_vectors_write(const wg_word_vectors *v, const char *path, wg_error *error);

typedef struct {
    int64_t index;
    const char *word; /* the table's */
    double cosine;
} wg_neighbour;

/** The k other words nearest to a word by the cosine of their vectors, in falling order, of equals
 * the smaller index first; a zero vector has cosine 0. How many there are comes back in *n, at most
 * k. Errors: WG_ENAME for a word that the table lacks, with the nearest in spelling; WG_EARG for k
 * below 1; WG_ENOMEM. */
WG_API wg_status wg_word_vectors_nearest(const wg_word_vectors *v, const char *word, int64_t k,
                                         wg_neighbour *found, int64_t *n, wg_error *error);

/* ---- Word2Vec on a corpus ---- */

typedef struct wg_word2vec_model wg_word2vec_model;

/** An untrained model: numpy-ml's constructor. vocab_size is not looked at: fit learns it. `dtype`
 * (f32 or f64) and `seed` are those of the store. The caller owns the result:
 * wg_word2vec_model_free. NULL on error: WG_EARG and WG_ENAME for hyperparameters, as wg_word2vec;
 * WG_EDTYPE; WG_ENOMEM. */
WG_API wg_word2vec_model *wg_word2vec_model_new(wg_word2vec_hyper hyper, wg_dtype dtype,
                                                uint64_t seed, wg_error *error);

/** NULL is allowed. */
WG_API void wg_word2vec_model_free(wg_word2vec_model *m);

/* After an epoch, or what max_steps or *stop left of one. Means are over its examples. */
typedef struct {
    int64_t epoch, n_epochs; /* of this fit: the one that ended, from 1 */
    int64_t step;            /* in all, over fits that kept the weights */
    int64_t examples, words; /* in this epoch; words: known ones read */
    double loss, previous;   /* of this and the last epoch; NaN: none */
    double seconds;          /* of this epoch */
    bool whole;              /* false: it was ended before its time */
} wg_word2vec_progress;

typedef struct {
    int64_t n_epochs;  /* 0: 20 */
    int64_t batchsize; /* examples a step; 0: 128 */
    bool keep;         /* go on with words and weights of the last fit; false: all anew */
    bool quiet;        /* no line an epoch: numpy-ml's verbose, the other way round */
    bool bar;          /* a progress bar too, on a terminal */
    FILE *to;          /* where lines and bar go; NULL: stdout */
    double sample;     /* frequent words are thinned out: see wg_contexts_options; 0: none are */
    int64_t max_steps; /* of this fit; 0: no bound. WENGERT_MAX_STEPS lowers it */
    /* called after each epoch; false ends the fit. May be NULL */
    bool (*on_epoch)(void *data, const wg_word2vec_progress *p);
    void *data;
    /* What else the training kit has: folder, checkpoint, every_steps, every_seconds, keep, resume,
     * ops, log, go_on, stop, plan are taken from here. NULL: none. */
    const wg_train_options *train;
} wg_word2vec_fit_options;

/** Trains on a corpus, which is read line by line in every epoch and never held: numpy-ml's fit;
 * its `encoding` is the corpus's. Counts the vocabulary first, unless `keep` is set and there is
 * one. A step takes batchsize examples, the last of an epoch fewer: one specialisation of the plan
 * for both, contexts of CBOW being padded to 2 context_len words with weight 0; its negative
 * samples are the draw (seed, "NAME/neg_samples", step) without replacement; windows depend on
 * (seed, epoch). The same call on a new model gives the same bits. It runs under the training kit
 * of train.h: with a folder and `resume`, the same call on a new model goes on from the newest
 * checkpoint and ends with the bits of a run that was never stopped, n_epochs being those of the
 * whole run; a model that was loaded and is to `keep` its weights is loaded again for that. A run
 * stopped by max_steps or *stop ends well. Losses told are of one example. NULL options: the
 * defaults. Errors: those of wg_vocabulary_fit, wg_contexts_next (file and line) and the kit, whose
 * checkpoints of another model, corpus (words, bytes), context_len, sample, seed or batchsize are
 * refused; WG_EARG for options, for fewer words than negative samples, and for a corpus in which no
 * word has another beside it; WG_ENONFINITE when the loss is not finite, with epoch, step and the
 * entry where it began, the weights being those before that step; WG_ENOMEM. Before the first step
 * an error leaves the model as it was. Source: numpy-ml w2v.py, Word2Vec.fit, which draws radii
 * below context_len and begins anew always. */
WG_API wg_status wg_word2vec_fit(wg_word2vec_model *m, const wg_corpus *corpus,
                                 const wg_word2vec_fit_options *options, wg_error *error);

/** What a fit made; the model's, until the next fit that begins anew. NULL before the first. The
 * layer is that of wg_word2vec, named "word2vec", for numpy-ml's verbs, parameters, hyperparameters
 * and summary; the graph is that of wg_word2vec_record over the store, for wg_save: the noise is
 * its entry "word2vec/noise". */
WG_API wg_layer *wg_word2vec_model_layer(const wg_word2vec_model *m);
WG_API const wg_vocabulary *wg_word2vec_model_vocabulary(const wg_word2vec_model *m);
WG_API wg_params *wg_word2vec_model_params(const wg_word2vec_model *m);
WG_API wg_graph *wg_word2vec_model_graph(const wg_word2vec_model *m);

/** Saves a model that was fitted as a program (wg_save): the recorded functions, the whole store,
 * and in the metadata words, counts and hyperparameters. Errors: WG_ESTATE before a fit; WG_EARG
 * for NULL; those of wg_save. */
WG_API wg_status wg_word2vec_model_save(const char *path, const wg_word2vec_model *m,
                                        wg_error *error);

/** Loads it, or a checkpoint of a fit; a fit with `keep` goes on as if it had never been saved. The
 * caller owns the result: wg_word2vec_model_free. NULL on error: WG_EFORMAT for a program without
 * the words of a Word2Vec, or with damaged ones; those of wg_load; WG_ENOMEM. */
WG_API wg_word2vec_model *wg_word2vec_model_load(const char *path, wg_error *error);

/** The embeddings of words by index, or by themselves: *rows becomes an array [n, embedding_dim] of
 * the store's element type in new memory for the caller: wg_free. After an error its data are NULL.
 * Errors: WG_ESTATE before a fit; WG_EINDEX for an index, WG_ENAME for a word that the vocabulary
 * lacks, with the nearest in spelling; WG_ENOMEM. Source: numpy-ml w2v.py, get_embedding. */
WG_API wg_status wg_word2vec_embedding(const wg_word2vec_model *m, int64_t n, const int64_t *ids,
                                       wg_array *rows, wg_error *error);
WG_API wg_status wg_word2vec_embedding_of(const wg_word2vec_model *m, int64_t n,
                                          const char *const *words, wg_array *rows,
                                          wg_error *error);

/** The table of all words, the most frequent first, without <bol>, <eol> and <unk>: a copy, for the
 * caller. Errors: WG_ESTATE before a fit; those of wg_word_vectors_new. */
WG_API wg_word_vectors *wg_word2vec_model_vectors(const wg_word2vec_model *m, wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
