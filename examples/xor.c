/* xor.c: two dense layers learn exclusive or. */
#include <stdio.h>
#include <wengert.h>

int main(int argc, char **argv)
{
    static const float X[4][2] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }, Y[4] = { 0, 1, 1, 0 };

    wg_params *w = wg_params_new(WG_F32, 7); /* owns the values; each seeded by its name */
    wg_graph *g = wg_graph_new();            /* owns the structure */
    wg_layer *fc1 = wg_fully_connected(w, "fc1", (wg_fc_hyper){ .n_out = 8, .act_fn = "Tanh" });
    wg_layer *fc2 = wg_fully_connected(w, "fc2", (wg_fc_hyper){ .n_out = 1 });

    wg_adam_hyper h = wg_adam_defaults();
    h.lr = 0.05;
    wg_optim *adam = wg_adam(w, "adam", &h);
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 2)); /* recorded with one row; */
    wg_tensor *y = wg_input(g, "y", WG_F32, WG_SHAPE(1, 1)); /* any number may be fed  */

    wg_begin(g, "train", WG_TRAIN); /* a function: outputs and updates */
    wg_minimize(adam, wg_output("loss", wg_squared_error(y, wg_apply(fc2, wg_apply(fc1, x)))));
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT); /* the same layers, the same weights */
    wg_output("p", wg_apply(fc2, wg_apply(fc1, x)));
    wg_end(g);

    wg_plan *step = wg_plan_new(g, w, "train", NULL), *ask = wg_plan_new(g, w, "predict", NULL);
    if (!step || !ask) { /* the one check for all of the recording */
        wg_error_print(wg_graph_error(g), stderr);
        return 1;
    }
    wg_plan_feed(step, "x", WG_F32_ARRAY(X, 4, 2)); /* borrowed until fed again */
    wg_plan_feed(step, "y", WG_F32_ARRAY(Y, 4, 1));
    for (int i = 0; i < 400; i++) {
        if (wg_plan_run(step) != WG_OK) {
            wg_error_print(wg_plan_error(step), stderr);
            return 1;
        }
        if (i % 100 == 0) printf("%3d  %.4f\n", i, wg_item(wg_plan_value(step, "loss")));
    }
    wg_plan_feed(ask, "x", WG_F32_ARRAY(X[1], 1, 2)); /* one row: another specialisation */
    if (wg_plan_run(ask) == WG_OK) printf("0 xor 1 = %.3f\n", wg_item(wg_plan_value(ask, "p")));

    if (argc > 1) { /* with a file name: save all of it, and where its data comes from */
        wg_error error = { .code = WG_OK };

        wg_metadata_set(g, "name", "exclusive or");
        wg_metadata_set(g, "data.train.x", "values 0 0  0 1  1 0  1 1");
        wg_metadata_set(g, "data.train.y", "values 0 1 1 0");
        wg_metadata_set(g, "data.test.x", "values 0 0  0 1  1 0  1 1");
        if (wg_save(argv[1], g, w, NULL, &error) != WG_OK) wg_error_print(&error, stderr);
    }
    wg_plan_free(ask);
    wg_plan_free(step);
    wg_optim_free(adam);
    wg_layer_free(fc1);
    wg_layer_free(fc2);
    wg_graph_free(g);
    wg_params_free(w);
    return 0;
}
