/*
 * train_csv.c: trains a classifier on a table of numbers whose last column is the class, 0, 1, ...
 * Stopped by Ctrl-C or killed, the same command goes on where the last checkpoint was made, and
 * ends with the same bytes.
 *
 *     train_csv TABLE FOLDER [EPOCHS]
 *
 * TABLE is CSV, .npy or idx; FOLDER gets checkpoints and at the end model.json, FOLDER.jsonl the
 * log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <wengert.h>

/* Whole numbers from 0; how many there are. */
static int64_t count_classes(const wg_data *label, wg_error *error)
{
    int64_t n = label->shape.dim[0], most = -1;
    int64_t *class = wg_alloc(n, sizeof *class);

    if (class &&
        wg_data_take(label, n, NULL, 1, wg_array_of(WG_I64, WG_SHAPE(n), class), error) == WG_OK)
        for (int64_t i = 0; i < n; i++) most = class[i] > most ? class[i] : most;
    wg_free(class);
    return most + 1;
}

/* "train" makes a step, "test" looks; both give the mean cross entropy of a batch. */
static void record(wg_graph *g, wg_params *w, int64_t columns, int64_t classes)
{
    wg_layer *fc1 = wg_fully_connected(w, "fc1", (wg_fc_hyper){ .n_out = 32, .act_fn = "Tanh" });
    wg_layer *fc2 = wg_fully_connected(w, "fc2", (wg_fc_hyper){ .n_out = 32, .act_fn = "Tanh" });
    wg_layer *fc3 = wg_fully_connected(w, "fc3", (wg_fc_hyper){ .n_out = classes });
    wg_optim *adam = wg_adam(w, "adam", NULL);
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, columns));
    wg_tensor *label = wg_input(g, "label", WG_I64, WG_SHAPE(1));

    for (int train = 1; train >= 0; train--) {
        wg_tensor *z, *loss;

        wg_begin(g, train ? "train" : "test", train ? WG_TRAIN : WG_PREDICT);
        z = wg_apply(fc3, wg_apply(fc2, wg_apply(fc1, x)));
        loss = wg_div(wg_cross_entropy_index(label, z),
                      wg_count(wg_sum(z, WG_AXES(1), false), WG_ALL_AXES));
        wg_output("loss", loss);
        wg_output("class", wg_argmax(z, -1, false));
        if (train) wg_minimize(adam, loss);
        wg_end(g);
    }
    wg_layer_free(fc1);
    wg_layer_free(fc2);
    wg_layer_free(fc3);
    wg_optim_free(adam);
}

static bool work(const char *table, const char *folder, int64_t epochs, wg_graph *g, wg_params *w,
                 wg_data *all, wg_data *x, wg_data *label, wg_train **t, wg_error *error)
{
    char log[1024], model[1024];
    wg_train_feed feed[2] = { { .input = "x" }, { .input = "label" } };
    wg_train_options options = { .n_feeds = 2,
                                 .feeds = feed,
                                 .epochs = epochs,
                                 .seed = 1,
                                 .validation_split = 0.2,
                                 .patience = 50,
                                 .folder = folder,
                                 .every_seconds = 1,
                                 .resume = true,
                                 .log = log,
                                 .verbose = 1,
                                 .go_on = "the same command" };

    snprintf(log, sizeof log, "%s.jsonl", folder);
    snprintf(model, sizeof model, "%s/model.json", folder);
    if (wg_data_read(table, NULL, all, error) != WG_OK ||
        wg_data_columns(all, -1, 1, label, error) != WG_OK ||
        wg_data_columns(all, 0, all->shape.dim[1] - 1, x, error) != WG_OK)
        return false;
    feed[0].data = *x;
    feed[1].data = *label;
    record(g, w, all->shape.dim[1] - 1, count_classes(label, error));
    options.stop = wg_train_on_sigint();
    *t = wg_train_new(g, w, &options, error);
    if (!*t || wg_train_run(*t, error) != WG_OK) return false;
    if (wg_train_state_of(*t)->end > WG_TRAIN_EARLY) return true;
    if (wg_save(model, g, w, NULL, error) != WG_OK) return false;
    printf("%s; saved %s\n", wg_train_end_text(wg_train_state_of(*t)->end), model);
    return true;
}

int main(int argc, char **argv)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_graph *g = wg_graph_new();
    wg_data all = { 0 }, x = { 0 }, label = { 0 };
    wg_error error = { .code = WG_OK };
    wg_train *t = NULL;
    bool ok = argc == 3 || argc == 4;

    if (!ok) fprintf(stderr, "usage: train_csv TABLE FOLDER [EPOCHS]\n");
    ok = ok && work(argv[1], argv[2], argc > 3 ? atoll(argv[3]) : 500, g, w, &all, &x, &label, &t,
                    &error);
    if (error.code != WG_OK) wg_error_print(&error, stderr);
    wg_train_free(t);
    wg_data_free(&label);
    wg_data_free(&x);
    wg_data_free(&all);
    wg_graph_free(g);
    wg_params_free(w);
    return ok ? 0 : 1;
}
