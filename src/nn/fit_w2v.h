/* fit_w2v.h: what the files about Word2Vec on a corpus share. */
#ifndef WG_NN_FIT_W2V_H
#define WG_NN_FIT_W2V_H

#include "wengert/nce.h"
#include "wengert/word2vec.h"

/* What a fit makes anew. */
typedef struct {
    wg_vocabulary *words;
    wg_params *store;
    wg_layer *layer;
    wg_graph *graph;
    wg_discrete_sampler *noise;
    /* in the store, so that checkpoints and copies hold them: over fits that kept the weights */
    int64_t *steps, *epochs;
} wg__w2v;

struct wg_word2vec_model {
    wg_params *scratch; /* holds `like`, whose hyperparameters are the model's */
    wg_layer *like;
    wg_dtype dtype;
    uint64_t seed;
    wg__w2v now;
};

void wg__w2v_free(wg__w2v *t);

/* With words, and a store or none: noise, counts, layer and graph. A store that was loaded keeps
 * its values. */
wg_status wg__w2v_make(const wg_word2vec_model *m, wg__w2v *t, wg_error *e);

/* Options of the vocabulary of a model. */
wg_vocabulary_hyper wg__w2v_vocabulary(const wg_word2vec_hyper *h);

/* <bol>, <eol> and <unk> as far as they are there; how many. */
int wg__w2v_specials(const wg_vocabulary *v, int64_t index[3]);

/* fit_w2v_batches.c: the batches of a fit. One waits in arrays of a step's extents: [batch, width]
 * of ids and weights for CBOW, one id an example for skip-gram. */
typedef struct {
    wg__w2v *t;
    const wg_corpus *corpus;
    int64_t batch, width, k, context_len;
    bool skip_gram;
    wg_dtype dtype;
    uint64_t seed;
    double sample;
    int64_t *id, *offset, *target, *negative;
    void *weight;

    wg_contexts *stream;        /* of the epoch; NULL: not begun */
    wg_contexts_batch examples; /* of the stream, and how many of them are used up */
    int64_t used, at;           /* at: the batch that comes next */
    bool over;                  /* the stream is at its end */
    int64_t words_read;         /* of the stream that was closed last */
    double began;               /* the epoch, in seconds; 0: it has not */
} wg__w2v_batches;

/* With all before the arrays. Free it in any case. */
wg_status wg__w2v_batches_make(wg__w2v_batches *b, wg_error *e);
void wg__w2v_batches_free(wg__w2v_batches *b);
void wg__w2v_close(wg__w2v_batches *b);
/* The function of a wg_train_source, whose data are the batches. */
int64_t wg__w2v_next(void *data, wg_plan *p, int64_t epoch, int64_t i, wg_error *e);
double wg__w2v_now(void); /* seconds */

/* fit_w2v_file.c: puts into the metadata of the graph what wg_word2vec_model_load needs. */
wg_status wg__w2v_describe(const wg_word2vec_model *m, const wg__w2v *t, wg_error *e);
extern const char wg__w2v_key[]; /* of the metadata */

#endif
