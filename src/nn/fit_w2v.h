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

/* fit_w2v_file.c: puts into the metadata of the graph what wg_word2vec_model_load needs. */
wg_status wg__w2v_describe(const wg_word2vec_model *m, const wg__w2v *t, wg_error *e);
extern const char wg__w2v_key[]; /* of the metadata */

#endif
