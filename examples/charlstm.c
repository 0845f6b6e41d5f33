/*
 * charlstm.c: a long short-term memory learns to write English, one character after the other,
 * from the King James Bible. Prints how many bits a character of the last 5 % of the text it
 * needs, which it has not seen, and how many a trigram model; goes on writing from there; saves
 * the program.
 *
 *     charlstm [FOLDER [STEPS [TEXT]]]     results go to FOLDER (default "out")
 *
 * TEXT is any text file; without it the text comes from Debian's package bible-kjv.
 *
 * Characters -> rows of an embedding -> LSTM -> one number for each character that may come next.
 *
 * 1,900 steps, once through the text, took 68 s on two cores of an AMD EPYC with AVX-512 (62 ms
 * a step on one) and reached 1.929 bits a character; the trigram model has 2.635.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <wengert.h>

#include "common/language.h"

enum { WINDOW = 64, EMBEDDING = 32, WIDTH = 256 };
enum { BATCH = 32, STEPS = 1900, WARM_UP = 20, SEED = 1 };
enum { SAMPLE = 600 }; /* characters to write */

static const double TEMPERATURE = 0.7;

/* ---- the network ---- */

typedef struct {
    wg_layer *embedding, *lstm, *fc;
} network;

static network network_new(wg_params *w, int kinds)
{
    return (network){
        .embedding = wg_embedding(w, "embedding",
                                  (wg_embedding_hyper){ .n_out = EMBEDDING, .vocab_size = kinds }),
        .lstm = wg_lstm(w, "lstm", (wg_lstm_hyper){ .n_out = WIDTH }),
        .fc = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = kinds }),
    };
}

static void network_free(network *n)
{
    wg_layer_free(n->embedding);
    wg_layer_free(n->lstm);
    wg_layer_free(n->fc);
}

/* Characters by number [n, window] -> [n, window, kinds]. The LSTM begins every window with empty
 * states: what it learns fits any window, in any order. (States carried from window to window gave
 * 1.904 bits in place of 1.927, in about the same time, when both were tried.) Sequences are [n,
 * n_in, n_t], text is [n, n_t, n_in]. */
static wg_tensor *network_apply(const void *network_, wg_tensor *in)
{
    const network *n = network_;
    wg_tensor *x = wg_permute(wg_apply(n->embedding, in), WG_AXES(0, 2, 1));

    return wg_apply(n->fc, wg_permute(wg_apply(n->lstm, x), WG_AXES(0, 2, 1)));
}

/* ---- what it does with it ---- */

/* The rate rises for the first steps and falls to nothing at the end; gradients through many steps
 * of time are long now and then, and are cut to a common norm. */
static wg_optim *optimiser(wg_params *w, int64_t steps)
{
    wg_adam_hyper h = wg_adam_defaults();
    char schedule[120];

    snprintf(schedule, sizeof schedule,
             "CosineScheduler(initial_lr=0.004, total_steps=%lld, warmup_steps=%d)",
             (long long)steps, steps > WARM_UP ? WARM_UP : 0);
    h.lr_scheduler = schedule;
    h.clip_global_norm = 1;
    return wg_adam(w, "adam", &h);
}

static bool work(const char *folder, int64_t steps, const corpus *text, wg_error *error)
{
    wg_params *w = wg_params_new(WG_F32, SEED);
    wg_graph *g = wg_graph_new();
    network n = network_new(w, text->kinds);
    wg_optim *adam = optimiser(w, steps);
    language m = { .graph = g, .params = w, .text = text, .window = WINDOW, .batch = BATCH };
    char path[512];
    bool ok;

    wg_metadata_set(g, "name", "King James, a character LSTM");
    snprintf(path, sizeof path, "%s/charlstm.json", folder);
    ok = language_record(&m, adam, network_apply, &n, error) && language_train(&m, steps, error) &&
         language_save(&m, path, error) && language_measure(&m, error) &&
         language_sample(&m, SAMPLE, TEMPERATURE, error);
    wg_optim_free(adam);
    network_free(&n);
    wg_graph_free(g);
    wg_params_free(w);
    return ok;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "out";
    int64_t steps = argc > 2 ? strtoll(argv[2], NULL, 10) : STEPS;
    wg_error error = { .code = WG_OK };
    corpus text = { .n = 0 };
    bool ok;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        perror(folder);
        return 1;
    }
    ok = corpus_read(&text, argc > 3 ? argv[3] : NULL, &error) &&
         work(folder, steps > 0 ? steps : 1, &text, &error);
    if (!ok) wg_error_print(&error, stderr);
    corpus_free(&text);
    return ok ? 0 : 1;
}
