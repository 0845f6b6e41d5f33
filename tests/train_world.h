/* train_world.h: a small program to train that has everything a run must go on from: weights,
 * moments, a schedule of the rate, running statistics, random draws; and data for it. */
#ifndef TRAIN_WORLD_H
#define TRAIN_WORLD_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert.h>
#include <wengert/op.h>

enum { WORLD_EXAMPLES = 70, WORLD_IN = 5 };

typedef struct {
    wg_graph *g;
    wg_params *w;
    float x[WORLD_EXAMPLES][WORLD_IN], y[WORLD_EXAMPLES];
    wg_train_feed feed[2];
} world;

static inline wg_tensor *world_loss(wg_graph *g, wg_layer **l, wg_tensor *x, wg_tensor *y,
                                    bool train)
{
    wg_tensor *h = wg_apply(l[1], wg_apply(l[0], x));

    if (train) h = wg_mul(h, wg_bernoulli_like(h, "keep", 0.9));
    (void)g;
    return wg_output("loss", wg_mean(wg_square(wg_sub(wg_apply(l[2], h), y)), WG_ALL_AXES, false));
}

/* hidden decides whether weights go inline or beside. optimiser: its text. */
static inline void world_open(world *o, int hidden, const char *optimiser)
{
    wg_layer *l[3];
    wg_optim *optim;
    wg_tensor *x, *y;
    wg_error error = { WG_OK, NULL, NULL, "", "" };

    o->w = wg_params_new(WG_F32, 11);
    o->g = wg_graph_new();
    l[0] = wg_fully_connected(o->w, "fc1", (wg_fc_hyper){ .n_out = hidden, .act_fn = "Tanh" });
    l[1] = wg_batchnorm1d(o->w, "norm", (wg_batchnorm_hyper){ 0 });
    l[2] = wg_fully_connected(o->w, "fc2", (wg_fc_hyper){ .n_out = 1 });
    optim = wg_optim_from_text(o->w, "optim", optimiser, &error);
    x = wg_input(o->g, "x", WG_F32, WG_SHAPE(2, WORLD_IN));
    y = wg_input(o->g, "y", WG_F32, WG_SHAPE(2, 1));
    wg_begin(o->g, "train", WG_TRAIN);
    wg_minimize(optim, world_loss(o->g, l, x, y, true));
    wg_end(o->g);
    wg_begin(o->g, "test", WG_PREDICT);
    world_loss(o->g, l, x, y, false);
    wg_end(o->g);
    wg_metadata_set(o->g, "name", "a small world");
    for (int i = 0; i < 3; i++) wg_layer_free(l[i]);
    wg_optim_free(optim);
    for (int64_t i = 0; i < WORLD_EXAMPLES; i++) {
        wg_random_uniform(5, wg_random_key("x"), 0, i * WORLD_IN, WORLD_IN, WG_F32, o->x[i]);
        o->y[i] = sinf(3 * o->x[i][0]) + o->x[i][1] * o->x[i][2];
    }
    o->feed[0] =
        (wg_train_feed){ .input = "x",
                         .data = wg_data_of(WG_F32_ARRAY(o->x, WORLD_EXAMPLES, WORLD_IN)) };
    o->feed[1] =
        (wg_train_feed){ .input = "y", .data = wg_data_of(WG_F32_ARRAY(o->y, WORLD_EXAMPLES)) };
    if (wg_graph_error(o->g)) wg_error_print(wg_graph_error(o->g), stderr);
    if (error.code != WG_OK) wg_error_print(&error, stderr);
}

static inline void world_close(world *o)
{
    wg_graph_free(o->g);
    wg_params_free(o->w);
}

static inline wg_train_options world_options(const world *o)
{
    return (wg_train_options){
        .n_feeds = 2, .feeds = o->feed, .epochs = 4, .batchsize = 8, .seed = 3, .verbose = -1
    };
}

#endif
